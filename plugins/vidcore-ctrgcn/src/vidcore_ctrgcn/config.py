"""Options of CTR-GCN and MS-G3D. Imports no torch."""

from __future__ import annotations

from typing import Literal, Self

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, min_len

from vidcore_stgcn.config import SkeletonModel


@frozen(kw_only=True)
class Ctrgcn(SkeletonModel):
    """CTR-GCN: each channel has a graph of its own, refined for each sample."""

    temporal_kernel: int = field(default=5, validator=ge(1))  # frames that a branch reaches over
    dilations: tuple[int, ...] = field(  # of the branches that convolve; two more pool and look at single frames
        default=(1, 2), validator=[min_len(1), deep_iterable(ge(1))]
    )
    data_norm: Literal["joints", "persons", "none"] = (
        "persons"  # of inputs: each joint's channels; each person's own too
    )

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(num_classes=4, base_channels=16, num_stages=2, widen_at=(2,), stride_at=(2,))


def _odd(instance: object, attribute: object, value: tuple[int, ...]) -> None:
    """Windows have a frame in their middle."""
    if not value or any(window < 1 or window % 2 == 0 for window in value):
        raise ValueError(f"'windows' are odd numbers of frames, at least one; got {list(value)}")


@frozen(kw_only=True)
class Msg3d(SkeletonModel):
    """MS-G3D: joints hear of those at each distance, within a frame and across windows of frames."""

    base_channels: int = field(default=96, validator=ge(1))  # of the first block
    num_stages: int = field(default=3, validator=ge(1))  # blocks
    widen_at: tuple[int, ...] = field(default=(2, 3), validator=deep_iterable(ge(1)))  # blocks, from 1
    stride_at: tuple[int, ...] = field(default=(2, 3), validator=deep_iterable(ge(1)))  # the same
    scales: int = field(default=13, validator=ge(1))  # distances within a frame, from 0
    window_scales: int = field(default=6, validator=ge(1))  # distances within a window
    windows: tuple[int, ...] = field(default=(3, 5), validator=_odd)  # frames of each kind of window
    data_norm: Literal["joints", "persons", "none"] = (
        "persons"  # of inputs: each joint's channels; each person's own too
    )

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(
            num_classes=4,
            base_channels=24,
            num_stages=2,
            widen_at=(2,),
            stride_at=(2,),
            scales=3,
            window_scales=2,
            windows=(3,),
        )
