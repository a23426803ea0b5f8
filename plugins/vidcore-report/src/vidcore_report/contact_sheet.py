"""Videos with what was said of them. Letters: T frames, H W pixels, K classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vidcore.config import load_experiment
from vidcore.errors import VidcoreError
from vidcore.interfaces import Decoder, FrameView
from vidcore.plugins import build
from vidcore_report import theme
from vidcore_report.records import Answer, RunRecord

log = logging.getLogger(__name__)
Frames = np.ndarray[Any, np.dtype[np.uint8]]

FRAMES = 8  # of each video
TILE = 96  # pixels of their shorter side
_COLUMNS = 2


def choose(found: Sequence[Answer], most: int) -> list[Answer]:
    """The most confident mistakes, at most half of all, then right answers from the least to the most confident."""
    wrong = sorted((answer for answer in found if not answer.right), key=lambda answer: -answer.confidence)
    right = sorted((answer for answer in found if answer.right), key=lambda answer: answer.confidence)
    wrong = wrong[: max(most // 2, most - len(right))]
    room = min(most - len(wrong), len(right))
    places = np.linspace(0, len(right) - 1, room).round().astype(int) if room else []
    return [*wrong, *(right[place] for place in places)]


def frame_reader(run: RunRecord) -> Callable[[Path], Frames]:
    """Reads `[T, H, W, 3]` frames of a video with the decoder of the run."""
    decoder: Decoder = build(load_experiment(str(run.folder / "experiment.toml")).data.decoder)

    def read(path: Path) -> Frames:
        with decoder.open(path) as video:
            info = video.info
            indices = np.linspace(0, info.num_frames - 1, FRAMES).round().astype(int).tolist()
            scale = TILE / min(info.height, info.width)
            size = (round(info.height * scale), round(info.width * scale))
            frames = video.frames(indices, FrameView(size=size))
        pixels: Frames = frames.permute(0, 2, 3, 1).numpy()
        return pixels

    return read


def draw_contact_sheet(
    chosen: Sequence[Answer], classes: Sequence[str], title: str, read: Callable[[Path], Frames]
) -> Figure:
    """A strip of frames for each video, with the predicted class above it; a mistake also tells the true one."""
    rows = -(-len(chosen) // _COLUMNS)
    with theme.style():
        figure = Figure(figsize=(14.0, 0.9 + 1.42 * rows), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes, answer in zip(grid.flat, chosen, strict=False):
            _draw_strip(axes, answer, classes, read)
        for axes in grid.flat:
            theme.bare(axes)
    return figure


def _draw_strip(axes: Axes, answer: Answer, classes: Sequence[str], read: Callable[[Path], Frames]) -> None:
    colour, mark = (theme.GREEN, "✓") if answer.right else (theme.RED, "✗")
    said = f"{mark} {classes[answer.predicted]}  {answer.confidence:.0%}"
    axes.text(0.0, 1.03, said, transform=axes.transAxes, va="bottom", color=colour, fontweight="bold", fontsize=9.5)
    if not answer.right:
        truth = f"is {classes[answer.label]}  {answer.scores[answer.label]:.0%}"
        axes.text(1.0, 1.03, truth, transform=axes.transAxes, va="bottom", ha="right", color=theme.INK, fontsize=9.5)
    try:
        frames = read(Path(answer.path))
    except (VidcoreError, OSError) as error:
        log.warning("no frames of %s for the picture of predictions: %s", answer.path or "a video without path", error)
        axes.set_xlim(0, FRAMES)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.text(FRAMES / 2, 0.5, Path(answer.path).name or "no path", ha="center", va="center", color=theme.PALE)
        return
    gap = np.full((frames.shape[1], 3, 3), 255, dtype=np.uint8)
    strip = np.concatenate([part for frame in frames for part in (frame, gap)][:-1], axis=1)
    axes.imshow(strip, interpolation="lanczos")
    axes.add_patch(Rectangle((0, 1), 1, 0.022, transform=axes.transAxes, clip_on=False, color=colour, linewidth=0))
