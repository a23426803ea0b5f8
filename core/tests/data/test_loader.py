from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from vidcore_made_data import config as made_config
from vidcore_made_data.parts import MadeBrightness, MadeFolders

from vidcore.data import sampling_config, transform_config
from vidcore.data.bad_videos import BadVideos
from vidcore.data.clips import DataContext
from vidcore.data.loader import _load, _start_fork_server, auto_workers, load_batches
from vidcore.data.pace import Pace
from vidcore.data.plan import EvaluationPlan, Plan, TrainingPlan
from vidcore.data.sampling import DenseSampling
from vidcore.data.transforms import Flip, RandomResizedCrop
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError, RunError
from vidcore.values import Batch, SampleRef

GOOD = [f"{name}/{i}.mp4" for name in ("down", "up") for i in range(3)]


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Data sets that misbehave, in a module that workers can import too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("made_datasets")


def task() -> Any:
    return importlib.import_module("made_datasets").Collating()


def dataset(folder: Path, paths: Sequence[str] = GOOD, **changes: Any) -> MadeFolders:
    options: dict[str, Any] = {
        "decoder": PyAV(PyAVConfig(index_cache=False)),
        "sampling": DenseSampling(sampling_config.Dense(num_frames=3, frame_interval=2)),
        "transforms": {
            "crop": RandomResizedCrop(transform_config.RandomResizedCrop(size=16)),
            "color": MadeBrightness(made_config.MadeBrightness(most=0.4)),
            "flip": Flip(transform_config.Flip()),
        },
        "training": True,
    }
    return MadeFolders(made_config.MadeFolders(paths=tuple(paths)), DataContext(root=folder, **(options | changes)))


def load(data: Any, plan: Plan, action: Any = "fail", workers: int = 0, **options: Any) -> list[Batch]:
    bad = options.pop("bad", None) or BadVideos(action=action, num_samples=len(data))
    return list(load_batches(data, task(), plan, bad, seed=5, workers=workers, **options))


def training(stop: int = 7, **changes: Any) -> TrainingPlan:
    return TrainingPlan(**({"num_samples": 6, "batch_size": 2, "seed": 5, "stop_step": stop} | changes))


def same(first: Batch, second: Batch) -> bool:
    return (
        first.refs == second.refs
        and torch.equal(first.inputs["video"], second.inputs["video"])
        and torch.equal(first.target["label"], second.target["label"])
        and torch.equal(first.draws["color"], second.draws["color"])
        and first.meta == second.meta
    )


def test_batches_are_the_same_bits_for_any_number_of_workers(video_folder: Path) -> None:
    data = dataset(video_folder, repeats=2)
    alone = load(data, training())
    assert [len(batch) for batch in alone] == [4] * 7  # two videos, two readings of each
    for workers in (1, 2):
        several = load(data, training(), workers=workers)
        assert all(map(same, alone, several)) and len(several) == 7


def test_going_on_at_any_step_gives_the_same_bits(video_folder: Path) -> None:
    data = dataset(video_folder)
    whole = load(data, training())
    for step in range(1, 7):
        rest = load(data, training(start_step=step))
        assert all(map(same, whole[step:], rest)) and len(rest) == 7 - step
    rest = load(data, training(start_step=4), workers=2)
    assert all(map(same, whole[4:], rest))


def test_batches_do_not_depend_on_how_workers_start(video_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(video_folder)
    whole = load(data, training(3))
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])  # as on Windows
    other = load(data, training(3), workers=1)
    assert all(map(same, whole, other)) and len(other) == 3


def test_reading_leaves_the_global_generators_alone(video_folder: Path) -> None:
    data = dataset(video_folder)
    for workers in (0, 1):
        torch.manual_seed(1)
        load(data, training(2), workers=workers)
        after = torch.rand(1)
        torch.manual_seed(1)
        assert torch.equal(after, torch.rand(1))


def test_epochs_read_samples_anew(video_folder: Path) -> None:
    batches = load(dataset(video_folder), training(6, batch_size=6))
    firsts = [batch.inputs["video"][batch.refs.index(SampleRef("", batch.refs[0].epoch, 0))] for batch in batches]
    assert any(not torch.equal(first, second) for first, second in itertools.pairwise(firsts))


def test_draws_from_the_global_generator_follow_the_sample_too(made: Any) -> None:
    alone, several = (load(made.GlobalDraws(), training(), workers=n) for n in (0, 2))
    for first, second in zip(alone, several, strict=True):
        assert torch.equal(first.inputs["video"], second.inputs["video"])
    assert not torch.equal(alone[0].inputs["video"], alone[1].inputs["video"])


