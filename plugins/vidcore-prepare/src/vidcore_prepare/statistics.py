"""What a folder of videos is like: a row a video, found without decoding, and what they say together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import av
from attrs import asdict, frozen

from vidcore.errors import DataError
from vidcore_prepare.engine import Item
from vidcore_prepare.media import opened, picture_stream

# name of the field, what it is, unit
MEASURES = (
    ("seconds", "length", "s"),
    ("frames", "frames", ""),
    ("fps", "frames a second", ""),
    ("short_side", "shorter side", "px"),
    ("key_frame_gap", "frames from key frame to key frame", ""),
    ("megabytes", "size", "MB"),
)


@frozen(kw_only=True)
class Facts:
    """Of one video."""

    path: str  # below the folder
    modified: float  # time stamp of the file, by which a changed one is noticed
    megabytes: float
    seconds: float
    frames: int
    fps: float
    width: int
    height: int
    codec: str
    key_frame_gap: float  # mean
    sound: str  # codec; "" where there is none

    @property
    def short_side(self) -> int:
        return min(self.width, self.height)

    @property
    def group(self) -> str:
        """The first folder, which often is the class."""
        return self.path.partition("/")[0] if "/" in self.path else ""


@frozen
class Measure:
    """Writes the facts of a video as JSON."""

    def __call__(self, item: Item, unfinished: Path) -> None:
        """Raises DataError where it cannot be read, or has no frame."""
        unfinished.write_text(json.dumps(asdict(measure(item.source, item.name))), encoding="utf-8")


def measure(path: Path, name: str) -> Facts:
    """Read the packets of a video; nothing is decoded, and headers are not trusted for the length.

    Raises:
        DataError: It cannot be read, or has no frame.
    """
    status = path.stat()
    with opened(path) as container:
        stream = picture_stream(container)
        packets = [packet for packet in container.demux(stream) if packet.size]
        times = [packet.pts for packet in packets if packet.pts is not None]
        keys = sum(packet.is_keyframe for packet in packets)
        if not packets or not keys:
            raise DataError(f"{path}: has no frame that could be decoded; fetch it again or remove it")
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        span = float((max(times) - min(times)) * (stream.time_base or 0)) if len(times) > 1 else 0.0
        fps = (len(times) - 1) / span if span else rate
        sound = container.streams.audio[0].codec_context.name if container.streams.audio else ""
        return Facts(
            path=name,
            modified=status.st_mtime,
            megabytes=status.st_size / 1e6,
            seconds=len(packets) / fps if fps else float(container.duration or 0) / av.time_base,
            frames=len(packets),
            fps=fps,
            width=stream.width,
            height=stream.height,
            codec=stream.codec_context.name,
            key_frame_gap=len(packets) / keys,
            sound=sound,
        )


def items_to_measure(files: Sequence[Path], source: Path, target: Path) -> list[Item]:
    """An item for each video; what is known of a file that has changed since is removed."""
    base = source.parent if source.is_file() else source
    items = []
    for path in files:
        name = path.relative_to(base).as_posix()
        output = target / "videos" / f"{name}.json"
        if output.exists() and read_facts(output).modified != path.stat().st_mtime:
            output.unlink()
        items.append(Item(name=name, output=output, source=path))
    return items


def read_facts(file: Path) -> Facts:
    """What was written of a video. Raises DataError where it is something else."""
    try:
        return Facts(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{file} is not what `vidcore data stats` wrote; remove it") from error


def summary(facts: Sequence[Facts]) -> list[tuple[str, ...]]:
    """Rows for a table: what, smallest, median, largest, sum."""
    rows: list[tuple[str, ...]] = []
    for name, text, unit in MEASURES:
        values = [float(getattr(each, name)) for each in facts]
        total = _short(sum(values)) if name in ("seconds", "frames", "megabytes") else ""
        label = f"{text}, {unit}" if unit else text
        rows.append((label, _short(min(values)), _short(median(values)), _short(max(values)), total))
    return rows


def counts(facts: Sequence[Facts]) -> dict[str, Counter[str]]:
    """How many videos there are of each kind."""
    return {
        "codec": Counter(each.codec for each in facts),
        "sound": Counter(each.sound or "none" for each in facts),
        "size": Counter(f"{each.width} x {each.height}" for each in facts),
        "folder": Counter(each.group for each in facts if each.group),
    }


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def draw(facts: Sequence[Facts], file: Path) -> None:
    """Write a picture: histograms of length, size, rate, and videos a folder."""
    from matplotlib.figure import Figure

    from vidcore_report import theme

    with theme.style():
        figure = Figure(figsize=(10, 6.5), layout="constrained")
        panels: Any = figure.subplots(2, 2).ravel()
        for axes, (name, text, unit) in zip(panels, (MEASURES[0], MEASURES[3], MEASURES[2]), strict=False):
            axes.hist([float(getattr(each, name)) for each in facts], bins=30, color=theme.BLUE)
            axes.set_title(text)
            axes.set_xlabel(unit or text)
        groups = counts(facts)["folder"].most_common()
        panels[3].bar(range(len(groups)), [number for _, number in groups], color=theme.TEAL, width=0.9)
        panels[3].set_title(f"videos in each of {len(groups)} folders")
        for axes in panels:
            axes.set_ylabel("videos")
            axes.yaxis.get_major_locator().set_params(integer=True)
        if len(groups) <= _NAMED:
            panels[3].set_xticks(range(len(groups)), [name for name, _ in groups], rotation=45, ha="right")
    theme.save(figure, file)


_NAMED = 30  # folders whose names are readable below their bars
