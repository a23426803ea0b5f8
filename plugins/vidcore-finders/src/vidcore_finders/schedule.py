"""Learning rate and momentum of every step, found by asking the very parts that set them in training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from attrs import evolve, frozen
from torch import nn

from vidcore.config.experiment import Experiment
from vidcore.data.building import build_dataset
from vidcore.engine.groups import for_torch, parameter_groups, scale_of
from vidcore.engine.optimizers import set_learning_rates
from vidcore.engine.parallel import Parallel
from vidcore.engine.parts import Parts, Technique
from vidcore.engine.precision import Precision
from vidcore.engine.techniques import techniques_of
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import ChoosesSamples
from vidcore.plugins import build


@frozen(kw_only=True)
class Point:
    """One step."""

    step: int  # from 0
    learning_rate: float  # of parameters without a factor of their own
    momentum: float | None  # or first beta; None where the optimizer has neither


def steps_per_epoch_of(experiment: Experiment) -> int:
    """As the data tells.

    Raises:
        ConfigError: The data is not here.
    """
    train = experiment.data.train
    if train is None:
        raise ConfigError("there is no data.train; give --steps-per-epoch")
    try:
        dataset = build_dataset(experiment.data, "train")
        size = dataset.samples_per_epoch if isinstance(dataset, ChoosesSamples) else len(dataset)
    except (DataError, ConfigError, OSError) as error:
        raise ConfigError(f"the data does not tell the steps of an epoch; give --steps-per-epoch ({error})") from error
    return max(size // (train.batch_size * (experiment.engine.accumulate or 1)), 1)


def points(experiment: Experiment, steps_per_epoch: int, steps: Iterable[int]) -> list[Point]:
    """Rates and momenta of these steps."""
    engine, train = experiment.engine, experiment.data.train
    model = _Stand()
    batch = train.batch_size * (engine.accumulate or 1) if train is not None else 1
    plain = _without_groups(experiment)
    groups = for_torch(parameter_groups(model, plain.optimizer), plain.optimizer, scale_of(engine.auto_scale_lr, batch))
    optimizer: torch.optim.Optimizer = build(plain.optimizer, groups)
    schedule = build(experiment.schedule)
    techniques = _begun(experiment, optimizer, model, steps_per_epoch)
    found = []
    for step in steps:
        set_learning_rates(optimizer, schedule.factor(step, steps_per_epoch, engine.epochs))
        for technique in techniques:
            technique.before_step(optimizer, step)
        group = optimizer.param_groups[0]
        momentum = group["betas"][0] if "betas" in group else group.get("momentum")
        found.append(Point(step=step, learning_rate=group["lr"], momentum=momentum))
    return found


def spread(total: int, count: int) -> list[int]:
    """At most `count` of the steps 0 ... total - 1, evenly, with the first and the last."""
    if total <= count:
        return list(range(total))
    return sorted({round(number * (total - 1) / (count - 1)) for number in range(count)})


class _Stand(nn.Module):
    """Stands for the model, whose weights do not matter here."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False)

    def blocks(self) -> list[nn.Module]:
        return [self.layer]


def _without_groups(experiment: Experiment) -> Experiment:
    optimizer = evolve(experiment.optimizer, groups={}, layer_decay=1.0)
    return evolve(experiment, optimizer=optimizer)


def _begun(
    experiment: Experiment, optimizer: torch.optim.Optimizer, model: nn.Module, steps_per_epoch: int
) -> list[Technique]:
    techniques = {**({"optimizer": optimizer} if isinstance(optimizer, Technique) else {}), **techniques_of(experiment)}
    nothing: Any = None  # no batch is prepared here
    parts = Parts(
        experiment=experiment,
        classes=(),
        datasets={},
        task=nothing,
        parallel=Parallel(torch.device("cpu")),
        precision=Precision("fp32", "cpu"),
        techniques=techniques,
    )
    for technique in techniques.values():
        technique.begin(model, parts, steps_per_epoch)
    return list(techniques.values())
