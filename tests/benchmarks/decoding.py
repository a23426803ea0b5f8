"""How fast are frames read? One table of ratios: medians over interleaved rounds, with the middle half of them.

    python tests/benchmarks/decoding.py [VIDEO ...] [--rounds 9] [--quick] [--markdown]

Without arguments: a made 1280x720 H.264 file and the videos in VIDCORE_TEST_DATA. One thread everywhere; views of 224
pixels. Everything starts from a path and opens the file, with the frame index in the cache as in any epoch but the
first. Processor time, but for the workers: they are compared by the clock. What ours is compared with:

    plain     decode the clip's stretch with PyAV from the key frame before it, throw the pictures away
    decord    decord, then OpenCV: resize, crop, resize, the usual pipeline of the past (needs decord and opencv)
    once      decode the whole file once, throw the pictures away
    resized   the same clips from what `vidcore data resize` makes of the file (needs vidcore-prepare)
    1 worker  the same batches from one process instead of two
    1 alone   the same reading without a loader: what two processors of this machine give at best

The 30 views are what a test asks for: short side 256, three crops of 224, as the tensor that a network takes. Nobody
holds it while the next one is read, as with any video of a test but the first: its memory is used again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from attrs import fields, frozen
from rich.console import Console
from rich.table import Table

from vidcore.config.base import Views
from vidcore.data.bad_videos import BadVideos
from vidcore.data.building import build_context
from vidcore.data.clips import DataContext, read_clips
from vidcore.data.loader import load_batches
from vidcore.data.plan import EvaluationPlan
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.scan import build_index
from vidcore.data.video.source import Source
from vidcore.interfaces import Finding, FrameView
from vidcore.values import Batch, Sample, SampleRef
from vidcore_tasks.batching import join_samples

VIEW = 224
SHORT_SIDE = 256


@frozen
class Target:
    """A ratio that we want to stay under, or above where `at_least` says so."""

    label: str
    ours: str
    other: str
    limit: float | None  # None: it is told, nothing is wanted
    at_least: bool = False


TARGETS = (
    Target("dense clip / plain decoding", "dense", "dense plain", 1.00),
    Target("sparse 8 frames / decord", "sparse", "sparse decord", 0.80),
    Target("10 clips x 3 crops / file once", "views", "once", 1.25),
    Target("index scan / dense clip", "scan", "dense", 0.10),
)
RESIZED = Target("random clip: original / resized copy", "original", "resized", 4.0, at_least=True)
WORKERS = (
    Target("batches a second: 2 workers / 1", "1 worker", "2 workers", 1.8, at_least=True),
    Target(
        "processor time of a batch: 1 worker / 2", "1 worker, processor", "2 workers, processor", 0.9, at_least=True
    ),
    Target("clips a second without a loader: 2 processes / 1", "1 alone", "2 alone", None, at_least=True),
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


def clip_context(path: Path, views: Views) -> DataContext:
    """The usual clip: 32 frames, every second one, short side 256, crops of 224."""
    return build_context(
        root=path.parent,
        decoder=PyAVConfig(),
        sampling=Dense(num_frames=32, frame_interval=2),
        transforms={"resize": Resize(short_side=SHORT_SIDE), "crop": CenterCrop(size=VIEW)},
        views=views,
    )


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
        context = clip_context(self.path, Views(clips=10, crops=3))
        with context.decoder.open(self.path) as reader:
            return read_clips(reader, context, np.random.default_rng(0))

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


Times = dict[str, list[float]]  # seconds of each round, by case


def measure(cases: dict[str, Callable[[], object]], rounds: int) -> Times:
    """Processor time of each round; the cases take turns, so that a slow minute hits all alike."""
    times: Times = {name: [] for name in cases}
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            started = time.process_time()
            case()
            times[name].append(time.process_time() - started)
    return times


def targets_for(short_side: int) -> tuple[Target, ...]:
    """The less there is to scale away, the less there is to gain on decord."""
    gain = 2.0 if short_side >= 720 else 1.5
    return (*TARGETS, Target("dense clip: decord + OpenCV / ours", "dense decord", "dense", gain, at_least=True))


def random_clips(original: Path, folder: Path, rounds: int) -> Times:
    """Clips at the same random places of a file and of what `vidcore data resize` makes of it."""
    from vidcore_prepare.engine import Item
    from vidcore_prepare.videos import Resize as MakeSmaller

    small = folder / f"{original.stem}-resized.mp4"
    MakeSmaller(short_side=SHORT_SIDE)(Item(name=original.name, output=small, source=original), small)
    both = {"original": Cases(original), "resized": Cases(small)}
    rng = np.random.default_rng(0)
    starts = rng.integers(0, both["original"].count - 62, 4)
    clips = [(int(start) + np.arange(0, 63, 2)).tolist() for start in starts]
    return measure({name: lambda c=cases: [c.read(clip) for clip in clips] for name, cases in both.items()}, rounds)


class OneVideo:
    """The same clip of one file, again and again."""

    def __init__(self, path: Path, length: int) -> None:
        self._path, self._length, self._context = path, length, clip_context(path, Views())

    classes = ("only",)

    def __len__(self) -> int:
        return self._length

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        with self._context.decoder.open(self._path) as reader:
            (reading,) = read_clips(reader, self._context, rng)
        return [Sample(ref=ref, inputs={"video": reading.video}, target={})]

    def check(self, deep: bool = False) -> list[Finding]:
        return []


class OnlyCollates:
    """As much of a task as a loader needs."""

    def collate(self, samples: Sequence[Sample]) -> Batch:
        return join_samples(samples, {})


def workers(path: Path, rounds: int, batches: int = 32, warm: int = 8) -> Times:
    """Seconds of the clock for the batches after the first few, when every worker runs and none is ahead."""
    times: Times = {}
    for _ in range(rounds):
        for count, name in enumerate(("1 worker", "2 workers"), start=1):
            data = OneVideo(path, batches)
            plan = EvaluationPlan(num_samples=batches, batch_size=1)
            bad = BadVideos(action="fail", num_samples=batches)
            for number, _ in enumerate(load_batches(data, OnlyCollates(), plan, bad, workers=count)):  # type: ignore[arg-type]
                if number == warm:
                    started, used = time.perf_counter(), processor_seconds()
                elif number == batches - 1:
                    times.setdefault(name, []).append(time.perf_counter() - started)
                    times.setdefault(f"{name}, processor", []).append(processor_seconds() - used)
        for count, name in enumerate(("1 alone", "2 alone"), start=1):
            with ProcessPoolExecutor(count, multiprocessing.get_context("forkserver")) as pool:
                list(pool.map(read_alone, [path] * warm))
                started = time.perf_counter()
                list(pool.map(read_alone, [path] * (batches - warm)))
                times.setdefault(name, []).append(time.perf_counter() - started)
    return times


def processor_seconds() -> float:
    """Used so far by this process and by those that it started and that run."""
    ticks = 0
    for process in multiprocessing.active_children():
        fields_of_it = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields_of_it[11]) + int(fields_of_it[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def read_alone(path: Path) -> None:
    """Read a clip and keep nothing of it."""
    OneVideo(path, 1).sample(SampleRef("", 0, 0), np.random.default_rng(0))


def index_bytes(count: int) -> float:
    """Bytes for each video of a list as long as this, with the paths that Kinetics has."""
    from vidcore_videos.index_table import IndexTable, Row

    path = "playing_squash_or_racquetball/0wR5jVB-WPk_000417_000427.mp4"
    table = IndexTable.of([Row(number, path, (number % 400,)) for number in range(count)], Path("list.csv"))
    tensors = [value for value in vars_of(table) if isinstance(value, torch.Tensor)]
    return sum(tensor.nbytes for tensor in tensors) / count


def vars_of(value: Any) -> list[Any]:
    """The fields of an attrs object."""
    return [getattr(value, entry.name) for entry in fields(type(value))]


def memory_growth(path: Path, epochs: int = 10) -> float:
    """MiB that this process grows by from the second epoch of 8 clips to the last."""
    data, grown = Cases(path), []
    for _ in range(epochs):
        for _ in range(8):
            data.read(data.sparse)
        grown.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    return grown[-1] - grown[1]


class Report:
    """The table, a row a ratio."""

    columns = ("what", "file", "ratio", "middle half", "wanted", "")

    def __init__(self, title: str) -> None:
        self.title, self.rows = title, list[tuple[str, ...]]()

    def ratios(self, file: str, times: Times, targets: Sequence[Target]) -> None:
        """A row for each target whose two sides were measured: ratios of the same round."""
        for target in targets:
            if target.ours in times and target.other in times:
                ratios = np.array(times[target.ours]) / np.array(times[target.other])
                low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
                self.row(target.label, file, middle, f"{low:.2f} ... {high:.2f}", target.limit, target.at_least)

    def row(self, what: str, file: str, value: float, spread: str, limit: float | None, at_least: bool = False) -> None:
        """One line of it."""
        wanted, verdict = "", ""
        if limit is not None:
            wanted = f"{'≥' if at_least else '≤'} {limit:.2f}"
            verdict = "met" if (value >= limit if at_least else value <= limit) else "MISSED"
        self.rows.append((what, file, f"{value:.2f}", spread, wanted, verdict))

    def table(self) -> Table:
        """For a terminal."""
        table = Table(*self.columns, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For docs/performance.md."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "\n".join([self.title, "", *("| " + " | ".join(line) + " |" for line in lines)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="only the first two of the given videos, and no workers")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "128")
    data = Path(os.environ.get("VIDCORE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "videos"
    with tempfile.TemporaryDirectory() as name:
        folder, console = Path(name), Console()
        os.environ["VIDCORE_CACHE"] = str(folder / "cache")
        made = folder / "made-720p.mp4"
        videos = arguments.videos or [write_video(made), *sorted(data.glob("*"))]
        videos = videos[:2] if arguments.quick else videos
        versions = f"Python {sys.version.split()[0]}, PyAV {av.__version__}, torch {torch.__version__}"
        report = Report(f"{versions}, {arguments.rounds} rounds, load {os.getloadavg()[0]:.1f}")
        for path in videos:
            cases = Cases(path)
            with console.status(f"reading {path.name}"):
                times = measure(cases.all(), arguments.rounds)
            report.ratios(
                f"{path.name} {cases.width}x{cases.height}", times, targets_for(min(cases.width, cases.height))
            )
        with console.status("random clips, memory, index"):
            report.ratios(videos[0].name, random_clips(videos[0], folder, arguments.rounds), [RESIZED])
            growth = memory_growth(videos[0])
            report.row("MiB grown in 10 epochs", videos[0].name, growth, "", 8.0)
            report.row("bytes a video of 1,000,000", "", index_bytes(1_000_000), "", 200.0)
        if not arguments.quick:
            with console.status("1 and 2 workers"):
                report.ratios(videos[0].name, workers(videos[0], arguments.rounds), WORKERS)
        if arguments.markdown:
            print(report.markdown())
        else:
            console.print(report.table())


if __name__ == "__main__":
    main()
