"""Finding the frames of a file: the packets are read, and only one frame is decoded wherever that is enough.

Packets, not headers, tell the length: a header counts frames that a cut file no longer has, or none at all. Where time
stamps cannot tell the order of the frames, the whole file is decoded once and the frames are counted as they come out:
AVI (its packet times are decode counters), raw streams, doubled stamps, frames shown before the first key frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from attrs import define, field, frozen
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcore.data.video.frame_index import NO_TIME, FrameIndex, Int64s
from vidcore.data.video.keyframes import Start, kind_of_start
from vidcore.data.video.orientation import Orientation
from vidcore.data.video.source import OpenVideo, Source
from vidcore.errors import DataError

# Containers that write when a frame is shown, for each packet.
_TIMED = {"mov", "mp4", "matroska", "webm", "flv", "mpegts", "mpeg", "ogg", "nut"}
# One packet, one frame. Others have packets that show nothing (VP8's alternate references, MPEG-4's skipped pictures).
_FRAME_A_PACKET = {"h264", "hevc", "vp9", "av1", "mjpeg", "mpeg1video", "mpeg2video", "prores", "ffv1", "rawvideo"}
# Seeking takes the time of decoding here; elsewhere FFmpeg seeks by the time of showing.
_SEEK_BY_DECODE_TIME = {"avi", "mpegts"}
# After a seek in a program stream, packets carry the time stamps of their neighbours.
_NOT_TO_BE_SOUGHT = {"mpeg"}
# Pictures before the first key frame can be whole in these codecs, and the decoder leaves out those that are not.
_LEADING_CAN_BE_WHOLE = {"hevc", "vvc"}
# Only the order of the frames is wanted: their pixels need not be right.
_ORDER_ONLY = {"skip_loop_filter": "all", "skip_idct": "all"}


@frozen
class _Key:
    packet: int
    pts: int
    dts: int
    size: int
    start: Start


@define
class _Packets:
    """What reading the packets tells, without decoding."""

    pts: list[int] = field(factory=list)
    shown: list[bool] = field(factory=list)  # False: cut short, or dropped by the file's edit list
    keys: list[_Key] = field(factory=list)
    first: VideoFrame | None = None  # that decoding from the first key frame on gives


def build_index(source: Source) -> FrameIndex:
    """Scan a video.

    Raises:
        DataError: It cannot be opened, or has no packet, no key frame, or no frame that can be decoded.
    """
    with contextlib.closing(OpenVideo.of(source)) as video:
        packets = _read_packets(video)
        container = video.container.format.name
        formats = set(container.split(","))
        keys = _usable_keys(packets, source.name)[: 1 if formats & _NOT_TO_BE_SOUGHT else None]
        codec, time_base = video.stream.codec_context.name, video.stream.time_base or Fraction(1, 1000)
        header_rate = video.stream.average_rate or video.stream.guessed_rate or Fraction(1)
    order = _order_by_time(packets, keys[0], formats) if codec in _FRAME_A_PACKET else None
    if order is None:
        order, first = _order_by_decoding(source, keys[0].packet, codec)
    else:
        first = packets.first
    if first is None:
        raise DataError(
            f"{source.name}: no frame can be decoded ({len(packets.pts)} packets of {codec}). "
            "The file is damaged or cut short: fetch it again or remove it from the list."
        )
    pts, time_base = _frame_times(packets, order, time_base, header_rate)
    return FrameIndex(
        codec=codec,
        container=container,
        pixel_format=first.format.name,
        time_base=time_base,
        fps=_frame_rate(pts, time_base, header_rate),
        coded_width=first.width,
        coded_height=first.height,
        orientation=_orientation(first, source.name),
        pts=pts,
        packets=order,
        key_packets=np.array([key.packet for key in keys], np.int64),
        key_frames=_first_whole_frames(keys, order, packets),
        key_times=np.array([key.dts if formats & _SEEK_BY_DECODE_TIME else key.pts for key in keys], np.int64),
        key_pts=np.array([key.pts for key in keys], np.int64),
        key_sizes=np.array([key.size for key in keys], np.int64),
        # After such a start, orders to drop pictures that were never seen count as damage, which they are not.
        false_alarms=any(key.start != Start.NEW for key in keys),
    )


def _read_packets(video: OpenVideo) -> _Packets:
    found = _Packets()
    codec, extradata = video.stream.codec_context.name, video.stream.codec_context.extradata
    # What comes before damage is kept, as with a file that simply ends there.
    with contextlib.suppress(av.error.FFmpegError):
        for number, packet in enumerate(video.packets()):
            pts = NO_TIME if packet.pts is None else packet.pts
            dts = NO_TIME if packet.dts is None else packet.dts
            found.pts.append(pts)
            found.shown.append(not (packet.is_corrupt or packet.is_discard))
            if packet.is_keyframe and not packet.is_corrupt:
                found.keys.append(_Key(number, pts, dts, packet.size, kind_of_start(codec, extradata, bytes(packet))))
            if found.first is None and found.keys and not packet.is_corrupt:
                found.first = _first_frame(video, packet)
    found.first = found.first or _first_frame(video, None)
    return found


def _first_frame(video: OpenVideo, packet: Packet[VideoStream] | None) -> VideoFrame | None:
    """What the decoder gives for a packet, or at the end. Here, to open the file once: opening takes most of a scan."""
    with contextlib.suppress(av.error.FFmpegError):
        return next(iter(video.stream.codec_context.decode(packet)), None)
    return None


def _usable_keys(packets: _Packets, name: str) -> list[_Key]:
    """Key frames to go to. The first one marked as such has to do, also when it is inexact or cannot be sought."""
    if not packets.keys:
        raise DataError(f"{name}: holds no key frame, so no frame is whole. Fetch it again or remove it from the list.")
    first, *later = packets.keys
    return [first, *(key for key in later if key.start != Start.INEXACT and key.pts != NO_TIME)]


def _order_by_time(packets: _Packets, first_key: _Key, formats: set[str]) -> Int64s | None:
    """Packet of each frame by ascending time stamp, or None where that is not to be trusted."""
    pts = np.array(packets.pts, np.int64)
    usable = np.array(packets.shown, bool)
    usable[: first_key.packet] = False
    trusted = bool(formats & _TIMED) and NO_TIME not in pts and len(np.unique(pts[usable])) == usable.sum()
    if not trusted or (pts[usable] < first_key.pts).any():
        return None
    numbers = np.flatnonzero(usable)
    order: Int64s = numbers[np.argsort(pts[numbers], kind="stable")]
    return order


def _decode(source: Source, first_packet: int, options: dict[str, str] | None = None) -> Iterator[VideoFrame]:
    """Every frame in the order it comes out, its pts the number of its packet. Damage is passed over."""
    with contextlib.closing(OpenVideo.of(source, options=options)) as video:
        context = video.stream.codec_context
        try:
            for number, packet in enumerate(video.packets()):
                if number < first_packet or packet.is_corrupt:
                    continue
                packet.pts = number
                with contextlib.suppress(av.error.InvalidDataError):
                    yield from context.decode(packet)
            yield from context.decode(None)
        except av.error.FFmpegError:
            return


def _order_by_decoding(source: Source, first_packet: int, codec: str) -> tuple[Int64s, VideoFrame | None]:
    """Packet of each frame as the frames come out of the decoder, and the first of them."""
    first, numbers = None, list[int]()
    for frame in _decode(source, first_packet, _ORDER_ONLY):
        first = frame if first is None else first
        if frame.pts is not None:
            numbers.append(frame.pts)
    if len(set(numbers)) < len(numbers):
        raise DataError(
            f"{source.name}: has packets that hold several frames, which cannot be told apart. "
            "Encode it anew: ffmpeg -i IN -c:v libx264 OUT.mp4"
        )
    if codec not in _LEADING_CAN_BE_WHOLE and first_packet in numbers:
        numbers = numbers[numbers.index(first_packet) :]
    return np.array(numbers, np.int64), first if numbers else None


def _frame_times(
    packets: _Packets, order: Int64s, time_base: Fraction, header_rate: Fraction
) -> tuple[Int64s, Fraction]:
    """Time stamp of each frame, ascending, and its unit. Counted by the header's rate where the file has none."""
    pts: Int64s = np.sort(np.array(packets.pts, np.int64)[order])
    if NO_TIME in pts:
        return np.arange(len(order), dtype=np.int64), 1 / header_rate
    return pts, time_base


