from __future__ import annotations

from typing import Any

import torch

from vidcore.randomness import Purpose, generator
from vidcore.values import SampleRef
from vidcore_tools.made import MadeSamples


class Task:
    def made_target(self, index: int) -> dict[str, Any]:
        return {"label": index}


def test_made_video_is_pixels_and_made_numbers_have_the_sizes_that_the_model_takes() -> None:
    inputs = {"video": (3, 8, None, None), "pose": (2, None, 17, None)}
    examples = {"video": (3, 4, 32, 32), "pose": (1, 20, 17, 3)}
    made = MadeSamples(inputs, examples, 2, Task(), ["a"], length=4)
    (sample,) = made.sample(SampleRef("", 0, 1), generator(0, Purpose.SAMPLE))
    assert (sample.inputs["video"].dtype, sample.inputs["video"].shape) == (torch.uint8, (2, 3, 8, 224, 224))
    assert (sample.inputs["pose"].dtype, sample.inputs["pose"].shape) == (torch.float32, (2, 2, 20, 17, 3))


def test_samples_may_be_of_several_kinds() -> None:
    inputs = {"video": (3, 8, 32, 32), "image": (3, 32, 32)}
    kinds = [("video",), ("image",)]
    made = MadeSamples(inputs, {}, 1, Task(), ["a"], length=4, inputs_of=lambda index: kinds[index % 2])
    found = [made.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE))[0].inputs for index in range(4)]
    assert [tuple(one) for one in found] == kinds * 2
    assert found[1]["image"].shape == (1, 3, 32, 32)
