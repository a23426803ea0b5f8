"""Options of the losses."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, lt


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
