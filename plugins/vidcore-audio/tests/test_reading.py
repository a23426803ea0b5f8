from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from vidcore.errors import DataError
from vidcore.testing import make_video
from vidcore_audio.reading import FeatureReader, WaveformReader

RATE = 8000
Write = Callable[..., Path]
Sine = Callable[..., np.ndarray]


def test_a_sound_is_the_mean_of_its_channels(tmp_path: Path, write: Write, sine: Sine) -> None:
    left, right = sine(400, 0.25), sine(900, 0.25)
    path = write(tmp_path / "stereo.wav", np.concatenate([left, right]))
    sound = WaveformReader(RATE)(path)
    assert (sound.rate, sound.values.dtype) == (RATE, np.float32)
    np.testing.assert_allclose(sound.values, (left + right)[0] / 2, atol=1e-4)


def test_a_sound_of_another_rate_is_resampled_without_changing_its_pitch(
    tmp_path: Path, write: Write, sine: Sine
) -> None:
    path = write(tmp_path / "tone.wav", sine(440, 1.0, 44_100), 44_100)
    sound = WaveformReader(16_000)(path)
    assert len(sound) == 16_000
    assert int(np.abs(np.fft.rfft(sound.values)).argmax()) == 440


def test_silent_and_missing_files_are_told_or_are_silence_when_that_is_asked_for(tmp_path: Path) -> None:
    video = make_video(tmp_path / "mute.mp4", num_frames=5)
    with pytest.raises(DataError, match="mute.mp4 has no sound"):
        WaveformReader(RATE)(video)
    with pytest.raises(DataError, match="absent.wav"):
        WaveformReader(RATE)(tmp_path / "absent.wav")
    for path in (video, tmp_path / "absent.wav"):
        sound = WaveformReader(RATE, silence=True)(path)
        assert len(sound) == 10 * RATE
        assert not sound.values.any()


def test_a_file_that_is_no_sound_is_told_even_where_silence_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(b"no sound at all" * 100)
    with pytest.raises(DataError, match="broken.wav: its sound cannot be read"):
        WaveformReader(RATE, silence=True)(path)


def test_a_sound_that_is_not_finite_is_told(tmp_path: Path) -> None:
    samples = np.zeros((1, 800), np.float32)
    samples[0, 400] = np.nan
    with av.open(str(tmp_path / "nan.wav"), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(DataError, match=r"nan\.wav has samples that are not finite"):
        WaveformReader(RATE)(tmp_path / "nan.wav")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5, np.float32), r"found float32 \[5\]"),
        (np.zeros((0, 4), np.float32), r"found float32 \[0, 4\]"),
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([["a", "b"]]), "numbers"),
    ],
)
def test_features_of_another_form_are_refused(tmp_path: Path, values: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(DataError, match=message):
        FeatureReader(62.5)(tmp_path / "x.npy")


def test_hostile_features_are_not_executed(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="no .npy file of plain numbers"):
        FeatureReader(62.5)(tmp_path / "x.npy")
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.npy"):
        FeatureReader(62.5)(tmp_path / "empty.npy")
