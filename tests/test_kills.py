"""Runs that are killed again and again, as users have them: the command line, real videos, everything switched on.

Augmentation in the workers and on the device, mixup, an average of the weights, accumulation, clipping, evaluation and
best weights: what is left at the end is equal, byte for byte, to what a run leaves that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import pytest

from vidcore.testing import make_video
from vidcore.testing.videos import Frame, moving_square

EXPERIMENT = """
seed = 3

[task]
type = "recognition"
mix = { mixup = 0.8, cutmix = 1.0 }

[model]
type = "slowonly"
depth = 10
stage_blocks = [1, 1]
base_channels = 4
stem_pool = false
spatial_strides = [1, 2]
temporal_strides = [1, 1]
dilations = [1, 1]
inflation = ["1x1x1", "3x3x3"]
dropout = 0.5

[data]
root = "videos"

[data.train]
type = "class-folders"
batch_size = 3
repeats = 2

[data.train.sampling]
type = "dense"
num_frames = 4
frame_interval = 2

[data.train.transforms.crop]
type = "random-resized-crop"
size = 24

[data.train.transforms.flip]
type = "flip"

[data.train.transforms.augment]
type = "rand-augment"

[data.train.transforms.erase]
type = "random-erasing"

[data.val]
type = "class-folders"
batch_size = 4
views = { clips = 2 }

[data.val.sampling]
type = "dense"
num_frames = 4
frame_interval = 2

[data.val.transforms.resize]
type = "resize"
short_side = 28

[data.val.transforms.crop]
type = "center-crop"
size = 24

[optimizer]
type = "adamw"
lr = 0.01

[schedule]
type = "cosine"
warmup_epochs = 1

[engine]
device = "cpu"
precision = "fp32"
accumulate = 2
log_every = 1
clip_grad = { norm = 5.0 }
ema = { decay = 0.9 }

[engine.checkpoint]
every_steps = 2

[metrics.accuracy]
type = "accuracy"
top_k = [1]
"""
VIDEOS = 24  # four steps an epoch
# each run is a process of its own, forked from one that has imported all this and done nothing: a start costs little
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["torch", "torchvision", "vidcore.cli.run", "vidcore.engine.runner", "pytest"])


def picture_of(kind: int) -> object:
    """The square on its way to the right, or to the left."""

    def mirrored(index: int, width: int, height: int) -> Frame:
        return np.ascontiguousarray(moving_square(index, width, height)[:, ::-1])

    return mirrored if kind else moving_square


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and H.264 files of two classes."""
    folder = tmp_path_factory.mktemp("kills")
    for number in range(VIDEOS):
        target = folder / "videos" / ("left", "right")[number % 2] / f"{number}.mp4"
        make_video(target, num_frames=9 + number % 5, width=48, height=36, picture=picture_of(number % 2))
    (folder / "exp.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


def vidcore(place: Path, *arguments: str) -> None:
    """What a process does: the command line, in a group of its own, with nothing to read and nothing to say."""
    os.setsid()
    os.chdir(place)
    os.environ["OMP_NUM_THREADS"] = "1"
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    sys.argv = ["vidcore", *arguments]
    import torch

    from vidcore.cli.main import main

    torch.set_num_threads(1)
    main()


def start(place: Path, name: str, epochs: int, workers: int) -> ForkServerProcess:
    options = ["--set", f"engine.epochs={epochs}", "--set", f"data.workers={workers}"]
    process = PROCESSES.Process(target=vidcore, args=(place, "run", "exp.toml", "--name", name, *options))
    process.start()
    return process


def wait_for_lines(run: Path, count: int, process: ForkServerProcess) -> float:
    """Until log.txt has so many lines more than now, or the process has ended; the seconds that the last line took."""

    def lines() -> int:
        return (run / "log.txt").read_bytes().count(b"\n") if (run / "log.txt").exists() else 0

    before = seen = lines()
    last, took = time.monotonic(), 0.2
    while seen < before + count and process.is_alive():
        time.sleep(0.002)
        if (now := lines()) > seen:
            seen, took, last = now, time.monotonic() - last, time.monotonic()
    return took


def kill_at_random_moments(place: Path, name: str, *, epochs: int, kills: int, rng: random.Random) -> list[str]:
    """Kill a run so often; where its log ended each time."""
    ends = []
    for attempt in range(kills):
        process = start(place, name, epochs, workers=attempt % 3)
        # a step writes a line, a checkpoint another
        took = wait_for_lines(place / "runs" / name, rng.randint(0, 11), process)
        time.sleep(min(rng.uniform(0.0, 1.5) * took, 0.3))  # between two lines: a batch, a step, a file half written
        if rng.random() < 0.5:
            with contextlib.suppress(ProcessLookupError):  # so early that it has no group yet
                os.killpg(process.pid, signal.SIGKILL)  # with its workers, as when a machine goes down
        process.kill()  # alone, as one that took too much memory
        process.join()
        assert process.exitcode == -signal.SIGKILL, (
            f"finished before kill {attempt + 1} of {kills}: more epochs are needed"
        )
        log = place / "runs" / name / "log.txt"
        ends.append(log.read_text().splitlines()[-1] if log.exists() and log.stat().st_size else "")
    return ends


def finish(place: Path, name: str, *, epochs: int, workers: int) -> Path:
    process, run = start(place, name, epochs, workers), place / "runs" / name
    process.join()
    assert process.exitcode == 0, (run / "log.txt").read_text()
    return run


def left(run: Path) -> dict[str, bytes]:
    """What a run computes: metrics, figures, weights, predictions, and all of its checkpoints."""
    files = [run / "metrics.jsonl", run / "result.json"]
    for folder in ("weights", "predictions", "checkpoints"):
        files += [file for file in (run / folder).rglob("*") if file.is_file()]
    return {str(file.relative_to(run)): file.read_bytes() for file in files}


def check(place: Path, *, epochs: int, kills: int, seed: int) -> None:
    name, rng = f"killed-{kills}", random.Random(seed)
    ends = kill_at_random_moments(place, name, epochs=epochs, kills=kills, rng=rng)
    killed = left(finish(place, name, epochs=epochs, workers=kills % 3))
    whole = left(finish(place, f"whole-{kills}", epochs=epochs, workers=0))
    parts = {
        f"checkpoints/step-{epochs * 4:08d}/{part}.safetensors" for part in ("model", "optimizer", "technique-ema")
    }
    assert parts | {"weights/best.safetensors", "weights/last.safetensors", "metrics.jsonl"} < set(whole)
    assert sum("val" in json.loads(line)["split"] for line in whole["metrics.jsonl"].splitlines()) == epochs
    assert [file for file in {**killed, **whole} if killed.get(file) != whole.get(file)] == [], "\n".join(ends)


@pytest.mark.timeout(600)
def test_a_run_that_is_killed_with_0_1_and_2_workers_ends_with_the_same_bytes(place: Path) -> None:
    check(place, epochs=6, kills=3, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_thirty_kills_at_random_moments_leave_no_trace(place: Path) -> None:
    check(place, epochs=40, kills=30, seed=1)
