"""Options of the recognition task."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, le, min_len

from vidcore.config.slots import LossSlot


@frozen(kw_only=True)
class Mix:
    """Blends pairs of training samples, pixels and targets alike, drawn anew for every batch."""

    mixup: float = field(default=0.0, validator=ge(0.0))  # alpha of Beta(alpha, alpha), the share of each; 0: no mixup
    cutmix: float = field(default=0.0, validator=ge(0.0))  # the same for a rectangle cut from the other; 0: no cutmix
    probability: float = field(default=1.0, validator=and_(ge(0.0), le(1.0)))  # of blending a batch at all
    cutmix_share: float = field(default=0.5, validator=and_(ge(0.0), le(1.0)))  # of cutmix, where both are on

    def __attrs_post_init__(self) -> None:
        if not (self.mixup or self.cutmix):
            raise ValueError("mix needs an alpha above 0 for 'mixup', 'cutmix' or both; leave the table out otherwise")


@frozen(kw_only=True)
class Recognition:
    """Tell the class of a video, or its several classes."""

    loss: LossSlot | None = None  # left out: cross-entropy, or bce where samples have several labels
    multi_label: bool = False  # samples have several labels: scores by sigmoid, each class on its own
    # subtracted from pixels, one a channel, 0 ... 255; these two are the usual figures of ImageNet
    mean: tuple[float, ...] = field(default=(123.675, 116.28, 103.53), validator=min_len(1))
    # pixels are divided by this afterwards, one a channel
    std: tuple[float, ...] = field(default=(58.395, 57.12, 57.375), validator=deep_iterable(gt(0.0)))
    top_k: int = field(default=5, validator=ge(1))  # classes shown when predictions are drawn
    mix: Mix | None = None  # mixup and cutmix

    def __attrs_post_init__(self) -> None:
        if len(self.std) != len(self.mean):
            raise ValueError(
                f"'std' has {len(self.std)} values and 'mean' {len(self.mean)}; give one of each a channel"
            )
