"""Options of the losses."""

from __future__ import annotations

from typing import Any, Literal, Self

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, lt, min_len


def _weights() -> Any:
    return field(default=(), validator=deep_iterable(ge(0.0)))


@frozen(kw_only=True)
class CrossEntropy:
    """Softmax cross entropy over classes that exclude each other, with hard or soft targets."""

    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
    label_smoothing: float = field(default=0.0, validator=and_(ge(0.0), lt(1.0)))  # part of the target spread evenly
    class_weights: tuple[float, ...] = _weights()  # one a class, in the data's order; empty: all alike


@frozen(kw_only=True)
class Bce:
    """Binary cross entropy of each class on its own, for samples with several labels."""

    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
    label_smoothing: float = field(default=0.0, validator=and_(ge(0.0), lt(1.0)))  # targets drawn towards one half
    class_weights: tuple[float, ...] = _weights()  # one a class, in the data's order; empty: all alike


@frozen(kw_only=True)
class Nll:
    """Negative log likelihood, for models that answer log probabilities."""

    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
    class_weights: tuple[float, ...] = _weights()  # one a class, in the data's order; empty: all alike


@frozen(kw_only=True)
class ClassBalancedFocal:
    """Focal loss weighted by how few samples a class has (Cui et al., arXiv:1901.05555), for long-tailed data."""

    samples: tuple[int, ...] = field(validator=[min_len(1), deep_iterable(ge(1))])  # of each class, in training
    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
    beta: float = field(default=0.9999, validator=and_(ge(0.0), lt(1.0)))  # 0: all classes alike; near 1: one over n
    gamma: float = field(default=2.0, validator=ge(0.0))  # how much less an easy entry counts

    @classmethod
    def example(cls) -> Self:
        """For four classes."""
        return cls(samples=(10, 20, 30, 40))


@frozen(kw_only=True)
class GroupedBce:
    """Binary cross entropy over groups of classes, where labels may be unknown (nan), as in HVU."""

    groups: tuple[int, ...] = field(
        validator=[min_len(1), deep_iterable(ge(1))]
    )  # classes of each, in the data's order
    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
    average: Literal["groups", "classes"] = "groups"  # what counts alike: each group, or each class
    group_weights: tuple[float, ...] = field(default=(), validator=deep_iterable(ge(0.0)))  # empty: all alike
    unknown: Literal["skip", "negative"] = "skip"  # a label that nobody looked for: left out, or not there
    reduction: Literal["mean", "sum"] = "mean"  # over the classes of a sample

    def __attrs_post_init__(self) -> None:
        if self.group_weights and len(self.group_weights) != len(self.groups):
            raise ValueError(f"'group_weights' has {len(self.group_weights)} values for {len(self.groups)} groups")
        if self.group_weights and not sum(self.group_weights):
            raise ValueError("'group_weights' are all 0, so nothing would be learnt")

    @classmethod
    def example(cls) -> Self:
        """For four classes."""
        return cls(groups=(3, 1))
