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
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from vidcore.data.video.orientation import Orientation, Pixels
from vidcore.data.video.views import Box, fit_view, resize
from vidcore.interfaces import FrameView


class ViewConverter:
    """Makes the pixels of one view from the decoded frames of a video.

    Args:
        view: What is wanted.
        coded_size: Width and height of the decoded frames.
        orientation: How they are turned for showing.
        name: Of the video, for messages.

    Raises:
        DataError: The view does not fit the frames.
    """

    def __init__(self, view: FrameView, coded_size: tuple[int, int], orientation: Orientation, name: str) -> None:
        shown_size = orientation.shown_size(*coded_size)
        box, self.size, _ = fit_view(view, *shown_size, name)  # height, width that comes out
        self._scaling, self._coded_size, self._orientation = view.scaling, coded_size, orientation
        self._box = orientation.coded_box(box, *shown_size)
        self._scales = self.size != (box[3], box[2])
        self._reformatter = VideoReformatter()
        self._graph: av.filter.Graph | None = None
        self._graph_is_for: tuple[str, int, int] | None = None

    def pixels(self, frame: VideoFrame) -> Pixels:
        """The view of a frame, before its window is cut: `[H, W, 3]`."""
        if self._scales and self._scaling != "reference":
            return self._orientation.show(self._scaled(frame))
        x, y, width, height = self._box  # cut after conversion, it is exact to the bit
        rgb = _pixels(self._reformatter.reformat(frame, format="rgb24", threads=1))
        shown = self._orientation.show(rgb[y : y + height, x : x + width])
        if not self._scales:
            return shown
        planes = torch.from_numpy(np.ascontiguousarray(shown)).permute(2, 0, 1)
        return resize(planes[None], self.size)[0].permute(1, 2, 0).numpy()

    def _scaled(self, frame: VideoFrame) -> Pixels:
        colours = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        if self._graph is None or self._graph_is_for != colours:
            size = self._orientation.shown_size(self.size[1], self.size[0])
            self._graph = _graph(frame, _even_near(self._box, *self._coded_size), size, self._scaling)
            self._graph_is_for = colours
        self._graph.push(frame)
        return _pixels(self._graph.vpull())


def _graph(frame: VideoFrame, box: Box, size: tuple[int, int], flags: str) -> av.filter.Graph:
    """Crop, scale and convert frames like this one to RGB, touching only the pixels that are needed."""
    x, y, width, height = box
    graph = av.filter.Graph()
    graph.threads = 1
    # Colours are described here, not by add_buffer, which leaves them out and would convert BT.709 as BT.601.
    colours = f"pix_fmt={frame.format.name}:colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
    shape = f"video_size={frame.width}x{frame.height}:time_base=1/1:pixel_aspect=1/1"
    steps = [graph.add("buffer", f"{shape}:{colours}")]
    if box != (0, 0, frame.width, frame.height):
        steps.append(graph.add("crop", f"{width}:{height}:{x}:{y}:exact=1"))
    steps.append(graph.add("scale", f"{size[0]}:{size[1]}:flags={flags}"))
    if frame.format.is_planar and not frame.format.is_rgb:
        # Scaling in YUV and then converting takes half the time of doing both at once, and leaves no tint: one
        # step darkens red and blue by a grey level or two in the mean.
        steps += [graph.add("format", "yuv422p"), graph.add("scale", "flags=bilinear")]
    steps += [graph.add("format", "rgb24"), graph.add("buffersink")]
    graph.link_nodes(*steps).configure()
    return graph


def _pixels(frame: VideoFrame) -> Pixels:
    """`[H, W, 3]`; a view of memory that lives as long as the array."""
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
