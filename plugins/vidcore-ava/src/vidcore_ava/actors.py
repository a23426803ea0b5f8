"""Made videos of moving actors, annotated in AVA's format: what the example of action detection learns from.

An actor is a square with a hand, in one half of the picture. It stays, walks to and fro, or hops; besides it may glow,
and it may wave, which moves its hand with every frame. A glow shows in any single frame; the others only in several.
Letters: T frames, H W pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from vidcore_ava.annotations import Box
from vidcore_ava.config import ActorStage
from vidcore_visual.writing import write_mp4

ACTIONS = ("stay", "walk", "hop", "glow", "wave")  # labels 1 ... 5
MOVES = (1, 2, 3)  # of which each actor does one
GLOW, WAVE = 4, 5
FPS, SECONDS = 8, 4
HEIGHT, WIDTH = 64, 96
_SIDE, _BODY = 24, 18  # pixels of an actor, and of it without its hand
_PACE, _TURN = 3, 6  # pixels a frame; frames until an actor turns round
_SPLITS = {"train": 0, "val": 1}  # part of the key of random numbers: never change

Picture = NDArray[np.uint8]  # [H, W, 3]


class Actors:
    """The folder `videos`, `actions.pbtxt`, and for both splits an annotation and the boxes of a person detector."""

    artifacts: Mapping[str, str] = {
        "videos": "videos",
        "actions": "actions.pbtxt",
        "train": "train.csv",
        "val": "val.csv",
        "train-persons": "train-persons.json",
        "val-persons": "val-persons.json",
    }

    def __init__(self, config: ActorStage) -> None:
        self.config = config

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Write what is not there yet."""
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        items = [f'item {{\n  name: "{name}"\n  id: {number}\n}}\n' for number, name in enumerate(ACTIONS, 1)]
        (folder / "actions.pbtxt").write_text("".join(items), encoding="utf-8")
        for split, count in (("train", self.config.num_train), ("val", self.config.num_val)):
            rows: list[str] = []
            persons: dict[str, list[list[float]]] = {}
            for index in range(count):
                rng = np.random.Generator(
                    np.random.Philox(np.random.SeedSequence([self.config.made_with_seed, _SPLITS[split], index]))
                )
                name, actors = f"{split}{index:03d}", [draw_actor(rng, half) for half in (0, 1)]
                path = folder / "videos" / f"{name}.mp4"
                if not path.exists():
                    write_mp4(path, pictures(actors), FPS)
                for second in range(1, SECONDS):
                    boxes = [actor.share(second * FPS) for actor in actors]
                    rows += annotated(name, second, actors, boxes)
                    persons[f"{name},{second:04d}"] = detected(rng, boxes)
            (folder / f"{split}.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
            (folder / f"{split}-persons.json").write_text(json.dumps(persons), encoding="utf-8")


@frozen(kw_only=True)
class Actor:
    """Where an actor begins and what it does, from the first frame to the last."""

    left: int  # pixels
    top: int
    move: int  # its label
    glows: bool
    waves: bool
    phase: int  # frames that its walk or hop, and its hand, are ahead
    colour: tuple[int, int, int]

    @property
    def labels(self) -> list[int]:
        """All that it does."""
        return [self.move, *([GLOW] if self.glows else []), *([WAVE] if self.waves else [])]

    def place(self, index: int) -> tuple[int, int]:
        """Left and top in a frame."""
        step = (index + self.phase) % (2 * _TURN)
        away = _PACE * min(step, 2 * _TURN - step)
        return self.left + (away if self.move == MOVES[1] else 0), self.top + (away if self.move == MOVES[2] else 0)

    def share(self, index: int) -> Box:
        """Its box in a frame, as shares of it."""
        left, top = self.place(index)
        return left / WIDTH, top / HEIGHT, (left + _SIDE) / WIDTH, (top + _SIDE) / HEIGHT

    def paint(self, picture: Picture, index: int) -> None:
        """The actor in a frame."""
        left, top = self.place(index)
        body = tuple(min(255, 2 * value) for value in self.colour) if self.glows else self.colour
        picture[top : top + _SIDE, left : left + _BODY] = body
        picture[top + 4 : top + _SIDE - 4, left + 8 : left + 11] = 0  # a stripe, by which a step is seen
        raised = (self.phase + (index if self.waves else 0)) % 2
        hand = top + (2 if raised else _SIDE - 8)
        picture[hand : hand + 6, left + _BODY : left + _SIDE] = (230, 230, 230)


def draw_actor(rng: np.random.Generator, half: int) -> Actor:
    """An actor in the left half of the picture, 0, or in the right one, 1."""
    reach = _PACE * _TURN
    return Actor(
        left=half * WIDTH // 2 + int(rng.integers(WIDTH // 2 - _SIDE - reach + 1)),
        top=int(rng.integers(HEIGHT - _SIDE - reach + 1)),
        move=int(rng.choice(MOVES)),
        glows=bool(rng.integers(2)),
        waves=bool(rng.integers(2)),
        phase=int(rng.integers(2 * _TURN)),
        colour=(int(rng.integers(80, 120)), int(rng.integers(60, 100)), int(rng.integers(60, 100))),
    )


def pictures(actors: list[Actor]) -> Iterator[Tensor]:
    """The frames of a video, uint8 `[3, H, W]`."""
    for index in range(FPS * SECONDS):
        picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        for actor in actors:
            actor.paint(picture, index)
        yield torch.from_numpy(picture).permute(2, 0, 1)


def annotated(name: str, second: int, actors: list[Actor], boxes: list[Box]) -> Iterator[str]:
    """Rows of a key frame: video, second, box, label, number of the actor."""
    for number, (actor, box) in enumerate(zip(actors, boxes, strict=True)):
        shares = ",".join(f"{value:.4f}" for value in box)
        yield from (f"{name},{second:04d},{shares},{label},{number}" for label in actor.labels)


def detected(rng: np.random.Generator, boxes: list[Box]) -> list[list[float]]:
    """What a person detector might say of a key frame: boxes a little off, and one of nobody, of which it doubts."""
    off = (np.clip(np.array(box) + rng.uniform(-0.01, 0.01, 4), 0, 1).round(4).tolist() for box in boxes)
    return [*([*box, 0.99] for box in off), [0.0, 0.0, 0.1, 0.1, 0.5]]
