"""Options of the network and of the task. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, lt, min_len, optional

from vidcore.config import ModelConfig, Shape
from vidcore.config.slots import LossSlot
from vidcore_recognition.config import Recognition
from vidcore_resnet.config import wrong_channels
from vidcore_resnet.plans import StageInflation, StagePlan, plan_stages, problems, refuse

_STRIDES = (1, 2, 2, 2)
_INFLATION: tuple[StageInflation, ...] = ("1x1x1", "1x1x1", "3x1x1", "3x1x1")
_ONES = (1, 1, 1, 1)
_per_stage: Callable[[Any, Any, Any], None] = and_(min_len(1), deep_iterable(ge(1)))
_share = and_(ge(0.0), lt(1.0))


@frozen(kw_only=True)
class OmniResNet(ModelConfig):
    """A SlowOnly network of bottleneck blocks for videos, whose kernels look at images as well; a head for each."""

    depth: int = field(default=50, validator=in_((50, 101, 152)))
    stage_blocks: tuple[int, ...] | None = field(
        default=None, validator=optional(_per_stage)
    )  # left out: as depth says
    in_channels: int = field(default=3, validator=ge(1))  # of videos and images
    base_channels: int = field(default=64, validator=ge(1))  # of the stem; each stage doubles them
    image_classes: int | None = field(default=None, validator=optional(ge(1)))  # left out: no head for images
    image_dropout: float = field(default=0.2, validator=_share)  # before the classifier of images
    video_dropout: float = field(default=0.5, validator=_share)  # before the classifier of videos
    video_hidden: bool = True  # a hidden layer, twice as wide as there are classes, in the head of videos
    norm_momentum: float = field(default=0.01, validator=and_(ge(0.0), le(1.0)))  # what a batch adds to the statistics
    zero_init_residual: bool = True  # each block starts as its shortcut

    def __attrs_post_init__(self) -> None:
        refuse(
            problems(depth=self.depth, num_stages=len(_STRIDES), per_stage={}, stage_blocks=self.stage_blocks),
        )

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """Channels must be those of the stem, and images of classes that the head for images has."""
        yield from wrong_channels(inputs, self.in_channels)
        if "image" not in inputs:
            return
        if inputs["image"][0] not in (None, self.in_channels):
            yield f"in_channels is {self.in_channels}, but the images have {inputs['image'][0]} channels"
        (classes,) = inputs.get("image_label", (None,))
        if self.image_classes is None:
            yield f"it has no head for images; set model.image_classes = {classes or 'how many classes they have'}"
        elif classes is not None and classes > self.image_classes:
            yield f"model.image_classes is {self.image_classes}, but the images have {classes} classes"

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(stage_blocks=(1, 1, 1, 1), base_channels=8, num_classes=4, image_classes=3)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short clip, and one image where there is a head for it."""
        image = {"image": (self.in_channels, 32, 32)} if self.image_classes else {}
        return {"video": (self.in_channels, 4, 32, 32), **image}

    def stages(self) -> tuple[StagePlan, ...]:
        """The plan of the network."""
        return plan_stages(
            depth=self.depth,
            base_channels=self.base_channels,
            spatial_strides=_STRIDES,
            temporal_strides=_ONES,
            dilations=_ONES,
            inflation=_INFLATION,
            stage_blocks=self.stage_blocks,
        )


@frozen(kw_only=True)
class ImagesAndVideosRecognition(Recognition):
    """Tell the class of a video, or its several classes; in training, those of images beside it."""

    image_loss: LossSlot | None = None  # left out: cross-entropy
    video_weight: float = field(default=1.0, validator=ge(0.0))  # of the videos' loss in what is minimised
    image_weight: float = field(default=1.0, validator=ge(0.0))  # of the images' loss
