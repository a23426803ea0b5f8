"""Options of ST-GCN and 2s-AGCN. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, lt

from vidcore.config import ModelConfig, Shape
from vidcore_skeleton.layouts import Layout, known_layout, layout_of


@frozen(kw_only=True)
class SkeletonModel(ModelConfig):
    """What both families have: ten stages of graph and temporal convolutions."""

    layout: str | Layout = field(default="coco", validator=known_layout)  # joints and their neighbours
    in_channels: int = field(default=3, validator=ge(1))  # of a joint
    persons: int = field(default=2, validator=ge(1))  # in a sample
    base_channels: int = field(default=64, validator=ge(1))  # of the first stage
    num_stages: int = field(default=10, validator=ge(1))
    widen_at: tuple[int, ...] = field(
        default=(5, 8), validator=deep_iterable(ge(1))
    )  # stages, from 1: twice the channels
    stride_at: tuple[int, ...] = field(
        default=(5, 8), validator=deep_iterable(ge(1))
    )  # stages, from 1: half the frames
    dropout: float = field(default=0.0, validator=and_(ge(0.0), lt(1.0)))  # before the classifier
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifier's weights

    @property
    def joints(self) -> int:
        """Joints of the layout."""
        return layout_of(self.layout).joints

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """There must be skeletons, with the persons and joints of the model."""
        if inputs and "pose" not in inputs:
            yield f"the model looks at skeletons (`pose`), the data gives {', '.join(inputs)}"
        persons, _, joints, channels = inputs.get("pose", (None, None, None, None))
        for name, told, own in (
            ("persons", persons, self.persons),
            ("joints", joints, self.joints),
            ("channels", channels, self.in_channels),
        ):
            if told is not None and told != own:
                yield f"the data has {told} {name}, the model {own}"

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(num_classes=4, base_channels=16, num_stages=3, widen_at=(2,), stride_at=(3,))

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short sequence."""
        return {"pose": (self.persons, 8, self.joints, self.in_channels)}

    def stages(self) -> Iterator[tuple[int, int, int]]:
        """Channels in, channels out and temporal stride of each stage."""
        channels = self.in_channels
        for stage in range(1, self.num_stages + 1):
            out = self.base_channels * 2 ** sum(at <= stage for at in self.widen_at)
            yield channels, out, 2 if stage in self.stride_at else 1
            channels = out


@frozen(kw_only=True)
class Stgcn(SkeletonModel):
    """ST-GCN. With `graph` "spatial", `edges` "learned", `residual` and `temporal` "branches" it is ST-GCN++."""

    graph: Literal["stgcn-spatial", "spatial", "binary"] = "stgcn-spatial"  # how neighbours are parted
    max_hop: int = field(default=1, validator=ge(1))  # edges that "stgcn-spatial" reaches over
    # the graph's; times learned weights; plus learned ones, which start near zero; a start to learn from
    edges: Literal["fixed", "weighted", "shifted", "learned"] = "weighted"
    gather: Literal["after", "before"] = "after"  # joints hear each other after the linear layer, or before it
    residual: bool = False  # around each graph convolution too
    temporal: Literal["plain", "branches"] = "plain"  # 9 frames wide, or branches of several widths
    data_norm: Literal["joints", "persons", "none"] = (
        "joints"  # of inputs: each joint's channels; each person's own too
    )


@frozen(kw_only=True)
class Agcn(SkeletonModel):
    """2s-AGCN: the graph is learned, and each sample adds its own (with `attention`: MS-AAGCN)."""

    attention: bool = False  # to joints, frames and channels, after each graph convolution
    data_norm: Literal["joints", "persons", "none"] = "persons"  # as in ST-GCN
