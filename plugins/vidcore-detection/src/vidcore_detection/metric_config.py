"""Options of the metric of boxes with actions."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le, optional


@frozen(kw_only=True)
class FrameMap:
    """Average precision of each class over boxes of key frames, averaged over classes, as `frame_map`.

    A detection is right if the annotated box of its class that it overlaps most reaches `iou`, and no better detection
    has taken that one (Gu et al., arXiv:1705.08421, section 6.1).
    """

    iou: float = field(default=0.5, validator=and_(gt(0.0), le(1.0)))  # overlap of a detection that is right, at least
    # score above which a box is a detection of a class; below 0: each box has the best class alone
    threshold: float = field(default=0.002, validator=le(1.0))
    decimals: int | None = field(default=None, validator=optional(ge(0)))  # round boxes and scores first; left out: no
    undetected: Literal["zero", "leave-out"] = "zero"  # average precision of a class that nothing was taken for
    unannotated_frames: Literal["count", "ignore"] = "count"  # detections on frames where nothing is annotated
    # further means over parts of the classes, `frame_map_NAME` = [first, last], counted from 1
    groups: dict[str, tuple[int, int]] = field(factory=dict)
    per_class: bool = False  # also answer the average precision of each class, as `frame_ap/CLASS`

    @groups.validator
    def _ascending(self, attribute: Any, value: dict[str, tuple[int, int]]) -> None:
        for name, (first, last) in value.items():
            if not 1 <= first <= last:
                raise ValueError(f"'groups' {name} must be [first, last] with 1 <= first <= last, got {[first, last]}")
