"""The detector over a backbone that it knows nothing of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrs import evolve
from safetensors.torch import save_file

from vidcore.config import Data, DatasetConfig, Experiment
from vidcore.data.video.config import PyAVConfig
from vidcore.engine.assembly import load_first_weights
from vidcore.engine.contract import weights_contract
from vidcore.errors import ConfigError, DataError
from vidcore.plugins import build
from vidcore_detection.backbones import probe_maps
from vidcore_detection.banks import Bank
from vidcore_detection.config import ActionDetection
from vidcore_detection.fusion_config import ActorRelation, FeatureBank
from vidcore_detection.model import RegionDetector
from vidcore_detection.model_config import RegionDetector as Options
from vidcore_detection.pooling import pool_regions
from vidcore_detection.sampling_config import KeyFrame
from vidcore_resnet.config import ResNet2D

BACKBONE = ResNet2D(depth=10, base_channels=8)
VIDEO = torch.randn(2, 3, 4, 64, 96)
BOXES = [torch.tensor([[0.0, 0.0, 32.0, 32.0], [32.0, 16.0, 96.0, 64.0]]), torch.tensor([[10.0, 10.0, 50.0, 60.0]])]


def detector(**options: object) -> RegionDetector:
    model: RegionDetector = build(evolve(Options(backbone=BACKBONE, num_classes=5, output_size=3), **options))
    return model.eval()


def test_every_box_of_every_clip_gets_logits() -> None:
    assert detector()(VIDEO, BOXES).shape == (3, 5)
    assert detector()(VIDEO, [BOXES[0], torch.zeros(0, 4)]).shape == (2, 5)
    assert detector()(VIDEO, [torch.zeros(0, 4)] * 2).shape == (0, 5)


def test_without_boxes_the_whole_frame_is_looked_at() -> None:
    model = detector()
    whole = torch.tensor([[0.0, 0.0, 96.0, 64.0]])
    torch.testing.assert_close(model(VIDEO), model(VIDEO, [whole, whole]))


def test_the_classifier_of_the_backbone_is_gone_and_its_maps_are_known() -> None:
    model = detector()
    assert not [name for name in model.state_dict() if name.startswith("backbone.head")]
    assert model.stride == 32
    assert model.head.fc.weight.shape == (5, 64)


def test_a_box_sees_what_lies_in_it() -> None:
    flat = torch.zeros(1, 1, 8, 8)
    flat[0, 0, 2:4, 4:6] = 1.0
    seen = pool_regions(flat, [torch.tensor([[64.0, 32.0, 96.0, 64.0], [0.0, 0.0, 32.0, 32.0]])], stride=16, size=2)
    torch.testing.assert_close(seen[0], torch.ones(1, 2, 2))
    torch.testing.assert_close(seen[1], torch.zeros(1, 2, 2))


def test_context_doubles_the_channels_and_is_the_same_for_all_boxes_of_a_clip() -> None:
    regions = detector(context=True).regions(VIDEO, BOXES)
    assert regions.shape == (3, 128, 3, 3)
    assert torch.equal(regions[0, 64:], regions[1, 64:])
    assert not torch.equal(regions[1, 64:], regions[2, 64:])


def test_pools_over_time_and_space_are_as_asked() -> None:
    one = detector(temporal_pool="max", spatial_pool="avg")
    maps = one.features(VIDEO)[-1]
    flat = pool_regions(maps.amax(dim=2), BOXES, stride=32, size=3)
    torch.testing.assert_close(one.regions(VIDEO, BOXES), flat)
    torch.testing.assert_close(one(VIDEO, BOXES), one.head.fc(flat.mean(dim=(2, 3))))


def test_hidden_layer_and_spare_output_belong_to_the_head() -> None:
    model = detector(hidden_layer=True, spare_output=True, sampling_ratio=2)
    assert model.head.hidden[0].weight.shape == (64, 64)
    assert model.head.fc.weight.shape == (6, 64)
    logits = model(VIDEO, BOXES)
    assert torch.equal(logits, model.head.outputs(model.regions(VIDEO, BOXES))[:, 1:])


def test_an_actor_is_seen_beside_what_happens_elsewhere() -> None:
    model = detector(fusion=ActorRelation(channels=8), dropout=0.0)
    box = [torch.tensor([[0.0, 0.0, 32.0, 32.0]])] * 2
    assert model.regions(VIDEO, box).shape == (2, 8, 2, 3)  # one for each place of the map
    flat = torch.rand(2, 64, 2, 3)
    regions = model.pool(flat, box)
    elsewhere = flat.clone()
    elsewhere[:, :, 1, 2] += 1.0
    assert torch.equal(regions, model.pool(elsewhere, box))
    clips = torch.arange(2)
    assert not torch.allclose(model.fusion(regions, flat, clips), model.fusion(regions, elsewhere, clips))
    model.train()(VIDEO, BOXES).sum().backward()
    assert model.fusion.relate.conv.weight.grad.any()


@pytest.mark.parametrize("convolutions", [1, 2])
def test_relations_are_spread_over_as_many_places_as_convolutions_reach(convolutions: int) -> None:
    fusion = detector(fusion=ActorRelation(channels=8, convolutions=convolutions)).fusion
    assert fusion is not None
    regions, flat, clips = torch.rand(1, 64, 3, 3), torch.rand(1, 64, 7, 7), torch.zeros(1, dtype=torch.long)
    elsewhere = flat.clone()
    elsewhere[:, :, 3, 3] += 1.0
    changed = (fusion(regions, flat, clips) != fusion(regions, elsewhere, clips)).any(dim=1)[0]
    reached = torch.nn.functional.pad(torch.ones(2 * convolutions + 1, 2 * convolutions + 1), [3 - convolutions] * 4)
    assert torch.equal(changed, reached.bool())


@pytest.mark.parametrize("operator", ["non-local", "avg", "max"])
def test_an_actor_makes_use_of_the_bank_of_its_clip(operator: str) -> None:
    options = FeatureBank(operator=operator, bank_channels=6, latent_channels=8)
    model, bank = detector(fusion=options), torch.randn(2, 7, 6)
    logits, regions = model(VIDEO, BOXES, bank), model.regions(VIDEO, BOXES, bank)
    assert regions.shape == (3, 64 + (8 if operator == "non-local" else 6), 1, 1)
    other = bank.clone()
    other[1] += 1.0
    changed = (model(VIDEO, BOXES, other) != logits).any(dim=1)
    assert changed.tolist() == [False, False, True]
    with pytest.raises(ConfigError, match="samples have no input `bank`"):
        model(VIDEO, BOXES)
    with pytest.raises(ConfigError, match="features of 5 channels, model.fusion.bank_channels is 6"):
        model(VIDEO, BOXES, bank[..., :5])


def test_a_bank_gives_the_seconds_around_and_no_more_than_asked_of_each() -> None:
    content = {"film": {4: torch.ones(1, 2), 5: torch.full((3, 2), 2.0), 9: torch.ones(2, dtype=torch.float16)}}
    with pytest.raises(DataError, match=r"the bank has .*int64 for other at 0; expected"):
        Bank.of({**content, "other": {0: torch.ones(4, dtype=torch.int64)}}, 4, 2)
    bank = Bank.of(content, window=4, per_second=2)
    assert bank.around("film", 6.0, None)[:, 0].tolist() == [1, 0, 2, 2, 0, 0, 0, 0]
    assert not bank.around("unknown", 6.0, None).any()


def test_too_many_maps_are_told() -> None:
    with pytest.raises(ConfigError, match=r"its last 2 maps differ in size"):
        probe_maps(BACKBONE, 2)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Of a recognition model with three classes."""
    torch.manual_seed(7)
    save_file(build(evolve(BACKBONE, num_classes=3)).state_dict(), tmp_path / "recognition.safetensors")
    return tmp_path / "recognition.safetensors"


def test_the_backbone_starts_from_weights_of_a_recognition_model(weights: Path) -> None:
    options = Options(backbone=evolve(BACKBONE, weights=str(weights), strict="backbone"), num_classes=5)
    model = build(options)
    load_first_weights(model, options)
    expected = build(evolve(BACKBONE, num_classes=3))
    load_first_weights(expected, evolve(BACKBONE, weights=str(weights), num_classes=3))
    assert torch.equal(model.backbone.trunk.stem.conv.conv.weight, expected.trunk.stem.conv.conv.weight)


def test_what_weights_promise_does_not_name_where_their_backbone_came_from() -> None:
    options = Options(backbone=evolve(BACKBONE, weights="/somewhere/here.pth", strict="backbone"), num_classes=5)
    data = Data(val=DatasetConfig(sampling=KeyFrame()), decoder=PyAVConfig())
    experiment = Experiment(task=ActionDetection(), model=options, data=data)
    contract = weights_contract(experiment, ["a"])
    assert contract["model"]["backbone"]["type"] == "resnet-2d"
    assert "here.pth" not in str(contract)
