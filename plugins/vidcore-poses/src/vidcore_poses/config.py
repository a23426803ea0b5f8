"""What has to be known of a person detector and a pose model to use their ONNX files. Imports neither torch nor numpy.

One TOML file describes both; those that lie in `models/` can be given by their name.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, le, min_len

from vidcore.config.layers import read
from vidcore.config.structure import structure
from vidcore.errors import ConfigError
from vidcore.plugins import host

_size = deep_iterable(ge(1))


@frozen(kw_only=True)
class OnnxModel:
    """What every ONNX model has."""

    file: str = field(validator=min_len(1))  # path beside the description, or https address; of .onnx, or .zip with one
    sha256: str = ""  # of the file, or its first digits; "": not compared
    input_size: tuple[int, int] = field(validator=_size)  # height, width
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of pixels 0 ... 255, in the order of `channels`
    std: tuple[float, float, float] = field(default=(1.0, 1.0, 1.0), validator=deep_iterable(gt(0.0)))


@frozen(kw_only=True)
class Detector(OnnxModel):
    """Finds people. A picture is scaled to fit, and filled up on the right and below."""

    pad: int = field(default=114, validator=and_(ge(0), le(255)))  # grey of what is filled up
    # boxes: rows [x1, y1, x2, y2, score] in pixels of the input, overlapping ones gone; a second output tells classes
    # yolox: a row [x, y, w, h, objectness, classes...] for each cell of the grids of strides 8, 16, 32
    output: Literal["boxes", "yolox"] = "boxes"
    boxes: str = ""  # name of the output with the rows; "": the first
    labels: str = ""  # name of the output with the classes; "": the second, if there is one
    person: int = field(default=0, validator=ge(0))  # class of people
    score: float = field(default=0.4, validator=and_(ge(0.0), le(1.0)))  # less certain boxes are left out
    overlap: float = field(default=0.6, validator=and_(gt(0.0), le(1.0)))  # IoU from which two boxes are one person


@frozen(kw_only=True)
class Pose(OnnxModel):
    """Finds the key points of one person, whom a box cuts out."""

    padding: float = field(default=1.25, validator=gt(0.0))  # the box is enlarged by so much
    # simcc: a row for x and a row for y of each key point, `split` cells a pixel of the input; heatmap: a map for each
    output: Literal["simcc", "heatmap"] = "simcc"
    split: float = field(default=2.0, validator=gt(0.0))  # of simcc
    x: str = ""  # name of the output with the rows of x; "": the first
    y: str = ""  # name of the output with the rows of y; "": the second
    maps: str = ""  # name of the output with the maps; "": the first


@frozen(kw_only=True)
class Models:
    """A person detector and a pose model."""

    detector: Detector
    pose: Pose


def known_models() -> dict[str, Path]:
    """The descriptions that come with this plugin, by name."""
    folder = Path(str(files("vidcore_poses") / "models"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def read_models(source: str) -> tuple[Models, Path]:
    """The models that a description names, and the folder that its paths are relative to.

    Args:
        source: A TOML file, or the name of a description that comes with this plugin.

    Raises:
        ConfigError: It cannot be read, or with every problem of it.
    """
    path = known_models().get(source, Path(source))
    if not path.exists():
        raise ConfigError(f"{source}: no such file, and none of the models {', '.join(known_models())}")
    layer = read(path)
    models, problems = structure(layer.table, Models, host())
    if models is None:
        places = [layer.key(one.path) if one.at_key else layer.value(one.path) for one in problems]
        names = [".".join(map(str, one.path)) for one in problems]
        raise ConfigError(
            "\n".join(f"{place}: {name}: {one.text}" for place, name, one in zip(places, names, problems, strict=True))
        )
    return models, path.parent
