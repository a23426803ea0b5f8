"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The frame-wise baseline; the blocks are for other plugins to import."""
    return [
        Component(
            kind="model",
            name="resnet-2d",
            config="vidcore_resnet.config:ResNet2D",
            factory="vidcore_resnet.frames:FrameResNet",
            summary="a 2D ResNet on each frame, logits averaged: the baseline without motion",
        )
    ]


@hookimpl
def vidcore_weights() -> str:
    """ImageNet weights to start from."""
    return "vidcore_resnet:weights.toml"
