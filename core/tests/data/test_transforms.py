from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from vidcore_made_data import config as made_config
from vidcore_made_data.parts import MadeBrightness

from vidcore.data import transform_config as options
from vidcore.data import transforms
from vidcore.data.crops import Place, fitted_size
from vidcore.data.geometry import Geometry
from vidcore.data.transforms import WHOLE, apply_draws, plan_all
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, SampleRef

FRAME = Geometry((240, 320))


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


GEOMETRIC: list[tuple[Any, Any]] = [
    (transforms.Resize, options.Resize(size=(64, 48))),
    (transforms.RandomResizedCrop, options.RandomResizedCrop(size=(64, 48))),
    (transforms.RandomCrop, options.RandomCrop(size=(64, 48))),
    (transforms.CenterCrop, options.CenterCrop(size=(64, 48))),
]


@pytest.mark.parametrize(("factory", "config"), GEOMETRIC)
@pytest.mark.parametrize("frame", [(240, 320), (320, 240), (91, 73)])
def test_transforms_give_the_size_that_their_config_tells(factory: Any, config: Any, frame: tuple[int, int]) -> None:
    assert config.out_size((None, None)) == (64, 48)
    for draws in (None, rng(1), rng(2)):
        assert factory(config).plan(Geometry(frame), draws, WHOLE).size == (64, 48)


@pytest.mark.parametrize(("factory", "config"), GEOMETRIC[1:3])
def test_random_transforms_depend_on_the_generator_and_on_nothing_else(factory: Any, config: Any) -> None:
    transform = factory(config)
    first, again = (transform.plan(FRAME, rng(3), WHOLE) for _ in range(2))
    others = [transform.plan(FRAME, rng(i), WHOLE) for i in range(4, 12)]
    assert first == again
    assert any(first != other for other in others)
    assert transform.plan(FRAME, None, WHOLE) == transform.plan(FRAME, None, WHOLE)


def test_resize_keeps_the_shape_unless_a_size_is_given() -> None:
    assert fitted_size(240, 320, short_side=256) == (256, 341)
    assert fitted_size(240, 320, long_side=160) == (120, 160)
    assert fitted_size(1080, 1920, short_side=256, long_side=340) == (191, 340)
    assert options.Resize(short_side=256).out_size((10, 10)) == (None, None)


def test_resize_needs_exactly_one_way_to_say_the_size() -> None:
    for wrong in ({}, {"short_side": 3, "size": 4}):
        with pytest.raises(ValueError, match="either 'size', or"):
            options.Resize(**wrong)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        options.Resize(size=0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: options.RandomResizedCrop(area=(0.5, 0.2)), "low <= high"),
        (lambda: options.RandomResizedCrop(area=(0.5, 1.5)), "at most 1.0, got 1.5"),
        (lambda: options.RandomResizedCrop(aspect=(0.0, 1.0)), "0 < low"),
        (lambda: options.Flip(probability=1.5), "1.5"),
        (lambda: options.Flip(labels=((1, -2),)), "-2"),
    ],
)
def test_options_outside_their_limits_are_refused(config: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config()


def test_random_crop_reaches_the_last_position_unless_told_not_to() -> None:
    def highest(last: bool) -> float:
        crop = transforms.RandomCrop(options.RandomCrop(size=(240, 317), last_position=last))
        return max(crop.plan(FRAME, rng(i), WHOLE).window()[0] for i in range(100))

    assert highest(True) == 3
    assert highest(False) == 2


@pytest.mark.parametrize("factory", [transforms.RandomCrop, transforms.CenterCrop])
def test_a_crop_larger_than_the_frame_is_refused(factory: Any) -> None:
    config = (options.RandomCrop if factory is transforms.RandomCrop else options.CenterCrop)(size=241)
    for draws in (None, rng()):
        with pytest.raises(DataError, match="241x241 does not fit into frames of 320x240"):
            factory(config).plan(FRAME, draws, WHOLE)


def test_three_crops_stand_first_last_middle_along_the_longer_side() -> None:
    crop = transforms.CenterCrop(options.CenterCrop(size=224))
    wide = [crop.plan(Geometry((224, 324)), None, Place(i, 3)).window()[:2] for i in range(3)]
    tall = [crop.plan(Geometry((324, 224)), None, Place(i, 3)).window()[:2] for i in range(3)]
    assert wide == [(0, 0), (100, 0), (50, 0)]
    assert tall == [(0, 0), (0, 100), (0, 50)]


def test_flip_changes_the_label_of_mirrored_videos_only() -> None:
    flip = transforms.Flip(options.Flip(probability=1.0, labels=((2, 4), (4, 2))))
    mirrored = flip.plan(FRAME, rng(), WHOLE)
    assert [flip.relabel(label, mirrored) for label in (2, 3, 4)] == [4, 3, 2]
    assert [flip.relabel(label, FRAME) for label in (2, 3, 4)] == [2, 3, 4]
    assert flip.plan(FRAME, None, WHOLE) == FRAME


def test_flip_comes_as_often_as_it_should() -> None:
    flip = transforms.Flip(options.Flip(probability=0.25, direction="vertical"))
    flips = sum(bool(flip.plan(FRAME, rng(i), WHOLE).steps) for i in range(400))
    assert 70 < flips < 130


def test_draws_are_made_in_the_configured_order() -> None:
    crop = transforms.RandomCrop(options.RandomCrop(size=100))
    brightness = MadeBrightness(made_config.MadeBrightness())
    geometry, draws = plan_all({"a": crop, "b": brightness}, FRAME, rng())
    by_hand = rng()
    assert crop.plan(FRAME, by_hand, WHOLE) == geometry
    assert torch.equal(draws["b"], brightness.draw(by_hand))
    assert plan_all({"a": crop, "b": brightness}, FRAME, None)[1] == {}


def test_each_sample_is_changed_by_its_own_draws_in_all_its_views() -> None:
    brightness = MadeBrightness(made_config.MadeBrightness())
    batch = Batch(
        refs=[SampleRef("", 0, 0), SampleRef("", 0, 1)],
        inputs={"video": torch.full((3, 3, 1, 1, 1), 100, dtype=torch.uint8)},
        target={},
        meta=[{}, {}],
        views=[1, 2],
        draws={"color": torch.tensor([[1.5], [0.5]])},
    )
    changed = apply_draws(batch, {"flip": transforms.Flip(options.Flip()), "color": brightness}).inputs["video"]
    assert changed[:, 0].flatten().tolist() == [150, 50, 50]
    assert changed.dtype == torch.uint8
