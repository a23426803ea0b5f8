from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from vidcore.config import DatasetConfig, Facts, ModelConfig

CLASSES = ("up", "down", "left", "right")


@frozen(kw_only=True)
class ToyTask:
    """One class a clip, cross entropy, mixup."""

    mixup: float = 0.0  # alpha of the share of each clip; 0: none


@frozen(kw_only=True)
class ToyAccuracy:
    """The share of clips whose class is among the k highest scores."""

    top_k: tuple[int, ...] = (1, 2)
    error_first: bool = False  # answer `error`, the smaller the better, before the rest


@frozen(kw_only=True)
class ToyNet(ModelConfig):
    """One convolution, a norm, dropout, one linear layer."""

    width: int = 8
    dropout: float = 0.3
    norm: bool = True


@frozen(kw_only=True)
class ToyClips(DatasetConfig):
    """Noise whose bright channels tell the class."""

    samples: int = 22
    bad: tuple[int, ...] = ()  # samples whose pixels are not finite
    views_a_sample: int = 1
    delay_seconds: float = 0.0  # of reading one sample

    def facts(self, root: Path) -> Facts:
        return Facts(classes=CLASSES, inputs={"video": (3, 4, 8, 8)})


@frozen(kw_only=True)
class ToyWatcher:
    """Writes down what it hears."""

    path: str = ""
    fail_at: str = ""  # the event at which it raises


@frozen(kw_only=True)
class ToyBrake:
    """Ends training after an epoch."""

    after_epoch: int = 1
    remember: bool = False  # end it again when the run goes on after that epoch
    fail: bool = False
    sizes: dict[str, int] = field(factory=dict)
