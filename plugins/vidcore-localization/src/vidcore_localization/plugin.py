"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1
_PACKAGE = "vidcore_localization"


@hookimpl
def vidcore_components() -> list[Component]:
    """The task, its data set and its metrics, a loss, and features as a stage."""
    return [
        _component(
            "task", "localization", "when something happens in a video", "config:Localization", "task:LocalizationTask"
        ),
        _component(
            "dataset",
            "feature-segments",
            "features of whole videos with segments in JSON",
            "config:FeatureSegments",
            "dataset:feature_segments",
        ),
        _metric("proposal-recall", "recall:ProposalRecall", "average recall by number of proposals: AR@N, AUC"),
        _metric("detection-map", "detection:DetectionMap", "mean average precision of labelled segments"),
        _component(
            "stage",
            "features",
            "features of raw videos, for models of localization",
            "feature_config:FeatureStage",
            "feature_stage:Features",
        ),
        _component(
            "loss",
            "hard-hinge",
            "hinge loss of the hardest samples of a batch",
            "losses.config:HardHinge",
            "losses.structured:HardHingeLoss",
        ),
        _metric("frame-labels", "frames:FrameLabels", "frame accuracy, edit score and F1 of a label a frame"),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """Features of videos, and result files, under `vidcore data`."""
    return [
        Command(
            group="data",
            section="4. Sound, people, features instead of videos",
            name="features",
            help="Extract features of raw videos with any recognition model.",
            target="vidcore_localization.feature_command:features",
        ),
        Command(
            group="data",
            section="5. Segments of long videos",
            name="export-segments",
            help="Write predicted segments as ActivityNet's evaluation reads them.",
            target="vidcore_localization.commands:export",
        ),
        Command(
            group="data",
            section="5. Segments of long videos",
            name="score-segments",
            help="Measure a result file on annotations.",
            target="vidcore_localization.commands:score",
        ),
        Command(
            group="data",
            section="5. Segments of long videos",
            name="score-frames",
            help="Measure a label for every frame: accuracy, edit score, F1 of segments.",
            target="vidcore_localization.frame_command:score",
        ),
        Command(
            group="data",
            section="5. Segments of long videos",
            name="convert-proposals",
            help="Convert text lists of proposals between frames and fractions.",
            target="vidcore_localization.commands:convert",
        ),
    ]


def _metric(name: str, factory: str, summary: str) -> Component:
    return _component("metric", name, summary, f"metrics.config:{factory.split(':')[1]}", f"metrics.{factory}")


def _component(kind: str, name: str, summary: str, config: str, factory: str) -> Component:
    return Component(
        kind=kind, name=name, config=f"{_PACKAGE}.{config}", factory=f"{_PACKAGE}.{factory}", summary=summary
    )
