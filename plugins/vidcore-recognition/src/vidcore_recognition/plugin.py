"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1
_PACKAGE = "vidcore_recognition"


@hookimpl
def vidcore_components() -> list[Component]:
    """The task, its losses and its metrics."""
    return [
        _component(
            "task", "recognition", "one class or several for a video", "config:Recognition", "task:RecognitionTask"
        ),
        _loss("cross-entropy", "CrossEntropy", "softmax cross entropy, hard or soft targets"),
        _loss("bce", "Bce", "binary cross entropy of each class on its own"),
        _loss("nll", "Nll", "negative log likelihood of log probabilities"),
        _loss("class-balanced-focal", "ClassBalancedFocal", "for long-tailed classes", "long_tailed"),
        _loss("grouped-bce", "GroupedBce", "groups of labels, some of them unknown", "grouped"),
        _metric("accuracy", "accuracy:Accuracy", "top-k accuracy"),
        _metric("mean-class-accuracy", "confusion:MeanClassAccuracy", "accuracy averaged over classes"),
        _metric("confusion", "confusion:Confusion", "which class is taken for which"),
        _metric(
            "mean-average-precision", "precision:MeanAveragePrecision", "average precision of each class, averaged"
        ),
        _metric("per-sample-map", "precision:PerSampleMap", "average precision of each sample, averaged"),
        _metric("calibration", "calibration:Calibration", "whether probabilities mean what they say"),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore fuse`."""
    return [
        Command(
            group="",
            name="fuse",
            help="Make one prediction of several streams.",
            target="vidcore_recognition.commands:fuse",
        )
    ]


def _loss(name: str, cls: str, summary: str, module: str = "classification") -> Component:
    return _component("loss", name, summary, f"losses.config:{cls}", f"losses.{module}:{cls}Loss")


def _metric(name: str, factory: str, summary: str) -> Component:
    return _component("metric", name, summary, f"metrics.config:{factory.split(':')[1]}", f"metrics.{factory}")


def _component(kind: str, name: str, summary: str, config: str, factory: str) -> Component:
    return Component(
        kind=kind, name=name, config=f"{_PACKAGE}.{config}", factory=f"{_PACKAGE}.{factory}", summary=summary
    )
