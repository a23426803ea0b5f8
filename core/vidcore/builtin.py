"""The components that come with the core, offered through the same hook as a plugin's."""

from __future__ import annotations

from vidcore.plugins.catalog import Component
from vidcore.plugins.hookspecs import hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One line for each: kind, name, config class, factory, summary."""
    return [
        Component(kind=kind, name=name, config=f"vidcore.{config}", factory=f"vidcore.{factory}", summary=summary)
        for kind, name, config, factory, summary in _COMPONENTS
    ]


# fmt: off
# ruff: noqa: E501  a table is read across
_COMPONENTS: list[tuple[str, str, str, str, str]] = [
    ("optimizer", "sgd", "engine.config:Sgd", "engine.optimizers:sgd", "stochastic gradient descent with momentum"),
    ("optimizer", "adamw", "engine.config:AdamW", "engine.optimizers:adamw", "Adam with decoupled weight decay"),
    ("schedule", "constant", "engine.config:Constant", "engine.schedules:ConstantSchedule", "the same rate after an optional warm-up"),
    ("schedule", "cosine", "engine.config:Cosine", "engine.schedules:cosine", "half a cosine down, with warm-up"),
    ("decoder", "pyav", "data.video.config:PyAVConfig", "data.video.pyav:PyAV", "FFmpeg through PyAV, exact frames"),
    ("sampling", "dense", "data.sampling_config:Dense", "data.sampling:DenseSampling", "clips of frames at a fixed step"),
    ("transform", "resize", "data.transform_config:Resize", "data.transforms:Resize", "scale to a side or a size"),
    ("transform", "random-resized-crop", "data.transform_config:RandomResizedCrop", "data.transforms:RandomResizedCrop", "a box of random area and shape, scaled"),
    ("transform", "random-crop", "data.transform_config:RandomCrop", "data.transforms:RandomCrop", "a box at a random place"),
    ("transform", "center-crop", "data.transform_config:CenterCrop", "data.transforms:CenterCrop", "the middle, or one of three crops in testing"),
    ("transform", "flip", "data.transform_config:Flip", "data.transforms:Flip", "mirror at random"),
]
# fmt: on
