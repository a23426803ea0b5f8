"""This plugin against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from answering import shared_file

from vidcore_audio.reading import WaveformReader
from vidcore_audio.sound import Sound
from vidcore_audio.spectrograms import MelSpectrogram
from vidcore_audio.transform_config import Amplify as AmplifyOptions
from vidcore_audio.transform_config import MelSpectrogram as MelOptions
from vidcore_audio.waveforms import Amplify
from vidcore_audio.windows import between_frames
from vidcore_videos.lists import read_list


def spectrograms(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    options = MelOptions(
        window=float(params["window_size"]),
        step=float(params["step_size"]),
        bands=params["n_mels"],
        layout="mel-first",
        length=params["fixed_length"],
    )
    mel, rate = MelSpectrogram(options), params["sample_rate"]
    values = np.stack([mel.change(Sound(one, rate), None).values for one in inputs["audios"]])
    return {"audios": values, "shape": list(values.shape)}


def waveform(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    read = WaveformReader(params["sample_rate"], silence=params.get("pad_method") == "zero")
    sound = read(shared_file(inputs["file"]))
    return {
        "length": len(sound),
        "sample_rate": sound.rate,
        "rms": float(np.sqrt(np.mean(sound.values.astype(np.float64) ** 2))),
        "head": sound.values[:200],
        "dtype": str(sound.values.dtype),
        "sum": float(sound.values.sum()),
    }


def views(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    clips = np.reshape(inputs["frame_inds"], (inputs["num_clips"], -1))
    audios = np.asarray(inputs["audios"])
    cut = [between_frames(audios, clip, inputs["total_frames"], params["fixed_length"]) for clip in clips]
    return {"audios": np.stack(cut), "audios_shape": list(np.stack(cut).shape)}


def amplify(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    sound = Sound(np.asarray(inputs["audios"], np.float32), 16_000.0)
    return {"audios": Amplify(AmplifyOptions(ratio=params["ratio"])).change(sound, None).values}


def channel(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """One channel in front of time and frequency, as SoundDataset adds it."""
    return {"shape": list(np.asarray(inputs["audios"])[:, None].shape)}


def rows(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    table = read_list(shared_file(inputs["file"]), columns=("path", "frames", "label"))
    suffix = params.get("suffix")
    samples = [
        {
            "audio_path": f"DATA/{Path(table.path(i)).with_suffix(suffix) if suffix else table.path(i)}",
            "total_frames": table.part(i)[1],
            "label": table.labels(i)[0],
            "sample_idx": i,
            "modality": "Audio",
            "start_index": 0,
        }
        for i in range(len(table))
    ]
    return {"num_samples": len(table), "samples": samples}


OPS = {
    "MelSpectrogram": spectrograms,
    "AudioDecodeInit": waveform,
    "AudioDecode": views,
    "AudioFeatureSelector": views,
    "AudioAmplify": amplify,
    "FormatAudioShape": channel,
    "AudioDataset": rows,
}
