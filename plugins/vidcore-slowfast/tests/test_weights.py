"""The converter, against a recorded vector: weights made by a public rule from MMAction2's keys, and its outputs."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from vidcore import load_weights
from vidcore.errors import WeightsError
from vidcore_slowfast.config import NonLocal, SlowFast, SlowOnly
from vidcore_slowfast.model import SlowFast as SlowFastNet
from vidcore_slowfast.model import SlowOnly as SlowOnlyNet
from vidcore_slowfast.weights import slowfast_from_mmaction2, slowonly_from_mmaction2

VECTOR = Path(__file__).parent / "vector" / "slowonly_r50_4x16.json"


def normal(shape, seed) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape))


def rule(key: str, shape: list[int]) -> torch.Tensor:
    """The reference's rule, for the kinds of keys that this network has."""
    x, last = normal(shape, zlib.crc32(key.encode())), key.rpartition(".")[2]
    if last == "num_batches_tracked":
        return torch.zeros((), dtype=torch.long)
    if last == "running_var":
        x = 1 + 0.1 * np.abs(x)
    elif last == "weight":
        x = 1 + 0.1 * x if x.ndim == 1 else x / np.sqrt(x.size / shape[0])
    else:
        x = 0.1 * x
    return torch.from_numpy(x.astype(np.float32))


def test_slowonly_equals_the_recorded_network():
    vector = json.loads(VECTOR.read_text())
    state = {key: rule(key, shape) for key, shape in vector["state_dict"].items()}
    model = SlowOnlyNet(SlowOnly(num_classes=400)).eval()
    model.load_state_dict(slowonly_from_mmaction2(state), strict=True)
    video = torch.from_numpy(normal(vector["input"], 0).astype(np.float32))
    with torch.no_grad():
        logits = model(video).numpy()
    expected = np.array(vector["logits"])
    # the noise of float32 is about 1e-6 of the largest entry, a wrong temporal kernel changes more than 1e-2
    assert np.abs(logits[:, :16] - expected).max() <= 2e-5 * np.abs(expected).max()


def reversed_names(model: torch.nn.Module, pathways: dict[str, str]) -> dict[str, torch.Tensor]:
    """A model's tensors under MMAction2's names, made by hand from ours: the inverse of the converter."""
    state = {}
    for ours, tensor in model.state_dict().items():
        key = ours.replace(".norm.", ".bn.").replace("head.fc", "cls_head.fc_cls")
        for path, theirs in pathways.items():
            key = theirs + key.removeprefix(path) if key.startswith(path) else key
        key = key.replace("stem.conv", "conv1")
        parts = key.split(".")
        if "stages" in parts:
            at = parts.index("stages")
            parts[at : at + 4] = [f"layer{int(parts[at + 1]) + 1}", parts[at + 3]]
        elif parts[0] == "laterals":
            after = "conv1" if parts[1] == "0" else f"layer{parts[1]}"
            parts[:2] = ["backbone", "slow_path", f"{after}_lateral"]
        state[".".join(parts)] = tensor
    return state


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("lateral_norm", [False, True])
def test_every_slowfast_key_converts_at_any_depth(depth, lateral_norm):
    model = SlowFastNet(SlowFast(depth=depth, fast_depth=10, base_channels=8, lateral_norm=lateral_norm, num_classes=3))
    state = reversed_names(model, {"slow.": "backbone.slow_path.", "fast.": "backbone.fast_path."})
    assert "backbone.slow_path.layer1_lateral.conv.weight" in state
    converted = slowfast_from_mmaction2(state)
    assert converted.keys() == model.state_dict().keys()
    assert all(converted[key] is not None and torch.equal(converted[key], x) for key, x in model.state_dict().items())


@pytest.mark.parametrize(
    "convert, key",
    [
        (slowonly_from_mmaction2, "backbone.layer1.0.conv1.weight"),
        (slowonly_from_mmaction2, "backbone.slow_path.conv1.conv.weight"),
        (slowonly_from_mmaction2, "cls_head.fc_cls.scale"),
        (slowfast_from_mmaction2, "backbone.fast_path.conv1_lateral.conv.weight"),
        (slowfast_from_mmaction2, "backbone.layer1.0.conv1.conv.weight"),
        (slowfast_from_mmaction2, "backbone.slow_path.conv1_lateral.conv.bias"),
    ],
)
def test_keys_of_other_architectures_are_refused(convert, key):
    with pytest.raises(WeightsError, match=key.replace(".", r"\.")):
        convert({key: torch.zeros(1)})


def test_image_weights_fill_all_but_the_classifier():
    model = SlowOnlyNet(SlowOnly(depth=18, num_classes=3))
    converter = "vidcore_slowfast.weights:slowonly_from_image"
    report = load_weights(model, resnet18().state_dict(), format=converter, strict="backbone")
    assert set(report.missing) == {"head.fc.weight", "head.fc.bias"}
    assert report.unexpected == report.mismatched == ()


def test_image_weights_leave_non_local_blocks_as_they_start():
    model = SlowOnlyNet(SlowOnly(depth=18, num_classes=3, non_local=NonLocal(blocks=((), (0,), (), ()))))
    converter = "vidcore_slowfast.weights:slowonly_from_image"
    with pytest.raises(WeightsError, match="non_local"):
        load_weights(model, resnet18().state_dict(), format=converter, strict="backbone")
    report = load_weights(model, resnet18().state_dict(), format=converter, strict=False)
    assert report.unexpected == report.mismatched == ()
    assert all(".non_local." in key or key.startswith("head.") for key in report.missing)
