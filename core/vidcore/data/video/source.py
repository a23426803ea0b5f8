"""What a video is read from, and opening it with errors that a person can act on."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

import av
import av.container
from attrs import define, frozen
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from vidcore.errors import DataError

# For the decoder: report damage instead of painting over it.
DAMAGE_IS_AN_ERROR = {"err_detect": "explode"}


class Source(Protocol):
    """A thing that can be opened again and again, also in another process."""

    @property
    def name(self) -> str:
        """For messages."""

    def open(self) -> av.container.InputContainer:
        """A fresh container, positioned at its start. Raises DataError."""


@frozen
class FileSource:
    """A video file on a local disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def check(self) -> os.stat_result:
        """Its size and times. Raises DataError unless it is a file with something in it."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise DataError(
                f"{self.name}: no such video. Check the path in the list and `data.root` (or VIDCORE_DATA)."
            ) from None
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read: {error.strerror}. Check its permissions.") from error
        if stat.S_ISDIR(status.st_mode):
            raise DataError(f"{self.name}: is a folder, not a video. Give the path of one video file.")
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{self.name}: is not a regular file, so frames cannot be found in it. Copy it to a file.")
        if status.st_size == 0:
            raise DataError(f"{self.name}: is empty (0 bytes). Fetch it again or remove it from the list.")
        return status

    def open(self) -> av.container.InputContainer:
        self.check()
        return _open(str(self.path), self.name)


@frozen
class BytesSource:
    """A whole encoded video in memory."""

    data: bytes
    name: str = "<bytes>"

    def open(self) -> av.container.InputContainer:
        if not self.data:
            raise DataError(f"{self.name}: is empty (0 bytes). Give the whole encoded video.")
        return _open(io.BytesIO(self.data), self.name)


def as_source(video: str | os.PathLike[str] | bytes | Source) -> Source:
    """A path, or the bytes of an encoded video, as something to open."""
    if isinstance(video, bytes):
        return BytesSource(video)
    if isinstance(video, str | os.PathLike):
        return FileSource(Path(video))
    return video


def _open(target: str | IO[bytes], name: str) -> av.container.InputContainer:
    try:
        return av.open(target, mode="r", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{name}: cannot be opened as a video: {reason}. "
            "It may be damaged, cut short before its header, or no video; play it, fetch it again, or remove it."
        ) from error


@define(eq=False)
class OpenVideo:
    """An open container and the one stream that is read from it."""

    container: av.container.InputContainer
    stream: VideoStream

    @classmethod
    def of(cls, source: Source, threads: int = 1, options: dict[str, str] | None = None) -> OpenVideo:
        """Open a source at its start. `options` are FFmpeg's, for the decoder. Raises DataError."""
        container = source.open()
        try:
            stream = _choose_stream(container, source.name)
        except BaseException:
            container.close()
            raise
        context = stream.codec_context
        context.thread_type = "NONE" if threads == 1 else "AUTO"
        context.thread_count = threads
        context.options = options or {}
        return cls(container, stream)

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets with something in them, in file order. Scanning and reading number these alike."""
        for packet in self.container.demux(self.stream):
            if packet.size:
                yield packet

    def close(self) -> None:
        self.container.close()

    def __enter__(self) -> OpenVideo:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _choose_stream(container: av.container.InputContainer, name: str) -> VideoStream:
    """The video to read; every other stream is told to stay on disk."""
    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise DataError(
            f"{name}: holds no video stream (it has: {kinds}). Remove it from the list, or use an audio data set."
        )
    best = container.streams.best("video")
    chosen = next((stream for stream in streams if best is not None and stream.index == best.index), streams[0])
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all
    return chosen
