"""One encoded picture to pixels."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vidcore.errors import DataError

Pixels = NDArray[np.uint8]
_ORIENTATION, _FIRST_TURNED = 0x0112, 5  # EXIF: from 5 on, rows are columns
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


def shown_size(content: bytes, name: str) -> tuple[int, int]:
    """Height and width of a picture as `decode` gives it, from its header. Raises DataError as `decode` does."""
    with _opened(content, name) as picture:
        width, height = picture.size
        return (width, height) if picture.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED else (height, width)


def decode(content: bytes, name: str, mode: Literal["RGB", "L"] = "RGB") -> Pixels:
    """A picture, turned upright where it says how: `[H, W, 3]`, or grey `[H, W]` for mode "L".

    Raises:
        DataError: It is no picture, is cut short, or has more than 8 bits a colour; the message starts with `name`.
    """
    with _opened(content, name) as picture:
        if picture.mode.startswith(("I", "F")):
            raise DataError(
                f"{name}: has more than 8 bits a colour ({picture.mode}), which would be cut. Convert it to 8 bits."
            )
        return np.asarray(ImageOps.exif_transpose(picture).convert(mode))


@contextlib.contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    """A picture of which only the header has been read; what goes wrong with it is told by name."""
    if not content:
        raise DataError(f"{name}: is empty (0 bytes). Make it again or remove the video from the list.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as picture:
                yield picture
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name}: is no picture that can be read: {_first_line(error)}.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on damage
        raise DataError(
            f"{name}: is damaged or cut short: {_first_line(error)}. Make it again or remove the video from the list."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
