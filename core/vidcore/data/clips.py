"""From an open video to the clips of a sample: choose frames, plan their geometry, decode once, put views together.

Data sets, the predictor and `data check` all read videos through here.
Letters: V views (clips x crops, crops of one clip side by side), C channels, T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

from vidcore.config.base import Views
from vidcore.data.clip_sampling import Indices
from vidcore.data.crops import Place
from vidcore.data.geometry import FramePlan, Geometry, plan_together
from vidcore.data.sampling import Sampling
from vidcore.data.transforms import PlacesCrops, plan_all
from vidcore.errors import DataError
from vidcore.interfaces import Decoder, Scaling, VideoReader

WHOLE_VIDEO = (0, -1)


@frozen(kw_only=True, eq=False)
class DataContext:
    """What a data set reads its samples with. Everything in it is stateless and pickles."""

    root: Path  # data.root, absolute
    decoder: Decoder
    sampling: Sampling | None  # None: samples are no clips of frames
    transforms: Mapping[str, object] = field(factory=dict)  # by name, in order
    views: Views = field(factory=Views)  # in testing
    scaling: Scaling = "area"
    training: bool = False
    split: str = "train"
    repeats: int = 1  # readings of a video that share one decoding, in training


@frozen(eq=False)
class Reading:
    """One reading of a video."""

    video: Tensor  # uint8 [V, C, T, H, W], channels last in memory
    frames: Indices  # [clips, T]
    geometry: Geometry  # of the first view
    draws: dict[str, Tensor]


@frozen(eq=False)
class _Choice:
    """What one reading needs, before anything is decoded."""

    frames: Indices  # [clips, T]
    plans: list[FramePlan]  # of each crop
    geometry: Geometry  # of the first view
    draws: dict[str, Tensor]


def read_clips(
    reader: VideoReader, context: DataContext, rng: np.random.Generator, part: tuple[int, int] = WHOLE_VIDEO
) -> list[Reading]:
    """Read a video once for all repeats, clips and crops.

    In training `rng` is used in this order for each repeat: sampling, then the transforms as they are configured. In
    testing it is not used.

    Args:
        reader: The open video.
        context: Sampling, transforms, views.
        rng: The sample's generator.
        part: First frame and number of frames that count; -1: to the end.

    Raises:
        DataError: The video cannot be decoded, has no frame in that part, or is too small for a crop.
    """
    info = reader.info
    assert context.sampling is not None, "a data set that reads clips has a sampling"
    first, length = _within(part, info.num_frames)
    choices = []
    for _ in range(context.repeats if context.training else 1):
        draws = rng if context.training else None
        count = None if context.training else context.views.clips
        frames = context.sampling.clips(length, info.fps, draws, count) + first
        choices.append(_choose(frames, (info.height, info.width), context, draws))
    requests = [(row, plan.view) for each in choices for row in each.frames.tolist() for plan in each.plans]
    pictures = iter(reader.read(requests))
    return [Reading(_join(each, pictures, info.moves), each.frames, each.geometry, each.draws) for each in choices]


def _choose(frames: Indices, size: tuple[int, int], context: DataContext, rng: np.random.Generator | None) -> _Choice:
    count = 1 if context.training else context.views.crops
    planned = [plan_all(context.transforms, Geometry(size), rng, Place(i, count)) for i in range(count)]
    return _Choice(frames, plan_together([geometry for geometry, _ in planned], context.scaling), *planned[0])


def _join(choice: _Choice, pictures: Iterator[Tensor], moves: bool) -> Tensor:
    """All views, `[V, C, T, H, W]`. Laid out with channels last, as they are decoded and as networks like it."""
    views = [plan.finish(next(pictures), moves).permute(0, 2, 3, 1) for _ in choice.frames for plan in choice.plans]
    return _stacked(views).permute(0, 4, 1, 2, 3)


def _stacked(views: list[Tensor]) -> Tensor:
    """`torch.stack`, which copies nothing where the decoder put all side by side in memory."""
    first, size, dense = views[0], views[0].numel(), all(view.is_contiguous() for view in views)
    in_turn = [view.data_ptr() for view in views] == [first.data_ptr() + size * number for number in range(len(views))]
    if dense and in_turn and first.untyped_storage().nbytes() >= first.storage_offset() + len(views) * size:
        return first.as_strided((len(views), *first.shape), (size, *first.stride()))
    return torch.stack(views)


def _within(part: tuple[int, int], num_frames: int) -> tuple[int, int]:
    """First frame and number of frames of a part, as far as the video goes."""
    first, length = part
    if first >= num_frames:
        raise DataError(f"the part that counts starts at frame {first}, the video has {num_frames} frames")
    rest = num_frames - first
    return first, rest if length < 0 else min(length, rest)


def named(error: DataError, path: str | Path) -> DataError:
    """The same error, with the video's path in front where it does not say it."""
    return error if str(path) in str(error) else DataError(f"{path}: {error}")


def placed_crops(transforms: Mapping[str, object]) -> Sequence[int]:
    """How many crops the transforms can place, as `views.crops` may ask for."""
    counts = [transform.crop_counts for transform in transforms.values() if isinstance(transform, PlacesCrops)]
    return counts[-1] if counts else (1,)
