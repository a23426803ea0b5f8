"""From a decoded picture to the RGB pixels of a view.

Cropping comes before scaling, and scaling is done by the conversion to RGB that every frame needs anyway, in one
filter graph: only the pixels of the view are ever converted. Boxes that are then scaled are moved by at most one source
pixel to even positions, where the halved colour planes can be cut without shifting colour against brightness.
"""

from __future__ import annotations

from typing import Any

import av.filter
import numpy as np
import torch
from attrs import frozen
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from torch import Tensor
from torch.nn import functional as F

from vidcore.data.video.orientation import Box, Orientation, Pixels
from vidcore.errors import DataError
from vidcore.interfaces import FrameView, Scaling

WHOLE = FrameView()


@frozen
class Geometry:
    """A view of frames of a given size, in numbers that are known to fit. All sizes are as shown, after rotation."""

    width: int  # of the whole frame
    height: int
    box: Box
    size: tuple[int, int]  # height, width that comes out
    scaling: Scaling
    orientation: Orientation

    @classmethod
    def of(cls, view: FrameView, width: int, height: int, orientation: Orientation, name: str) -> Geometry:
        """Fit a view to a video. Raises DataError when its crop lies outside the frame."""
        x, y, w, h = view.crop or (0, 0, width, height)
        if min(x, y) < 0 or min(w, h) < 1 or x + w > width or y + h > height:
            raise DataError(
                f"{name}: crop {view.crop} (x, y, width, height) does not fit into its frames of {width}x{height}. "
                "Crop inside the frame, in pixels as shown (after rotation)."
            )
        size = view.size or (h, w)
        if min(size) < 1:
            raise DataError(
                f"{name}: frames of {size[0]}x{size[1]} (height x width) were asked for. Ask for at least 1x1."
            )
        return cls(width, height, (x, y, w, h), size, view.scaling, orientation)

    @property
    def resized(self) -> bool:
        return self.size != (self.box[3], self.box[2])


class ViewConverter:
    """Makes the pixels of one view from decoded frames that are all alike in size and pixel format."""

    def __init__(self, geometry: Geometry, frame: VideoFrame) -> None:
        self._geometry = geometry
        coded_width, coded_height = geometry.orientation.shown_size(geometry.width, geometry.height)
        self._box = geometry.orientation.coded_box(geometry.box, geometry.width, geometry.height)
        self._convert: _Whole | _Graph
        self._resizes = geometry.resized and geometry.scaling == "reference"
        self._cuts = not geometry.resized or self._resizes
        if self._cuts:
            self._convert = _Whole()
        else:
            height, width = geometry.size
            out = geometry.orientation.shown_size(width, height)
            self._convert = _Graph(frame, _even_near(self._box, coded_width, coded_height), out, geometry.scaling)

    def write(self, frame: VideoFrame, out: Pixels) -> None:
        """Write the view of a frame to `out`, `[H, W, 3]`."""
        pixels = self._convert.rgb(frame)
        if self._cuts:
            x, y, width, height = self._box
            pixels = pixels[y : y + height, x : x + width]
        pixels = self._geometry.orientation.show(pixels)
        if self._resizes:
            pixels = resize_reference(pixels, self._geometry.size)
        np.copyto(out, pixels)


def resize_reference(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Bilinear without antialiasing, pixel centres at half: what OpenCV's INTER_LINEAR does, within 2 grey levels.

    Args:
        pixels: `[H, W, 3]`.
        size: Height and width that come out.
    """
    planes: Tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()
    planes = F.interpolate(planes, size, mode="bilinear", align_corners=False, antialias=False)
    resized: Pixels = planes[0].round_().clamp_(0, 255).byte().permute(1, 2, 0).numpy()
    return resized


class _Whole:
    """The whole frame in RGB at its own size, as plain decoding gives it; cut afterwards, it is exact to the bit."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame) -> Pixels:
        """`[H, W, 3]`; a view of memory that lives as long as the array."""
        return _pixels(self._reformatter.reformat(frame, format="rgb24", threads=1))


class _Graph:
    """Crop, scale and convert to RGB, touching only the pixels that are needed."""

    def __init__(self, frame: VideoFrame, box: Box, size: tuple[int, int], flags: str) -> None:
        x, y, width, height = box
        graph = av.filter.Graph()
        graph.threads = 1
        # Colours are described here, not by add_buffer, which leaves them out and would convert BT.709 as BT.601.
        source = graph.add(
            "buffer",
            video_size=f"{frame.width}x{frame.height}",
            pix_fmt=frame.format.name,
            time_base="1/1",
            pixel_aspect="1/1",
            colorspace=str(int(frame.colorspace)),
            range=str(int(frame.color_range)),
        )
        steps = [source]
        if box != (0, 0, frame.width, frame.height):
            steps.append(graph.add("crop", f"{width}:{height}:{x}:{y}:exact=1"))
        steps.append(graph.add("scale", f"{size[0]}:{size[1]}:flags={flags}"))
        if frame.format.is_planar and not frame.format.is_rgb:
            # Scaling in YUV and then converting takes half the time of doing both at once, and leaves no tint: one
            # step darkens red and blue by a grey level or two in the mean.
            steps.append(graph.add("format", "yuv422p"))
            steps.append(graph.add("scale", "flags=bilinear"))
        steps.append(graph.add("format", "rgb24"))
        steps.append(graph.add("buffersink"))
        graph.link_nodes(*steps).configure()
        self._graph = graph

    def rgb(self, frame: VideoFrame) -> Pixels:
        """`[H, W, 3]`; a view of memory that lives as long as the array."""
        self._graph.push(frame)
        return _pixels(self._graph.vpull())


def _pixels(frame: VideoFrame) -> Pixels:
    plane: Any = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : frame.width * 3].reshape(frame.height, frame.width, 3)


def _even_near(box: Box, width: int, height: int) -> Box:
    """The nearest box with even edges. An edge at the end of the frame stays there, also when that is odd."""
    x, w = _even_span(box[0], box[2], width)
    y, h = _even_span(box[1], box[3], height)
    return x, y, w, h


def _even_span(start: int, length: int, limit: int) -> tuple[int, int]:
    first = min(start // 2 * 2, (limit - 1) // 2 * 2)
    end = start + length
    last = end if end == limit else max((end + 1) // 2 * 2, first + 2)
    return first, min(last, limit) - first
