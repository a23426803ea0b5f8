"""Images and videos train one network, as users have it: the command line, H.264 files and JPEGs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

import vidcore
from vidcore.cli.main import cli
from vidcore.engine.predictions import read_predictions

EXPERIMENT = """
seed = 2

[task]
type = "images-and-videos"
image_weight = 0.5

[model]
type = "omni-resnet"
stage_blocks = [1, 1, 1, 1]
base_channels = 8
image_classes = 3
norm_momentum = 0.5
video_dropout = 0.0

[data]
root = "{root}"
workers = 0

[data.train]
type = "images-and-videos"
batch_size = 14
ratio = [8, 6]

[data.train.sampling]
type = "dense"
num_frames = 4
frame_interval = 1

[data.train.transforms.crop]
type = "random-resized-crop"
size = 32
area = [0.5, 1.0]

[data.train.videos]
type = "class-folders"
folder = "videos"

[data.train.images]
type = "video-list"
list = "images.txt"
folder = "images"
classes = "colours.txt"

[data.val]
type = "class-folders"
folder = "videos"
views = {{ clips = 2 }}

[data.val.sampling]
type = "dense"
num_frames = 4
frame_interval = 1

[data.val.transforms.crop]
type = "center-crop"
size = 32

[optimizer]
type = "adamw"
lr = 0.01

[schedule]
type = "cosine"

[engine]
epochs = 8
device = "cpu"
precision = "fp32"
log_every = 1

[engine.checkpoint]
every_steps = 2

[metrics.accuracy]
type = "accuracy"
top_k = [1]
"""


@pytest.fixture
def place(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an experiment on the videos and images."""
    (tmp_path / "exp.toml").write_text(EXPERIMENT.format(root=root))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, arguments)
    output = " ".join(f"{done.output} {done.exception or ''}".split())
    assert (done.exit_code == 0) == (code == 0), output
    return output


def left(run: Path) -> dict[str, bytes]:
    """What a run computes: metrics, figures, weights, predictions, checkpoints."""
    files = [run / "metrics.jsonl", run / "result.json"]
    for folder in ("weights", "predictions", "checkpoints"):
        files += [file for file in (run / folder).rglob("*") if file.is_file()]
    return {str(file.relative_to(run)): file.read_bytes() for file in files}


def kill_after(lines: int, log: Path) -> None:
    """Start the run, and end it the hard way once its log has so many lines."""
    command = [sys.executable, "-m", "vidcore", "run", "exp.toml", "--name", "killed"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= lines):
        time.sleep(0.01)
    assert process.poll() is None, log.read_text() if log.exists() else "it did not begin"
    process.kill()
    process.wait()


@pytest.mark.timeout(300)
def test_both_are_learned_and_a_kill_leaves_no_trace(place: Path, root: Path) -> None:
    whole = vidcore.run(vidcore.load_experiment(place / "exp.toml"), name="whole")
    assert whole.metrics["top1"] >= 0.9
    trained = [json.loads(line) for line in (whole.folder / "metrics.jsonl").read_text().splitlines()]
    trained = [line for line in trained if line["split"] == "train"]
    assert trained[-1]["image_top1"] >= 0.9
    assert trained[-1]["loss"] == pytest.approx(trained[-1]["video_loss"] + 0.5 * trained[-1]["image_loss"])

    kill_after(8, place / "runs" / "killed" / "log.txt")
    assert not (place / "runs" / "killed" / "result.json").exists()
    killed = vidcore.run(vidcore.load_experiment(place / "exp.toml"), name="killed")
    assert "goes on after step" in (killed.folder / "log.txt").read_text()
    ours, theirs = left(killed.folder), left(whole.folder)
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []

    # one kind of source, with the head of videos
    said = vidcore.Predictor(run=whole.folder)
    (prediction,) = said(root / "videos" / "warm" / "3.mp4")
    assert said.top_k(prediction, 1)[0][0] == "warm"
    tested = read_predictions(whole.folder / "predictions" / "test.jsonl")
    assert {len(one.outputs["scores"]) for one, _ in tested.samples} == {2} and len(tested.samples) == 24
    assert f"top1 {whole.metrics['top1']:.4f}" in typed("test", "--run", str(whole.folder))


def test_an_experiment_is_rehearsed_with_its_data_and_without(place: Path) -> None:
    for root in ((), ("--set", 'data.root="nowhere"', "--set", "model.num_classes=2")):
        told = typed("run", "exp.toml", "--dry-run", *root)
        assert "14 samples: video [8, 3, 4, 32, 32], image [6, 3, 32, 32]" in told
        assert ("no data for train" in told) == bool(root)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("model.image_classes=2", "model.image_classes is 2, but the images have 3 classes"),
        ('data.train.images.classes=["red", "green"]', "images have 2 classes"),
        ("data.train.ratio=[8]", "expected 2 values, got 1"),
        ("data.train.batch_size=1", "must be >= 2"),
    ],
)
def test_a_mistake_is_told_by_a_check(place: Path, change: str, text: str) -> None:
    if "classes=[" in change:  # fewer than there is a head for is no mistake, until a list names more
        assert "good" in typed("config", "check", "exp.toml", "--set", change)
        assert "images.txt:3: label 2 is outside the classes" in typed("run", "exp.toml", "--set", change, code=1)
        return
    assert text in typed("config", "check", "exp.toml", "--set", change, code=2)


def test_a_part_that_is_left_out_is_told(place: Path) -> None:
    text = (place / "exp.toml").read_text()
    start, end = text.index("[data.train.images]"), text.index("[data.val]")
    (place / "exp.toml").write_text(text[:start] + text[end:])
    assert "missing key 'images' of dataset 'images-and-videos', a dataset" in typed(
        "config", "check", "exp.toml", code=2
    )


def test_classes_that_only_the_list_tells_are_checked_in_the_first_step(place: Path, root: Path) -> None:
    changes = [
        "--set",
        'data.train.images.classes=""',
        "--set",
        "model.image_classes=2",
        "--set",
        "data.train.batch_size=24",
    ]
    told = typed("run", "exp.toml", *changes, code=1)
    assert "has label 2; the classes of images are 0 ... 1" in told and str(root / "images" / "blue") in told


def test_the_experiment_of_the_readme_is_a_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (tmp_path / "exp.toml").write_text(re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0])
    for name in ("videos/jump", "videos/run", "val/jump", "val/run", *(f"images/{number}" for number in range(12))):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "2 classes" in typed("config", "check", "exp.toml")
    told = typed("config", "check", "exp.toml", "--set", "model.image_classes=10", code=2)
    assert re.findall(r"data\.train: does not fit the model: .*classes", text)[0] in told


def test_any_task_of_videos_trains_the_network_without_a_head_for_images(place: Path) -> None:
    text = (place / "exp.toml").read_text()
    start, end = text.index("[data.train.videos]"), text.index("[data.val]")
    text = text[:start] + text[end:]
    for before, after in (
        ('type = "images-and-videos"\nimage_weight = 0.5', 'type = "recognition"'),
        ('type = "images-and-videos"\nbatch_size = 14\nratio = [8, 6]', 'type = "class-folders"\nfolder = "videos"'),
        ("image_classes = 3\n", ""),
    ):
        assert before in text
        text = text.replace(before, after)
    (place / "alone.toml").write_text(text)
    alone = vidcore.run(vidcore.load_experiment(place / "alone.toml", {"engine.epochs": 1}))
    state = load_file(alone.folder / "weights" / "last.safetensors")
    assert {name.partition(".")[0] for name in state} == {"trunk", "video_head"}
