from __future__ import annotations

import pytest
import torch

from vidcore.errors import WeightsError
from vidcore_audio.model_config import AudioResNet, AudioTsn
from vidcore_audio.resnet import AudioResNet as ResNet
from vidcore_audio.weights import resnet_from_mmaction2, tsn_from_mmaction2


def test_maps_of_the_audio_resnet_shrink_by_8_and_keep_their_order() -> None:
    model = ResNet(AudioResNet.example()).eval()
    maps = model.features(torch.zeros(2, 1, 32, 40))
    assert [tuple(one.shape[2:]) for one in maps] == [(32, 40), (16, 20), (8, 10), (4, 5)]


def test_kernels_see_time_and_frequency_apart() -> None:
    model = ResNet(AudioResNet.example())
    assert model.stem.along_time.conv.kernel_size == (9, 1)
    assert model.stem.along_frequency.conv.kernel_size == (1, 9)
    assert len(model.blocks()) == 4


def test_a_waveform_or_a_video_is_refused_before_anything_is_built() -> None:
    config = AudioTsn(num_classes=4)
    assert "mel-spectrogram" in next(config.check_inputs({"audio": (1, 16_000)}))
    assert "named 'audio', got video" in next(config.check_inputs({"video": (3, 8, 224, 224)}))
    assert "has 2 channels" in next(config.check_inputs({"audio": (2, None, None)}))
    assert not list(config.check_inputs({"audio": (1, None, 80)}))


def test_options_for_stages_have_one_value_each() -> None:
    with pytest.raises(ValueError, match="4 stages, got 2"):
        AudioResNet(strides=(1, 2))
    with pytest.raises(ValueError, match="4 stages, got 3"):
        AudioResNet(stage_blocks=(1, 1, 1))


@pytest.mark.parametrize("convert", [resnet_from_mmaction2, tsn_from_mmaction2])
def test_a_key_of_another_architecture_is_told(convert: object) -> None:
    assert callable(convert)
    with pytest.raises(WeightsError, match=r"backbone\.layer9"):
        convert({"backbone.layer9.0.conv2.conv.conv_3.conv.weight": torch.zeros(1)})
