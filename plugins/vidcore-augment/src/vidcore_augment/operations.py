"""Changes of frames that RandAugment and AugMix choose from, on torchvision's functions. All frames change alike.

Letters: T frames, C channels, H W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tv

_GREY = [128.0]  # what stands where nothing of the frame is
_SHEAR, _SHIFT, _TURN = 0.3, 0.45, 30.0  # at full strength: tangent, share of the frame, degrees

# frames uint8 [T, 3, H, W] and a strength from -1 to 1; where a change has no direction the sign has no meaning
Operation = Callable[[Tensor, float], Tensor]


def _affine(
    frames: Tensor, *, shear: tuple[float, float] = (0.0, 0.0), translate: tuple[float, float] = (0.0, 0.0)
) -> Tensor:
    """Shear by tangents, move by pixels."""
    moved: Tensor = tv.affine(
        frames,
        angle=0.0,
        translate=[round(pixels) for pixels in translate],
        scale=1.0,
        shear=[math.degrees(math.atan(tangent)) for tangent in shear],
        interpolation=InterpolationMode.BILINEAR,
        fill=_GREY,
    )
    return moved


def shear_x(frames: Tensor, strength: float) -> Tensor:
    """Lean to a side, around the upper left corner."""
    return _affine(frames, shear=(_SHEAR * strength, 0.0))


def shear_y(frames: Tensor, strength: float) -> Tensor:
    """Lean up or down, around the upper left corner."""
    return _affine(frames, shear=(0.0, _SHEAR * strength))


def translate_x(frames: Tensor, strength: float) -> Tensor:
    """Move sideways."""
    return _affine(frames, translate=(_SHIFT * strength * frames.shape[-1], 0.0))


def translate_y(frames: Tensor, strength: float) -> Tensor:
    """Move up or down."""
    return _affine(frames, translate=(0.0, _SHIFT * strength * frames.shape[-2]))


def rotate(frames: Tensor, strength: float) -> Tensor:
    """Turn around the middle."""
    turned: Tensor = tv.rotate(frames, _TURN * strength, interpolation=InterpolationMode.BILINEAR, fill=_GREY)
    return turned


def brightness(frames: Tensor, strength: float) -> Tensor:
    """Lighter or darker."""
    changed: Tensor = tv.adjust_brightness(frames, 1 + 0.9 * strength)
    return changed


def contrast(frames: Tensor, strength: float) -> Tensor:
    """Away from the mean grey or towards it."""
    changed: Tensor = tv.adjust_contrast(frames, 1 + 0.9 * strength)
    return changed


def saturation(frames: Tensor, strength: float) -> Tensor:
    """More or less colour."""
    changed: Tensor = tv.adjust_saturation(frames, 1 + 0.9 * strength)
    return changed


def sharpness(frames: Tensor, strength: float) -> Tensor:
    """Sharper or softer."""
    changed: Tensor = tv.adjust_sharpness(frames, 1 + 0.9 * strength)
    return changed


def posterize(frames: Tensor, strength: float) -> Tensor:
    """Fewer levels of each channel."""
    changed: Tensor = tv.posterize(frames, 8 - round(4 * abs(strength)))
    return changed


def solarize(frames: Tensor, strength: float) -> Tensor:
    """Turn bright pixels into their negative."""
    changed: Tensor = tv.solarize(frames, 256 * (1 - abs(strength)))
    return changed


def autocontrast(frames: Tensor, strength: float) -> Tensor:
    """Stretch each channel to the whole range."""
    changed: Tensor = tv.autocontrast(frames)
    return changed


def equalize(frames: Tensor, strength: float) -> Tensor:
    """Spread the histogram of each channel evenly."""
    changed: Tensor = tv.equalize(frames)
    return changed


# Draws hold places in this table: never reorder. The first nine keep colours as AugMix wants them by default.
OPERATIONS: tuple[Operation, ...] = (
    shear_x,
    shear_y,
    translate_x,
    translate_y,
    rotate,
    posterize,
    solarize,
    autocontrast,
    equalize,
    brightness,
    contrast,
    saturation,
    sharpness,
)
NUM_PLAIN = 9  # without brightness, contrast, saturation, sharpness


def change(frames: Tensor, choices: list[list[float]]) -> Tensor:
    """Apply `[place in OPERATIONS, strength]` one after the other; a negative place leaves the frames as they are."""
    for place, strength in choices:
        if place >= 0:
            frames = OPERATIONS[int(place)](frames, strength)
    return frames
