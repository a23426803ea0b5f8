from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import vidcore_shapes.plugin
from vidcore.config import Data, load_experiment
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import ConfigError, DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset, check_plugin
from vidcore.values import SampleRef
from vidcore_shapes.config import CLASSES, Shapes
from vidcore_shapes.videos import VideoSet, make_videos
from vidcore_videos.datasets import VideoDataset

MAKE_SLOWLY = """
import sys
from vidcore_shapes.videos import VideoSet, make_videos
make_videos(VideoSet(split="train", num_videos=int(sys.argv[1]), size=64, seed=0))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def small(split: Any = "train", num_videos: int = 8, seed: int = 0) -> VideoSet:
    return VideoSet(split=split, num_videos=num_videos, size=16, seed=seed)


def dataset(**options: Any) -> VideoDataset:
    table: dict[str, Any] = {
        "split": "val",
        "num_videos": 10,
        "size": 16,
        "sampling": Dense(num_frames=30, frame_interval=1),
    }
    found = build_dataset(Data(decoder=PyAVConfig(index_cache=False), val=Shapes(**(table | options))), "val")
    assert isinstance(found, VideoDataset)
    return found


def test_data_set_makes_its_videos_and_reads_them(cache: Path) -> None:
    found = dataset()
    assert len(found) == len(list(cache.glob("shapes/*/val/*.mp4"))) == 10
    assert found.classes == CLASSES
    check_dataset(found, indices=(0, 9))
    (sample,) = found.sample(SampleRef("", 0, 9), generator(0, Purpose.SAMPLE))
    assert sample.inputs["video"].shape == (1, 3, 30, 16, 16)
    assert sample.target == {"label": 1}


def test_check_finds_a_video_that_was_broken_later() -> None:
    found = dataset(num_videos=8)
    found.path(3).write_bytes(b"")
    assert [finding.text.split()[0] for finding in found.check()] == [str(found.path(3))]


def test_same_options_make_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for folder in ("one", "two"):
        monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / folder))
        make_videos(small())
        contents.append([small().path(index).read_bytes() for index in range(8)])
    assert contents[0] == contents[1]


def test_other_options_make_other_files_elsewhere() -> None:
    sets = [small(), small("val"), small(seed=1)]
    pictures = {videos.pictures(0).tobytes() for videos in sets}
    assert len(pictures) == len({videos.folder for videos in sets}) == 3


def test_more_videos_begin_with_the_same_ones() -> None:
    make_videos(small(num_videos=8))
    before = small().path(0).stat().st_mtime_ns
    assert make_videos(small(num_videos=11)) == 3
    assert small().path(0).stat().st_mtime_ns == before


def test_videos_that_are_there_are_not_made_again() -> None:
    assert make_videos(small()) == 8
    assert make_videos(small()) == 0


def test_killed_writer_leaves_nothing_that_looks_finished() -> None:
    videos = VideoSet(split="train", num_videos=400, size=64, seed=0)
    writer = subprocess.Popen([sys.executable, "-c", MAKE_SLOWLY, "400"])
    while not any(videos.folder.glob("*.mp4")):
        time.sleep(0.01)
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    there = [index for index in range(400) if index not in set(videos.missing())]
    assert 0 < len(there) < 400
    decoder = PyAV(PyAVConfig(index_cache=False))
    for index in there:
        with decoder.open(videos.path(index)) as video:
            assert len(video.frames(range(30))) == 30
    (videos.folder / "00399.mp4.tmp").write_bytes(b"half of it")
    some = VideoSet(split="train", num_videos=len(there) + 4, size=64, seed=0)
    make_videos(some)
    assert some.missing() == []
    assert list(some.folder.glob("*.tmp")) == []


def test_processes_that_start_together_share_the_work() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", MAKE_SLOWLY, "16"]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert VideoSet(split="train", num_videos=16, size=64, seed=0).missing() == []


def test_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written to .*VIDCORE_CACHE"):
        make_videos(small())


def test_progress_hears_of_every_video() -> None:
    heard: list[int] = []

    def progress(done: Any, total: int) -> Any:
        for index in done:
            heard.append(index)
            yield index
        assert total == 8

    make_videos(small(), progress)
    assert sorted(heard) == list(range(8))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ({"data.train.size": 33}, "must be even"),
        ({"data.train.num_videos": 7}, "num_videos"),
        ({"data.train.split": "test"}, "split"),
    ],
)
def test_wrong_options_are_refused(override: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_experiment("quickstart", override)


def test_checking_the_quickstart_needs_no_torch_and_makes_no_video(cache: Path) -> None:
    code = "import sys, vidcore.config as c; c.load_experiment('quickstart'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "False"
    assert not cache.exists()


def test_plugin_keeps_its_contracts() -> None:
    check_plugin(vidcore_shapes.plugin)
