from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_activitynet.class_lists import class_names
from vidcore_activitynet.config import ActivityNet, Hacs, Thumos14
from vidcore_activitynet.dataset import in_subset
from vidcore_activitynet.thumos import read_folder
from vidcore_localization.annotations import read_annotations
from vidcore_localization.dataset import FeatureSegmentDataset, labels_of


def built(root: Path, config: Any) -> FeatureSegmentDataset:
    dataset = build_dataset(Data(root=str(root), decoder=PyAVConfig(), val=config), "val")
    assert isinstance(dataset, FeatureSegmentDataset)
    return dataset


def write_features(folder: Path, names: Sequence[str], channels: int = 3, length: int = 100) -> None:
    for name in names:
        lines = [",".join(f"f{i}" for i in range(channels)), *[",".join(["0.5"] * channels)] * length]
        (folder / f"{name}.csv").write_text("\n".join(lines))


def test_activitynet_is_parsed_whole(shared_data: Path) -> None:
    folder = shared_data / "real/anet_annotations"
    whole = read_annotations(folder / "anet_anno_action.json")
    sizes = [len(in_subset(whole, folder / "video_info_new.csv", part).videos) for part in ("training", "validation")]
    assert [len(whole.videos), *sizes] == [19228, 9649, 4728]
    odd = [finding.text for finding in whole.findings]
    assert sum("ends when it starts" in text for text in odd) == 12
    assert sum("reaches beyond the video" in text for text in odd) == 13 == len(odd) - 12
    numbers = labels_of(whole.videos, class_names("activitynet"), whole.file)
    assert len({number for row in numbers for number in row}) == 200
    with pytest.raises(DataError, match="no video belongs to subset 'train'; subsets: testing, training, validation"):
        in_subset(whole, folder / "video_info_new.csv", "train")


def test_a_table_of_subsets_with_an_empty_cell_is_told(tmp_path: Path) -> None:
    (tmp_path / "anno.json").write_text(json.dumps({"v_a": {"duration_second": 2.0, "annotations": []}}))
    (tmp_path / "info.csv").write_text("video,subset\nv_a,training\nv_b\n")
    with pytest.raises(DataError, match=r"info\.csv:3: names no video or no subset"):
        in_subset(read_annotations(tmp_path / "anno.json"), tmp_path / "info.csv", "training")


def test_activitynet_with_features_is_a_data_set(tmp_path: Path) -> None:
    rows = {
        name: {
            "duration_second": 20.0,
            "duration_frame": 600,
            "feature_frame": 592,
            "annotations": [{"segment": [1.0, 9.5], "label": "Archery"}],
        }
        for name in ("v_a", "v_b")
    }
    (tmp_path / "anno.json").write_text(json.dumps(rows))
    (tmp_path / "info.csv").write_text("video,numFrame,subset\nv_a,600,training\nv_b,600,validation\n")
    write_features(tmp_path, ["v_a", "v_b"])
    options: dict[str, Any] = {"annotations": "anno.json", "video_info": "info.csv", "subset": "validation"}
    dataset = built(tmp_path, ActivityNet(**options))
    check_dataset(dataset)
    assert len(dataset) == 1 and dataset.path(0).name == "v_b.csv"
    assert len(dataset.classes) == 200


def test_hacs_has_the_official_form_and_names_without_prefix(tmp_path: Path) -> None:
    video = {"duration": 30.0, "subset": "training", "annotations": [{"segment": [1, 4], "label": "Archery"}]}
    (tmp_path / "HACS.json").write_text(json.dumps({"database": {"a": video}}))
    write_features(tmp_path, ["v_a"])
    check_dataset(built(tmp_path, Hacs(annotations="HACS.json", subset="training", prefix="v_")))


@pytest.fixture
def thumos(tmp_path: Path) -> Path:
    (tmp_path / "official").mkdir()
    (tmp_path / "official/Diving_val.txt").write_text(
        "video_validation_1  2.0 4.5\nvideo_validation_1  60.0 61.0\nvideo_validation_1  9 13\n"
        "video_validation_1  -3 -1\nvideo_validation_1  5 4\nvideo_validation_1  -1 2\n"
    )
    (tmp_path / "official/Ambiguous_val.txt").write_text("video_validation_1  6.0 7.0\n")
    (tmp_path / "lengths.txt").write_text("video_validation_1 12.5\n")
    write_features(tmp_path, ["video_validation_1"])
    return tmp_path


def test_thumos_is_read_from_the_official_folder(thumos: Path) -> None:
    options: dict[str, Any] = {"annotations": "official", "durations": "lengths.txt"}
    dataset = built(thumos, Thumos14(**options))
    check_dataset(dataset)
    outside, beyond, before, backwards, early = dataset.check()
    assert "Diving_val.txt:2" in outside.where and "lies outside the video of 12.5 s; it is left out" in outside.text
    assert "Diving_val.txt:4" in before.where and "lies outside the video" in before.text
    assert "Diving_val.txt:5" in backwards.where and "ends before it starts" in backwards.text
    assert "Diving_val.txt:6" in early.where and "it is kept" in early.text
    assert "Diving_val.txt:3" in beyond.where and "9 ... 13 s" in beyond.text and "it is kept" in beyond.text
    with pytest.raises(DataError, match="'Ambiguous' is no class"):
        built(thumos, Thumos14(**options, ambiguous="keep"))


def test_thumos_without_lengths_is_told(thumos: Path) -> None:
    with pytest.raises(DataError, match="give `durations`"):
        built(thumos, Thumos14(annotations="official"))


def test_wrong_rows_of_thumos_are_told_by_line(thumos: Path) -> None:
    (thumos / "official/Shotput_val.txt").write_text(
        "video_validation_1 1.0\nvideo_validation_2 1 2\nvideo_validation_1 nan 2\n"
    )
    with pytest.raises(DataError) as raised:
        read_folder(thumos / "official", thumos / "lengths.txt")
    first, second, third = str(raised.value).splitlines()
    assert "Shotput_val.txt:1: should be VIDEO START END" in first
    assert "Shotput_val.txt:2" in second and "does not say how long video_validation_2 is" in second
    assert "Shotput_val.txt:3: START and END should be finite numbers, are nan 2" in third
    (thumos / "wrong.txt").write_text("video_validation_1 12.5\nvideo_validation_2 long\n")
    with pytest.raises(DataError, match=r"wrong\.txt:2: should be VIDEO SECONDS, .* is 'video_validation_2 long'"):
        read_folder(thumos / "official", thumos / "wrong.txt")
    (thumos / "official/Shotput_val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"Shotput_val\.txt: cannot be read"):
        read_folder(thumos / "official", thumos / "lengths.txt")


def test_thumos_is_read_from_the_shared_json(tmp_path: Path) -> None:
    row = {"label": "Diving", "segment": [1.0, 2.0], "segment(frames)": [30, 60], "label_id": 7}
    video = {"subset": "Validation", "duration": 9.0, "fps": 30, "annotations": [row, {**row, "label": "Ambiguous"}]}
    (tmp_path / "thumos14.json").write_text(json.dumps({"database": {"video_validation_1": video}}))
    write_features(tmp_path, ["video_validation_1"])
    dataset = built(tmp_path, Thumos14(annotations="thumos14.json", subset="Validation"))
    target = dataset.sample(SampleRef("", 0, 0), np.random.default_rng(0))[0].target
    assert target["labels"].tolist() == [list(dataset.classes).index("Diving")]
