"""Videos to folders of pictures, frames or flow, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from av.video.frame import VideoFrame
from PIL import Image, UnidentifiedImageError

from vidcore.errors import DataError
from vidcore_prepare.config import FlowOptions
from vidcore_prepare.engine import Item
from vidcore_prepare.media import Encoding, Pixels, Shaper, VideoWriter, new_video, pictures

FRAME_TEMPLATE = "img_{:05}.jpg"
FLOW_TEMPLATES = ("flow_x_{:05}.jpg", "flow_y_{:05}.jpg")


@frozen(kw_only=True)
class WriteFrames:
    """A folder with every frame of a video: img_00001.jpg, img_00002.jpg, ..."""

    kind: Literal["jpg", "png"] = "jpg"
    short_side: int | None = None  # at most; None: as it is
    quality: int = 95  # of JPEG
    every: int = 1  # only every n-th frame

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where the video cannot be read to its end."""
        unfinished.mkdir()
        number = 0
        for index, picture in enumerate(pictures(item.source, self.short_side)):
            if index % self.every == 0:
                number += 1
                _save(picture, unfinished / f"img_{number:05}.{self.kind}", self.quality)
        if not number:
            raise DataError(f"{item.source}: no frame can be decoded; fetch it again or remove it")
        return {"frames": number}


@frozen(kw_only=True)
class WriteFlow(FlowOptions):
    """A folder with the flow from each frame to the next that counts: flow_x_00001.jpg, flow_y_00001.jpg, ...

    A grey value of 0 is `bound` pixels to the left or upwards, 255 as much to the right or downwards.
    """

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where the video cannot be read, or has a single frame that counts."""
        from vidcore_opencv.camera import without_camera
        from vidcore_opencv.flow import dis, farneback, to_pictures, tvl1

        compute = {"tvl1": tvl1, "farneback": farneback, "dis": dis}[self.method]
        unfinished.mkdir()
        number = 0
        for previous, following in pairwise(islice(pictures(item.source, self.short_side), 0, None, self.every)):
            number += 1
            flow = compute(previous, following)
            if self.without_camera:
                flow = without_camera(flow)
            for picture, template in zip(to_pictures(flow, self.bound), FLOW_TEMPLATES, strict=True):
                _save(picture, unfinished / template.format(number), self.quality)
        if not number:
            what = "frames" if self.every == 1 else f"frames when every {self.every}th is taken"
            raise DataError(f"{item.source}: has fewer than two {what}, so nothing in it moves")
        return {"pairs of flow": number}


@frozen(kw_only=True)
class EncodeFrames:
    """A video of a folder of pictures, in the order of their numbers."""

    template: str = FRAME_TEMPLATE
    fps: Fraction = Fraction(30)
    short_side: int | None = None
    encoding: Encoding = field(factory=Encoding)

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where a picture cannot be read, is of another size, or one is missing in the middle."""
        files = numbered(item.source, self.template)
        shape = Shaper(self.short_side, "yuv420p", even=True)

        writer = None
        with new_video(unfinished) as target:
            for index, picture in enumerate(_of_one_size(files)):
                frame = shape(VideoFrame.from_ndarray(picture, format="rgb24"))
                writer = writer or VideoWriter(target, self.encoding, (frame.width, frame.height), self.fps)
                writer.write(frame, index / self.fps)
            if writer:
                writer.finish()
        return {"frames": len(files)}


def numbered(folder: Path, template: str) -> list[Path]:
    """The pictures of a folder, by number.

    Raises:
        DataError: There is none, or a number in the middle is missing: the video would jump there.
    """
    pattern = re.compile(re.escape(template.partition("{")[0]) + r"(\d+)" + re.escape(template.rpartition("}")[2]))
    found = {int(match[1]): path for path in folder.iterdir() if (match := pattern.fullmatch(path.name))}
    if not found:
        raise DataError(f"{folder} has no picture called like {template}")
    missing = sorted(set(range(min(found), max(found) + 1)) - set(found))
    if missing:
        raise DataError(f"{folder} has no picture number {missing[0]} ({len(missing)} are missing); make it anew")
    return [found[number] for number in sorted(found)]


def _of_one_size(files: list[Path]) -> Iterator[Pixels]:
    first: tuple[int, ...] = ()
    for path in files:
        try:
            with Image.open(path) as image:
                picture = np.asarray(image.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise DataError(f"{path}: is no picture that can be read; make it anew") from error
        first = first or picture.shape
        if picture.shape != first:
            raise DataError(f"{path} is {picture.shape[1]} x {picture.shape[0]}, the first {first[1]} x {first[0]}")
        yield picture


def _save(picture: Pixels, path: Path, quality: int) -> None:
    options: dict[str, Any] = {"quality": quality} if path.suffix == ".jpg" else {"compress_level": 3}
    Image.fromarray(picture).save(path, **options)
