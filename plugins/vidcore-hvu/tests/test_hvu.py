from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import vidcore_hvu.plugin
from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset, check_plugin, make_video
from vidcore.values import SampleRef
from vidcore_hvu.config import Hvu
from vidcore_recognition.config import Recognition
from vidcore_recognition.losses.config import GroupedBce

KINDS = {"action": ["run", "jump"], "scene": ["beach", "street", "gym"]}
CONFIG = Hvu(
    list="list.json",
    classes="classes.json",
    sampling=Dense(num_frames=2, frame_interval=1),
    transforms={"crop": CenterCrop(size=16)},
)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("hvu") / "a.mp4", num_frames=4, width=32, height=32)


@pytest.fixture
def root(tmp_path: Path, video: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(video, tmp_path / name)
    (tmp_path / "classes.json").write_text(json.dumps(KINDS))
    return tmp_path


def dataset(root: Path, rows: list[Any]) -> Any:
    (root / "list.json").write_text(json.dumps(rows))
    return build_dataset(Data(root=str(root), decoder=PyAVConfig(), train=CONFIG), "train")


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_hvu.plugin)


def test_kinds_that_nobody_looked_at_are_nan_and_empty_ones_are_0(root: Path) -> None:
    rows = [
        {"filename": "a.mp4", "label": {"scene": [2]}},
        {"filename": "b.mp4", "label": {"action": [], "scene": [0]}},
    ]
    built = dataset(root, rows)
    check_dataset(built, [0, 1])
    targets = [
        built.sample(SampleRef("", 0, i), generator(0, Purpose.SAMPLE, index=i))[0].target["labels"] for i in (0, 1)
    ]
    assert targets[0].isnan().tolist() == [True, True, False, False, False]
    assert targets[0][2:].tolist() == [0, 0, 1]
    assert targets[1].tolist() == [0, 0, 1, 0, 0]
    assert list(built.classes)[:3] == ["action: run", "action: jump", "scene: beach"]
    assert CONFIG.facts(root).classes == tuple(built.classes)


def test_the_task_learns_from_what_is_known(root: Path) -> None:
    built = dataset(
        root, [{"filename": "a.mp4", "label": {"scene": [2]}}, {"filename": "b.mp4", "label": {"action": [1]}}]
    )
    task = build(Recognition(multi_label=True, loss=GroupedBce(groups=(2, 3))), built.classes)
    samples = [built.sample(SampleRef("", 0, i), generator(0, Purpose.SAMPLE, index=i))[0] for i in (0, 1)]
    logits = torch.zeros(2, 5, requires_grad=True)
    loss = task.loss(logits, task.collate(samples)).total
    loss.backward()
    assert loss.item() == pytest.approx(0.6931, abs=1e-4)
    assert logits.grad is not None
    assert (logits.grad != 0).tolist() == [[False, False, True, True, True], [True, True, False, False, False]]


def test_every_wrong_row_is_told(root: Path) -> None:
    rows = [
        {"filename": "a.mp4", "label": {"scene": [3]}},
        {"label": {"scene": [0]}},
        {"filename": "b.mp4", "label": [1]},
        {"filename": "b.mp4", "label": {"smell": [1]}},
    ]
    with pytest.raises(DataError) as caught:
        dataset(root, rows)
    told = str(caught.value).split("\n")
    assert len(told) == 4
    assert "list.json:1: label 3 of kind 'scene'; its 3 classes are 0 ... 2" in told[0]
    assert "list.json:2: no 'filename'" in told[1]
    assert "kind -> list of numbers" in told[2]
    assert "no label of a kind" in told[3]


def test_kinds_without_classes_are_found_by_the_check(root: Path) -> None:
    built = dataset(root, [{"filename": "a.mp4", "label": {"scene": [0], "smell": [4]}}])
    assert any("kind 'smell' is not in classes.json" in finding.text for finding in built.check())


@pytest.mark.parametrize(
    ("classes", "message"),
    [("[]", "kind -> list"), ('{"a": []}', "kind 'a'"), ('{"a": ["x", "x"]}', "'x' twice"), ("{", "not valid JSON")],
)
def test_class_lists_of_another_form_are_refused(root: Path, classes: str, message: str) -> None:
    (root / "classes.json").write_text(classes)
    with pytest.raises(DataError, match=message):
        dataset(root, [{"filename": "a.mp4", "label": {"scene": [0]}}])
