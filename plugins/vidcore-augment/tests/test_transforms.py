from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vidcore.data.crops import Place
from vidcore.data.geometry import Geometry
from vidcore.data.transforms import WHOLE
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_transform
from vidcore_augment import transform_config as options
from vidcore_augment import transforms

FRAME = Geometry((240, 320))


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


CROPS: list[tuple[Any, Any]] = [
    (transforms.MultiScaleCrop, options.MultiScaleCrop(size=(64, 48))),
    (transforms.MultiScaleCrop, options.MultiScaleCrop(size=(64, 48), anywhere=True)),
    (transforms.MultiScaleCrop, options.MultiScaleCrop(size=(64, 48), positions=13, max_gap=0)),
    (transforms.TenCrop, options.TenCrop(size=(64, 48))),
]


@pytest.mark.parametrize(("factory", "config"), CROPS)
@pytest.mark.parametrize("frame", [(240, 320), (320, 240), (91, 73)])
def test_crops_give_the_size_that_their_config_tells(factory: Any, config: Any, frame: tuple[int, int]) -> None:
    assert config.out_size((None, None)) == (64, 48)
    for draws in (None, rng(1), rng(2)):
        assert factory(config).plan(Geometry(frame), draws, WHOLE).size == (64, 48)


@pytest.mark.parametrize(("factory", "config"), [*CROPS[:3], (transforms.RandomResize, options.RandomResize())])
def test_random_transforms_depend_on_the_generator_and_on_nothing_else(factory: Any, config: Any) -> None:
    transform = factory(config)
    first, again = (transform.plan(FRAME, rng(3), WHOLE) for _ in range(2))
    others = [transform.plan(FRAME, rng(i), WHOLE) for i in range(4, 12)]
    assert first == again
    assert any(first != other for other in others)
    assert transform.plan(FRAME, None, WHOLE) == transform.plan(FRAME, None, WHOLE)


