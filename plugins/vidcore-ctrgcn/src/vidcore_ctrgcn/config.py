"""Options of CTR-GCN. Imports no torch."""

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