def write_bad(folder: Path, kind: str) -> str:
    """A video that cannot be used, and its path below the folder."""
    path = folder / "bad" / f"{kind}.mp4"
    path.parent.mkdir(exist_ok=True)
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is no video\n" * 100)
    elif kind == "truncated":
        path.write_bytes((folder / "up/0.mp4").read_bytes()[:900])
    elif kind == "audio":
        with av.open(str(path), "w") as container:
            sound = container.add_stream("aac", rate=16000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            for packet in [*sound.encode(frame), *sound.encode(None)]:
                container.mux(packet)
    elif kind == "frameless":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=12)
            stream.width, stream.height = 32, 32
            container.start_encoding()
            for packet in stream.encode(None):
                container.mux(packet)
    return f"bad/{kind}.mp4"


BAD = ["empty", "text", "truncated", "audio", "frameless", "missing"]


@pytest.mark.parametrize("kind", BAD)
def test_bad_video_is_replaced_counted_and_named(video_folder: Path, kind: str) -> None:
    data = dataset(video_folder, [*GOOD[:5], write_bad(video_folder, kind)])
    bad = BadVideos(action="replace", num_samples=6)
    batches = load(data, training(6), bad=bad)
    assert [len(batch) for batch in batches] == [2] * 6
    assert [video.index for video in bad.found.values()] == [5]
    assert f"bad/{kind}.mp4" in bad.summary and "(row 6)" in bad.summary
    replaced = [meta["replaced"] for batch in batches for meta in batch.meta if "replaced" in meta]
    assert len(replaced) == 2 and all(f"bad/{kind}.mp4" in name for name in replaced)  # once an epoch


def test_a_bad_video_counts_once_in_however_many_shapes_it_is_read(video_folder: Path) -> None:
    data = dataset(video_folder, [*GOOD[:5], write_bad(video_folder, "empty")])
    bad = BadVideos(action="replace", num_samples=6, max_fraction=0.2)
    shapes: Any = [[SampleRef(shape, 0, 5)] for shape in ("small", "large")]  # as a technique's plan gives them
    assert [len(batch) for batch in load(data, shapes, bad=bad)] == [1, 1]
    assert bad.summary.startswith("1 of 6 videos could not be read")


@pytest.mark.parametrize("kind", BAD)
def test_bad_video_stops_a_run_that_wants_it_so(video_folder: Path, kind: str) -> None:
    data = dataset(video_folder, [*GOOD[:2], write_bad(video_folder, kind)])
    with pytest.raises(DataError, match=rf"bad/{kind}\.mp4"):
        load(data, training(2, num_samples=3), "fail", workers=int(kind == "text"))


def test_replacement_is_the_same_for_any_number_of_workers(video_folder: Path) -> None:
    data = dataset(video_folder, [*GOOD[:4], write_bad(video_folder, "empty"), write_bad(video_folder, "text")])
    alone, several = load(data, training(6), "replace"), load(data, training(6), "replace", workers=2)
    assert all(map(same, alone, several)) and len(several) == 6


def test_evaluation_leaves_bad_videos_out_and_names_them(video_folder: Path) -> None:
    paths = [*GOOD[:2], write_bad(video_folder, "text"), GOOD[2], write_bad(video_folder, "empty"), "bad/gone.mp4"]
    data = dataset(video_folder, paths, training=False, transforms={})
    bad = BadVideos(action="skip", num_samples=6)
    batches = load(data, EvaluationPlan(num_samples=6, batch_size=2), bad=bad)
    assert [[ref.index for ref in batch.refs] for batch in batches] == [[0, 1], [3]]
    assert bad.summary.startswith("3 of 6 videos could not be read and were left out of the figures: ")
    assert all(name in bad.summary for name in ("text.mp4", "empty.mp4", "gone.mp4"))


def test_too_many_bad_videos_stop_the_run(video_folder: Path) -> None:
    data = dataset(video_folder, [*GOOD[:4], write_bad(video_folder, "empty"), write_bad(video_folder, "text")])
    bad = BadVideos(action="replace", num_samples=6, max_fraction=0.2)
    with pytest.raises(RunError, match=r"2 of 6 videos cannot be read, more than data\.max_bad_fraction = 0\.2 allows"):
        load(data, training(6), bad=bad)


def test_nothing_readable_stops_the_run_at_once(video_folder: Path) -> None:
    data = dataset(video_folder, [write_bad(video_folder, "empty"), write_bad(video_folder, "text")])
    with pytest.raises(DataError, match="no readable video was found in its place in 10 attempts"):
        load(data, training(2, num_samples=2), "replace")


