"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1

# kind, name, config class, factory, summary
_COMPONENTS = [
    (
        "task",
        "action-detection",
        "config:ActionDetection",
        "task:ActionDetectionTask",
        "what is done in boxes of a frame",
    ),
    (
        "model",
        "region-detector",
        "model_config:RegionDetector",
        "model:RegionDetector",
        "any backbone, pooled in boxes",
    ),
    (
        "detection.fusion",
        "actor-relation",
        "fusion_config:ActorRelation",
        "actor_relation:ActorRelation",
        "each actor beside every place of the frame (ACRN)",
    ),
    (
        "detection.fusion",
        "feature-bank",
        "fusion_config:FeatureBank",
        "feature_bank:FeatureBank",
        "each actor beside persons seen long before and after",
    ),
    ("sampling", "key-frame", "sampling_config:KeyFrame", "sampling:KeyFrameSampling", "frames around a key frame"),
    ("metric", "frame-map", "metric_config:FrameMap", "frame_map:FrameMap", "average precision of boxes with actions"),
]


@hookimpl
def vidcore_components() -> list[Component]:
    """The task, a detector over any backbone, its sampling and its metric."""
    return [
        Component(
            kind=kind,
            name=name,
            config=f"vidcore_detection.{config}",
            factory=f"vidcore_detection.{factory}",
            summary=summary,
        )
        for kind, name, config, factory, summary in _COMPONENTS
    ]
