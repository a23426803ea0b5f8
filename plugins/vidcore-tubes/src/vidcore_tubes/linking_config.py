"""Options of linking boxes to tubes."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le

_share = and_(ge(0.0), le(1.0))


@frozen(kw_only=True)
class Linking:
    """How boxes of single frames become tubes. The defaults are those of the evaluation of MultiSports."""

    suppress_iou: float = field(default=0.6, validator=_share)  # a box that overlaps a better one so much loses score
    boxes: int = field(default=10, validator=ge(1))  # of a class in a frame at most
    link_iou: float = field(default=0.5, validator=and_(gt(0.0), le(1.0)))  # with the last box of a tube, at least
    patience: int = field(default=1, validator=ge(1))  # so many frames after its last box a tube has ended
    shortest: int = field(default=15, validator=ge(1))  # frames of a tube, at least
    lowest_score: float = field(default=0.005, validator=_share)  # mean of its boxes
