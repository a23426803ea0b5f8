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
_COMPONENTS: list[tuple[str, str, str, str, str]] = [
    ("task", "recognition", "tasks.config:Recognition", "tasks.recognition:RecognitionTask", "one class or several for a video"),
    ("loss", "cross-entropy", "losses.config:CrossEntropy", "losses.classification:CrossEntropyLoss", "softmax cross entropy, hard or soft targets"),
    ("loss", "bce", "losses.config:Bce", "losses.classification:BceLoss", "binary cross entropy of each class on its own"),
    ("loss", "nll", "losses.config:Nll", "losses.classification:NllLoss", "negative log likelihood of log probabilities"),
    ("metric", "accuracy", "metrics.config:Accuracy", "metrics.accuracy:Accuracy", "top-k accuracy"),
    ("metric", "mean-class-accuracy", "metrics.config:MeanClassAccuracy", "metrics.confusion:MeanClassAccuracy", "accuracy averaged over classes"),
    ("metric", "mean-average-precision", "metrics.config:MeanAveragePrecision", "metrics.precision:MeanAveragePrecision", "average precision of each class, averaged"),
    ("metric", "per-sample-map", "metrics.config:PerSampleMap", "metrics.precision:PerSampleMap", "average precision of each sample, averaged"),
    ("metric", "confusion", "metrics.config:Confusion", "metrics.confusion:Confusion", "which class is taken for which"),
    ("optimizer", "sgd", "engine.config:Sgd", "engine.optimizers:sgd", "stochastic gradient descent with momentum"),
    ("optimizer", "adam", "engine.config:Adam", "engine.optimizers:adam", "Adam, weight decay added to the gradient"),
    ("optimizer", "adamw", "engine.config:AdamW", "engine.optimizers:adamw", "Adam with decoupled weight decay"),
    ("schedule", "constant", "engine.config:Constant", "engine.schedules:ConstantSchedule", "the same rate after an optional warm-up"),
    ("schedule", "cosine", "engine.config:Cosine", "engine.schedules:cosine", "half a cosine down, with warm-up"),
    ("schedule", "linear", "engine.config:Linear", "engine.schedules:linear", "a straight line down, with warm-up"),
    ("schedule", "poly", "engine.config:Poly", "engine.schedules:poly", "a power of what is left, with warm-up"),
    ("schedule", "multistep", "engine.config:MultiStep", "engine.schedules:MultiStepSchedule", "a factor at each milestone, with warm-up"),
    ("schedule", "one-cycle", "engine.config:OneCycle", "engine.schedules:OneCycleSchedule", "up and down once"),
]
# fmt: on
