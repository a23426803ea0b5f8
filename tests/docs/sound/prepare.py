"""Videos with sound for docs/sound.md: what is seen tells half of a class, what is heard the other half."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE, FPS, FRAMES, RATE = 48, 10, 12, 8000
COLOURS = {"red": (220, 40, 40), "blue": (40, 40, 220)}
TONES = {"low": 300.0, "high": 1500.0}  # hertz


def write(path: Path, colour: str, tone: str, number: int) -> None:
    """A wall of a colour, and a tone, for 1.2 seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.height, video.width, video.pix_fmt = SIZE, SIZE, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for frame in pictures(COLOURS[colour], number):
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for part in sound(TONES[tone] * (1 + 0.05 * number)):
            container.mux(audio.encode(part))
        container.mux(audio.encode(None))


def pictures(colour: tuple[int, int, int], number: int) -> Iterator[av.VideoFrame]:
    """A grey square before a wall, which goes to the right; `number` says where it starts."""
    for index in range(FRAMES):
        picture = np.full((SIZE, SIZE, 3), colour, np.uint8)
        x, y = 2 * index, 4 + 5 * number
        picture[y : y + 16, x : x + 16] = 90
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        yield frame


def sound(hertz: float) -> Iterator[av.AudioFrame]:
    """A sine, in pieces of the length that the encoder takes."""
    samples = (0.4 * np.sin(2 * np.pi * hertz * np.arange(RATE * FRAMES // FPS) / RATE)).astype(np.float32)
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


for part, numbers in (("train", (0, 2, 4)), ("val", (1, 3))):
    for colour in COLOURS:
        for tone in TONES:
            for number in numbers:
                write(Path("videos") / part / f"{colour}-{tone}" / f"{number}.mp4", colour, tone, number)
