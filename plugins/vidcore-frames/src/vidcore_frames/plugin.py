"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Two decoders: of pictures, and of optical flow stored as pictures."""
    return [
        Component(
            kind="decoder",
            name="frames",
            config="vidcore_frames.config:Frames",
            factory="vidcore_frames.decoders:FramesDecoder",
            summary="folders, zip and tar archives of pictures, .npy and .npz arrays, single images",
        ),
        Component(
            kind="decoder",
            name="flow-frames",
            config="vidcore_frames.config:FlowFrames",
            factory="vidcore_frames.decoders:FlowDecoder",
            summary="optical flow, as folders or archives of x and y pictures",
        ),
    ]
