"""Options of the decoders."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from attrs.validators import ge, min_len

from vidcore.config.slots import DecoderSlot
from vidcore.data.video.config import PyAVConfig
from vidcore_frames.templates import Template, flow_templates


@frozen(kw_only=True)
class Frames:
    """Pictures that lie one by one: in a folder, a zip or tar archive, a .npy or .npz array, or a single image."""

    template: str = field(default="img_{:05}.jpg")  # names of the files; {:05} is the number, which may start anywhere
    fps: float = field(default=0.0, validator=ge(0.0))  # frames a second that they were taken at; 0: not known
    array: str = ""  # name of the frames in an .npz file; "": the only array
    videos: DecoderSlot = field(factory=PyAVConfig)  # what reads paths that are none of these

    @template.validator
    def _is_a_template(self, attribute: Any, value: str) -> None:
        Template.parse(value)


@frozen(kw_only=True)
class FlowFrames:
    """Optical flow as two grey pictures a frame, x and y, in a folder, or a zip or tar archive.

    A frame of the video is `stack` pairs of pictures that follow each other: channels x, y, x, y, ...
    """

    template: str = "flow_{}_{:05}.jpg"  # names of the files; {} is the axis, {:05} the number
    axes: tuple[str, ...] = field(default=("x", "y"), validator=min_len(2))  # what stands for x and y in the names
    stack: int = field(default=1, validator=ge(1))  # pairs a frame; two-stream networks look at 5
    fps: float = field(default=0.0, validator=ge(0.0))  # frames a second that they were taken at; 0: not known

    @property
    def channels(self) -> int:
        """Of a frame: told to models before a file is opened."""
        return 2 * self.stack

    def __attrs_post_init__(self) -> None:
        if len(self.axes) != 2:
            raise ValueError(f"'axes' must be two names, for x and y, got {list(self.axes)}")
        flow_templates(self.template, (self.axes[0], self.axes[1]))