def _frame_rate(pts: Int64s, time_base: Fraction, header_rate: Fraction) -> Fraction:
    """Frames a second by the packets; the header's exact fraction (30000/1001) where it says nearly the same."""
    if len(pts) < 2 or pts[-1] == pts[0]:
        return header_rate
    measured = Fraction(len(pts) - 1) / (int(pts[-1] - pts[0]) * time_base)
    return header_rate if abs(header_rate / measured - 1) < Fraction(1, 200) else measured.limit_denominator(100_000)


def _first_whole_frames(keys: list[_Key], order: Int64s, packets: _Packets) -> Int64s:
    """For each key frame the first frame, in the order shown, that is whole when decoding starts there."""
    place = {packet: frame for frame, packet in enumerate(order.tolist())}
    pts = np.array(packets.pts, np.int64)[order]
    # A key frame that is itself not shown (cut away by the edit list) still starts what comes after it.
    later = [place.get(key.packet, int(np.searchsorted(pts, key.pts))) for key in keys[1:]]
    return np.array([0, *later], np.int64)


def _orientation(frame: VideoFrame, name: str) -> Orientation:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return Orientation()
    orientation = Orientation.from_display_matrix(bytes(matrix))
    if orientation is None:
        raise DataError(
            f"{name}: is to be shown turned by {frame.rotation} degrees, and only quarter turns are supported. "
            "Encode it upright: ffmpeg -i IN OUT."
        )
    return orientation
