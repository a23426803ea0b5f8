"""Options of the metric of tubes."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, gt, le

from vidcore_tubes.linking_config import Linking

_iou = and_(gt(0.0), le(1.0))


@frozen(kw_only=True)
class TubeMap:
    """`frame_map` of single boxes, and `video_map@IOU` of tubes that boxes are linked to, averaged over classes.

    Each box counts for its best class. `video_map@0.05:0.45`, `@0.10:0.90` and `@0.50:0.95` are means over thresholds
    as MultiSports has them.
    """

    frame_iou: float = field(default=0.5, validator=_iou)  # overlap of a box that is right, at least
    video_ious: tuple[float, ...] = field(default=(0.2, 0.5), validator=deep_iterable(_iou))  # the same for tubes
    linking: Linking = field(factory=Linking)
    # classes that do not count; the evaluation of MultiSports leaves out six that hardly occur
    leave_out: tuple[str, ...] = ()
    # "last": every box of a tube has the score of the last box of all, as in figures of MultiSports made with MMAction2
    tube_scores: Literal["own", "last"] = "own"