@pytest.mark.parametrize(
    "config", [options.RandomResize(), options.MultiScaleCrop(), options.TenCrop(), options.ColorJitter(hue=0.2)]
)
def test_transforms_keep_the_contract(config: Any) -> None:
    check_transform(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: options.MultiScaleCrop(scales=(1.2,)), r"1\.2"),
        (lambda: options.MultiScaleCrop(positions=7), "7"),
        (lambda: options.RandomResize(short_side=(320, 256)), "low <= high"),
        (lambda: options.ColorJitter(hue=0.7), r"0\.7"),
        (lambda: options.ColorJitter(order=("hue", "hue")), "a change twice"),
        (lambda: options.TenCrop(size=0), "at least 1, got 0"),
    ],
)
def test_options_outside_their_limits_are_refused(config: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config()


def test_multi_scale_crop_keeps_height_and_width_within_the_gap() -> None:
    def shapes(max_gap: int) -> set[tuple[int, int]]:
        crop = transforms.MultiScaleCrop(options.MultiScaleCrop(size=64, scales=(1.0, 0.75, 0.5), max_gap=max_gap))
        return {(width, height) for _, _, width, height in crop.boxes(240, 320)}

    assert shapes(0) == {(240, 240), (180, 180), (120, 120)}
    assert shapes(1) - shapes(0) == {(240, 180), (180, 240), (180, 120), (120, 180)}
    assert (240, 120) in shapes(2)


def test_multi_scale_crop_that_is_nearly_the_size_takes_it_exactly() -> None:
    crop = transforms.MultiScaleCrop(options.MultiScaleCrop(size=238, scales=(1.0,)))
    assert {box[2:] for box in crop.boxes(240, 320)} == {(238, 238)}


def test_multi_scale_crop_takes_no_more_than_there_is() -> None:
    crop = transforms.MultiScaleCrop(options.MultiScaleCrop(size=224, scales=(1.0,)))
    assert {box[2:] for box in crop.boxes(222, 300)} == {(224, 222)}
    for i in range(5):
        assert crop.plan(Geometry((222, 300)), rng(i), WHOLE).size == (224, 224)


def test_multi_scale_crop_stands_anywhere_only_when_told_to() -> None:
    def places(anywhere: bool) -> int:
        crop = transforms.MultiScaleCrop(options.MultiScaleCrop(size=64, scales=(0.5,), anywhere=anywhere))
        return len({crop.plan(FRAME, rng(i), WHOLE).window()[:2] for i in range(80)})

    assert places(anywhere=False) == 5
    assert places(anywhere=True) > 40


def test_ten_crop_refuses_frames_smaller_than_it() -> None:
    with pytest.raises(DataError, match="241x241 does not fit into frames of 320x240"):
        transforms.TenCrop(options.TenCrop(size=241)).plan(FRAME, None, Place(0, 10))


def test_random_resize_draws_both_ends_and_takes_the_lowest_in_testing() -> None:
    transform = transforms.RandomResize(options.RandomResize(short_side=(100, 102)))
    assert {min(transform.plan(FRAME, rng(i), WHOLE).size) for i in range(60)} == {100, 101, 102}
    assert min(transform.plan(FRAME, None, WHOLE).size) == 100


def test_ten_crops_are_corners_and_middle_plain_and_mirrored() -> None:
    crop = transforms.TenCrop(options.TenCrop(size=200))
    plans = [crop.plan(FRAME, None, Place(i, 10)) for i in range(10)]
    assert [plan.window()[:2] for plan in plans[::2]] == [(0, 0), (120, 0), (0, 40), (120, 40), (60, 20)]
    assert [plan.mirrored for plan in plans] == [False, True] * 5


def video(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def test_neutral_jitter_changes_nothing() -> None:
    jitter = transforms.ColorJitter(options.ColorJitter(brightness=0.4, hue=0.5, probability=0.0))
    pixels = video(2, 3, 4, 5, 6)
    assert torch.equal(jitter.apply(pixels, torch.stack([jitter.draw(rng(i)) for i in range(2)])), pixels)


def test_turning_the_hue_by_a_third_moves_red_to_green() -> None:
    jitter = transforms.ColorJitter(options.ColorJitter(hue=0.5))
    red = torch.tensor([200, 10, 10], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    assert jitter.apply(red, torch.tensor([[1, 1, 1, 1 / 3]])).flatten().tolist() == [10, 200, 10]
    grey = torch.full((1, 3, 1, 1, 1), 77, dtype=torch.uint8)
    assert jitter.apply(grey, torch.tensor([[1, 1, 1, 0.2]])).flatten().tolist() == [77, 77, 77]


def test_factors_keep_black_grey_and_saturation_apart() -> None:
    jitter = transforms.ColorJitter(options.ColorJitter(brightness=0.5, contrast=0.5, saturation=0.5))
    pixels = torch.tensor([100, 50, 0], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    darker = jitter.apply(pixels, torch.tensor([[0.5, 1, 1, 0]]))
    assert darker.flatten().tolist() == [50, 25, 0]
    grey = jitter.apply(pixels, torch.tensor([[1, 1, 0, 0]])).flatten().tolist()
    assert grey == [59, 59, 59]  # 0.2989 * 100 + 0.587 * 50


def test_order_of_changes_is_as_told_and_what_is_left_out_stays() -> None:
    pixels, draws = torch.tensor([200, 100, 0], dtype=torch.uint8).view(1, 3, 1, 1, 1), torch.tensor([[2, 1, 1, 1 / 6]])

    def shown(*order: options.Change) -> list[int]:
        return transforms.ColorJitter(options.ColorJitter(order=order)).apply(pixels, draws).flatten().tolist()

    assert shown("brightness", "hue") == [55, 255, 0]  # brighter is (400, 200, 0), of which the hue sees 255
    assert shown("hue", "brightness") == [200, 255, 0]
    assert shown("brightness") == [255, 200, 0]


def test_draws_stay_within_the_options() -> None:
    jitter = transforms.ColorJitter(options.ColorJitter(brightness=0.4, contrast=0.3, saturation=0.2, hue=0.1))
    draws = torch.stack([jitter.draw(rng(i)) for i in range(200)])
    limits = torch.tensor([0.4, 0.3, 0.2, 0.1])
    apart = (draws - torch.tensor([1, 1, 1, 0])).abs()
    assert (apart <= limits + 1e-6).all() and (apart.amax(dim=0) > 0.8 * limits).all()
