"""Videos to videos and to sound: smaller ones, exact pieces, WAV files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from attrs import field, frozen
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcore.errors import DataError
from vidcore_prepare.engine import Item
from vidcore_prepare.media import Clock, Encoding, Shaper, VideoWriter, first_picture, new_video, opened, picture_stream

_COPIED_SOUND = {"aac", "mp3", "ac3", "eac3", "opus", "alac"}  # goes into MP4 as it is
FINE = Encoding(crf=18, gop=48, quick_to_read=False)  # pieces of originals stay originals
_SLACK = Fraction(1, 2000)  # seconds: a segment that starts at 1.2 has the frame at 1.19999
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
_FOREVER = Fraction(10**9)  # seconds
_SOUND_LAGS = 2  # seconds that sound may lie behind its pictures in a file


@frozen(kw_only=True)
class Resize:
    """The same video, smaller and with a key frame every few frames; its sound and its times stay."""

    short_side: int = 256  # pixels, at most; smaller videos keep their size
    encoding: Encoding = field(factory=Encoding)
    sound: bool = True

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where the video cannot be read to its end."""
        shape = Shaper(self.short_side, "yuv420p", even=True)
        first = shape(first_picture(item.source))
        with opened(item.source) as source, new_video(unfinished) as target:
            stream = picture_stream(source)
            clock = Clock.of(source, stream)
            writer = VideoWriter(target, self.encoding, (first.width, first.height), stream.average_rate)
            sound = _SameSound(source, target, clock.start) if self.sound and source.streams.audio else None
            for packet in source.demux([stream, *([sound.source] if sound else [])]):
                if sound and packet.stream is sound.source:
                    sound.write(packet)
                    continue
                for frame in packet.decode():
                    assert isinstance(frame, VideoFrame)
                    writer.write(shape(frame), clock.seconds(frame))
            writer.finish()
            if sound:
                sound.finish()
        return {"frames": writer.frames}


