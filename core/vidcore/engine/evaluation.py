"""Measuring a model on a split: predictions for every sample, metrics over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import torch
from attrs import evolve, frozen
from torch import Tensor, nn

from vidcore.engine.precision import Precision, inputs_channels_last
from vidcore.engine.predictions import merge_shards, on_cpu
from vidcore.errors import RunError
from vidcore.interfaces import Metric, Task
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, Prediction

Scored = tuple[Prediction, dict[str, Any]]  # with its target


@frozen(kw_only=True, eq=False)
class Forward:
    """How a batch goes through a model outside training."""

    task: Task
    device: torch.device
    precision: Precision
    channels_last: bool = True
    max_per_forward: int = 8  # views at once


def predict_batches(
    model: nn.Module, batches: Iterable[Batch], forward: Forward, progress: Callable[[int], None] = lambda done: None
) -> list[Scored]:
    """Predictions for all batches, on the CPU, in the order of the data; duplicates that fill up a batch are dropped.

    The model is in eval mode meanwhile; each module is put back into the mode that it was in.

    Args:
        model: On `forward.device`.
        batches: As the loader gives them.
        forward: How they go through the model.
        progress: Called with the number of samples done; may raise to stop.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    scored: list[Scored] = []
    try:
        with torch.no_grad():  # not inference_mode: what a module caches meanwhile must serve in training too
            for batch in batches:
                scored += _predict_batch(model, batch, forward)
                progress(len(scored))
    finally:
        for module, mode in modes.items():
            module.training = mode
    return merge_shards([scored])


def measure(scored: Iterable[Scored], metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Feed every prediction to every metric; figures by name, as fractions.

    A figure that two metrics answer under the same name is told apart by the metric's name: `metric.figure`.
    """
    for prediction, target in scored:
        for metric in metrics.values():
            metric.update(prediction, target)
    answers = {name: metric.compute() for name, metric in metrics.items()}
    names = [figure for answer in answers.values() for figure in answer]
    return {
        figure if names.count(figure) == 1 else f"{name}.{figure}": value
        for name, answer in answers.items()
        for figure, value in answer.items()
    }


def lower_is_better(figure: str, metrics: Mapping[str, Metric]) -> bool:
    """Whether a smaller value of a figure is the better one: its metric says so, else fractions count upwards."""
    name = figure.rpartition(".")[2]
    return any(name in getattr(metric, "lower_is_better", ()) for metric in metrics.values())


def _predict_batch(model: nn.Module, batch: Batch, forward: Forward) -> list[Scored]:
    rng = generator(0, Purpose.DEVICE)  # tasks draw nothing outside training
    batch = forward.task.prepare(batch.to(forward.device), rng, training=False)
    if forward.channels_last:
        batch = evolve(batch, inputs=inputs_channels_last(batch.inputs))
    with forward.precision.autocast():
        outputs = [forward.task.forward(model, piece) for piece in pieces(batch, forward.max_per_forward)]
    predictions = forward.task.predict(join(outputs), batch)
    if len(predictions) != len(batch):
        raise RunError(f"the task made {len(predictions)} predictions for {len(batch)} samples; it must make one each")
    return list(zip(map(on_cpu, predictions), forward.task.targets(batch), strict=True))


def pieces(batch: Batch, max_rows: int) -> list[Batch]:
    """The batch in parts of at most `max_rows` views, for a forward pass only: refs and targets stay whole.

    Only inputs of one row a view can be taken apart; a batch with others goes through whole.
    """
    rows = sum(batch.views)
    if rows <= max_rows or not all(_has_rows(value, rows) for value in batch.inputs.values()):
        return [batch]
    starts = range(0, rows, max_rows)
    return [
        evolve(batch, inputs={name: value[start : start + max_rows] for name, value in batch.inputs.items()})
        for start in starts
    ]


def join(outputs: list[Any]) -> Any:
    """What the model answered for the parts, as for the whole: tensors are joined along their first dimension."""
    first = outputs[0]
    if len(outputs) == 1:
        return first
    if isinstance(first, Tensor):
        return torch.cat(outputs)
    if isinstance(first, dict):
        return {key: join([output[key] for output in outputs]) for key in first}
    if isinstance(first, list | tuple):
        return type(first)(join(list(parts)) for parts in zip(*outputs, strict=True))
    if attrs.has(type(first)):
        names = [entry.name for entry in attrs.fields(type(first))]
        return evolve(first, **{name: join([getattr(output, name) for output in outputs]) for name in names})
    raise RunError(
        f"outputs of type {type(first).__name__} cannot be joined; raise views.max_per_forward so that a batch fits"
    )


def _has_rows(value: Any, rows: int) -> bool:
    return isinstance(value, Tensor) and value.dim() > 0 and len(value) == rows
