"""Options of the augmentations of whole clips. Boxes and key points do not follow what they do to the shape."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le

from vidcore.data.transform_config import SHARE, TransformConfig, ascending


@frozen(kw_only=True)
class RandAugment(TransformConfig):
    """A few random changes of shape and colour, all of the same magnitude (Cubuk et al., arXiv:1909.13719).

    In testing: nothing.
    """

    num_ops: int = field(default=2, validator=ge(1))  # changes, one after the other
    magnitude: float = field(default=9.0, validator=and_(ge(0.0), le(10.0)))  # of 10 levels
    deviation: float = field(default=0.5, validator=ge(0.0))  # of the magnitude, which is drawn anew for each change
    probability: float = field(default=0.5, validator=SHARE)  # of each change


@frozen(kw_only=True)
class AugMix(TransformConfig):
    """Blends a clip with chains of random changes of it (Hendrycks et al., arXiv:1912.02781). In testing: nothing."""

    severity: int = field(default=3, validator=and_(ge(1), le(10)))  # highest magnitude, of 10 levels
    branches: int = field(default=3, validator=ge(1))  # chains
    depth: int = field(default=0, validator=ge(0))  # changes in a chain; 0: 1 to 3, drawn for each
    alpha: float = field(default=1.0, validator=gt(0.0))  # of the shares: small ones make one chain stand out
    colors: bool = False  # also brightness, contrast, saturation and sharpness, which tests of robustness hold back


@frozen(kw_only=True)
class RandomErasing(TransformConfig):
    """Erase a rectangle, the same in all frames of a sample (Zhong et al., arXiv:1708.04896). In testing: nothing."""

    probability: float = field(default=0.25, validator=SHARE)
    area: tuple[float, float] = field(default=(0.02, 1 / 3), validator=ascending)  # share of the frame, lowest, highest
    aspect: tuple[float, float] = field(default=(0.3, 10 / 3), validator=ascending)  # height / width
    fill: Literal["noise", "color"] = "noise"  # anew for each pixel and frame, or one colour
    noise_mean: float = 114.0  # of pixels, 0 ... 255
    noise_std: float = field(default=58.0, validator=ge(0.0))  # the same

    @area.validator
    def _within_the_frame(self, attribute: Any, value: tuple[float, float]) -> None:
        if value[1] > 1:
            raise ValueError(f"'area' is a share of the frame, at most 1.0, got {value[1]}")


@frozen(kw_only=True)
class RandomGray(TransformConfig):
    """Turn a sample grey at random, all frames alike. In testing: nothing."""

    probability: float = field(default=0.2, validator=SHARE)
