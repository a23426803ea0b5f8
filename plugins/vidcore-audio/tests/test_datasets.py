from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from vidcore.config import load_experiment
from vidcore.config.base import Views
from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError, DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_audio.data_config import AudioFeatures, AudioList, SoundWindow
from vidcore_audio.datasets import SoundDataset
from vidcore_audio.transform_config import MelSpectrogram, RandomGain
from vidcore_audio.windows import SoundWindowSampling, between_frames

MEL = MelSpectrogram(bands=20)
TONES = AudioList(
    list="list.txt",
    classes="classes.txt",
    sample_rate=8000,
    at_least=0.8,
    sampling=SoundWindow(seconds=0.8),
    transforms={"mel": MEL},
)


def dataset(root: Path, config: Any, split: str = "train") -> SoundDataset:
    built = build_dataset(Data(root=str(root), decoder=PyAVConfig(), **{split: config}), split)
    assert isinstance(built, SoundDataset)
    return built


def first(built: SoundDataset, index: int = 0, draw: int = 0) -> Any:
    (sample, *_) = built.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=draw))
    return sample


@pytest.mark.parametrize("split", ["train", "val"])
def test_waveforms_become_spectrograms_that_keep_the_contract(tones: Path, split: str) -> None:
    built = dataset(tones, TONES, split)
    check_dataset(built, [0, 7])
    sample = first(built, 5)
    assert sample.inputs["audio"].shape == (1, 1, 51, 20)
    assert sample.target == {"label": 1}
    assert list(built.classes) == ["low", "high"]
    assert TONES.facts(tones).inputs == {"audio": (1, None, 20)}


def test_a_short_sound_stands_anywhere_in_its_silence_in_training_and_first_in_testing(tones: Path) -> None:
    config = evolve(TONES, transforms={})
    starts = [int(np.flatnonzero(first(dataset(tones, config), 0, draw).inputs["audio"][0, 0])[0]) for draw in range(9)]
    assert len(set(starts)) > 5
    assert max(starts) <= 0.3 * 8000 + 1
    assert int(np.flatnonzero(first(dataset(tones, config, "val")).inputs["audio"][0, 0])[0]) <= 1


def test_testing_looks_at_as_many_windows_as_views_ask_for(tones: Path) -> None:
    config = evolve(TONES, sampling=SoundWindow(seconds=0.2), views=Views(clips=4))
    assert first(dataset(tones, config, "test")).inputs["audio"].shape[:2] == (4, 1)


def test_repeats_are_drawn_apart_from_one_reading(tones: Path) -> None:
    config = evolve(TONES, repeats=3, transforms={"gain": RandomGain(), "mel": MEL})
    samples = dataset(tones, config).sample(SampleRef("", 0, 0), generator(0, Purpose.SAMPLE))
    assert [sample.ref.repeat for sample in samples] == [0, 1, 2]
    assert (samples[0].inputs["audio"] != samples[1].inputs["audio"]).any()


def test_features_are_read_as_they_were_written(tones: Path, tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(20, 3)
    np.save(tmp_path / "x.npy", values)
    (tmp_path / "list.txt").write_text("x.npy 1\n")
    config = AudioFeatures(list="list.txt", sampling=Dense(num_frames=6, frame_interval=1), length=8)
    built = dataset(tmp_path, config, "val")
    check_dataset(built)
    view = first(built).inputs["audio"][0, 0]
    np.testing.assert_array_equal(view[:6], values[7:13])
    assert not view[6:].any()


def test_windows_can_be_counted_in_frames_of_the_video(tones: Path) -> None:
    config = evolve(
        TONES,
        list="frames.txt",
        columns=("path", "frames", "label"),
        unit="video-frame",
        length=1600,
        at_least=0.0,
        sampling=Dense(num_frames=10, frame_interval=1),
        transforms={},
    )
    audio = first(dataset(tones, config, "val")).inputs["audio"][0, 0]
    assert audio.shape == (1600,)
    assert audio[1440:].abs().sum() == 0 < audio[1430:1440].abs().sum()  # 9 frames of 25, in half a second


def test_a_window_reaches_from_behind_its_first_frame_to_its_last() -> None:
    steps = np.arange(100, dtype=np.float32)
    np.testing.assert_array_equal(between_frames(steps, np.array([4, 5, 9]), 20, 25), steps[25:50])
    np.testing.assert_array_equal(between_frames(steps, np.array([4, 9]), 20, 10), steps[25:35])
    assert between_frames(steps, np.array([4, 9]), 20, 40)[25:].sum() == 0
    assert between_frames(steps, np.array([4]), 20, 6).sum() == 0


def test_a_single_window_stands_in_the_middle() -> None:
    windows = SoundWindowSampling(SoundWindow(seconds=0.5))
    assert windows.clips(20, 10.0, None).tolist() == [[7, 8, 9, 10, 11]]
    assert windows.clips(20, 10.0, None, 2)[:, 0].tolist() == [0, 15]
    assert windows.clips(3, 10.0, None).tolist() == [[0, 1, 2]]
    starts = {int(windows.clips(8, 10.0, generator(0, Purpose.SAMPLE, index=i))[0, 0]) for i in range(40)}
    assert starts == {0, 1, 2, 3}
    with pytest.raises(DataError, match="use dense"):
        windows.clips(20, 0.0, None)


def test_check_names_what_is_missing_and_what_cannot_be_read(tones: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound" * 50)
    (tmp_path / "list.txt").write_text("absent.wav 0\nbroken.wav 1\n")
    (tmp_path / "classes.txt").write_text("low\nhigh\n")
    built = dataset(tmp_path, TONES)
    assert [finding.where.rpartition(":")[2] for finding in built.check()] == ["1"]
    assert [finding.where.rpartition(":")[2] for finding in built.check(deep=True)] == ["1", "2"]
    assert built.where(1) == f"{tmp_path / 'broken.wav'} ({tmp_path / 'list.txt'}:2)"
    with pytest.raises(DataError, match=r"broken\.wav: its sound cannot be read"):
        first(built, 1)


def test_transforms_of_video_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        'task = "recognition"\nmodel = { type = "audio-tsn", num_classes = 2 }\n'
        '[data.train]\ntype = "audio-list"\nlist = "list.txt"\nsampling = { type = "sound-window" }\n'
        'transforms.mirror = { type = "flip" }\n'
    )
    with pytest.raises(ConfigError, match="no sound-transform named 'flip'"):
        load_experiment(file)


def test_options_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="needs \"frames\" among the 'columns', and a 'length'"):
        AudioList(list="x.txt", unit="video-frame")
    with pytest.raises(ValueError, match="repeats none"):
        AudioList(list="x.txt", columns=("path", "path"))
