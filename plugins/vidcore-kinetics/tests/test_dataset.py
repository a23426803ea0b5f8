"""Made videos in the layouts that the usual crawlers leave."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vidcore_kinetics.plugin
from vidcore.config import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset, check_plugin
from vidcore.testing.made_videos import MadeVideo
from vidcore.values import SampleRef
from vidcore_kinetics.class_names import class_names
from vidcore_kinetics.config import Kinetics
from vidcore_videos.datasets import VideoDataset

CSV = """label,youtube_id,time_start,time_end,split,is_cc
air drumming,aaaaaaaaaaa,17,27,val,0
yoga,bbb_bbbbbbb,0,10,val,0
abseiling,gone_gone_g,5,15,val,0
"""


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    MadeVideo(num_frames=12, width=64, height=48).write(path)


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Official list, clips side by side."""
    put(tmp_path / "val" / "aaaaaaaaaaa_000017_000027.mp4")
    put(tmp_path / "val" / "bbb_bbbbbbb_000000_000010.mkv")
    (tmp_path / "val.csv").write_text(CSV)
    return tmp_path


def make(root: Path, **options: Any) -> VideoDataset:
    table: dict[str, Any] = {"list": "val.csv", "folder": "val", "sampling": Dense(num_frames=4, frame_interval=1)}
    config = Kinetics(**(table | options))
    dataset = build_dataset(Data(root=str(root), decoder=PyAVConfig(index_cache=False), val=config), "val")
    assert isinstance(dataset, VideoDataset)
    return dataset


def labels(dataset: VideoDataset) -> list[str]:
    rng = generator(0, Purpose.SAMPLE)
    found = [dataset.sample(SampleRef("", 0, index), rng)[0].target["label"] for index in range(len(dataset))]
    return [dataset.classes[label] for label in found]


def test_clips_of_the_official_list_are_found_by_id_and_seconds(flat: Path) -> None:
    dataset = make(flat)
    assert labels(dataset) == ["air drumming", "yoga"]
    assert [dataset.path(index).suffix for index in range(2)] == [".mp4", ".mkv"]
    check_dataset(dataset, indices=(0, 1))


def test_clips_in_class_folders_are_found_too(flat: Path) -> None:
    for name, file in (("air_drumming", "aaaaaaaaaaa_000017_000027.mp4"), ("yoga", "bbb_bbbbbbb_000000_000010.mkv")):
        (flat / "val" / name).mkdir()
        (flat / "val" / file).rename(flat / "val" / name / file)
    assert labels(make(flat)) == ["air drumming", "yoga"]


def test_file_named_by_its_id_alone_is_found(flat: Path) -> None:
    (flat / "val" / "aaaaaaaaaaa_000017_000027.mp4").rename(flat / "val" / "aaaaaaaaaaa.mp4")
    assert len(make(flat)) == 2


def test_folder_of_another_class_than_listed_is_a_warning(flat: Path) -> None:
    (flat / "val" / "zumba").mkdir()
    file = "aaaaaaaaaaa_000017_000027.mp4"
    (flat / "val" / file).rename(flat / "val" / "zumba" / file)
    warnings = [finding for finding in make(flat).check() if finding.where.endswith("val.csv:2")]
    assert [finding.level for finding in warnings] == ["warning"]
    assert "another class than 'air drumming'" in warnings[0].text


def test_missing_videos_are_counted_and_left_out(flat: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="vidcore.kinetics"):
        assert len(make(flat)) == 2
    assert "1 of 3 videos of" in caplog.text
    assert "(33.3%)" in caplog.text


def test_check_names_each_missing_video(flat: Path) -> None:
    errors = [finding for finding in make(flat).check() if finding.level == "error"]
    assert [finding.where for finding in errors] == [f"{flat}/val.csv:4"]
    assert "gone_gone_g_000005_000015" in errors[0].text


def test_missing_videos_can_be_an_error(flat: Path) -> None:
    with pytest.raises(DataError, match='1 of 3 videos .* set missing = "skip"'):
        make(flat, missing="fail")


def test_wrong_folder_is_told_at_once(flat: Path) -> None:
    (flat / "train").mkdir()
    with pytest.raises(DataError, match="3 of 3 videos .* check data.root and 'folder'"):
        make(flat, folder="train")


def test_absent_folder_is_told(flat: Path) -> None:
    with pytest.raises(DataError, match="cannot be listed: No such file or directory"):
        make(flat, folder="nowhere")


def test_list_of_paths_and_labels_is_read(flat: Path) -> None:
    (flat / "val.txt").write_text("aaaaaaaaaaa_000017_000027.mp4 1\ngone.mp4 3\nbbb_bbbbbbb_000000_000010.mkv 399\n")
    dataset = make(flat, list="val.txt")
    assert labels(dataset) == ["air drumming", "zumba"]
    assert [f.where for f in dataset.check() if f.level == "error"] == [f"{flat}/val.txt:2"]


def test_label_outside_the_edition_is_refused(flat: Path) -> None:
    (flat / "val.txt").write_text("aaaaaaaaaaa_000017_000027.mp4 400\n")
    with pytest.raises(DataError, match="label 400 is outside the classes"):
        make(flat, list="val.txt")
    assert labels(make(flat, list="val.txt", edition=600)) == [class_names(600)[400]]


def test_only_files_with_the_suffixes_count(flat: Path) -> None:
    assert len(make(flat, suffixes=(".mp4",))) == 1


def test_broken_video_is_found_by_a_deep_check(flat: Path) -> None:
    (flat / "val" / "bbb_bbbbbbb_000000_000010.mkv").write_bytes(b"no video")
    found: list[Finding] = list(make(flat).check(deep=True))
    assert any(finding.where.endswith("val.csv:3") and finding.level == "error" for finding in found)


def test_facts_are_known_without_data_and_without_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from vidcore_kinetics.config import Kinetics; "
        "facts = Kinetics(list='x.csv', edition=700).facts(Path('nowhere')); "
        "assert (facts.num_classes, len(facts.classes)) == (700, 700); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plugin_keeps_its_contracts() -> None:
    check_plugin(vidcore_kinetics.plugin)
