from __future__ import annotations

import pytest
import torch

from vidcore.errors import ConfigError
from vidcore_tasks.pixels import Normalize


@pytest.fixture
def video() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 4, 8, 8), dtype=torch.uint8)


def test_pixels_are_normalised_by_channel(video: torch.Tensor) -> None:
    normalised = Normalize((1.0, 2.0, 3.0), (2.0, 4.0, 8.0))(video)
    assert normalised.dtype == torch.float32
    for channel, (mean, std) in enumerate(((1, 2), (2, 4), (3, 8))):
        torch.testing.assert_close(normalised[:, channel], (video[:, channel].float() - mean) / std)


def test_normalising_leaves_the_pixels_as_they_were(video: torch.Tensor) -> None:
    for pixels in (video, video.float()):
        before = pixels.clone()
        Normalize((9.0,) * 3, (2.0,) * 3)(pixels)
        assert torch.equal(pixels, before)


def test_memory_layout_is_kept(video: torch.Tensor) -> None:
    strided = video.contiguous(memory_format=torch.channels_last_3d)
    normalised = Normalize((0.0,) * 3, (1.0,) * 3)(strided)
    assert normalised.is_contiguous(memory_format=torch.channels_last_3d)


def test_inputs_that_are_no_pixels_stay_as_they_are(video: torch.Tensor) -> None:
    audio, boxes = torch.randn(1, 1, 5, 6), [torch.zeros(2, 4)]
    inputs = Normalize((0.0,) * 3, (255.0,) * 3).inputs({"video": video, "audio": audio, "boxes": boxes})
    assert inputs["audio"] is audio and inputs["boxes"] is boxes
    torch.testing.assert_close(inputs["video"], video.float() / 255)


def test_wrong_number_of_channels_is_told(video: torch.Tensor) -> None:
    with pytest.raises(ConfigError, match="have 2 values, but input 'video' has 3 channels"):
        Normalize((0.0, 0.0), (1.0, 1.0))(video)
