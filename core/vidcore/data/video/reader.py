"""An open video: exact frames by index, one stretch of decoding for each group of key frames, all views at once."""

from __future__ import annotations

import itertools
import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import av
import numpy as np
import torch
from attrs import field, frozen
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from torch import Tensor

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex, Run
from vidcore.data.video.memory import take_memory
from vidcore.data.video.orientation import Pixels
from vidcore.data.video.scaling import ViewConverter
from vidcore.data.video.source import DAMAGE_IS_AN_ERROR, OpenVideo, Source
from vidcore.data.video.views import Requests, checked
from vidcore.errors import DataError
from vidcore.interfaces import FrameView

# H.264 and MPEG-1/2 say in each picture whether another one refers to it, and mean it. HEVC's mark holds within a
# temporal layer only; MPEG-4 packs two pictures into a packet, and skipping the first loses the second (XviD in AVI).
_MARKS_NONREF = {"h264", "mpeg1video", "mpeg2video"}
# H.264 then holds frames back until their order is certain.
_CERTAIN_ORDER = {"strict": "1"}


class _NotFoundError(Exception):
    """Decoding from a key frame did not give what the index promises."""


@frozen
class _Output:
    """Where the frames of one view go, of which each place wants a window."""

    converter: ViewConverter
    # frame -> arrays [h, w, 3] to be filled, and with which rows and columns
    places: dict[int, list[tuple[Pixels, tuple[slice, slice]]]] = field(factory=lambda: defaultdict(list))

    def write(self, number: int, frame: VideoFrame) -> None:
        """Convert a frame once, for every place that wants a part of it."""
        if number in self.places:
            pixels = self.converter.pixels(frame)
            for place, window in self.places[number]:
                place[:] = pixels[window]


