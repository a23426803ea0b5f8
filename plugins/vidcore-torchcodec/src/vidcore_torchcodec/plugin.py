"""What this plugin offers."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One decoder."""
    return [
        Component(
            kind="decoder",
            name="torchcodec",
            config="vidcore_torchcodec.config:TorchCodec",
            factory="vidcore_torchcodec.decoder:TorchCodecDecoder",
            summary="TorchCodec on the CPU or on NVDEC, for files on which it is exact",
        )
    ]
