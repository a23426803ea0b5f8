from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidcore.errors import DataError
from vidcore_frames.config import FlowFrames
from vidcore_frames.decoders import FlowDecoder


def write_flow(folder: Path, count: int, first: int = 1, template: str = "flow_{}_{:05}.png") -> Path:
    """Pair i is 10 + i to the right and 100 + i downwards."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        for axis, level in (("x", 10 + i), ("y", 100 + i)):
            Image.fromarray(np.full((6, 8), level, np.uint8)).save(folder / template.format(axis, first + i))
    return folder


def decoder(**options: object) -> FlowDecoder:
    return FlowDecoder(FlowFrames(template="flow_{}_{:05}.png", **options))  # type: ignore[arg-type]


def test_frame_is_pairs_that_follow_each_other_x_first(tmp_path: Path) -> None:
    write_flow(tmp_path, count=7, first=0)
    with decoder(stack=3).open(tmp_path) as reader:
        assert reader.info.moves
        assert (reader.info.num_frames, reader.info.channels) == (5, 6)
        shown = reader.frames([4, 0])
    assert shown.shape == (2, 6, 6, 8)
    assert shown[:, :, 0, 0].tolist() == [[14, 104, 15, 105, 16, 106], [10, 100, 11, 101, 12, 102]]


def test_short_video_repeats_its_last_pair(tmp_path: Path) -> None:
    write_flow(tmp_path, count=2)
    with decoder(stack=3).open(tmp_path) as reader:
        assert reader.info.num_frames == 1
        assert reader.frames([0])[0, :, 0, 0].tolist() == [10, 100, 11, 101, 11, 101]


def test_axes_may_have_other_names(tmp_path: Path) -> None:
    write_flow(tmp_path, count=3)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / file.name.replace("_x_", "_u_").replace("_y_", "_v_"))
    with decoder(axes=("u", "v")).open(tmp_path) as reader:
        assert reader.frames([1])[0, :, 0, 0].tolist() == [11, 101]


def test_config_tells_how_many_channels_a_model_sees() -> None:
    assert FlowFrames(stack=5).channels == 10


@pytest.mark.parametrize(
    ("remove", "told"),
    [
        (["flow_y_00004.png"], "has 4 pictures of x from flow_x_00001.png on and 3 of y"),
        (["flow_x_00002.png"], "flow_x_00002.png is missing"),
        ([f"flow_y_0000{i}.png" for i in range(1, 5)], "has no file such as flow_y_00001.png, but 4 others"),
    ],
)
def test_pictures_that_do_not_pair_are_told(tmp_path: Path, remove: list[str], told: str) -> None:
    write_flow(tmp_path, count=4)
    for name in remove:
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=told):
        decoder().open(tmp_path)


def test_other_things_are_refused(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", b"bytes", tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"is no folder and no archive|from a folder|no such file"):
            decoder().open(path)


@pytest.mark.parametrize(
    "options", [{"template": "flow_{:05}.jpg"}, {"axes": ("x", "x")}, {"axes": ("x", "y", "z")}, {"stack": 0}]
)
def test_options_that_name_no_pairs_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"axis|axes|stack"):
        FlowFrames(**options)  # type: ignore[arg-type]
