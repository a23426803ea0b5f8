"""The promise of the data set: eight classes are eight orders of the same pictures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from torch import nn

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore_shapes.config import CLASSES, NUM_CLASSES
from vidcore_shapes.motions import LOOP_LENGTHS, Loops, draw_loops, frame_order, phases
from vidcore_shapes.scenes import OUTLINES, Look, Scene, draw_scene, paint
from vidcore_shapes.videos import VideoSet, write_mp4

Array = np.ndarray[Any, np.dtype[Any]]
LOOPS = [
    Loops(order=(order[0], order[1], order[2]), lengths=lengths)
    for order in itertools.permutations(range(3))
    for lengths in LOOP_LENGTHS
]


def bag(pictures: Sequence[Array]) -> list[bytes]:
    """Pictures without their order."""
    return sorted(picture.tobytes() for picture in pictures)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("loops", LOOPS)
def test_all_classes_show_the_same_pictures(loops: Loops, step: int, start: int) -> None:
    shown = {tuple(sorted(frame_order(loops, label)[start::step])) for label in range(NUM_CLASSES)}
    assert len(shown) == 1


@pytest.mark.parametrize("loops", LOOPS)
def test_classes_differ_in_the_order_of_pictures(loops: Loops) -> None:
    assert len({tuple(frame_order(loops, label)) for label in range(NUM_CLASSES)}) == NUM_CLASSES


def test_videos_have_thirty_frames_whatever_their_loops() -> None:
    assert {len(frame_order(loops, 0)) for loops in LOOPS} == {30}


def test_loop_run_backwards_begins_where_it_began() -> None:
    loops = Loops(order=(0, 1, 2), lengths=(8, 10, 12))
    assert frame_order(loops, CLASSES.index("left-down-clockwise"))[:9].tolist() == [0, 7, 6, 5, 4, 3, 2, 1, 8]
    assert frame_order(loops, CLASSES.index("right-up-clockwise"))[:9].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_every_loop_begins_at_the_same_place() -> None:
    for loops in LOOPS:
        at_start = phases(loops)[[0, loops.lengths[0], loops.lengths[0] + loops.lengths[1]]]
        assert not at_start.any()


def test_loops_are_drawn_in_every_order_and_speed() -> None:
    rng = np.random.default_rng(0)
    drawn = {(loops.order, loops.lengths) for loops in (draw_loops(rng) for _ in range(500))}
    assert len(drawn) == len(LOOPS)


def test_pictures_of_a_scene_are_the_same_before_they_are_coded() -> None:
    videos = VideoSet(split="val", num_videos=16, size=32, seed=0)
    first, second = ([bag(list(videos.pictures(index))) for index in range(start, start + 8)] for start in (0, 8))
    assert all(other == first[0] for other in first)
    assert all(other == second[0] for other in second)
    assert first[0] != second[0]


def test_decoded_frames_are_the_same_too(tmp_path: Path) -> None:
    """The codec must not tell the order either: no frame may be predicted from its neighbour."""
    videos, decoder = VideoSet(split="val", num_videos=8, size=64, seed=0), PyAV(PyAVConfig(index_cache=False))
    bags = []
    for index in range(8):
        write_mp4(tmp_path / f"{index}.mp4", videos.pictures(index))
        with decoder.open(tmp_path / f"{index}.mp4") as video:
            assert video.info.codec == "h264"
            bags.append(bag([frame.numpy() for frame in video.frames(range(video.info.num_frames))]))
    assert [len(frames) for frames in bags] == [30] * 8
    assert all(frames == bags[0] for frames in bags)


@pytest.mark.parametrize("merge", ["mean", "max"])
@pytest.mark.parametrize("seed", range(4))
def test_any_frame_wise_model_is_right_for_one_video_in_eight(seed: int, merge: str) -> None:
    """Whatever its weights: no training can help it."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 16, 5, 2), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(64, 8))
    videos, right = VideoSet(split="val", num_videos=16, size=32, seed=0), 0
    for index in range(16):
        frames = torch.from_numpy(videos.pictures(index)).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            logits = model(frames)  # [T, 8]
        merged = logits.mean(dim=0) if merge == "mean" else logits.amax(dim=0)
        right += int(merged.argmax()) == videos.label(index)
    assert right == 2


def plain_scene(symmetry: int = 2, angle: float = 0.0) -> Scene:
    """A white and black bar on grey, without noise, in a frame of 40 pixels."""
    rng = np.random.default_rng(0)
    scene = draw_scene(rng, 40)
    shape = Look(
        outline=OUTLINES[2][4],
        symmetry=symmetry,
        radius=0.3,
        colours=np.array([[255.0] * 3, [0.0] * 3]),
        angle=angle,
        x=0.5,
        y=0.5,
    )
    return evolve(
        scene,
        background=np.full((40, 40, 3), 128, np.float32),
        shape=shape,
        distractor=evolve(shape, radius=1e-6),
        loops=Loops(order=(0, 1, 2), lengths=(10, 10, 10)),
        brightness=np.ones(30),
        noise=np.zeros((30, 40, 40, 1), np.float32),
    )


def test_first_loop_forwards_moves_to_the_right_and_comes_in_at_the_left() -> None:
    pictures = paint(plain_scene())
    for step in range(10):
        np.testing.assert_allclose(pictures[step], np.roll(pictures[0], 4 * step, axis=1), atol=1)


def test_second_loop_forwards_moves_down() -> None:
    pictures = paint(plain_scene())
    for step in range(10):
        np.testing.assert_allclose(pictures[10 + step], np.roll(pictures[0], 4 * step, axis=0), atol=1)


def test_third_loop_forwards_turns_clockwise_as_seen() -> None:
    first, later = paint(plain_scene())[[20, 22]]  # a horizontal bar, 36 degrees further
    shape_there = np.abs(later.astype(int) - 128).sum(axis=-1) > 60
    assert not (np.abs(first.astype(int) - 128).sum(axis=-1) > 60)[27, 29]
    assert shape_there[27, 29]  # right of the centre and below it: the right end went down
    assert not shape_there[12, 29]


@pytest.mark.parametrize(
    ("symmetry", "outline"), [(key, i) for key, some in OUTLINES.items() for i in range(len(some))]
)
def test_shapes_look_the_same_after_their_part_of_a_turn(symmetry: int, outline: int) -> None:
    scene = plain_scene(symmetry)
    shape = evolve(scene.shape, outline=OUTLINES[symmetry][outline])
    pictures = [
        paint(evolve(scene, shape=evolve(shape, angle=angle)))[0].astype(int)
        for angle in (0.3, 0.3 + 2 * np.pi / symmetry)
    ]
    assert np.abs(pictures[0] - pictures[1]).max() <= 2


def test_shapes_leave_the_frame_at_one_side_and_enter_at_the_other() -> None:
    scene = plain_scene()
    picture = paint(evolve(scene, shape=evolve(scene.shape, x=0.0)))[0]
    np.testing.assert_allclose(picture, np.roll(paint(scene)[0], 20, axis=1), atol=1)


def test_scenes_vary_in_everything_that_could_be_learned_by_heart() -> None:
    scenes = [draw_scene(np.random.default_rng(seed), 16) for seed in range(40)]
    shapes = [scene.shape for scene in scenes]
    assert {shape.symmetry for shape in shapes} == {2, 3}
    assert len({shape.outline.tobytes() for shape in shapes}) >= 8
    for values in ([s.x for s in shapes], [s.y for s in shapes], [s.angle / 6.3 for s in shapes]):
        assert np.std(values) > 0.2
    assert len({scene.background.tobytes() for scene in scenes}) == len(scenes)
