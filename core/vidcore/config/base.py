"""Base classes of the config classes that plugins write for models and data sets, and the facts that they tell.

Facts are answered without torch and without opening a video, so that `vidcore config check` finds classes that do not
agree and clips that do not fit in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from attrs import field, fields, frozen
from attrs.validators import ge, in_, optional

from vidcore.config.slots import Artifact, SamplingSlot, TransformSlot

if TYPE_CHECKING:
    from pathlib import Path

Shape = tuple[int | None, ...]  # None: any size


@frozen(kw_only=True)
class Facts:
    """What a config says about itself. None: not known without the data."""

    classes: tuple[str, ...] | None = None
    num_classes: int | None = None
    inputs: dict[str, Shape] = field(factory=dict)  # name -> shape of one view, e.g. video (C, T, H, W)


@frozen(kw_only=True)
class ModelConfig:
    """What every model has. A family's own config class inherits this one and adds its architecture."""

    weights: Annotated[str | None, Artifact("weights")] = None  # weights' name, path or URL to start from
    strict: bool | Literal["backbone"] = True  # "backbone": the head of `weights` may differ
    num_classes: int | None = field(default=None, validator=optional(ge(1)))  # left out: as many as the data has

    def facts(self) -> Facts:
        """Classes and inputs of the model."""
        return Facts(num_classes=self.num_classes)

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """Yield, in words, why the model cannot take inputs of these shapes."""
        yield from ()

    def parts(self) -> dict[str, ModelConfig]:
        """Models in slots of this one, by the name of the slot, which is that of their module."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(type(self))}
        return {name: value for name, value in values.items() if isinstance(value, ModelConfig)}

    @classmethod
    def example(cls) -> Self:
        """A small model of this kind, for `vidcore.testing`; override it where the defaults make a large one."""
        return cls(num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """The shape of one view of each input that this very config takes, small, for the same checks."""
        return {"video": (3, 8, 32, 32)}


@frozen(kw_only=True)
class Views:
    """Several looks at one sample in testing: clips along time, crops across the frame; their scores are merged."""

    clips: int = field(default=1, validator=ge(1))
    crops: int = field(
        default=1, validator=in_((1, 3, 10))
    )  # 3: first, last, middle along the longer side; 10: corners, middle, mirrored
    merge: Literal["prob", "score", "none"] = "prob"  # average after softmax, before it, or keep every view apart
    max_per_forward: int = field(
        default=8, validator=ge(1)
    )  # views pushed through the model at once; same result at any value


@frozen(kw_only=True)
class DatasetConfig:
    """What every data set has. A plugin's own config class inherits this one and adds where its data lies."""

    needs_sampling: ClassVar[bool] = True  # False: its samples are no clips of frames, and `sampling` may be left out

    batch_size: int = field(default=8, validator=ge(1))
    sampling: SamplingSlot | None = None  # which frames make a clip
    transforms: dict[str, TransformSlot] = field(factory=dict)  # named, in order
    views: Views = field(factory=Views)
    repeats: int = field(default=1, validator=ge(1))  # samples made from one decoding of a video, in training

    def facts(self, root: Path) -> Facts:
        """Classes and inputs, read from lists under `root` where that is cheap; unknown where the data is absent."""
        return Facts()

    def sample_reader(self) -> Any:
        """The config of what reads a single file as this data set would, for `Predictor`. None: it is a video."""
        return None

    def is_there(self, root: Path) -> bool:
        """Whether the data lies under `root`; where it does not, a dry run makes samples of the same shapes."""
        return root.exists()
