"""Options of the components of kind `pose-transform`: what becomes of a sequence before frames are sampled from it.

They stand in the transforms of a skeleton data set, named and in order. Imports neither torch nor numpy.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, lt, max_len, min_len, optional

from vidcore.config.slots import Slot
from vidcore_skeleton.layouts import Layout, known_layout

PoseTransformSlot = Annotated[Any, Slot("pose-transform")]
_joint_pair = optional(deep_iterable(ge(0), and_(min_len(2), max_len(2))))


@frozen(kw_only=True)
class Normalize2d:
    """Pixels to -1 ... 1 over the image, in x and y."""

    image_size: tuple[int, int] = (1080, 1920)  # height, width, where the data does not say


@frozen(kw_only=True)
class Normalize3d:
    """3D skeletons from the view of their own first frame: moved, turned upright and to the front.

    Frames in which the first person is missing are dropped. The defaults are joints of `nturgb+d`.
    """

    centre: int = field(default=1, validator=ge(0))  # joint that becomes the origin
    spine: tuple[int, int] = field(default=(0, 1), validator=deep_iterable(ge(0)))  # its lower and upper joint
    shoulders: tuple[int, int] = field(default=(4, 8), validator=deep_iterable(ge(0)))  # left and right
    align_spine: bool = True  # turn the spine upwards
    align_shoulders: bool = True  # then the shoulders to the right


@frozen(kw_only=True)
class Streams:
    """What the network sees of a movement; several streams stand one after the other in the channels."""

    layout: str | Layout = field(default="coco", validator=known_layout)  # says where bones start
    streams: tuple[Literal["joint", "bone", "joint-motion", "bone-motion"], ...] = field(
        default=("joint",),
        validator=[min_len(1), deep_iterable(in_(("joint", "bone", "joint-motion", "bone-motion")))],
    )


@frozen(kw_only=True)
class PadFrames:
    """Fill short sequences up to a length; longer ones are refused."""

    length: int = field(default=300, validator=ge(1))  # frames
    fill: Literal["zeros", "repeat"] = "repeat"  # with zeros, or from the start again


@frozen(kw_only=True)
class Mirror:
    """Swap left and right at random. In testing: nothing."""

    layout: str | Layout = field(default="coco", validator=known_layout)  # says which joints are left and right
    probability: float = field(default=0.5, validator=and_(ge(0.0), le(1.0)))


@frozen(kw_only=True)
class RandomScale:
    """Stretch each axis by a factor of its own, from `1 - amount` to `1 + amount`. In testing: nothing."""

    amount: float = field(default=0.2, validator=and_(ge(0.0), lt(1.0)))


@frozen(kw_only=True)
class RandomRotate:
    """Turn about each axis by up to `angle`: x, y, z in 3D, the image's middle in 2D. In testing: nothing.

    Stands after a normalisation, which puts the origin in the middle.
    """

    angle: float = field(default=0.3, validator=ge(0.0))  # radians, either way
