"""What is fetched and cut, by files in the official form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_activitynet.sources import activitynet_segments, activitynet_videos, thumos_segments, thumos_videos

DATABASE = {
    "sJFgo9H6zNo": {
        "annotations": [{"label": "Fun sliding down", "segment": [0, 125.9]}, {"label": "Odd", "segment": [3, 3]}]
    },
    "V1zhqaGFY2A": {"annotations": []},
}


def test_videos_of_activitynet_are_called_as_features_are_and_cut_by_activity(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    file = tmp_path / "annotations/activity_net.v1-3.min.json"
    file.write_text(json.dumps({"database": DATABASE}))
    assert [path for path, _ in activitynet_videos(tmp_path)] == [
        "youtube/v_sJFgo9H6zNo.mp4",
        "youtube/v_V1zhqaGFY2A.mp4",
    ]
    assert list(activitynet_segments(file)) == [
        ("v_sJFgo9H6zNo", 0.0, 125.9, "Fun sliding down/v_sJFgo9H6zNo_0.00_125.90")
    ]
    file.write_text("{}")
    with pytest.raises(DataError, match="has no 'database'"):
        activitynet_videos(tmp_path)


def test_videos_of_thumos_come_from_the_part_that_their_name_tells(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fetch the annotations first"):
        thumos_videos(tmp_path)
    folder = tmp_path / "annotations/validation/annotation"
    folder.mkdir(parents=True)
    file = folder / "BaseballPitch_val.txt"
    file.write_text("video_validation_0000266  72.8 76.4\nvideo_test_0000004  0.2 1.1\nvideo_test_0000004  5 6.5\n")
    assert [address.partition("THUMOS14/")[2] for _, address in thumos_videos(tmp_path)] == [
        "Validation_set/videos/video_validation_0000266.mp4",
        "test_set/videos/video_test_0000004.mp4",
    ]
    assert next(thumos_segments(file)) == (
        "video_validation_0000266", 72.8, 76.4, "BaseballPitch/video_validation_0000266_72.8_76.4",
    )  # fmt: skip
    file.write_text("video_test_0000004 now\n")
    with pytest.raises(DataError, match=r"BaseballPitch_val.txt:1: expected VIDEO START END"):
        list(thumos_segments(file))
