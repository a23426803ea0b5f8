from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidcore.data.geometry import Geometry, plan_together
from vidcore.errors import DataError
from vidcore.interfaces import FrameView


def test_resize_then_crop_becomes_one_crop_of_the_source() -> None:
    plan = Geometry((240, 320)).resized(120, 160).cropped(20, 10, 100, 100).plan("area")
    assert plan.view == FrameView((40, 20, 200, 200), (100, 100), "area")
    assert plan.rest == ()


def test_untouched_frames_are_asked_for_whole() -> None:
    assert Geometry((240, 320)).plan("area").view == FrameView(None, None, "area")
    assert Geometry((240, 320)).resized(240, 320).plan("reference").view == FrameView(None, None, "reference")


def test_crop_after_a_flip_is_taken_from_the_other_side() -> None:
    geometry = Geometry((10, 100)).flipped().cropped(0, 0, 30, 10)
    plan = geometry.plan("area")
    assert plan.view.crop == (70, 0, 30, 10)
    assert geometry.mirrored
    frames = torch.arange(100, dtype=torch.uint8).expand(1, 1, 10, 100)
    assert plan.finish(frames[..., 70:])[0, 0, 0, :3].tolist() == [99, 98, 97]


def test_two_flips_leave_nothing_to_do() -> None:
    geometry = Geometry((8, 8)).flipped().flipped()
    assert not geometry.mirrored
    assert geometry.plan("area").rest == ()


def test_reference_leaves_to_the_decoder_what_comes_up_to_the_first_resize() -> None:
    geometry = Geometry((240, 320)).cropped(10, 20, 200, 180).resized(90, 100).cropped(5, 5, 64, 64).flipped()
    plan = geometry.plan("reference")
    assert plan.view == FrameView((10, 20, 200, 180), (90, 100), "reference", (5, 5, 64, 64))
    assert [type(step).__name__ for step in plan.rest] == ["FlipStep"]


def test_reference_rounds_after_each_step() -> None:
    frames = torch.randint(0, 256, (2, 3, 12, 16), dtype=torch.uint8)
    once = Geometry((12, 16)).resized(30, 40).resized(10, 10).plan("reference")
    assert once.view.size == (30, 40)
    by_hand = Geometry((12, 16)).resized(30, 40).steps[0].pixels(frames)
    assert by_hand.dtype == torch.uint8
    assert once.finish(by_hand).shape == (2, 3, 10, 10)


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 0, 9, 4), (0, 5, 4, 4), (0, 0, 0, 4)])
def test_crop_outside_the_frame_is_refused_with_both_sizes(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(DataError, match=f"crop of {box[2]}x{box[3]} does not fit into frames of 8x8"):
        Geometry((8, 8)).cropped(*box)


def test_points_and_boxes_follow_the_frame() -> None:
    plan = Geometry((100, 200)).resized(50, 100).cropped(10, 0, 50, 50).flipped().plan("reference")
    assert plan.points(np.array([[20.0, 0.0], [120.0, 100.0]])).tolist() == [[50, 0], [0, 50]]
    boxes = plan.boxes(np.array([[20.0, 0.0, 120.0, 100.0]], np.float32))
    assert boxes.tolist() == [[0, 0, 50, 50]]
    assert boxes.dtype == np.float32


steps = st.lists(
    st.one_of(
        st.tuples(st.just("resize"), st.integers(8, 90), st.integers(8, 90)),
        st.tuples(st.just("crop"), st.floats(0, 1), st.floats(0, 1)),
        st.tuples(st.just("flip"), st.booleans(), st.none()),
    ),
    max_size=5,
)


def test_crops_of_one_size_are_cut_from_frames_that_are_scaled_once() -> None:
    scaled = Geometry((240, 320)).resized(60, 80)
    geometries = [scaled.cropped(x, 2, 50, 50) for x in (0, 13, 30)]
    plans = plan_together(geometries, "area")
    assert [plan.view for plan in plans] == [FrameView(None, (60, 80), "area", (x, 2, 50, 50)) for x in (0, 13, 30)]
    assert [plan.rest for plan in plans] == [(), (), ()]
    for plan, geometry in zip(plans, geometries, strict=True):
        assert np.allclose(plan.matrix, geometry.matrix())


@pytest.mark.parametrize(
    "geometries",
    [
        [Geometry((1080, 1920)).cropped(x, 0, 64, 64) for x in (0, 900)],  # most of a frame would be made for nothing
        [Geometry((64, 64)).cropped(x, 0, 32, 32).resized(48, 48) for x in (0, 32)],  # each has a scale of its own
    ],
)
def test_crops_that_would_gain_nothing_are_made_one_by_one(geometries: list[Geometry]) -> None:
    views = [plan.view for plan in plan_together(geometries, "area")]
    assert views == [geometry.plan("area").view for geometry in geometries]


@given(source=st.tuples(st.integers(8, 90), st.integers(8, 90)), steps=steps)
def test_every_chain_gives_a_box_inside_the_frame_and_the_planned_size(source: tuple[int, int], steps: list) -> None:  # type: ignore[type-arg]
    geometry = Geometry(source)
    for kind, a, b in steps:
        h, w = geometry.size
        if kind == "resize":
            geometry = geometry.resized(a, b)
        elif kind == "flip":
            geometry = geometry.flipped("horizontal" if a else "vertical")
        else:
            geometry = geometry.cropped(int(a * (w // 2)), int(b * (h // 2)), max(w // 2, 1), max(h // 2, 1))
    for scaling in ("area", "reference"):
        plan = geometry.plan(scaling)
        x, y, width, height = plan.view.crop or (0, 0, source[1], source[0])
        assert 0 <= x < x + width <= source[1] and 0 <= y < y + height <= source[0]
        size = plan.view.window[:1:-1] if plan.view.window else plan.view.size or (height, width)
        assert plan.finish(torch.zeros(1, 3, *size, dtype=torch.uint8)).shape[-2:] == geometry.size
    x1, y1, x2, y2 = geometry.window()
    assert np.allclose((x, y), 0) or plan.view.crop is not None
    assert -1e-6 <= x1 < x2 <= source[1] + 1e-6 and -1e-6 <= y1 < y2 <= source[0] + 1e-6
