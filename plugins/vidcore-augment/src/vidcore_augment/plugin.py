"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

# kind, name, class of the options, class of the component, summary
_COMPONENTS = [
    ("sampling", "segments", "Segments", "SegmentSampling", "a frame, or a few, of each of equal segments"),
    ("sampling", "window", "Window", "WindowSampling", "frames spread over a window"),
    ("sampling", "uniform", "Uniform", "UniformSampling", "frames spread over the whole video"),
    ("sampling", "untrimmed", "Untrimmed", "UntrimmedSampling", "clips all along a long video"),
    ("transform", "random-resize", "RandomResize", "RandomResize", "scale to a random shorter side"),
    ("transform", "multi-scale-crop", "MultiScaleCrop", "MultiScaleCrop", "a box of one of a few sizes, scaled"),
    ("transform", "ten-crop", "TenCrop", "TenCrop", "corners and middle, each also mirrored"),
    ("transform", "color-jitter", "ColorJitter", "ColorJitter", "brightness, contrast, saturation, hue at random"),
]
# of whole clips: name, class of the options and of the component, summary
_AUGMENTATIONS = [
    ("rand-augment", "RandAugment", "a few random changes of shape and colour"),
    ("aug-mix", "AugMix", "a blend with chains of random changes"),
    ("random-erasing", "RandomErasing", "a rectangle of noise or colour"),
    ("random-gray", "RandomGray", "colours to grey at random"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """Samplings and transforms."""
    return [
        Component(
            kind=kind,
            name=name,
            config=f"vidcore_augment.{kind}_config:{config}",
            factory=f"vidcore_augment.{kind}s:{factory}",
            summary=summary,
        )
        for kind, name, config, factory, summary in _COMPONENTS
    ] + [
        Component(
            kind="transform",
            name=name,
            config=f"vidcore_augment.augmentation_config:{cls}",
            factory=f"vidcore_augment.augmentations:{cls}",
            summary=summary,
        )
        for name, cls, summary in _AUGMENTATIONS
    ]
