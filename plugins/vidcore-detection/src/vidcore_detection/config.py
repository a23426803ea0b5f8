"""Options of the action detection task."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, le, min_len

_share = and_(ge(0.0), le(1.0))


@frozen(kw_only=True)
class Matching:
    """Which proposals take the labels of an annotated box in training, and how many regions are used."""

    positive_iou: float = field(default=0.9, validator=_share)  # at least this: the proposal has the box's labels
    # below this a proposal has no label; between the two it is left out. Two values: lowest and highest (excluded)
    negative_iou: float | tuple[float, float] = 0.9
    # a box that no proposal reaches `positive_iou` with takes the best ones from here on
    smallest_positive_iou: float = field(default=0.9, validator=_share)
    match_low_quality: bool = True  # False: the rule above is off
    add_truth: bool = True  # annotated boxes are regions too
    regions: int = field(default=32, validator=ge(1))  # of a sample at most, those with labels first


@frozen(kw_only=True)
class Focal:
    """Focal loss: alpha (1 - p)^gamma times the loss, p being the probability of the truth (arXiv:1708.02002)."""

    alpha: float = field(default=1.0, validator=gt(0.0))
    gamma: float = field(default=0.0, validator=ge(0.0))


@frozen(kw_only=True)
class ActionDetection:
    """Tell what is done in each box of a key frame."""

    multi_label: bool = True  # several actions in a box: scores by sigmoid; False: one, by softmax
    focal: Focal = field(factory=Focal)
    matching: Matching = field(factory=Matching)
    # recall and precision of the k best classes, shown while training
    top_k: tuple[int, ...] = field(default=(3, 5), validator=deep_iterable(ge(1)))
    # subtracted from pixels, one a channel, 0 ... 255; these two are the usual figures of ImageNet
    mean: tuple[float, ...] = field(default=(123.675, 116.28, 103.53), validator=min_len(1))
    # pixels are divided by this afterwards, one a channel
    std: tuple[float, ...] = field(default=(58.395, 57.12, 57.375), validator=deep_iterable(gt(0.0)))
    # frames of a batch are padded below and right to the largest height and width, rounded up to multiples of this
    size_divisor: int = field(default=1, validator=ge(1))
    shown: float = field(default=0.3, validator=_share)  # lowest score that is drawn

    def __attrs_post_init__(self) -> None:
        if len(self.std) != len(self.mean):
            raise ValueError(
                f"'std' has {len(self.std)} values and 'mean' {len(self.mean)}; give one of each a channel"
            )
