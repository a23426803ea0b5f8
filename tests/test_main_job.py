"""The main job as a user does it: real processes, real videos, a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vidcore.testing import make_video
from vidcore.testing.videos import Frame, moving_square

EXPERIMENT = """
seed = 1

[task]
type = "recognition"

[model]
type = "slowonly"
depth = 10
stage_blocks = [1]
base_channels = 4
stem_pool = false
spatial_strides = [1]
temporal_strides = [1]
dilations = [1]
inflation = ["3x1x1"]

[data]
root = "videos"
workers = 0

[data.train]
type = "class-folders"
folder = "train"
batch_size = 4

[data.train.sampling]
type = "dense"
num_frames = 4
frame_interval = 2

[data.train.transforms.crop]
type = "random-resized-crop"
size = 24

[data.val]
type = "class-folders"
folder = "val"
batch_size = 4

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

[engine]
epochs = 2
precision = "fp32"

[metrics.accuracy]
type = "accuracy"
top_k = [1]
"""


def vidcore(*arguments: object, cwd: Path, code: int = 0) -> str:
    """Run the command line; its output, both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "vidcore", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def mirrored(index: int, width: int, height: int) -> Frame:
    """The square on its way from right to left."""
    return np.ascontiguousarray(moving_square(index, width, height)[:, ::-1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and videos of two classes, eight to train on and four to measure on."""
    folder = tmp_path_factory.mktemp("job")
    for number in range(12):
        split = "train" if number < 8 else "val"
        target = folder / "videos" / split / ("run", "jump")[number % 2] / f"{number}.mp4"
        picture = moving_square if number % 2 else mirrored
        make_video(target, num_frames=12 + number, width=48, height=36, picture=picture)
    (folder / "exp.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    """The folder after `vidcore run`."""
    output = vidcore("run", "exp.toml", cwd=place)
    assert "top1" in output
    assert "vidcore predict VIDEO.mp4 --run runs/exp" in output
    return place


def test_a_run_leaves_its_folder(trained: Path) -> None:
    run = trained / "runs" / "exp"
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    expected = {
        "experiment.toml", "environment.json", "log.txt", "metrics.jsonl", "timings.jsonl", "result.json",
        "weights/last.safetensors", "weights/best.safetensors", "predictions/val.jsonl",
    }  # fmt: skip
    assert expected <= files
    splits = [json.loads(line)["split"] for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"train", "val"} <= set(splits)


def test_the_same_command_again_says_that_it_is_finished(trained: Path) -> None:
    before = (trained / "runs/exp/weights/last.safetensors").read_bytes()
    assert "finished already" in vidcore("run", "exp.toml", cwd=trained)
    assert (trained / "runs/exp/weights/last.safetensors").read_bytes() == before


def test_fresh_begins_anew_and_keeps_the_old_folder(trained: Path) -> None:
    vidcore("run", "exp.toml", "--name", "other", "--set", "engine.epochs=1", cwd=trained)
    vidcore("run", "exp.toml", "--name", "other", "--set", "engine.epochs=1", "--fresh", cwd=trained)
    assert len(list((trained / "runs").glob("other*"))) == 2


def test_the_resolved_experiment_runs_by_itself_to_the_same_bytes(trained: Path) -> None:
    vidcore("run", "runs/exp/experiment.toml", "--name", "again", cwd=trained)
    first, second = (trained / "runs" / name / "weights/last.safetensors" for name in ("exp", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_another_experiment_in_the_same_folder_is_refused_with_the_difference(trained: Path) -> None:
    output = vidcore("run", "exp.toml", "--set", "optimizer.lr=0.5", cwd=trained, code=2)
    assert "optimizer.lr: was 0.001, is 0.5" in output


def test_weights_of_a_run_are_measured_and_predict(trained: Path) -> None:
    assert "top1" in vidcore("test", "--run", "runs/exp", "--dump", "out.jsonl", cwd=trained)
    assert len((trained / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 1 + 4
    output = vidcore(
        "predict", "videos/train/run/0.mp4", "videos/train/jump/1.mp4", "--run", "runs/exp", "--json", cwd=trained
    )
    scores = [json.loads(line)["scores"] for line in output.splitlines()]
    assert all(set(each) == {"run", "jump"} and abs(sum(each.values()) - 1) < 1e-4 for each in scores)


def test_a_video_that_cannot_be_read_is_named_and_the_others_go_on(trained: Path) -> None:
    (trained / "text.mp4").write_text("this is no video", encoding="utf-8")
    output = vidcore("predict", "text.mp4", "videos/train/run/0.mp4", "--run", "runs/exp", cwd=trained, code=1)
    assert "text.mp4" in output and "1 of 2 videos could not be used" in output and "videos/train/run/0.mp4" in output


def test_a_killed_run_leaves_no_process_behind(place: Path) -> None:
    arguments = ["run", "exp.toml", "--name", "killed", "--set", "engine.epochs=100000", "--set", "data.workers=1"]
    run = subprocess.Popen(
        [sys.executable, "-m", "vidcore", *arguments], cwd=place, start_new_session=True, stdout=subprocess.DEVNULL
    )
    try:
        metrics = place / "runs" / "killed" / "metrics.jsonl"
        wait_until(lambda: metrics.exists() and metrics.stat().st_size > 0)
        assert len(processes_of(run.pid)) > 1, "no worker was started"
    finally:
        run.kill()
        run.wait()
    wait_until(lambda: not processes_of(run.pid))


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def processes_of(session: int) -> list[int]:
    """Processes of a session, from Linux's table; those that are dead and not yet cleared away do not count."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_a_dry_run_uses_everything_and_keeps_nothing(place: Path) -> None:
    output = vidcore("run", "exp.toml", "--dry-run", "--runs", "dry", cwd=place)
    assert "train 8, val 4" in output and "dry run done; nothing was kept" in output
    assert not (place / "dry").exists()


def test_a_dry_run_without_the_data_makes_samples_and_says_so(place: Path) -> None:
    arguments = ("--set", "data.root=absent", "--set", "model.num_classes=3")
    output = vidcore("run", "exp.toml", "--dry-run", *arguments, cwd=place)
    assert "no data for train, val under" in output and "made samples of the same shapes stand in" in output


def test_a_dry_run_of_what_is_too_large_uses_the_meta_device_and_says_so(place: Path) -> None:
    output = vidcore("run", "exp.toml", "--dry-run", "--set", "data.root=absent", "--set", "model.num_classes=3",
                     "--set", "model.base_channels=64", "--set", "data.train.batch_size=512",
                     "--set", "data.train.transforms.crop.size=512", cwd=place)  # fmt: skip
    assert "shapes were checked on the meta device, nothing was computed" in output


def test_data_that_is_broken_is_found_before_training(place: Path) -> None:
    assert "no error found" in vidcore("data", "check", "exp.toml", cwd=place)
    broken = place / "videos/train/run" / "empty.mp4"
    broken.touch()
    try:
        assert "empty.mp4" in vidcore("data", "check", "exp.toml", cwd=place, code=1)
    finally:
        broken.unlink()


def test_a_dry_run_leaves_out_a_broken_video_as_a_run_would(place: Path) -> None:
    broken = place / "videos/train/jump" / "00.mp4"
    broken.touch()
    try:
        assert "left out, as a run would" in vidcore("run", "exp.toml", "--dry-run", cwd=place)
        refused = vidcore("run", "exp.toml", "--dry-run", "--set", "data.on_bad_video=fail", cwd=place, code=1)
        assert "00.mp4: is empty (0 bytes)" in refused
    finally:
        broken.unlink()
