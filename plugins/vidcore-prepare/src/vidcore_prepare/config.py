"""Options of flow, of the command and of the stage. Imports neither av nor numpy."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_, le

FlowMethod = Literal["tvl1", "farneback", "dis"]


@frozen(kw_only=True)
class FlowOptions:
    """How flow is computed and kept."""

    method: FlowMethod = field(default="tvl1", validator=in_(("tvl1", "farneback", "dis")))
    every: int = field(default=1, validator=ge(1))  # flow from each n-th frame to the n-th after it
    without_camera: bool = False  # the camera's own movement is taken out
    short_side: int = field(default=256, validator=ge(2))  # at most; smaller videos keep their size
    quality: int = field(default=95, validator=[ge(1), le(100)])  # of JPEG
    bound: float = field(default=20.0, validator=gt(0.0))  # pixels that grey 0 and 255 stand for; beyond is cut


@frozen(kw_only=True)
class FlowStage(FlowOptions):
    """Flow of a folder of videos as a stage, what `vidcore data flow` does. It writes the folder `flow`."""

    videos: str  # the folder, or one file; relative to the experiment's file, or to VIDCORE_DATA
    max_bad_fraction: float = field(default=0.1, validator=ge(0.0))  # more unreadable videos than this end the stage
