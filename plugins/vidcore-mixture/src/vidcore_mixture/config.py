"""Options of the data set. Facts about it are told without torch and without opening a video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from attrs import evolve, field, fields, frozen
from attrs.validators import ge, gt, min_len, optional

from vidcore.config import DatasetConfig, Facts
from vidcore.config.base import Shape
from vidcore.config.slots import DatasetSlot
from vidcore.errors import DataError
from vidcore_mixture.class_names import common_classes

_OF_THE_MIXTURE = ("batch_size", "views", "repeats")  # what its sources cannot have of their own


@frozen(kw_only=True)
class Source:
    """One of the data sets that a mixture is made of."""

    dataset: DatasetSlot  # its sampling and transforms; left out: those of the mixture
    root: str = ""  # folder below data.root that its lists and files are relative to
    ratio: float | None = field(default=None, validator=optional(gt(0.0)))  # share of an epoch, beside other ratios
    repeat: int = field(default=1, validator=ge(1))  # times that an epoch goes through it; where there is no ratio
    balance: Literal["none", "classes"] = "none"  # "classes": each class is read as often as any other

    def __attrs_post_init__(self) -> None:
        if self.ratio is not None and self.repeat > 1:
            raise ValueError("'repeat' has no effect beside 'ratio'; take one of them out")
        defaults = fields(DatasetConfig)
        for name in _OF_THE_MIXTURE:
            default = getattr(defaults, name).default
            default = default.factory() if hasattr(default, "factory") else default
            if getattr(self.dataset, name) != default:
                raise ValueError(f"'{name}' belongs to the mixture, not to one of its sources")

    @property
    def chooses(self) -> bool:
        """Whether an epoch is anything else than all samples of the source, once."""
        return self.ratio is not None or self.repeat > 1 or self.balance != "none"


@frozen(kw_only=True)
class Mixture(DatasetConfig):
    """Several data sets in one. Batches mix their samples."""

    needs_sampling: ClassVar[bool] = False  # its sources may have one each

    sources: dict[str, Source] = field(validator=min_len(1))  # named, in order
    # of an epoch of training, where there are ratios; left out: as many as the sources have together
    samples: int | None = field(default=None, validator=optional(ge(1)))
    # "agree": those of all sources are the same; "join": put together by name; or the names, which fix the order
    classes: str | tuple[str, ...] = field(default="agree")

    @classes.validator
    def _known(self, attribute: Any, value: str | tuple[str, ...]) -> None:
        if isinstance(value, str) and value not in ("agree", "join"):
            raise ValueError(f'\'classes\' must be "agree", "join" or a list of names, got {value!r}')

    def __attrs_post_init__(self) -> None:
        with_ratio = [name for name, source in self.sources.items() if source.ratio is not None]
        if with_ratio and len(with_ratio) < len(self.sources):
            without = next(name for name in self.sources if name not in with_ratio)
            raise ValueError(f"'{with_ratio[0]}' has a ratio and '{without}' has none; give every source one, or none")
        if self.samples is not None and not with_ratio:
            raise ValueError("'samples' needs a ratio for every source")

    def whole(self, source: Source) -> DatasetConfig:
        """The config of a source, with what it takes from the mixture."""
        config: DatasetConfig = source.dataset
        return evolve(
            config,
            batch_size=self.batch_size,
            views=self.views,
            repeats=self.repeats,
            sampling=config.sampling or self.sampling,
            transforms=config.transforms or self.transforms,
        )

    def facts(self, root: Path) -> Facts:
        """Classes and inputs of the sources.

        Raises:
            DataError: They do not fit together.
        """
        known = {name: self.whole(source).facts(root / source.root) for name, source in self.sources.items()}
        classes = {name: facts.classes for name, facts in known.items() if facts.classes is not None}
        common = common_classes(classes, self.classes) if classes else None
        counts = {name: facts.num_classes for name, facts in known.items() if facts.num_classes is not None}
        if self.classes == "agree":
            _refuse_other_counts(counts | {name: len(names) for name, names in classes.items()})
        elif self.classes == "join" and len(classes) < len(known):
            common, counts = None, {}
        return Facts(classes=common, num_classes=next(iter(counts.values()), None), inputs=_common_inputs(known))

    def is_there(self, root: Path) -> bool:
        """Every source is."""
        return all(source.dataset.is_there(root / source.root) for source in self.sources.values())

    def sample_reader(self) -> Any:
        """Single files are read as the first source would."""
        return self.whole(next(iter(self.sources.values()))).sample_reader()


def _refuse_other_counts(counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        first, wanted = next(iter(counts.items()))
        if count != wanted:
            raise DataError(f"source '{name}' has {count} classes, source '{first}' has {wanted}")


def _common_inputs(known: Mapping[str, Facts]) -> dict[str, Shape]:
    (first, facts), *others = known.items()
    for name, other in others:
        if facts.inputs.keys() != other.inputs.keys():
            raise DataError(
                f"source '{name}' gives {', '.join(other.inputs) or 'nothing'}, source '{first}' gives "
                f"{', '.join(facts.inputs) or 'nothing'}; samples of one batch need the same inputs"
            )
        for what, shape in other.inputs.items():
            wanted = facts.inputs[what]
            if not _fit(shape, wanted):
                raise DataError(
                    f"{what} of source '{name}' is {_text(shape)}, that of source '{first}' {_text(wanted)}; "
                    "samples of one batch need one shape: change sampling or transforms"
                )
    return facts.inputs


def _fit(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _text(shape: Shape) -> str:
    return " x ".join("?" if side is None else str(side) for side in shape)