@pytest.mark.parametrize(("width", "height", "num_frames"), [(63, 47, 9), (64, 48, 1), (16, 130, 5)])
def test_odd_sizes_and_single_frames_are_no_bad_videos(
    video_folder: Path, width: int, height: int, num_frames: int
) -> None:
    path = video_folder / "odd" / f"{width}x{height}.mp4"
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        for _ in range(num_frames):
            pixels = np.full((height, width, 3), 90, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    data = dataset(video_folder, [f"odd/{path.name}"])
    batch = load(data, training(1, num_samples=1, batch_size=1))[0]
    assert batch.inputs["video"].shape == (1, 3, 3, 16, 16)


@pytest.mark.parametrize("workers", [1, 2])
def test_dead_worker_is_told_with_the_sample_that_it_held(made: Any, workers: int) -> None:
    plan = EvaluationPlan(num_samples=6, batch_size=1)
    with pytest.raises(RunError, match=r"a worker died while it read clips/3\.mp4: "):
        load(made.Deadly(), plan, workers=workers)
    assert load(made.GlobalDraws(), plan)  # and the other workers' end is not told of later


@pytest.mark.parametrize("workers", [0, 1])
def test_mistakes_in_code_are_no_bad_videos(made: Any, workers: int) -> None:
    with pytest.raises(RuntimeError, match="a mistake in a transform"):
        load(made.Mistaken(), training(), "replace", workers=workers)


def test_closing_early_ends_the_workers(video_folder: Path) -> None:
    bad = BadVideos(action="fail", num_samples=6)
    plan = TrainingPlan(num_samples=6, batch_size=2)
    others = set(multiprocessing.active_children())  # of tests before, on their way out
    batches = load_batches(dataset(video_folder), task(), plan, bad, workers=2)
    next(batches)
    workers = set(multiprocessing.active_children()) - others
    assert len(workers) == 2
    batches.close()
    assert not workers & set(multiprocessing.active_children())


def test_auto_goes_on_with_fewer_workers_and_the_same_bits(video_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidcore.data.loader.auto_workers", lambda: 2)
    monkeypatch.setattr("vidcore.data.pace._TO", 3)
    monkeypatch.setattr(Pace, "enough", lambda self, workers, prefetch: (workers - 1, 3))
    data, running, batches = dataset(video_folder), [], []
    bad = BadVideos(action="fail", num_samples=len(data))
    for batch in load_batches(data, task(), training(), bad, seed=5, workers="auto"):
        running.append(len(multiprocessing.active_children()))
        batches.append(batch)
    assert running == [2, 2, 2, 1, 1, 1, 1]
    assert all(same(a, b) for a, b in zip(batches, load(data, training()), strict=True))


@pytest.mark.parametrize(
    ("workers", "prefetch", "loads"),
    [
        ("auto", "auto", [(2, 2), (1, 3)]),
        (1, "auto", [(1, 2), (1, 3)]),
        ("auto", 4, [(2, 4), (1, 4)]),
        (2, 2, [(2, 2)]),
    ],
)
def test_only_what_is_not_set_is_measured(
    video_folder: Path, monkeypatch: pytest.MonkeyPatch, workers: Any, prefetch: Any, loads: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr("vidcore.data.loader.auto_workers", lambda: 2)
    monkeypatch.setattr("vidcore.data.pace._TO", 3)
    monkeypatch.setattr(Pace, "enough", lambda self, workers, prefetch: (1, 3))
    begun = []

    def watched(fetcher: Any, plan: Any, count: int, ready: int, pin_memory: bool) -> Any:
        begun.append((count, ready))
        return _load(fetcher, plan, 0, ready, pin_memory)

    monkeypatch.setattr("vidcore.data.loader._load", watched)
    data = dataset(video_folder)
    bad = BadVideos(action="fail", num_samples=len(data))
    assert len(list(load_batches(data, task(), training(), bad, workers=workers, prefetch=prefetch))) == 7
    assert begun == loads


@pytest.mark.parametrize(
    ("reading", "using", "found", "words"),
    [
        (0.10, 0.40, (1, 2), "1 of 6 workers keep up, with 2 batches ready each"),
        (0.40, 0.20, (3, 2), "3 of 6 workers keep up, with 2 batches ready each"),
        (0.40, 0.01, (6, 2), "training may wait for its 6 workers"),
        (0.40, 0.00, (6, 2), "data resize"),
    ],
)
def test_as_many_workers_are_enough_as_read_while_a_batch_is_used(
    caplog: pytest.LogCaptureFixture, reading: float, using: float, found: tuple[int, int], words: str
) -> None:
    caplog.set_level("INFO", "vidcore")
    pace = Pace()
    told = [pace.add(9.0, 9.0) for _ in range(8)] + [pace.add(reading, using) for _ in range(30)]
    assert [number for number, last in enumerate(told) if last] == [31]
    assert pace.enough(6, 2) == found
    assert words in caplog.text


def test_workers_keep_more_ready_where_some_videos_are_slow() -> None:
    pace = Pace()
    for number in range(32):
        pace.add(1.0 if number == 20 else 0.1, 0.3)
    assert pace.enough(4, 2) == (1, 4)


def test_auto_workers_leave_a_processor_for_training(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, workers in ((1, 0), (2, 1), (8, 7), (64, 16)):
        monkeypatch.setattr("vidcore.data.loader._processors", lambda count=processors: count)
        assert auto_workers() == workers


def test_ctrl_c_is_heard_while_the_server_of_workers_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forkserver, "ensure_running", lambda: os.kill(os.getpid(), signal.SIGINT))
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda signum, frame: heard.append(signum))
    try:
        _start_fork_server()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
