"""The techniques of an experiment, and the core's own: an average of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vidcore.config.experiment import Ema, Experiment
from vidcore.engine.parts import Parts
from vidcore.engine.parts import Technique as Technique
from vidcore.plugins import build


def techniques_of(experiment: Experiment) -> dict[str, Technique]:
    """`engine.ema` where there is one, then what stands under `[engine.techniques]`."""
    ema = experiment.engine.ema
    first: dict[str, Technique] = {"ema": Average(ema)} if ema is not None else {}
    return first | {name: build(config) for name, config in experiment.engine.techniques.items()}


class Average(Technique):
    """An exponential moving average of the weights, kept beside the model: `engine.ema`.

    Running statistics are averaged with the parameters: those of the current weights do not fit averaged ones, and
    while the learning rate is high a network evaluated with them is right by chance only.
    """

    def __init__(self, config: Ema) -> None:
        self.config = config

    def begin(self, model: nn.Module, parts: Parts | None, steps_per_epoch: int) -> None:
        """The average starts as the weights after the first step."""
        decide = get_ema_multi_avg_fn(self.config.decay)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(model, multi_avg_fn=by_class(decide), use_buffers=True)

    def after_step(self, model: nn.Module, step: int) -> None:
        """Move towards the new weights."""
        self.average.update_parameters(model)

    def weights(self, module: nn.Module, step: int, *, thorough: bool) -> nn.Module:
        """The average."""
        averaged: nn.Module = self.average.module
        return averaged

    def tensors(self) -> Mapping[str, Tensor]:
        """The average, and of how many steps it is."""
        return self.average.state_dict()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Exactly these."""
        self.average.load_state_dict(dict(tensors))


def by_class(decide: Callable[..., object]) -> Callable[..., None]:
    """Average the tensors of each class by themselves: parts of parameters do not go with whole buffers in one call."""

    def average(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        for kind in dict.fromkeys(map(type, averaged)):
            chosen = [number for number, tensor in enumerate(averaged) if type(tensor) is kind]
            decide([averaged[number] for number in chosen], [current[number] for number in chosen], count)

    return average
