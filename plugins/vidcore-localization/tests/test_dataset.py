from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError, DataError
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_localization.config import FeatureSegments
from vidcore_localization.dataset import FeatureSegmentDataset
from vidcore_localization.testing import CHANNELS, CLASSES, LENGTH, write_made_features


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_made_features(tmp_path, "train", count=4, seed=0)
    return tmp_path


def built(folder: Path, **options: Any) -> FeatureSegmentDataset:
    given = {"annotations": "train.json", "features": "features", "suffix": ".npy", "length": LENGTH} | options
    dataset = build_dataset(Data(root=str(folder), decoder=PyAVConfig(), val=FeatureSegments(**given)), "val")
    assert isinstance(dataset, FeatureSegmentDataset)
    return dataset


def first(dataset: FeatureSegmentDataset) -> Any:
    return dataset.sample(SampleRef("", 0, 0), np.random.default_rng(0))[0]


def test_data_set_keeps_the_contract(folder: Path) -> None:
    dataset = built(folder)
    check_dataset(dataset, [0, 3])
    assert dataset.classes == CLASSES
    assert list(dataset.check(deep=True)) == []


def test_sample_has_features_and_segments_in_seconds_and_fractions(folder: Path) -> None:
    sample = first(built(folder))
    assert sample.inputs["features"].shape == (1, CHANNELS, LENGTH)
    seconds = sample.meta["seconds"]
    np.testing.assert_allclose(sample.target["segments"], sample.target["spans"] * seconds, rtol=1e-5)


def test_features_of_another_length_are_told_or_resampled(folder: Path) -> None:
    with pytest.raises(DataError, match=r"train0\.npy: has 40 moments, not 20; set resample = true"):
        first(built(folder, length=20))
    assert first(built(folder, length=20, resample=True)).inputs["features"].shape == (1, CHANNELS, 20)


def test_wrong_channels_are_told(folder: Path) -> None:
    with pytest.raises(DataError, match="has 12 channels, not 400"):
        first(built(folder, channels=400))


def test_features_of_several_folders_are_joined_by_channels(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "flow").mkdir()
    for index in range(3):
        np.save(folder / f"flow/train{index}.npy", np.full((10, 5), index, np.float32))
    dataset = built(folder, features=("features", "flow"), channels=CHANNELS + 5, resample=True)
    joined = first(dataset).inputs["features"][0]
    np.testing.assert_array_equal(joined[:CHANNELS], first(built(folder)).inputs["features"][0])
    assert joined.shape == (CHANNELS + 5, LENGTH) and (joined[CHANNELS:] == 0).all()
    (finding,) = dataset.check(deep=True)
    assert len(dataset) == 3 and "flow/train3.npy is not there" in finding.text
    with pytest.raises(DataError, match=r"train0\.npy: has 17 channels with the other folders, not 12"):
        first(built(folder, features=("features", "flow"), channels=CHANNELS, resample=True))
    with pytest.raises(DataError, match=r"flow/train0\.npy: has 10 moments, not 40"):
        first(built(folder, features=("features", "flow")))
    with pytest.raises(ValueError, match="names no folder"):
        FeatureSegments(annotations="train.json", features=())


def test_missing_features_are_counted_named_or_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "features/train1.npy").unlink()
    dataset = built(folder)
    assert len(dataset) == 3
    assert "1 of 4 videos" in caplog.text
    (finding,) = dataset.check()
    assert finding.where.endswith("train.json: train1") and "train1.npy is not there" in finding.text
    with pytest.raises(DataError, match='or set missing = "skip"'):
        built(folder, missing="fail")
    with pytest.raises(DataError, match="check 'features' and 'suffix'"):
        built(folder, suffix=".csv")


def test_label_that_is_no_class_is_told(folder: Path) -> None:
    with pytest.raises(DataError, match="'wave' is no class; did you mean 'waves'"):
        built(folder, classes=("hop", "run", "waves"))


def test_options_of_frames_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[data\.val\.sampling\] is for frames"):
        built(folder, sampling=Dense())


def test_odd_segments_are_in_the_findings(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = json.loads((folder / "train.json").read_text())
    table["train0"]["annotations"].append({"segment": [5.0, 4.0], "label": "run"})
    (folder / "train.json").write_text(json.dumps(table))
    (finding,) = built(folder).check()
    assert "ends before it starts" in finding.text
    assert "1 odd segments, the first one" in caplog.text
