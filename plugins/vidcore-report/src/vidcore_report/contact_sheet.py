"""Videos with what was said of them. Letters: T frames, H W pixels, K classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from vidcore.config import Data
from vidcore.config.structure import structure
from vidcore.errors import RunError, VidcoreError
from vidcore.interfaces import Decoder, FrameView
from vidcore.plugins import build, host
from vidcore_report import theme
from vidcore_report.records import Answer, RunRecord

log = logging.getLogger("vidcore.report")
Frames = np.ndarray[Any, np.dtype[np.uint8]]

FRAMES = 8  # of each video
TILE = 96  # pixels of their shorter side
_COLUMNS = 2
_STRIP_WIDTH = 7.0  # inches


def choose(found: Sequence[Answer], most: int) -> list[Answer]:
    """The most confident mistakes, at most half of all, then right answers from the least to the most confident."""
    wrong = sorted((answer for answer in found if not answer.right), key=lambda answer: -answer.confidence)
    right = sorted((answer for answer in found if answer.right), key=lambda answer: answer.confidence)
    wrong = wrong[: max(most // 2, most - len(right))]
    room = min(most - len(wrong), len(right))
    places: list[int] = np.linspace(0, len(right) - 1, room).round().astype(int).tolist() if room else []
    return [*wrong, *(right[place] for place in places)]


def frame_reader(run: RunRecord) -> Callable[[Path], Frames]:
    """Reads `[T, H, W, 3]` frames of a video with the decoder of the run.

    Raises:
        RunError: The decoder is not installed.
    """
    data = run.experiment.get("data", {})
    # the decoder alone: a page can be drawn where the plugins of the model and the data set are not installed
    config, problems = structure({key: data[key] for key in ("decoder",) if key in data}, Data, host())
    if config is None:
        raise RunError(f"the decoder of {run.folder} cannot be had: {'; '.join(problem.text for problem in problems)}")
    decoder: Decoder = build(config.decoder)

    def read(path: Path) -> Frames:
        with decoder.open(path) as video:
            info = video.info
            indices = np.linspace(0, info.num_frames - 1, FRAMES).round().astype(int).tolist()
            scale = TILE / min(info.height, info.width)
            size = (round(info.height * scale), round(info.width * scale))
            frames = video.frames(indices, FrameView(size=size))
        pixels: Frames = frames.permute(0, 2, 3, 1).numpy()
        return flow_colours(pixels) if info.moves else pixels

    return read


def flow_colours(flow: Frames) -> Frames:
    """Flow as RGB `[T, H, W, 3]`: the hue is the direction, and the paler a place the less it moves; white is rest.

    Args:
        flow: Grey pictures of flow `[T, H, W, 2 n]`, as decoders of flow give them; of a stack the first pair is shown.
    """
    x, y = (flow[..., axis].astype(np.float32) - 127.5 for axis in (0, 1))
    length = np.hypot(x, y)
    strength = np.minimum(length / max(np.quantile(length, 0.99), 8.0), 1.0)  # a few levels are noise of JPEG
    colours = hsv_to_rgb(np.stack([np.arctan2(y, x) / (2 * np.pi) % 1.0, strength, np.ones_like(x)], axis=-1))
    painted: Frames = np.round(colours * 255).astype(np.uint8)
    return painted


def draw_contact_sheet(
    chosen: Sequence[Answer], classes: Sequence[str], title: str, read: Callable[[Path], Frames]
) -> Figure:
    """A strip of frames for each video, with the predicted class above it; a mistake also tells the true one."""
    strips = [_strip(Path(answer.path), read) for answer in chosen]
    shapes = [strip.shape for strip in strips if strip is not None] or [(TILE, FRAMES * TILE, 3)]
    row_height = min(max(_STRIP_WIDTH * height / width for height, width, _ in shapes), 2.0) + 0.42  # inches
    rows = -(-len(chosen) // _COLUMNS)
    with theme.style():
        figure = Figure(figsize=(_COLUMNS * (_STRIP_WIDTH + 0.2), 0.5 + row_height * rows), layout="constrained")
        figure.suptitle(title, x=0.005, ha="left", fontsize=13, fontweight="bold")
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes, answer, strip in zip(grid.flat, chosen, strips, strict=False):
            _draw_answer(axes, answer, classes)
            if strip is None:
                axes.text(0.5, 0.5, Path(answer.path).name or "no path", ha="center", va="center", color=theme.PALE)
            else:
                axes.imshow(strip, interpolation="lanczos")
        for axes in grid.flat:
            theme.bare(axes)
    return figure


def _strip(path: Path, read: Callable[[Path], Frames]) -> Frames | None:
    """Frames of a video side by side, `[H, T * W, 3]`; None where it cannot be read."""
    try:
        frames = read(path)
    except (VidcoreError, OSError) as error:
        log.warning("no frames of %s for the picture of predictions: %s", path, error)
        return None
    gap = np.full((frames.shape[1], 3, 3), 255, dtype=np.uint8)
    strip: Frames = np.concatenate([part for frame in frames for part in (frame, gap)][:-1], axis=1)
    return strip


def _draw_answer(axes: Axes, answer: Answer, classes: Sequence[str]) -> None:
    colour, mark = (theme.GREEN, "✓") if answer.right else (theme.RED, "✗")
    said = f"{mark} {classes[answer.predicted]}  {answer.confidence:.0%}"
    axes.set_title(said, color=colour, fontsize=9.5, pad=4)
    if not answer.right:
        truth = f"is {classes[answer.label]}  {answer.scores[answer.label]:.0%}"
        axes.set_title(truth, loc="right", color=theme.INK, fontsize=9.5, fontweight="normal", pad=4)
