"""How fast are frames read? Ratios of processor time, measured in one run, medians over interleaved rounds.

    python tests/benchmarks/decoding.py [VIDEO ...] [--rounds 9]

Without arguments: a made 1280x720 H.264 file and the videos in VIDCORE_TEST_DATA. One thread everywhere; views of 224
pixels. Everything starts from a path and opens the file, with the frame index in the cache as in any epoch but the
first. What ours is compared with:

    plain     decode the clip's stretch with PyAV from the key frame before it, throw the pictures away
    decord    decord, then OpenCV: resize, crop, resize, the usual pipeline of the past (needs decord and opencv)
    once      decode the whole file once, throw the pictures away
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from attrs import frozen

from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.scan import build_index
from vidcore.data.video.source import Source
from vidcore.interfaces import FrameView

VIEW = 224
SHORT_SIDE = 256


@frozen
class Target:
    """A ratio that we want to stay under, or above where `at_least` says so."""

    label: str
    ours: str
    other: str
    limit: float
    at_least: bool = False


TARGETS = (
    Target("dense clip / plain decoding", "dense", "dense plain", 1.00),
    Target("sparse 8 frames / decord", "sparse", "sparse decord", 0.80),
    Target("10 clips x 3 crops / file once", "views", "once", 1.25),
    Target("index scan / dense clip", "scan", "dense", 0.10),
)


def write_video(path: Path, width: int = 1280, height: int = 720, num_frames: int = 300, keyint: int = 250) -> Path:
    """A moving texture with noise, which costs a decoder about what a camera's picture does."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (height // 8 + 40, width // 8 + 120, 3)).repeat(8, 0).repeat(8, 1).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "23", "preset": "medium", "x264-params": f"keyint={keyint}"}
        for number in range(num_frames):
            y, x = number * 2 % 200, number * 3 % 600
            picture = texture[y : y + height, x : x + width].copy()
            left = number * 7 % (width - 200)
            picture[100:300, left : left + 200] = (number * 5 % 255, 40, 200)
            noise = rng.integers(-6, 7, (height // 2, width // 2, 1)).repeat(2, 0).repeat(2, 1)
            frame = av.VideoFrame.from_ndarray(np.clip(picture + noise, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Cases:
    """The things to be timed on one video, each a function without arguments."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.decoder = PyAV(PyAVConfig())
        with self.decoder.open(path) as reader:
            info = reader.info
            self.index_bytes = len(reader.index.to_bytes())
        self.count, self.width, self.height, self.timestamps = info.num_frames, info.width, info.height, info.timestamps
        span = min(63, self.count)
        self.dense = ((self.count - span) * 2 // 3 + np.arange(0, span, 2)).tolist()
        self.sparse = ((np.arange(8) + 0.5) * self.count / 8).astype(int).tolist()
        self.clips = [(int(s) + np.arange(0, span, 2)).tolist() for s in np.linspace(0, self.count - span, 10)]
        side = int(min(self.width, self.height) * 0.85)  # what a random resized crop takes in the mean
        self.crop = ((self.width - side) // 2, (self.height - side) // 2, side, side)
        self.view = FrameView(crop=self.crop, size=(VIEW, VIEW))

    def all(self) -> dict[str, Callable[[], object]]:
        """By name, as in TARGETS. Those whose libraries are absent are left out."""
        cases: dict[str, Callable[[], object]] = {
            "dense": lambda: self.read(self.dense),
            "dense plain": self.plain,
            "sparse": lambda: self.read(self.sparse),
            "views": self.read_views,
            "once": self.once,
            "scan": lambda: build_index(Source(self.path)),
        }
        try:
            import cv2
            import decord
        except ImportError:
            return cases
        cv2.setNumThreads(1)
        return cases | {
            "dense decord": lambda: self.old_pipeline(decord, cv2, self.dense),
            "sparse decord": lambda: decord.VideoReader(str(self.path), num_threads=1).get_batch(self.sparse).asnumpy(),
        }

    def read(self, indices: Sequence[int]) -> object:
        with self.decoder.open(self.path) as reader:
            return reader.frames(indices, self.view)

    def read_views(self) -> object:
        side = min(self.width, self.height)
        across = [
            (0, 0),
            ((self.width - side) // 2, (self.height - side) // 2),
            (self.width - side, self.height - side),
        ]
        views = [FrameView(crop=(x, y, side, side), size=(VIEW, VIEW)) for x, y in across]
        with self.decoder.open(self.path) as reader:
            return reader.read([(clip, view) for clip in self.clips for view in views])

    def plain(self) -> None:
        last = self.timestamps[self.dense[-1]] - 1e-6
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_type = "NONE"
            start = self.timestamps[self.dense[0]] / stream.time_base
            container.seek(int(start), stream=stream)
            for frame in container.decode(stream):
                if frame.time >= last:
                    break

    def once(self) -> None:
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_type = "NONE"
            for _ in container.decode(stream):
                pass

    def old_pipeline(self, decord: Any, cv2: Any, indices: Sequence[int]) -> list[Any]:
        frames = decord.VideoReader(str(self.path), num_threads=1).get_batch(indices).asnumpy()
        factor = SHORT_SIDE / min(self.width, self.height)
        size = round(self.width * factor), round(self.height * factor)
        x, y, width, height = (int(value * factor) for value in self.crop)
        small = (cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in frames)
        return [cv2.resize(frame[y : y + height, x : x + width], (VIEW, VIEW)) for frame in small]


def measure(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of processor time; the cases take turns, so that a slow minute hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            started = time.process_time()
            case()
            times[name].append(time.process_time() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def targets_for(short_side: int) -> tuple[Target, ...]:
    """The less there is to scale away, the less there is to gain on decord."""
    gain = 2.0 if short_side >= 720 else 1.5
    return (*TARGETS, Target("dense clip: decord + OpenCV / ours", "dense decord", "dense", gain, at_least=True))


def report(title: str, seconds: dict[str, float], targets: Sequence[Target]) -> None:
    """Print times and ratios."""
    print(f"\n{title}")
    print("  " + " · ".join(f"{name} {value * 1e3:.1f} ms" for name, value in seconds.items()))
    for target in targets:
        if target.ours in seconds and target.other in seconds:
            ratio = seconds[target.ours] / seconds[target.other]
            met = ratio >= target.limit if target.at_least else ratio <= target.limit
            sign = "≥" if target.at_least else "≤"
            print(f"  {target.label:38s} {ratio:6.2f}   {sign} {target.limit:.2f}   {'met' if met else 'MISSED'}")


def short_group_ratio(folder: Path, original: Path, rounds: int) -> None:
    """A random clip from a copy with a short side of 256 pixels and a key frame every 16."""
    copy = Cases(write_video(folder / "short.mp4", width=454, height=256, keyint=16))
    whole = Cases(original)
    seconds = measure({"original": lambda: whole.read(whole.dense), "resized": lambda: copy.read(copy.dense)}, rounds)
    report(
        "resized copy (256 px, key frame every 16)",
        seconds,
        [Target("original / resized", "original", "resized", 4.0, True)],
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "128")
    data = Path(os.environ.get("VIDCORE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "videos"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["VIDCORE_CACHE"] = str(folder / "cache")
        made = [] if arguments.videos else [write_video(folder / "made-720p.mp4")]
        videos = arguments.videos or [*made, *sorted(data.glob("*"))]
        versions = f"Python {sys.version.split()[0]}, PyAV {av.__version__}, torch {torch.__version__}"
        print(f"{versions}, {arguments.rounds} rounds")
        for path in videos:
            cases = Cases(path)
            title = f"{path.name}: {cases.width}x{cases.height}, {cases.count} frames, index {cases.index_bytes} bytes"
            report(title, measure(cases.all(), arguments.rounds), targets_for(min(cases.width, cases.height)))
        for path in made:
            short_group_ratio(folder, path, arguments.rounds)


if __name__ == "__main__":
    main()
