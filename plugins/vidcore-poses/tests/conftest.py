"""Small real ONNX models whose answer is known, and videos of what they take for people.

A person is a rectangle of pure red or pure green. Its key points are its upper left corner (even ones) and its lower
right corner (odd ones). tests/docs/skeletons of the repository holds models that were written by `write_models`.

Letters: N pictures, H W pixels, V key points.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # x1, y1, x2, y2
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0)}
_LEVEL = 100.0  # how much brighter a colour is than the others
DESCRIPTION = """
[detector]
file = "detector.onnx"
input_size = [96, 128]
channels = "bgr"
output = "boxes"

[pose]
file = "pose.onnx"
input_size = [64, 48]
output = "simcc"
"""


@pytest.fixture
def people() -> Callable[..., Path]:
    """`write_people`."""
    return write_people


@pytest.fixture
def models() -> Callable[..., Path]:
    """`write_models`."""
    return write_models


def write_people(
    path: Path, people: dict[str, Callable[[int], Box | None]], *, frames: int = 24, size: tuple[int, int] = (192, 256)
) -> Path:
    """H.264 of `frames` frames; `people` tells where each colour is in each, None: not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "12", "preset": "fast"}
        for number in range(frames):
            picture = np.full((*size, 3), 60, np.uint8)
            for colour, place in people.items():
                if (box := place(number)) is not None:
                    picture[box[1] : box[3], box[0] : box[2]] = COLOURS[colour]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_models(folder: Path, *, points: int = 17, pose: str = "simcc") -> Path:
    """Write detector, pose model and their description; the path of the description."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(detector(96, 128), folder / "detector.onnx")
    onnx.save(simcc(64, 48, points) if pose == "simcc" else heatmap(64, 48, points), folder / "pose.onnx")
    path = folder / "made.toml"
    path.write_text(DESCRIPTION.replace('"simcc"', f'"{pose}"'))
    return path


def detector(height: int, width: int) -> onnx.ModelProto:
    """BGR pictures to `dets [1, 2, 5]` and `labels [1, 2]`: the red one, then the green one, score 0.9 or 0."""
    colours = np.array([[-0.5, -0.5, 1], [-0.5, 1, -0.5]], np.float32)
    nodes = [
        *_mask("mask", "colours"),
        helper.make_node("ReduceMax", ["mask", "axis2"], ["columns"], keepdims=0),  # [1, 2, W]
        helper.make_node("ReduceMax", ["mask", "axis3"], ["rows"], keepdims=0),  # [1, 2, H]
        *_edge("columns", "x1", last=False), *_edge("columns", "x2", last=True),
        *_edge("rows", "y1", last=False), *_edge("rows", "y2", last=True),
        helper.make_node("ReduceMax", ["columns", "axis2"], ["seen"], keepdims=1),
        helper.make_node("Mul", ["seen", "certain"], ["score"]),
        helper.make_node("Concat", ["x1", "y1", "x2", "y2", "score"], ["dets"], axis=2),
        helper.make_node("Identity", ["zeros"], ["labels"]),
    ]  # fmt: skip
    constants = {
        "colours": colours[:, :, None, None], "certain": np.float32(0.9), "zeros": np.zeros((1, 2), np.int64),
    }  # fmt: skip
    outputs = [("dets", TensorProto.FLOAT, [1, 2, 5]), ("labels", TensorProto.INT64, [1, 2])]
    return _model(nodes, constants, [1, 3, height, width], outputs)


def simcc(height: int, width: int, points: int) -> onnx.ModelProto:
    """RGB pictures to `simcc_x [N, V, 2 W]` and `simcc_y [N, V, 2 H]`, of the colour that fills more of the middle."""
    nodes = [
        *_mask("mask", "both"),  # [N, 1, H, W]
        helper.make_node("ReduceMax", ["mask", "axis2"], ["columns"], keepdims=0),
        helper.make_node("ReduceMax", ["mask", "axis3"], ["rows"], keepdims=0),
    ]
    constants: dict[str, Array] = {"both": _both(), "twice": np.array([1, 1, 1, 2])}
    for name, line, size in (("simcc_x", "columns", width), ("simcc_y", "rows", height)):
        nodes += [
            helper.make_node("Unsqueeze", [line, "axis3"], [f"{line}_one"]),
            helper.make_node("Tile", [f"{line}_one", "twice"], [f"{line}_two"]),
            helper.make_node("Reshape", [f"{line}_two", f"{line}_shape"], [f"{line}_cells"]),  # [N, 1, 2 size]
            helper.make_node("Mul", [f"{line}_cells", f"{line}_ramps"], [name]),
        ]
        falling = np.linspace(1, 0.5, 2 * size, dtype=np.float32)
        constants[f"{line}_shape"] = np.array([-1, 1, 2 * size])
        constants[f"{line}_ramps"] = np.stack([falling[:: (-1) ** point] for point in range(points)])[None]
    outputs = [
        ("simcc_x", TensorProto.FLOAT, ["N", points, 2 * width]),
        ("simcc_y", TensorProto.FLOAT, ["N", points, 2 * height]),
    ]
    return _model(nodes, constants, ["N", 3, height, width], outputs)


def heatmap(height: int, width: int, points: int) -> onnx.ModelProto:
    """RGB pictures to `maps [N, V, H, W]`."""
    nodes = [*_mask("mask", "both"), helper.make_node("Mul", ["mask", "ramps"], ["maps"])]
    falling = np.linspace(1, 0.5, height)[:, None] + np.linspace(1, 0.5, width)[None]
    ramps = np.stack([falling if point % 2 == 0 else falling[::-1, ::-1] for point in range(points)])
    outputs = [("maps", TensorProto.FLOAT, ["N", points, height, width])]
    constants = {"both": _both(), "ramps": ramps[None].astype(np.float32)}
    return _model(nodes, constants, ["N", 3, height, width], outputs)


def _both() -> Array:
    """Red and green against blue: of rectangles, what is neither white nor blue."""
    return np.array([1, 1, -2], np.float32)[None, :, None, None]


def _mask(name: str, weights: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Conv", ["picture", weights], [f"{name}_level"]),
        helper.make_node("Greater", [f"{name}_level", "level"], [f"{name}_bool"]),
        helper.make_node("Cast", [f"{name}_bool"], [name], to=TensorProto.FLOAT),
    ]


def _edge(line: str, name: str, *, last: bool) -> list[onnx.NodeProto]:
    """First index of a line that is not zero, or the one after the last, `[1, 2, 1]`."""
    return [
        helper.make_node("ArgMax", [line], [f"{name}_index"], axis=2, keepdims=1, select_last_index=int(last)),
        helper.make_node("Cast", [f"{name}_index"], [f"{name}_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", [f"{name}_float", "one" if last else "zero"], [name]),
    ]


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, Array],
    shape: list[int | str],
    outputs: list[tuple[str, int, list[int | str]]],
) -> onnx.ModelProto:
    constants |= {
        "level": np.float32(_LEVEL), "one": np.float32(1), "zero": np.float32(0),
        "axis2": np.array([2]), "axis3": np.array([3]),
    }  # fmt: skip
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
