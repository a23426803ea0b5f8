from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vidcore.data.video import scaling
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.scaling import _even_near
from vidcore.interfaces import FrameView, Scaling
from vidcore.testing.made_videos import MadeVideo, h264


def write_picture(path: Path, picture: np.ndarray, **tags: int) -> Path:
    """A video of one still picture, with colour tags."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10"}
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        if "colorspace" in tags:
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        for number in range(3):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("tags", [{}, {"colorspace": 1}], ids=["untagged", "BT.709"])
@pytest.mark.parametrize("scaling", ["area", "bilinear", "reference"])
def test_colours_are_kept_by_every_way_of_scaling(tmp_path: Path, scaling: Scaling, tags: dict[str, int]) -> None:
    colours = np.array([(200, 40, 30), (30, 180, 60), (40, 60, 210), (128, 128, 128)], np.uint8)
    picture = np.repeat(np.repeat(colours.reshape(2, 2, 3), 64, 0), 64, 1)
    path = write_picture(tmp_path / "colours.mp4", picture, **tags)
    with PyAV().open(path) as reader:
        whole, scaled = reader.read([([1], None), ([1], FrameView(size=(32, 32), scaling=scaling))])
    for frames, side in ((whole, 128), (scaled, 32)):
        at = [side // 4, 3 * side // 4]
        got = frames[0][:, at][:, :, at].permute(1, 2, 0).reshape(4, 3).numpy()
        np.testing.assert_allclose(got.astype(int), colours.astype(int), atol=6)


@pytest.mark.parametrize("scaling", ["area", "bilinear"])
def test_scaled_view_has_no_tint(tmp_path: Path, scaling: Scaling) -> None:
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(60, 200, (12, 16, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    with PyAV().open(write_picture(tmp_path / "blocks.mp4", picture)) as reader:
        whole, scaled = reader.read([([0], None), ([0], FrameView(size=(96, 128), scaling=scaling))])
    tint = scaled.float().mean((0, 2, 3)) - whole.float().mean((0, 2, 3))
    assert tint.abs().max() < 0.5


@pytest.mark.parametrize("view", [FrameView((8, 4, 60, 60), (32, 40)), FrameView(None, (32, 40), "area", (2, 3, 9, 8))])
def test_only_the_scaled_pixels_become_rgb(clip: Path, monkeypatch: pytest.MonkeyPatch, view: FrameView) -> None:
    converted: list[tuple[str, int, int]] = []
    original = scaling._pixels

    def noted(frame: av.VideoFrame) -> scaling.Pixels:
        converted.append((frame.format.name, frame.width, frame.height))
        return original(frame)

    monkeypatch.setattr(scaling, "_pixels", noted)
    with PyAV().open(clip) as reader:
        reader.frames([0, 5, 5], view)
    assert converted == [("rgb24", 40, 32)] * 2


@pytest.mark.parametrize("size", [(1, 1), (33, 47), (95, 161), (224, 224), (301, 501)])
@pytest.mark.parametrize("scaling", ["area", "bilinear", "reference"])
def test_size_is_exactly_what_was_asked_for_to_the_last_column(
    tmp_path: Path, size: tuple[int, int], scaling: Scaling
) -> None:
    picture = np.full((96, 160, 3), 180, np.uint8)
    with PyAV().open(write_picture(tmp_path / "grey.mp4", picture)) as reader:
        frame = reader.frames([0], FrameView(crop=(3, 5, 101, 77), size=size, scaling=scaling))
    assert frame.shape == (1, 3, *size)
    assert (frame.int() - 180).abs().max() <= 3


def test_reference_scaling_is_bilinear_on_full_rgb_without_antialiasing(clip: Path) -> None:
    view = FrameView(crop=(5, 3, 101, 71), size=(40, 64), scaling="reference")
    with PyAV().open(clip) as reader:
        whole, scaled = reader.read([([9, 2], None), ([9, 2], view)])
    expected = F.interpolate(whole[:, :, 3:74, 5:106].float(), (40, 64), mode="bilinear", align_corners=False)
    assert (scaled.float() - expected).abs().max() <= 1


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("scaling", ["area", "bilinear", "reference"])
def test_views_of_turned_videos_show_the_part_that_they_name(tmp_path: Path, rotation: int, scaling: Scaling) -> None:
    path = MadeVideo(options=h264(), rotation=rotation).write(tmp_path / "turned.mp4")
    with PyAV().open(path) as reader:
        box = (reader.info.width // 2, 0, reader.info.width // 2, reader.info.height // 4 * 2)
        x, y, width, height = box
        whole, part = reader.read(
            [([37], None), ([37], FrameView(crop=box, size=(height // 2, width // 2), scaling=scaling))]
        )
    expected = F.avg_pool2d(whole[:, :, y : y + height, x : x + width].float(), 2)
    assert (part.float() - expected).abs().mean() < 4


@pytest.mark.parametrize("limit", [1, 2, 9, 10])
def test_even_boxes_stay_inside_and_move_by_one_pixel_at_most(limit: int) -> None:
    for start in range(limit):
        for length in range(1, limit - start + 1):
            x, y, width, height = _even_near((start, 0, length, limit), limit, limit)
            assert (y, height) == (0, limit)
            assert x % 2 == 0 and x <= start and start - x <= 1
            assert width >= 1 and x + width <= limit
            assert abs(x + width - (start + length)) <= 1
            assert width % 2 == 0 or x + width == limit


def test_tensors_can_be_stacked_and_shared(clip: Path) -> None:
    with PyAV().open(clip) as reader:
        frames = reader.frames([0, 1], FrameView(size=(32, 32)))
    assert torch.stack([frames, frames]).shape == (2, 2, 3, 32, 32)
    assert frames.share_memory_().is_shared()
