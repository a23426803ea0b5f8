"""What a video is read from, and opening it with errors that a person can act on."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import av
import av.container
from attrs import define, frozen
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from vidcore.errors import DataError

# For the decoder: report damage instead of painting over it.
DAMAGE_IS_AN_ERROR = {"err_detect": "explode"}


@frozen
class Source:
    """A video file, or all the bytes of one: to be opened again and again, also in another process."""

    content: Path | bytes

    @property
    def name(self) -> str:
        """For messages."""
        return "<bytes>" if isinstance(self.content, bytes) else str(self.content)

    def open(self) -> av.container.InputContainer:
        """A fresh container, positioned at its start.

        Raises:
            DataError: There is no file, or nothing that FFmpeg takes for a video in it.
        """
        try:
            if isinstance(self.content, bytes):
                return av.open(io.BytesIO(self.content), mode="r", metadata_errors="replace")
            check_file(self.content)
            local = isinstance(self.content, os.PathLike)  # what an address leads to is read as a file object
            return av.open(str(self.content) if local else self.content.open("rb"), mode="r", metadata_errors="replace")
        except (av.error.FFmpegError, OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"{self.name}: cannot be opened as a video: {reason}. "
                "It may be damaged, cut short before its header, or no video; play it, fetch it again, or remove it."
            ) from error


def check_file(path: Path) -> os.stat_result:
    """Size and times of a file. Raises DataError unless it is one with something in it."""
    try:
        status = path.stat()
    except OSError as error:
        reason = (
            "no such video" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"
        )
        raise DataError(f"{path}: {reason}. Check the path in the list and `data.root` (or VIDCORE_DATA).") from error
    if not path.is_file():
        raise DataError(f"{path}: is a folder or a device, not a video. Give the path of one video file.")
    if status.st_size == 0:
        raise DataError(f"{path}: is empty (0 bytes). Fetch it again or remove it from the list.")
    return status


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
        return (packet for packet in self.container.demux(self.stream) if packet.size)

    def close(self) -> None:
        """Give the file back."""
        self.container.close()


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
    chosen = next((stream for stream in streams if stream is best), streams[0])
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = Discard.all
    return chosen
