from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_transform
from vidcore_augment import augmentation_config as options
from vidcore_augment.operations import OPERATIONS, change, rotate, translate_x

CONFIGS: list[Any] = [
    options.RandAugment(probability=1.0),
    options.AugMix(colors=True),
    options.RandomErasing(probability=1.0),
    options.RandomErasing(probability=1.0, fill="color"),
    options.RandomGray(probability=0.5),
]


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


def still(height: int = 24, width: int = 32, frames: int = 3) -> torch.Tensor:
    """A clip whose frames are all the same."""
    picture = torch.randint(0, 256, (1, 3, 1, height, width), dtype=torch.uint8)
    return picture.expand(1, 3, frames, height, width).contiguous()


@pytest.mark.parametrize("config", CONFIGS)
def test_augmentations_keep_the_contract(config: Any) -> None:
    check_transform(config)


@pytest.mark.parametrize("config", [config for config in CONFIGS if getattr(config, "fill", "") != "noise"])
def test_all_frames_of_a_clip_change_alike(config: Any) -> None:
    transform, clip = build(config), still()
    changed = [transform.apply(clip, transform.draw(rng(i))[None]) for i in range(12)]
    assert any((one != clip).any() for one in changed)
    for one in changed:
        assert torch.equal(one, one[:, :, :1].expand_as(one))


@pytest.mark.parametrize("config", CONFIGS)
def test_global_random_state_is_neither_read_nor_changed(config: Any) -> None:
    transform, clip = build(config), still()
    draws = transform.draw(rng(5))[None]
    before = torch.get_rng_state()
    first = transform.apply(clip, draws)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    assert torch.equal(first, transform.apply(clip, draws))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_every_operation_changes_frames_and_keeps_their_form(operation: Any) -> None:
    frames = still()[0].transpose(0, 1).contiguous()
    frames = frames // 2 + 40  # neither black nor white, so that contrast can be stretched
    changed = operation(frames, 0.7)
    assert changed.shape == frames.shape and changed.dtype == torch.uint8
    assert (changed != frames).any()


def test_strength_nothing_moves_nothing_and_the_sign_is_the_direction() -> None:
    frames = torch.zeros(1, 3, 9, 20, dtype=torch.uint8)
    frames[..., 10] = 200
    assert torch.equal(translate_x(frames, 0.0), frames)
    assert torch.equal(rotate(frames, 0.0), frames)
    places = [int(translate_x(frames, sign * 1 / 3)[0, 0, 4].float().argmax()) for sign in (-1, 1)]
    assert places == [7, 13]
    assert torch.equal(change(frames, [[-1.0, 1.0]]), frames)


def test_rand_augment_applies_as_many_operations_as_told_as_often_as_told() -> None:
    draws = torch.stack([build(options.RandAugment(num_ops=4)).draw(rng(i)) for i in range(200)]).view(-1, 2)
    used = draws[:, 0] >= 0
    assert float(used.float().mean()) == pytest.approx(0.5, abs=0.06)
    assert set(draws[used, 0].int().tolist()) == set(range(len(OPERATIONS)))
    assert draws[:, 1].abs().min() > 0.7 and draws[:, 1].abs().max() <= 1
    never = build(options.RandAugment(probability=0.0))
    clip = still()
    assert torch.equal(never.apply(clip, never.draw(rng())[None]), clip)


def test_shares_of_aug_mix_sum_to_one_and_chains_have_one_to_three_links() -> None:
    transform = build(options.AugMix(branches=2))
    draws = torch.stack([transform.draw(rng(i)) for i in range(100)])
    assert torch.allclose(draws[:, :3].sum(dim=1), torch.ones(100))
    links = (draws[:, 3:].view(100, 2, 3, 2)[..., 0] >= 0).sum(dim=-1)
    assert set(links.flatten().tolist()) == {1, 2, 3}
    assert draws[:, 3:].view(100, 2, 3, 2)[..., 0].max() < 9  # no changes of colour unless asked for
    fixed = build(options.AugMix(branches=2, depth=5)).draw(rng())
    assert fixed.shape == (1 + 2 + 2 * 5 * 2,)


def test_what_is_erased_is_one_rectangle_of_the_area_that_was_drawn() -> None:
    erase = build(options.RandomErasing(probability=1.0, area=(0.2, 0.2), fill="color"))
    clip = torch.full((1, 3, 2, 100, 100), 7, dtype=torch.uint8)
    for index in range(20):
        gone = (erase.apply(clip, erase.draw(rng(index))[None]) != 7).any(dim=1)[0]
        rows, columns = gone[0].any(dim=1), gone[0].any(dim=0)
        assert torch.equal(gone[0], rows[:, None] & columns)
        assert torch.equal(gone[0], gone[1])
        assert 0.18 <= float(gone[0].float().mean()) <= 0.22


def test_noise_differs_from_frame_to_frame_and_has_the_deviation_that_is_told() -> None:
    erase = build(options.RandomErasing(probability=1.0, area=(0.9, 1.0), aspect=(1.0, 1.0), noise_std=20.0))
    clip = torch.zeros(1, 3, 2, 80, 80, dtype=torch.uint8)
    noise = erase.apply(clip, erase.draw(rng())[None])[0, :, :, 20:60, 20:60].float()
    assert (noise[:, 0] != noise[:, 1]).any()
    assert float(noise.mean()) == pytest.approx(114, abs=1) and float(noise.std()) == pytest.approx(20, abs=1)


def test_grey_has_equal_channels_and_comes_as_often_as_told() -> None:
    gray = build(options.RandomGray(probability=0.3))
    draws = torch.stack([gray.draw(rng(i)) for i in range(300)])
    assert float(draws.mean()) == pytest.approx(0.3, abs=0.08)
    both = gray.apply(still().repeat(2, 1, 1, 1, 1), torch.tensor([[1.0], [0.0]]))
    assert torch.equal(both[0, 0], both[0, 1]) and torch.equal(both[0, 0], both[0, 2])
    assert not torch.equal(both[1, 0], both[1, 1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: options.RandAugment(magnitude=11.0), "11"),
        (lambda: options.AugMix(severity=0), "0"),
        (lambda: options.RandomErasing(area=(0.5, 1.5)), "share of the frame"),
        (lambda: options.RandomErasing(aspect=(2.0, 1.0)), "low <= high"),
        (lambda: options.RandomGray(probability=1.5), r"1\.5"),
    ],
)
def test_options_outside_their_limits_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
