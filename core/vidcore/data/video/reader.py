"""An open video: exact frames by index, one stretch of decoding for each group of key frames, all views at once."""

from __future__ import annotations

import itertools
import operator
import os
from collections.abc import Callable, Iterator, Sequence

import av
import torch
from attrs import field, frozen
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from torch import Tensor

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.frame_index import FrameIndex, Run
from vidcore.data.video.orientation import Pixels
from vidcore.data.video.scaling import WHOLE, Geometry, ViewConverter
from vidcore.data.video.source import DAMAGE_IS_AN_ERROR, OpenVideo, Source
from vidcore.errors import DataError
from vidcore.interfaces import FrameView, VideoInfo

Request = tuple[Sequence[int], FrameView | None]

# H.264 and MPEG-1/2 say in each picture whether another one refers to it, and mean it. HEVC's mark holds within a
# temporal layer only; MPEG-4 packs two pictures into a packet, and skipping the first loses the second (XviD in AVI).
_MARKS_NONREF = {"h264", "mpeg1video", "mpeg2video"}
# H.264 then holds frames back until their order is certain.
_CERTAIN_ORDER = {"strict": "1"}


class _NotFoundError(Exception):
    """Decoding from a key frame did not give what the index promises."""


@frozen
class _Output:
    """Where the frames of one view go."""

    geometry: Geometry
    places: dict[int, list[Pixels]] = field(factory=dict)  # frame -> arrays [H, W, 3] to be filled


class PyAVReader:
    """Reads frames of one video.

    Pickles without its open file, which the other process opens anew; so does a process that was forked. Not to be
    used by two threads at once.
    """

    def __init__(self, source: Source, index: FrameIndex, config: PyAVConfig) -> None:
        self._source, self._index, self._config = source, index, config
        self._info = index.info()
        self._options = {} if index.false_alarms else DAMAGE_IS_AN_ERROR
        self._video: OpenVideo | None = None
        self._process = 0
        self._at_start = False

    @property
    def info(self) -> VideoInfo:
        return self._info

    @property
    def index(self) -> FrameIndex:
        """Which packets hold which frames."""
        return self._index

    def frames(self, indices: Sequence[int], view: FrameView | None = None) -> Tensor:
        """Frames in the order asked for, duplicates allowed: RGB uint8 `[N, C, H, W]`, channels last in memory.

        Raises:
            DataError: An index is outside the video, the crop outside the frame, or a frame cannot be decoded exactly.
        """
        return self.read([(indices, view)])[0]

    def read(self, requests: Sequence[Request]) -> list[Tensor]:
        """`frames` of each request, with one decoding pass for all of them.

        Example: three crops of ten clips that overlap are thirty requests, and each frame is decoded once.
        """
        tensors, outputs = list[Tensor](), dict[FrameView, _Output]()
        for indices, view in requests:
            view = view or WHOLE
            output = outputs.get(view)
            if output is None:
                output = outputs[view] = _Output(self._fit(view))
            numbers = [self._checked(number) for number in indices]
            tensor = torch.empty((len(numbers), *output.geometry.size, 3), dtype=torch.uint8)
            for number, place in zip(numbers, tensor.numpy(), strict=True):
                output.places.setdefault(number, []).append(place)
            tensors.append(tensor.permute(0, 3, 1, 2))
        wanted = sorted({number for output in outputs.values() for number in output.places})
        writer = _Writer(self._index, list(outputs.values()), self._source.name)
        for run in self._index.runs(wanted):
            self._decode(run, writer.write)
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
        return PyAVReader, (self._source, self._index, self._config)

    def __repr__(self) -> str:
        info = self._info
        return f"<video {self._source.name}: {info.num_frames} frames, {info.width}x{info.height}, {info.fps:.6g} fps>"

    def _fit(self, view: FrameView) -> Geometry:
        return Geometry.of(view, self._info.width, self._info.height, self._index.orientation, self._source.name)

    def _checked(self, number: int) -> int:
        number = operator.index(number)
        if not 0 <= number < self._index.num_frames:
            raise DataError(
                f"{self._source.name}: frame {number} does not exist: the video has frames 0 to "
                f"{self._index.num_frames - 1}. If a list gave the length, the list is wrong or the file cut short."
            )
        return number

    def _decode(self, run: Run, deliver: Callable[[int, VideoFrame], None]) -> None:
        """Decode from the run's key frame; if that does not give every frame, carefully from the file's start."""
        try:
            self._decode_once(run, deliver, skip=self._config.skip_nonref and self._index.codec in _MARKS_NONREF)
        except _NotFoundError:
            self._rewind(self._options | _CERTAIN_ORDER)
            try:
                self._decode_once(Run(0, run.frames), deliver, skip=False)
            except _NotFoundError as error:
                raise DataError(
                    f"{self._source.name}: {error}. The file is damaged or cut short there: "
                    "fetch it again, or remove it from the list."
                ) from error
            finally:
                self.close()

    def _decode_once(self, run: Run, deliver: Callable[[int, VideoFrame], None], skip: bool) -> None:
        """Feed packets until the last wanted one is in, then drain: frames that follow it are not decoded."""
        index = self._index
        wanted = {int(index.packets[frame]): frame for frame in run.frames}
        unfed = set(wanted)
        leading, damaged = index.leading_packets(run.key), set(index.damaged.tolist())
        packets = self._packets_from(run.key)
        context = self._open().stream.codec_context
        self._at_start = False
        for number, packet in enumerate(packets, start=int(index.key_packets[run.key])):
            packet.pts = number
            if skip:
                context.skip_frame = "DEFAULT" if number in wanted else "NONREF"
            try:
                if number in damaged or packet.is_corrupt:
                    raise av.error.InvalidDataError(0, "damaged packet")
                decoded = context.decode(packet)
            except av.error.FFmpegError as error:
                if number in leading:
                    continue
                raise _NotFoundError(
                    f"frame {min(wanted.values())} or one that it builds on cannot be decoded ({error.strerror})"
                ) from error
            _hand_over(decoded, wanted, deliver)
            unfed.discard(number)
            if not unfed:
                break
        if wanted and not unfed:
            try:
                _hand_over(context.decode(None), wanted, deliver)
            except av.error.FFmpegError as error:
                raise _NotFoundError(f"frame {min(wanted.values())} cannot be decoded ({error.strerror})") from error
        if wanted:
            raise _NotFoundError(f"the decoder does not give frame {min(wanted.values())}, which the file announces")

    def _packets_from(self, key: int) -> Iterator[Packet[VideoStream]]:
        """Go to a key frame; its packet and those after it."""
        index = self._index
        if key == 0:
            if not self._at_start:
                self._rewind(self._options)
            return itertools.islice(self._open().packets(), int(index.key_packets[0]), None)
        video = self._open()
        try:
            video.container.seek(int(index.key_times[key]), stream=video.stream)
        except av.error.FFmpegError as error:
            raise _NotFoundError(f"the file cannot be sought ({error.strerror})") from error
        return self._after_seek(video.packets(), int(index.key_pts[key]), int(index.key_sizes[key]))

    def _after_seek(self, packets: Iterator[Packet[VideoStream]], pts: int, size: int) -> Iterator[Packet[VideoStream]]:
        """Packets from the key frame with this time stamp and size on. Containers seek roughly, so it is looked for."""
        for packet in packets:
            if packet.is_keyframe and packet.pts is not None:
                if (packet.pts, packet.size) == (pts, size):
                    yield packet
                    yield from packets
                elif packet.pts > pts:
                    raise _NotFoundError("seeking went past the key frame")

    def _open(self) -> OpenVideo:
        """The open file of this process: a forked one must not share the position in it with its parent."""
        if self._video is None or self._process != os.getpid():
            self._rewind(self._options)
        assert self._video is not None
        return self._video

    def _rewind(self, options: dict[str, str]) -> None:
        """Open the file anew: not every container can be sought to its start."""
        self.close()
        self._video = OpenVideo.of(self._source, self._config.threads, options)
        self._process = os.getpid()
        self._at_start = True


