"""Frames and flow of this plugin against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

from answering import shared_file

from vidcore_frames.config import FlowFrames, Frames
from vidcore_frames.decoders import FlowDecoder, FramesDecoder


def decoded(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Frames counted from 1. The names of flow files have the axis first."""
    folder, template = shared_file(inputs["dir"]), params["filename_tmpl"]
    flow = params.get("modality") == "Flow"
    opener = FlowDecoder(FlowFrames(template=template)) if flow else FramesDecoder(Frames(template=template))
    with opener.open(folder) as reader:
        frames = reader.frames([number - 1 for number in inputs["frame_inds"]])
        size = (reader.info.height, reader.info.width)
    means = frames.double().mean(dim=(2, 3)).numpy()
    return {"n": means.size, "means": means.reshape(-1)} if flow else {"img_shape": size, "means": means}


OPS = {"RawFrameDecode": decoded}
