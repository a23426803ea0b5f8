"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

# kind, name, module and class of the options, module and name of the component, summary
_COMPONENTS = [
    ("dataset", "skeleton-pickle", "config:SkeletonPickle", "datasets:skeleton_pickle", "skeletons of a pickle"),
    ("dataset", "skeleton-list", "config:SkeletonList", "datasets:skeleton_list", "skeletons in a NumPy file each"),
    ("sample-reader", "skeleton", "config:SkeletonReader", "sample_reader:SkeletonFileReader", "a single sequence"),
    (
        "sampling",
        "uniform-draws",
        "sampling_config:UniformDraws",
        "samplings:UniformDraws",
        "a frame drawn from each of equal parts",
    ),
    ("sampling", "every-frame", "sampling_config:EveryFrame", "samplings:EveryFrame", "the whole sequence"),
]
# name, class, summary
_TRANSFORMS = [
    ("normalize-2d", "Normalize2d", "pixels to -1 ... 1"),
    ("normalize-3d", "Normalize3d", "moved and turned by the first frame"),
    ("streams", "Streams", "joints, bones, and the motion of either"),
    ("pad-frames", "PadFrames", "short sequences filled up"),
    ("mirror", "Mirror", "left and right swapped at random"),
    ("random-scale", "RandomScale", "each axis stretched at random"),
    ("random-rotate", "RandomRotate", "turned at random"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """Data sets, samplings, and transforms of skeletons."""
    transforms = [
        ("pose-transform", name, f"transform_config:{cls}", f"transforms:{cls}", summary)
        for name, cls, summary in _TRANSFORMS
    ]
    return [
        Component(
            kind=kind,
            name=name,
            config=f"vidcore_skeleton.{config}",
            factory=f"vidcore_skeleton.{factory}",
            summary=summary,
        )
        for kind, name, config, factory, summary in [*_COMPONENTS, *transforms]
    ]