class _SameSound:
    """Sound that goes from one file into another: copied where MP4 can hold it, else as AAC."""

    def __init__(self, source: InputContainer, target: Any, start: Fraction) -> None:
        self.source = source.streams.audio[0]
        self._target, self._start = target, start
        self._encoded = None
        if self.source.codec_context.codec.canonical_name in _COPIED_SOUND:
            self._stream = target.add_stream_from_template(self.source)
        else:
            self._encoded = _CutSound(source, target, Fraction(0), _FOREVER)

    def write(self, packet: Any) -> None:
        """Pass a packet on, so much earlier as the pictures are."""
        if self._encoded:
            for frame in packet.decode():
                self._encoded.write(frame, self._start)
        elif packet.size and packet.pts is not None and packet.dts is not None:
            earlier = round(self._start / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - earlier, packet.dts - earlier, self._stream
            self._target.mux(packet)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._encoded:
            self._encoded.finish()


@frozen(kw_only=True)
class Segment:
    """A piece of a video, by the clock of a player."""

    path: Path
    start: float  # seconds; the frame shown then is the first
    end: float  # seconds; the frame shown then is no more in it


@frozen(kw_only=True)
class Cut:
    """A segment as a video of its own: exactly the frames with start <= time < end, encoded anew, with their sound."""

    short_side: int | None = None
    encoding: Encoding = field(default=FINE)
    sound: bool = True

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where the video cannot be read, or ends before the segment begins."""
        segment: Segment = item.source
        shape = Shaper(self.short_side, "yuv420p", even=True)
        first = shape(first_picture(segment.path))
        begin, end = (Fraction(value).limit_denominator(10**6) for value in (segment.start, segment.end))
        with opened(segment.path) as source, new_video(unfinished) as target:
            stream = picture_stream(source)
            clock = Clock.of(source, stream)
            writer = VideoWriter(target, self.encoding, (first.width, first.height), stream.average_rate)
            sound = _CutSound(source, target, begin, end) if self.sound and source.streams.audio else None
            _go_before(source, stream, clock, begin)
            for frame in _decoded(source, [stream, *([sound.source] if sound else [])]):
                if isinstance(frame, AudioFrame):
                    if sound:
                        sound.write(frame, clock.start)
                    continue
                seconds = clock.seconds(frame)
                if begin - _SLACK <= seconds < end - _SLACK:
                    writer.write(shape(frame), max(seconds - begin, Fraction(0)))
                elif seconds >= end and (sound is None or sound.over or seconds > end + _SOUND_LAGS):
                    break
            if not writer.frames:
                raise DataError(f"{segment.path}: has no frame between {segment.start:g} s and {segment.end:g} s")
            writer.finish()
            if sound:
                sound.finish()
        return {"frames": writer.frames}


class _CutSound:
    """The samples of a segment, as AAC."""

    def __init__(self, source: InputContainer, target: Any, begin: Fraction, end: Fraction) -> None:
        self.source = source.streams.audio[0]
        self.over = False
        self._begin, self._end, self._target = begin, end, target
        layout = _LAYOUTS.get(self.source.channels, "stereo")  # files may name none, and AAC knows few
        self._plain = av.AudioResampler(format="fltp", layout=layout, rate=self.source.rate)
        self._stream = target.add_stream("aac", rate=self.source.rate, layout=layout)

    def write(self, frame: AudioFrame, start: Fraction) -> None:
        """Encode what of a frame lies in the segment. `start` is when the file starts, by its own clock."""
        for plain in self._plain.resample(frame):
            if plain.pts is None or plain.time_base is None:
                continue
            rate, at = plain.sample_rate, plain.pts * plain.time_base - start
            first, last = (round((moment - at) * rate) for moment in (self._begin, self._end))
            self.over = last <= plain.samples
            values: Any = plain.to_ndarray()[:, max(first, 0) : max(last, 0)]
            if values.shape[1]:
                piece = AudioFrame.from_ndarray(np.ascontiguousarray(values), format="fltp", layout=plain.layout.name)
                piece.sample_rate, piece.time_base = rate, Fraction(1, rate)
                piece.pts = round((at - self._begin) * rate) + max(first, 0)
                self._target.mux(self._stream.encode(piece))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._target.mux(self._stream.encode(None))


def _decoded(source: InputContainer, streams: list[Any]) -> Iterator[Any]:
    for packet in source.demux(streams):
        yield from packet.decode()


def _go_before(source: InputContainer, stream: VideoStream, clock: Clock, seconds: Fraction) -> None:
    """Go to a key frame at or before a time; to the start of the file where jumping is not to be trusted."""
    if not clock.timed or seconds <= 0 or stream.time_base is None:
        return
    source.seek(int((seconds + clock.start) / stream.time_base), stream=stream, backward=True)
    try:
        first = next((frame for frame in source.decode(stream)), None)
    except av.error.InvalidDataError:  # not at a key frame, as in .ts
        first = None
    late = first is None or clock.seconds(first) > seconds
    target = 0 if late else int((seconds + clock.start) / stream.time_base)
    source.seek(target, stream=stream, backward=True)


@frozen(kw_only=True)
class WriteSound:
    """The sound of a video as a 16-bit WAV file."""

    sample_rate: int | None = None  # samples a second; None: as it is
    mono: bool = False

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where there is no sound, or it cannot be read."""
        with opened(item.source) as source:
            if not source.streams.audio:
                raise DataError(f"{item.source}: has no sound")
            stream = source.streams.audio[0]
            layout, rate = "mono" if self.mono else stream.layout.name, self.sample_rate or stream.rate
            plain = av.AudioResampler(format="s16", layout=layout, rate=rate)
            with av.open(str(unfinished), "w", format="wav") as target:
                output: Any = target.add_stream("pcm_s16le", rate=rate, layout=layout)
                samples = 0
                for frame in _with_end(source.decode(stream)):
                    for piece in plain.resample(frame):
                        samples += piece.samples
                        target.mux(output.encode(piece))
                target.mux(output.encode(None))
        if not samples:
            raise DataError(f"{item.source}: its sound is empty")
        return {"seconds of sound": samples / rate}


def _with_end(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame | None]:
    yield from frames
    yield None
