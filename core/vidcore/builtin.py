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
    ("decoder", "pyav", "data.video.config:PyAVConfig", "data.video.pyav:PyAV", "FFmpeg through PyAV, exact frames"),
    ("dataset", "video-list", "data.dataset_config:VideoList", "data.datasets:video_list", "videos named by a text, CSV or JSON list"),
    ("dataset", "class-folders", "data.dataset_config:ClassFolders", "data.datasets:class_folder_dataset", "a folder of videos for each class"),
    ("sampling", "dense", "data.sampling_config:Dense", "data.sampling:DenseSampling", "clips of frames at a fixed step"),
    ("sampling", "segments", "data.sampling_config:Segments", "data.sampling:SegmentSampling", "a frame, or a few, of each of equal segments"),
    ("sampling", "window", "data.sampling_config:Window", "data.sampling:WindowSampling", "frames spread over a window"),
    ("sampling", "uniform", "data.sampling_config:Uniform", "data.sampling:UniformSampling", "frames spread over the whole video"),
    ("sampling", "untrimmed", "data.sampling_config:Untrimmed", "data.sampling:UntrimmedSampling", "clips all along a long video"),
    ("transform", "resize", "data.transform_config:Resize", "data.transforms:Resize", "scale to a side or a size"),
    ("transform", "random-resize", "data.transform_config:RandomResize", "data.transforms:RandomResize", "scale to a random shorter side"),
    ("transform", "random-resized-crop", "data.transform_config:RandomResizedCrop", "data.transforms:RandomResizedCrop", "a box of random area and shape, scaled"),
    ("transform", "random-crop", "data.transform_config:RandomCrop", "data.transforms:RandomCrop", "a box at a random place"),
    ("transform", "multi-scale-crop", "data.transform_config:MultiScaleCrop", "data.transforms:MultiScaleCrop", "a box of one of a few sizes, scaled"),
    ("transform", "center-crop", "data.transform_config:CenterCrop", "data.transforms:CenterCrop", "the middle, or one of several crops in testing"),
    ("transform", "flip", "data.transform_config:Flip", "data.transforms:Flip", "mirror at random"),
    ("transform", "color-jitter", "data.transform_config:ColorJitter", "data.transforms:ColorJitter", "brightness, contrast, saturation, hue at random"),
]
# fmt: on
