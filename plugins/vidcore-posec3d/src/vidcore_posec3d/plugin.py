"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

# kind, name, module and class of the options, module and name of the component, summary
_COMPONENTS = [
    ("model", "posec3d", "config:PoseC3d", "model:PoseC3d", "a network for videos that looks at heatmaps"),
    ("model", "rgbpose-conv3d", "config:RgbPose", "rgbpose:RgbPose", "a video and its heatmaps in two pathways"),
    (
        "task",
        "heatmap-recognition",
        "config:HeatmapRecognition",
        "task:HeatmapTask",
        "one class or several, from heatmaps of key points",
    ),
    (
        "task",
        "rgbpose-recognition",
        "config:RgbPoseRecognition",
        "task:RgbPoseTask",
        "the class of a video and its key points, told by each of them",
    ),
    ("dataset", "video-pose", "data_config:VideoPose", "datasets:VideoPoseDataset", "videos with key points"),
    (
        "metric",
        "stream-accuracy",
        "metric_config:StreamAccuracy",
        "streams:StreamAccuracy",
        "accuracy of the video's and the key points' answer, and of both",
    ),
]
# name, class of the options, component, summary
_TRANSFORMS = [
    ("compact", "Compact", "Compact", "the frame cut to the persons in it"),
    ("project", "Project", "Project", "skeletons in space as pixels of a frame"),
    ("resize", "Resize", "resize", "the frame scaled"),
    ("random-resized-crop", "RandomResizedCrop", "random_resized_crop", "a random part of the frame, scaled"),
    ("center-crop", "CenterCrop", "center_crop", "the middle of the frame"),
    ("mirrored-views", "MirroredViews", "MirroredViews", "each clip once more, mirrored, in testing"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """Networks, tasks, and transforms of key points in a frame."""
    transforms = [
        ("pose-transform", name, f"transform_config:{config}", f"frames:{component}", summary)
        for name, config, component, summary in _TRANSFORMS
    ]
    return [
        Component(
            kind=kind,
            name=name,
            config=f"vidcore_posec3d.{config}",
            factory=f"vidcore_posec3d.{factory}",
            summary=summary,
        )
        for kind, name, config, factory, summary in [*_COMPONENTS, *transforms]
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published configurations."""
    return "vidcore_posec3d:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints."""
    return "vidcore_posec3d:weights.toml"
