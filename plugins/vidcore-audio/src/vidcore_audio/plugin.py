"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1
_PACKAGE = "vidcore_audio"

# kind, name, class of the options, factory, summary
_COMPONENTS = [
    ("model", "audio-tsn", "model_config:AudioTsn", "tsn:AudioTsn", "an image ResNet on a spectrogram"),
    ("model", "audio-resnet", "model_config:AudioResNet", "resnet:AudioResNet", "time and frequency looked at apart"),
    ("dataset", "audio-list", "data_config:AudioList", "datasets:audio_list", "sounds named by a list"),
    ("dataset", "audio-features", "data_config:AudioFeatures", "datasets:audio_features", "precomputed spectrograms"),
    (
        "sample-reader",
        "sound",
        "data_config:SoundReader",
        "sample_reader:SoundFileReader",
        "a single sound for vidcore predict",
    ),
    ("sampling", "sound-window", "data_config:SoundWindow", "windows:SoundWindowSampling", "windows of some seconds"),
    ("sound-transform", "amplify", "transform_config:Amplify", "waveforms:Amplify", "a sound times a number"),
    (
        "sound-transform",
        "random-gain",
        "transform_config:RandomGain",
        "waveforms:RandomGain",
        "louder or softer at random",
    ),
    (
        "sound-transform",
        "random-speed",
        "transform_config:RandomSpeed",
        "waveforms:RandomSpeed",
        "faster or slower at random",
    ),
    ("sound-transform", "add-noise", "transform_config:AddNoise", "waveforms:AddNoise", "white noise at random"),
    (
        "sound-transform",
        "mel-spectrogram",
        "transform_config:MelSpectrogram",
        "spectrograms:MelSpectrogram",
        "power in mel bands over time",
    ),
    (
        "sound-transform",
        "warp-frequency",
        "transform_config:WarpFrequency",
        "spectrograms:WarpFrequency",
        "a spectrogram stretched along frequency at random",
    ),
    (
        "sound-transform",
        "mask-spectrogram",
        "transform_config:MaskSpectrogram",
        "spectrograms:MaskSpectrogram",
        "stripes of a spectrogram blanked at random",
    ),
    (
        "sound-transform",
        "standardize",
        "transform_config:Standardize",
        "spectrograms:Standardize",
        "mean 0, deviation 1",
    ),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """Networks, data sets, a sampling, transforms of sounds."""
    return [
        Component(kind=kind, name=name, config=f"{_PACKAGE}.{config}", factory=f"{_PACKAGE}.{factory}", summary=summary)
        for kind, name, config, factory, summary in _COMPONENTS
    ]


@hookimpl
def vidcore_recipes() -> str:
    """Recipes for Kinetics-400."""
    return "vidcore_audio:recipes"


@hookimpl
def vidcore_weights() -> str:
    """Published weights."""
    return "vidcore_audio:weights.toml"


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore data audio-features`."""
    return [
        Command(
            group="data",
            section="4. Sound, people, features instead of videos",
            name="audio-features",
            help="Write the spectrograms of sounds or videos as .npy files.",
            target="vidcore_audio.commands:audio_features",
        )
    ]
