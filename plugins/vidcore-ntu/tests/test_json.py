"""Skeletons of Kinetics in JSON files, from made ones in their form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_ntu.config import KineticsSkeleton
from vidcore_skeleton.sampling_config import EveryFrame


def person(x: float, y: float, score: float) -> dict[str, Any]:
    return {"pose": [x, y] * 18, "score": [score] * 18}


def made(folder: Path, *frames: dict[str, Any], **labels: Any) -> Path:
    """One video `a` with a skeleton; another has none."""
    entry = {"has_skeleton": True, "label": "abseiling", "label_index": 0} | labels
    other = {"has_skeleton": False, "label": "zumba", "label_index": 399}
    (folder / "labels.json").write_text(json.dumps({"a": entry, "b": other}))
    (folder / "files").mkdir()
    (folder / "files" / "a.json").write_text(json.dumps({"data": frames, "label": "abseiling", "label_index": 0}))
    return folder


def read(root: Path, **options: Any) -> Any:
    config = KineticsSkeleton(labels="labels.json", folder="files", sampling=EveryFrame(), **options)
    return build_dataset(Data(root=str(root), val=config, decoder=PyAVConfig()), "val")


FRAMES = (
    {"frame_index": 1, "skeleton": [person(0.1, 0.2, 0.3), person(0.5, 0.5, 0.9), person(0.7, 0.8, 0.6)]},
    {"frame_index": 2, "skeleton": []},
    {"frame_index": 4, "skeleton": [person(0.5, 0.25, 0.8)]},
)


def test_people_of_frames_become_a_sequence_in_the_picture(tmp_path: Path) -> None:
    data = read(made(tmp_path, *FRAMES))
    check_dataset(data)
    (sample,) = data.sample(SampleRef("", 0, 0), generator(0, Purpose.SAMPLE))
    pose = sample.inputs["pose"][0].numpy()  # [M, T, V, 3]
    assert (len(data), len(data.classes), sample.target, pose.shape) == (1, 400, {"label": 0}, (2, 4, 18, 3))
    np.testing.assert_allclose(pose[0, :, 3, 0], [170, 0, 0, 170], rtol=1e-6)  # the surest of a frame
    np.testing.assert_allclose(pose[1, :, 3, 1], [0.8 * 256, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(pose[0, :, 0, 2], [0.9, 0, 0, 0.8], rtol=1e-6)
    assert [finding.text for finding in data.check() if finding.where.endswith("labels.json")] == [
        "1 videos have no skeleton and do not count"
    ]


def test_frames_without_anybody_can_be_left_out(tmp_path: Path) -> None:
    (sample,) = read(made(tmp_path, *FRAMES), squeeze=True).sample(SampleRef("", 0, 0), generator(0, Purpose.SAMPLE))
    assert sample.inputs["pose"].shape == (1, 2, 2, 18, 3)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"frame_index": 0, "skeleton": []}, "entry 0 of 'data' has frame_index 0"),
        ({"frame_index": 1}, "frame 1 has no list 'skeleton'"),
        ({"frame_index": 1, "skeleton": [{"pose": [0.1], "score": [1]}]}, "a person of 1 numbers in 'pose' and 1"),
        ({"frame_index": 1, "skeleton": [{"pose": ["x"], "score": [1]}]}, "is no list of numbers"),
        (
            {"frame_index": 1, "skeleton": [person(float("nan"), 0.1, 1)]},
            "frame 1 has a person whose joints are not finite",
        ),
        ({"frame_index": 3, "skeleton": []}, "the sequence has 0 persons and 3 frames"),
    ],
)
def test_broken_file_of_a_video_is_told(tmp_path: Path, frame: dict[str, Any], text: str) -> None:
    data = read(made(tmp_path, frame))
    with pytest.raises(DataError, match=text) as told:
        data.sample(SampleRef("", 0, 0), generator(0, Purpose.SAMPLE))
    assert "a.json" in str(told.value)


def test_labels_of_another_form_and_missing_files_are_told(tmp_path: Path) -> None:
    data = read(made(tmp_path, *FRAMES))
    (tmp_path / "files" / "a.json").unlink()
    assert [finding.level for finding in data.check() if "is not there" in finding.text] == ["error"]
    (tmp_path / "labels.json").write_text(json.dumps({"a": {"label_index": "0"}}))
    with pytest.raises(DataError, match="'a': label_index is '0'"):
        read(tmp_path)
    (tmp_path / "labels.json").write_text("{")
    with pytest.raises(DataError, match="is no JSON"):
        read(tmp_path)
