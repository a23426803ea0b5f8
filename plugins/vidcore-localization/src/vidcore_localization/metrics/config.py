"""Options of the metrics."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, min_len

_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def _fractions(instance: object, attribute: Any, value: tuple[float, ...]) -> None:
    if not value:
        raise ValueError(f"{attribute.name!r} must have at least one value")
    for fraction in value:
        if not 0.0 < fraction <= 1.0:
            raise ValueError(f"{attribute.name!r} must be above 0 and at most 1, got {fraction}")


@frozen(kw_only=True)
class ProposalRecall:
    """Share of the true segments that proposals find, by their average number for a video, whatever the class."""

    at: tuple[int, ...] = field(default=(1, 5, 10, 100), validator=[min_len(1), deep_iterable(ge(1))])  # AR@N
    max_average: int = field(default=100, validator=ge(1))  # proposals for a video where the curve, and its area, end
    iou: tuple[float, ...] = field(default=_THRESHOLDS, validator=_fractions)  # recall is averaged over them

    def __attrs_post_init__(self) -> None:
        if max(self.at) > self.max_average:
            raise ValueError(f"'at' asks for AR@{max(self.at)}, but the curve ends at max_average = {self.max_average}")


@frozen(kw_only=True)
class DetectionMap:
    """Mean average precision of labelled segments at several IoU."""

    iou: tuple[float, ...] = field(default=_THRESHOLDS, validator=_fractions)  # what `mAP` is averaged over


@frozen(kw_only=True)
class FrameLabels:
    """Frame accuracy, edit score and segmental F1 of a label for every frame."""

    background: tuple[str, ...] = ()  # classes whose segments do not count for edit score and F1
    iou: tuple[float, ...] = field(default=(0.1, 0.25, 0.5), validator=_fractions)  # of F1