class _Writer:
    """Writes a decoded frame to every place that wants it."""

    def __init__(self, index: FrameIndex, outputs: list[_Output], name: str) -> None:
        self._index, self._outputs, self._name = index, outputs, name
        self._converters = dict[tuple[int, str], ViewConverter]()

    def write(self, number: int, frame: VideoFrame) -> None:
        """Convert frame `number` once for each view that has a place for it."""
        size = (self._index.coded_width, self._index.coded_height)
        if (frame.width, frame.height) != size:
            raise DataError(
                f"{self._name}: frame {number} is {frame.width}x{frame.height}, the first one {size[0]}x{size[1]}. "
                "Encode it at one size: ffmpeg -i IN -vf scale=W:H OUT.mp4"
            )
        for place, output in enumerate(self._outputs):
            targets = output.places.get(number)
            if targets:
                self._converter(place, frame).write(frame, targets[0])
                for target in targets[1:]:
                    target[:] = targets[0]

    def _converter(self, place: int, frame: VideoFrame) -> ViewConverter:
        key = (place, f"{frame.format.name} {frame.colorspace} {frame.color_range}")
        if key not in self._converters:
            self._converters[key] = ViewConverter(self._outputs[place].geometry, frame)
        return self._converters[key]


def _hand_over(decoded: list[VideoFrame], wanted: dict[int, int], deliver: Callable[[int, VideoFrame], None]) -> None:
    """Deliver the wanted ones among decoded frames and strike them off."""
    for frame in decoded:
        number = None if frame.pts is None else wanted.pop(frame.pts, None)
        if number is not None:
            if frame.is_corrupt:
                raise _NotFoundError(f"frame {number} is damaged")
            deliver(number, frame)
