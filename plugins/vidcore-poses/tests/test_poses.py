"""The whole way, from an MP4 and two ONNX models to key points, and what is said when something is wrong."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from vidcore.errors import ConfigError, DataError, WeightsError
from vidcore_poses.commands import poses
from vidcore_skeleton.annotations import read_table
from vidcore_skeleton.files import read_skeleton

Make = Callable[..., Path]


def red(frame: int) -> tuple[int, int, int, int]:
    return 20 + 2 * frame, 40, 60 + 2 * frame, 140


def green(frame: int) -> tuple[int, int, int, int] | None:
    return None if 6 <= frame < 12 else (150, 60, 190, 150)


def run(*arguments: object, code: int = 0) -> Any:
    done = CliRunner().invoke(poses, [str(one) for one in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize("pose", ["simcc", "heatmap"])
def test_key_points_and_people_are_found_where_they_are(tmp_path: Path, people: Make, models: Make, pose: str) -> None:
    video = people(tmp_path / "a.mp4", {"red": red, "green": green})
    run(video, "--models", models(tmp_path / "models", pose=pose), "--out", tmp_path / "poses")
    found = read_skeleton(tmp_path / "poses" / "a.npz")
    assert (found.joints.shape, found.image_size) == ((2, 24, 17, 2), (192, 256))
    assert found.scores is not None
    truth = np.array([red(frame) for frame in range(24)], np.float32)  # seen in more frames, so the first person
    tolerance = 3  # pixels: 192 rows of the picture are 96 of the detector, a person is cut out at 64 rows
    np.testing.assert_allclose(found.joints[0, :, 0], truth[:, :2], atol=tolerance)
    np.testing.assert_allclose(found.joints[0, :, 1], truth[:, 2:], atol=tolerance)
    away = np.arange(24) // 6 == 1
    np.testing.assert_allclose(found.joints[1, ~away, 0], np.broadcast_to((150, 60), (18, 2)), atol=tolerance)
    assert not found.joints[1, away].any() and not found.scores[1, away].any()
    assert (found.scores[1, ~away] > 0.5).all()


def test_people_beyond_the_wanted_ones_are_left_out_and_counted(tmp_path: Path, people: Make, models: Make) -> None:
    video = people(tmp_path / "a.mp4", {"red": red, "green": green}, frames=12)
    description = models(tmp_path / "models")
    done = run(video, "--models", description, "--out", tmp_path / "p", "--persons", 1, "--every", 3)
    assert "4 frames, 1 person, 1 more left out" in done.output
    assert read_skeleton(tmp_path / "p" / "a.npz").joints.shape == (1, 4, 17, 2)
    assert float(np.load(tmp_path / "p" / "a.npz")["fps"]) == pytest.approx(25 / 3)


def test_lists_become_lists_and_a_pickle_and_nothing_is_done_twice(tmp_path: Path, people: Make, models: Make) -> None:
    for name in ("a", "b"):
        people(tmp_path / "videos" / f"{name}.mp4", {"red": red}, frames=5)
    people(tmp_path / "videos" / "nobody.mp4", {}, frames=5)
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "train.txt").write_text("a.mp4 walk\nnobody.mp4 stand\nbroken.mp4 walk\n")
    (tmp_path / "val.txt").write_text("b.mp4 stand\n")
    (tmp_path / "classes.txt").write_text("stand\nwalk\n")
    arguments: tuple[object, ...] = (
        tmp_path / "train.txt", tmp_path / "val.txt", "--folder", tmp_path / "videos", "--classes",
        tmp_path / "classes.txt", "--models", models(tmp_path / "models"), "--out", tmp_path / "poses",
        "--pickle", tmp_path / "all.pkl",
    )  # fmt: skip
    done = run(*arguments, code=1)
    assert "broken.mp4" in done.stderr and "1 of 4 videos could not be read" in done.stderr
    assert "nobody.mp4: nobody was found" in done.stderr
    lines = ['"a.npz" 1', "# nobody.npz 0: nobody was found", "# broken.npz 1: the video could not be read"]
    assert (tmp_path / "poses" / "train.txt").read_text().splitlines() == lines
    table = read_table(tmp_path / "all.pkl", "val")
    assert (table.names, table.label(0), table.num_labels) == (("b",), 0, 2)
    first = (tmp_path / "poses" / "a.npz").stat().st_mtime_ns
    assert "3 were there" in run(*arguments, code=1).output
    assert (tmp_path / "poses" / "a.npz").stat().st_mtime_ns == first
    with pytest.raises(DataError, match=r"made otherwise \(tracking\.persons\)"):
        run(*arguments, "--persons", 3)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of the folder `models` on this machine, and what was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(self.path)

    handler = partial(Handler, directory=str(tmp_path / "models"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_models_behind_an_address_are_fetched_once(
    tmp_path: Path, people: Make, models: Make, served: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))
    address, asked = served
    description = models(tmp_path / "models")
    content = description.read_text()
    for name in ("detector", "pose"):
        digest = hashlib.sha256((tmp_path / "models" / f"{name}.onnx").read_bytes()).hexdigest()
        content = content.replace(f'"{name}.onnx"', f'"{address}/{name}.onnx"\nsha256 = "{digest[:8]}"')
    description.write_text(content)
    video = people(tmp_path / "a.mp4", {"red": red}, frames=3)
    for out in ("one", "two"):
        run(video, "--models", description, "--out", tmp_path / out)
        assert read_skeleton(tmp_path / out / "a.npz").joints.shape == (1, 3, 17, 2)
    assert sorted(asked) == ["/detector.onnx", "/pose.onnx"]
    description.write_text(content.replace("/pose.onnx", "/absent.onnx"))
    with pytest.raises(WeightsError, match=r"absent\.onnx"):
        run(video, "--models", description, "--out", tmp_path / "three")


def test_folders_are_classes_when_asked(tmp_path: Path, people: Make, models: Make) -> None:
    for name in ("train/wave/a", "train/jump/a", "val/wave/c", "val/jump/d"):
        people(tmp_path / f"{name}.mp4", {"green": green}, frames=3)
    description = models(tmp_path / "models")
    arguments = ("--models", description, "--out", tmp_path / "poses", "--class-folders")
    run(tmp_path / "train", tmp_path / "val", *arguments)
    assert (tmp_path / "poses" / "classes.txt").read_text() == "jump\nwave\n"
    assert (tmp_path / "poses" / "val.txt").read_text() == '"val/jump/d.npz" 0\n"val/wave/c.npz" 1\n'
    people(tmp_path / "more" / "walk" / "e.mp4", {}, frames=3)
    with pytest.raises(DataError, match="these 2 folders do not have the same classes: train: jump, wave; more: walk"):
        run(tmp_path / "train", tmp_path / "more", *arguments)


def test_a_network_looks_at_what_was_found(tmp_path: Path, people: Make, models: Make) -> None:
    import vidcore
    from vidcore import load_experiment

    people(tmp_path / "videos" / "move.mp4", {"red": red}, frames=12)
    people(tmp_path / "videos" / "still.mp4", {"red": lambda frame: red(5)}, frames=12)
    (tmp_path / "list.txt").write_text("move.mp4 1\nstill.mp4 0\n")
    description = models(tmp_path / "models")
    run(tmp_path / "list.txt", "--folder", tmp_path / "videos", "--models", description, "--out", tmp_path / "poses")
    data = {
        "type": "skeleton-list", "list": "list.txt", "classes": ["still", "move"], "persons": 1, "batch_size": 2,
        "sampling": {"type": "uniform-draws", "num_frames": 8},
        "transforms": {"normalize": {"type": "normalize-2d"}, "streams": {"type": "streams"}},
    }  # fmt: skip
    file = tmp_path / "e.toml"
    file.write_text(
        'task = "recognition"\n[model]\ntype = "stgcn"\nlayout = "coco"\npersons = 1\nbase_channels = 8\n'
        "num_stages = 2\nwiden_at = []\nstride_at = []\n"
    )
    overrides = {"data.root": str(tmp_path / "poses"), "data.train": data, "data.workers": 0}
    experiment = load_experiment(file, overrides | {"engine.epochs": 1, "engine.device": "cpu"})
    vidcore.run(experiment, runs=tmp_path / "runs", name="r")
    predictor = vidcore.Predictor(run=tmp_path / "runs" / "r", device="cpu")
    names = ("move", "still")
    scores = [next(iter(predictor(tmp_path / "poses" / f"{name}.npz"))).outputs["scores"] for name in names]
    assert scores[0].shape == (2,) and not torch.equal(scores[0], scores[1])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (('"detector.onnx"', '"absent.onnx"'), WeightsError, r"absent\.onnx: no such file; `file` is a path beside"),
        (('"pose.onnx"', '"made.toml"'), WeightsError, r"made\.toml is no ONNX model that onnxruntime"),
        (("input_size = [96, 128]", "input_size = [96, 96]"), ConfigError, r"wants pictures \[3, 96, 128\], the descr"),
        (('output = "boxes"', 'output = "yolox"'), ConfigError, r"'dets' is \[2, 5\] for a picture; .* \[252, 5 \+"),
        (('output = "simcc"', 'output = "heatmap"'), ConfigError, r"simcc_x \[1, 17, 96\]; pose\.output = 'heatmap'"),
        (('output = "simcc"', 'output = "simcc"\ny = "simcc_z"'), ConfigError, r"no output simcc_z; set pose\.y:"),
        (("[pose]", '[pose]\nsha256 = "00"'), WeightsError, r"pose\.onnx has the SHA-256 [0-9a-f]{2}, and 00 was"),
        (("[pose]", "[pose]\nmeen = [1, 2, 3]"), ConfigError, r"made\.toml:9:1: .*unknown key 'meen'.*'mean'"),
    ],
)  # fmt: skip
def test_models_and_descriptions_that_do_not_fit_are_told(
    tmp_path: Path, people: Make, models: Make, change: tuple[str, str], error: type[Exception], text: str
) -> None:
    description = models(tmp_path / "models")
    description.write_text(description.read_text().replace(*change))
    video = people(tmp_path / "a.mp4", {"red": red}, frames=3)
    with pytest.raises(error, match=text):
        run(video, "--models", description, "--out", tmp_path / "poses")
    assert not (tmp_path / "poses" / "a.npz").exists()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["absent.mp4"], "no such file or folder: .*absent.mp4"),
        (["a.mp4", "b/a.avi"], r"a\.mp4 and .*b/a\.avi would both be written to a\.npz"),
        (["outside.txt"], r"outside\.txt:1.*lies outside .*; write paths below --folder"),
        (["empty"], "there is no video in .*empty"),
    ],
)
def test_sources_that_cannot_be_meant_are_refused(tmp_path: Path, models: Make, names: list[str], text: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("a.mp4", "b/a.avi"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "outside.txt").write_text("../a.mp4 0\n")
    with pytest.raises(DataError, match=text):
        run(*(tmp_path / name for name in names), "--models", models(tmp_path / "m"), "--out", tmp_path / "poses")


def test_annotation_pickle_is_plain(tmp_path: Path, people: Make, models: Make) -> None:
    people(tmp_path / "a.mp4", {"red": red}, frames=3)
    (tmp_path / "train.txt").write_text("a.mp4 0\n")
    out = ("--out", tmp_path / "poses", "--pickle", tmp_path / "all.pkl")
    run(tmp_path / "train.txt", "--models", models(tmp_path / "m"), *out)
    (row,) = pickle.loads((tmp_path / "all.pkl").read_bytes())["annotations"]
    assert (row["frame_dir"], row["total_frames"], row["img_shape"]) == ("a", 3, (192, 256))
    assert (row["keypoint"].shape, row["keypoint_score"].shape) == ((1, 3, 17, 2), (1, 3, 17))
