"""What this plugin offers."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One decoder. Optical flow and motion vectors are called from Python."""
    return [
        Component(
            kind="decoder",
            name="opencv",
            config="vidcore_opencv.config:OpenCV",
            factory="vidcore_opencv.decoder:OpenCVDecoder",
            summary="OpenCV, for files on which it is exact; it reads from their start",
        )
    ]