class PyAVReader:
    """Reads frames of one video: `info` describes it, `index` tells which packets hold which frames.

    Pickles without its open file, which the other process opens anew; so does a process that was forked. Not to be
    used by two threads at once.
    """

    def __init__(self, source: Source, index: FrameIndex, config: PyAVConfig) -> None:
        self.info, self.index = index.info(), index
        self._source, self._config = source, config
        self._options = {} if index.false_alarms else DAMAGE_IS_AN_ERROR
        self._video: OpenVideo | None = None
        self._process = 0

    def frames(self, indices: Sequence[int], view: FrameView | None = None) -> Tensor:
        """Frames in the order asked for, duplicates allowed: RGB uint8 `[N, C, H, W]`, channels last in memory.

        Raises:
            DataError: An index is outside the video, the crop outside the frame, or a frame cannot be decoded exactly.
        """
        return self.read([(indices, view)])[0]

    def read(self, requests: Requests) -> list[Tensor]:
        """`frames` of each request, with one decoding pass for all of them.

        Example: three crops of ten clips that overlap are thirty requests, and each frame is decoded and scaled once,
        and copied from there to where it belongs. All requests lie side by side in memory.
        """
        outputs, tensors = dict[FrameView, _Output](), list[Tensor]()
        found = checked(requests, self.info, self._source.name)
        shapes = [(len(numbers), window[3], window[2], 3) for numbers, _, window in found]
        memory, end = torch.from_numpy(take_memory(sum(map(math.prod, shapes)))), 0
        for (numbers, view, (x, y, width, height)), shape in zip(found, shapes, strict=True):
            start, end = end, end + math.prod(shape)
            tensors.append(memory[start:end].view(shape).permute(0, 3, 1, 2))
            if view not in outputs:
                size = (self.index.coded_width, self.index.coded_height)
                outputs[view] = _Output(ViewConverter(view, size, self.index.orientation, self._source.name))
            for number, place in zip(numbers, memory[start:end].view(shape).numpy(), strict=True):
                outputs[view].places[number].append((place, np.s_[y : y + height, x : x + width]))
        wanted = sorted({number for output in outputs.values() for number in output.places})
        for run in self.index.runs(wanted):
            self._decode(run, list(outputs.values()))
        return tensors

    def close(self) -> None:
        """Give the file back. Reading again opens it again."""
        if self._video is not None:
            if self._process == os.getpid():
                self._video.close()
            self._video = None

    def __enter__(self) -> PyAVReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[PyAVReader], tuple[Source, FrameIndex, PyAVConfig]]:
        return PyAVReader, (self._source, self.index, self._config)

    def _decode(self, run: Run, outputs: list[_Output]) -> None:
        """Decode from the run's key frame; if that does not give every frame, carefully from the file's start."""
        try:
            self._decode_once(run, outputs, self._options, self._config.skip_nonref)
        except _NotFoundError:
            try:
                self._decode_once(Run(0, run.frames), outputs, self._options | _CERTAIN_ORDER, skip_nonref=False)
            except _NotFoundError as error:
                raise DataError(
                    f"{self._source.name}: {error}. The file is damaged or cut short there: "
                    "fetch it again, or remove it from the list."
                ) from error
            finally:
                self.close()

    def _decode_once(self, run: Run, outputs: list[_Output], options: dict[str, str], skip_nonref: bool) -> None:
        wanted = {int(self.index.packets[frame]): frame for frame in run.frames}
        try:
            for frame in self._decoded(run.key, wanted, options, skip_nonref):
                number = None if frame.pts is None else wanted.pop(frame.pts, None)
                if number is not None:
                    self._deliver(number, frame, outputs)
        except av.error.FFmpegError as error:
            lost = min(wanted.values(), default=run.frames[-1])
            reason = f"frame {lost} or one that it builds on cannot be decoded ({error.strerror})"
            raise _NotFoundError(reason) from error
        if wanted:
            raise _NotFoundError(f"the decoder does not give frame {min(wanted.values())}, which the file announces")

    def _decoded(
        self, key: int, wanted: Mapping[int, int], options: dict[str, str], skip_nonref: bool
    ) -> Iterator[VideoFrame]:
        """Frames from a key frame on, their pts the numbers of their packets, until no packet in `wanted` is left.

        Feeds packets until the last wanted one is in, then drains: frames that follow it are not decoded.
        """
        unfed, leading = set(wanted), self.index.leading_packets(key)
        skip_nonref &= self.index.codec in _MARKS_NONREF
        packets = self._packets_from(key, options)
        context = self._open().stream.codec_context
        for number, packet in enumerate(packets, start=int(self.index.key_packets[key])):
            packet.pts = number
            if skip_nonref:
                context.skip_frame = "DEFAULT" if number in wanted else "NONREF"
            try:
                if packet.is_corrupt:
                    raise av.error.InvalidDataError(0, "damaged packet")
                yield from context.decode(packet)
            except av.error.FFmpegError:
                if number not in leading:
                    raise
            unfed.discard(number)
            if not unfed:
                break
        if wanted and not unfed:
            yield from context.decode(None)

    def _deliver(self, number: int, frame: VideoFrame, outputs: list[_Output]) -> None:
        """Write frame `number` to every view that has a place for it."""
        size = (self.index.coded_width, self.index.coded_height)
        if frame.is_corrupt:
            raise _NotFoundError(f"frame {number} is damaged")
        if (frame.width, frame.height) != size:
            raise DataError(
                f"{self._source.name}: frame {number} is {frame.width}x{frame.height}, the first one "
                f"{size[0]}x{size[1]}. Encode it at one size: ffmpeg -i IN -vf scale=W:H OUT.mp4"
            )
        for output in outputs:
            output.write(number, frame)

    def _packets_from(self, key: int, options: dict[str, str]) -> Iterator[Packet[VideoStream]]:
        """Go to a key frame; its packet and those after it."""
        index = self.index
        if key == 0:  # not every container can be sought to its start
            return itertools.islice(self._open_anew(options).packets(), int(index.key_packets[0]), None)
        video = self._open()
        video.container.seek(int(index.key_times[key]), stream=video.stream)
        packets, looked_for = video.packets(), (index.key_pts[key], index.key_sizes[key])
        for packet in packets:  # containers seek roughly
            if packet.is_keyframe and packet.pts is not None:
                if (packet.pts, packet.size) == looked_for:
                    return itertools.chain([packet], packets)
                if packet.pts > index.key_pts[key]:
                    break
        raise _NotFoundError("seeking went past the key frame")

    def _open(self) -> OpenVideo:
        """The open file of this process: a forked one must not share the position in it with its parent."""
        if self._video is None or self._process != os.getpid():
            return self._open_anew(self._options)
        return self._video

    def _open_anew(self, options: dict[str, str]) -> OpenVideo:
        self.close()
        self._video = OpenVideo.of(self._source, self._config.threads, options)
        self._process = os.getpid()
        return self._video
