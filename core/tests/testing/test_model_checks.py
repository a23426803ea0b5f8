"""Each contract check must be able to fail: models that break one promise each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from attrs import frozen
from torch import Tensor, nn

from vidcore.config import Facts, ModelConfig
from vidcore.testing import MODEL_CHECKS, ModelCase, check_model
from vidcore.testing.models import check_gradients


@frozen(kw_only=True)
class Tiny(ModelConfig):
    """A small model."""

    def facts(self) -> Facts:
        return Facts(num_classes=self.num_classes)


class Good(nn.Module):
    """Keeps every promise."""

    head_prefixes = ("head.",)

    def __init__(self, config: Tiny) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.head = nn.Linear(4, config.num_classes or 1)

    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        return (self.norm(self.stem(video)).relu(),)

    def forward(self, video: Tensor) -> Any:
        logits: Tensor = self.head(self.features(video)[-1].mean(dim=(2, 3, 4)))
        return logits


class NotFinite(Good):
    def forward(self, video: Tensor) -> Any:
        return super().forward(video) / 0


class TooManyClasses(Good):
    def forward(self, video: Tensor) -> Any:
        return torch.cat([super().forward(video)] * 2, dim=1)


class SoftmaxInEvaluation(Good):
    def forward(self, video: Tensor) -> Any:
        logits = super().forward(video)
        return logits if self.training else {"probs": logits.softmax(1)}


class NoFeatures(Good):
    features = None  # type: ignore[assignment]

    def forward(self, video: Tensor) -> Any:
        return self.head(self.norm(self.stem(video)).mean(dim=(2, 3, 4)))


class UnusedLayer(Good):
    def __init__(self, config: Tiny) -> None:
        super().__init__(config)
        self.forgotten = nn.Linear(2, 2)


class OverflowsInHalf(Good):
    def forward(self, video: Tensor) -> Any:
        logits = super().forward(video)
        return (
            logits
            if torch.get_autocast_dtype("cpu") is torch.float32 or not torch.is_autocast_enabled("cpu")
            else logits / 0
        )


class NeedsContiguous(Good):
    def features(self, video: Tensor) -> tuple[Tensor, ...]:
        return super().features(video.as_strided(video.shape, torch.empty(video.shape).stride()))


class HiddenState(Good):
    def __init__(self, config: Tiny) -> None:
        super().__init__(config)
        self.scale = torch.randn(())  # neither parameter nor buffer: lost when saved

    def forward(self, video: Tensor) -> Any:
        return super().forward(video) * self.scale


class SharedMemory(Good):
    def __init__(self, config: Tiny) -> None:
        super().__init__(config)
        self.tied = nn.Linear(4, config.num_classes or 1, bias=False)
        self.tied.weight = self.head.weight


class Random(Good):
    calls = 0

    def forward(self, video: Tensor) -> Any:
        Random.calls += 1
        return super().forward(video) + Random.calls


class ChangesItsInput(Good):
    def forward(self, video: Tensor) -> Any:
        return super().forward(video.mul_(0.5))


class LooksAtNeighbours(Good):
    def forward(self, video: Tensor) -> Any:
        return super().forward(video - video.mean(dim=0, keepdim=True))


class NotExportable(Good):
    def forward(self, video: Tensor) -> Any:
        logits = super().forward(video)
        return logits if float(logits.sum()) > 1e9 else logits * 1.0 + int(float(logits[0, 0]) > 1e9)


class WrongHead(Good):
    head_prefixes = ("classifier.",)


class WrongGroups(Good):
    def param_groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.stem.parameters())}]


BROKEN: list[tuple[Callable[[Any], nn.Module], str, str]] = [
    (NotFinite, "outputs", "output is not finite"),
    (TooManyClasses, "outputs", r"logits have shape \(2, 8\), not \[N, K\] = \(2, 4\)"),
    (SoftmaxInEvaluation, "train and eval agree", "training gives Tensor, evaluation dict"),
    (NoFeatures, "features", "no method features"),
    (UnusedLayer, "gradients", "no gradient reaches forgotten.weight, forgotten.bias"),
    (OverflowsInHalf, "bf16", "not finite under bfloat16"),
    (NeedsContiguous, "channels_last_3d", "differs by"),
    (HiddenState, "state dict", "a loaded copy gives another output"),
    (SharedMemory, "state dict", "tied.weight and head.weight share memory"),
    (Random, "same result twice", "the second time gives another output"),
    (ChangesItsInput, "same result twice", "the second time gives another output|changes its input video"),
    (LooksAtNeighbours, "samples apart", "one sample at a time: output differs"),
    (NotExportable, "export", "."),
    (WrongHead, "optional methods", "no parameter starts with head prefix 'classifier.'"),
    (WrongGroups, "optional methods", "leaves some out"),
]


@pytest.mark.parametrize("name", MODEL_CHECKS)
def test_good_model_passes(name: str) -> None:
    check = MODEL_CHECKS[name]
    check(ModelCase.of(Tiny(num_classes=4), factory=Good))


@pytest.mark.parametrize(("factory", "name", "message"), BROKEN, ids=[factory.__name__ for factory, _, _ in BROKEN])
def test_broken_promise_is_found(factory: Callable[[Any], nn.Module], name: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        MODEL_CHECKS[name](ModelCase.of(Tiny(num_classes=4), factory=factory))


def test_every_broken_promise_is_told_at_once() -> None:
    class Twice(UnusedLayer):
        head_prefixes = ("classifier.",)

    with pytest.raises(AssertionError, match=r"Tiny breaks 2 contracts:\n(.*\n)*.*gradients: .*\n.*optional methods: "):
        check_model(Tiny(num_classes=4), factory=Twice)


def test_zero_initialised_branch_hides_nothing_before_it() -> None:
    class ZeroInit(Good):
        def __init__(self, config: Tiny) -> None:
            super().__init__(config)
            nn.init.zeros_(self.norm.weight)

    check_gradients(ModelCase.of(Tiny(num_classes=4), factory=ZeroInit))
