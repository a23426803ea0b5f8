"""From a subject to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from attrs import evolve
from torch import Tensor

from vidcore.errors import DataError
from vidcore.interfaces import Decoder, Task
from vidcore.values import Prediction
from vidcore_visual.scenes import Look, Scene, open_scene
from vidcore_visual.sheet import contact_sheet
from vidcore_visual.subjects import DrawsWhole, Subject
from vidcore_visual.writing import write_gif, write_mp4, write_png

_GIF_SIDE, _GIF_FPS = 480, 8.0  # what a mail or a README bears
_TILE = 400  # pixels of the longer side of a frame of a sheet
_WHOLE = 1280  # pixels of the width of a picture of a whole video
_TILES = 12

Progress = Callable[[int, int], None]


def draw_subject(
    subject: Subject, task: Task, decoder: Decoder, path: Path, look: Look, progress: Progress | None = None
) -> None:
    """Paint what was said of a video into a file; its ending says of which kind.

    Args:
        subject: The video.
        task: It knows how its predictions are drawn.
        decoder: Reads the video.
        path: Ends with one of `FORMATS`.
        look: Size and frame rate.
        progress: Told how many frames are done, and of how many.

    Raises:
        DataError: There is no video, or it cannot be read.
        RunError: The file cannot be written.
    """
    video, layer, predictions = subject.video(), subject.layer(), subject.predictions()
    whole = task if isinstance(task, DrawsWhole) else None
    if path.suffix == ".png" and whole is not None and video is None and layer is None:
        return write_png(path, whole.draw_whole(predictions, _nothing(), [], look.side or _WHOLE))
    if video is None and layer is None:
        raise DataError(f"{subject.name}: its video is not where it was; say in which folder with --videos")
    if path.suffix == ".png":
        frames = look.frames or _TILES
        side = None if whole is not None else look.side or _TILE
        with open_scene(video, layer, decoder, evolve(look, frames=frames, side=side)) as scene:
            return write_png(path, _picture(task, predictions, scene, look.side or _WHOLE, progress))
    write, look = write_mp4, evolve(look, frames=None)
    if path.suffix == ".gif":
        write, look = write_gif, evolve(look, largest=_GIF_SIDE, usual_fps=_GIF_FPS)
    with open_scene(video, layer, decoder, look) as scene:
        write(path, _painted(task, predictions, scene, progress), scene.fps)


def _painted(
    task: Task, predictions: Sequence[Prediction], scene: Scene, progress: Progress | None
) -> Iterator[Tensor]:
    done = 0
    for frames, seconds in scene.parts():
        yield from task.draw(predictions, frames, seconds)
        done += len(frames)
        if progress is not None:
            progress(done, len(scene.seconds))


def _picture(
    task: Task, predictions: Sequence[Prediction], scene: Scene, width: int, progress: Progress | None
) -> Tensor:
    if isinstance(task, DrawsWhole):
        frames = torch.cat([frames for frames, _ in scene.parts()])
        return task.draw_whole(predictions, frames, scene.seconds, width)
    return contact_sheet(torch.stack([*_painted(task, predictions, scene, progress)]), scene.seconds)


def _nothing() -> Tensor:
    return torch.zeros(0, 3, 2, 2, dtype=torch.uint8)
