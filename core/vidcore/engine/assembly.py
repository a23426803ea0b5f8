"""From a resolved experiment to the objects that it describes: data, task and metrics, the model, all of training."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from attrs import evolve
from torch import nn

from vidcore.config import ModelConfig
from vidcore.config.experiment import Experiment
from vidcore.data.building import build_dataset
from vidcore.data.transforms import apply_draws
from vidcore.engine.groups import for_torch, freeze, parameter_groups, scale_of
from vidcore.engine.loop import Training
from vidcore.engine.parallel import Parallel
from vidcore.engine.parts import Parts, Technique
from vidcore.engine.precision import choose_device, choose_precision, to_channels_last
from vidcore.engine.techniques import techniques_of
from vidcore.errors import ConfigError
from vidcore.interfaces import Dataset
from vidcore.plugins import build
from vidcore.plugins.discovery import default_config
from vidcore.randomness import Purpose, torch_seed
from vidcore.weights.loading import load_weights

log = logging.getLogger(__name__)


def assemble(
    experiment: Experiment, splits: Sequence[str] = ("train", "val", "test"), parallel: Parallel | None = None
) -> Parts:
    """Data sets of these splits, as far as the experiment has them, and the task.

    Raises:
        ConfigError: There is no data, or classes do not agree.
    """
    parallel = parallel or Parallel(choose_device(experiment.engine.device))
    precision = choose_precision(experiment.engine.precision, parallel.device)
    datasets = {split: _dataset(experiment, split) for split in splits if getattr(experiment.data, split) is not None}
    if not datasets:
        raise ConfigError(
            f"the experiment has no data for {' or '.join(splits)}; give [data.{splits[0]}] with a `type`"
        )
    classes = _common_classes(datasets)
    model = experiment.model
    if model.num_classes is None:
        experiment = evolve(experiment, model=evolve(model, num_classes=len(classes)))
    elif model.num_classes != len(classes):
        raise ConfigError(f"model.num_classes is {model.num_classes}, but the data has {len(classes)} classes")
    return Parts(
        experiment=experiment,
        classes=classes,
        datasets=datasets,
        task=build(experiment.task, classes),
        parallel=parallel,
        precision=precision,
        techniques=techniques_of(experiment),
    )


def build_model(parts: Parts) -> nn.Module:
    """The model with its first weights, which depend on the seed alone, on the device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(parts.experiment.seed, Purpose.INITIAL))
        model: nn.Module = build(parts.experiment.model)
    return place(model, parts)


def load_first_weights(model: nn.Module, config: ModelConfig) -> None:
    """Load what a model starts from; where it says nothing, what the models in its slots start from."""
    if config.weights:
        log.info("%s", load_weights(model, config.weights, strict=config.strict))
        return
    for name, part in config.parts().items():
        load_first_weights(model.get_submodule(name), part)


def place(model: nn.Module, parts: Parts) -> nn.Module:
    """Move a model to the device, in the memory format of the experiment."""
    model.to(parts.device)
    if parts.experiment.engine.channels_last:
        to_channels_last(model)
    return model


def build_training(parts: Parts, model: nn.Module, steps_per_epoch: int) -> Training:
    """Optimizer, schedule and all else that the loop uses.

    Raises:
        ConfigError: A pattern matches no parameter, or nothing is left to train.
        PluginError: The plugin that compiles is missing.
    """
    experiment, engine = parts.experiment, parts.experiment.engine
    freeze(model, engine.freeze)
    parts.parallel.shard(model)
    scale = scale_of(engine.auto_scale_lr, parts.clips_per_step)
    groups = for_torch(parameter_groups(model, experiment.optimizer), experiment.optimizer, scale)
    schedule = build(experiment.schedule)
    transforms = getattr(parts.datasets["train"], "transforms", {})  # those for the device are among them
    optimizer = build(experiment.optimizer, groups)
    techniques = {**({"optimizer": optimizer} if isinstance(optimizer, Technique) else {}), **parts.techniques}
    for technique in techniques.values():
        technique.begin(model, parts, steps_per_epoch)
    if engine.compile != "none":  # last: averages are measured, and not compiled
        build(default_config("compiler", engine.compile, f'engine.compile = "{engine.compile}": '))(model)
    return Training(
        model=model,
        task=parts.task,
        optimizer=optimizer,
        learning_rate_factor=lambda step: schedule.factor(step, steps_per_epoch, engine.epochs),
        precision=parts.precision,
        device=parts.device,
        seed=experiment.seed,
        steps_per_epoch=steps_per_epoch,
        epochs=engine.epochs,
        augment=lambda batch: apply_draws(batch, transforms),
        accumulate=parts.chunks,
        parallel=parts.parallel,
        clip=engine.clip_grad,
        techniques=techniques,
        channels_last=engine.channels_last,
        frozen_norm=engine.frozen_norm,
        max_bad_steps=engine.max_bad_steps,
    )


def _dataset(experiment: Experiment, split: str) -> Dataset:
    dataset = build_dataset(experiment.data, split)
    if not len(dataset):
        raise ConfigError(f"data.{split} is empty; `vidcore data check` tells what it looked for")
    return dataset


def _common_classes(datasets: dict[str, Dataset]) -> tuple[str, ...]:
    first = next(iter(datasets))
    classes = tuple(datasets[first].classes)
    for split, dataset in datasets.items():
        if tuple(dataset.classes) != classes:
            raise ConfigError(
                f"data.{split} has {len(dataset.classes)} classes that are not the {len(classes)} of data.{first}; "
                "give both the same class list"
            )
    return classes
