"""Samples to the tensors of a batch. Runs in workers, on the CPU.

Letters: N samples, V views of one sample, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vidcore.errors import DataError
from vidcore.values import Sample


def join_inputs(samples: Sequence[Sample]) -> tuple[list[int], dict[str, Any]]:
    """How many views each sample has, and the inputs with all views one after the other.

    A tensor `[V, ...]` of each sample becomes `[sum of V, ...]`; a list of one entry a view becomes one list.

    Raises:
        DataError: Samples differ in the names or shapes of their inputs.
    """
    names = samples[0].inputs.keys()
    for sample in samples:
        if sample.inputs.keys() != names:
            raise DataError(
                f"{_where(sample)} has inputs {sorted(sample.inputs)}, {_where(samples[0])} has {sorted(names)}; "
                "samples of a batch need the same inputs"
            )
    views = [len(next(iter(sample.inputs.values()))) for sample in samples]
    return views, {name: _join(name, samples) for name in names}


def join_targets(samples: Sequence[Sample], num_classes: int) -> dict[str, Tensor]:
    """`{"label": int64 [N]}` or `{"labels": float32 [N, K]}`; nothing where no sample has a target.

    Raises:
        DataError: Only some samples have a label, or one is outside the classes.
    """
    target: dict[str, Tensor] = {}
    for name in ("label", "labels"):
        having = [sample for sample in samples if name in sample.target]
        if not having:
            continue
        if len(having) < len(samples):
            missing = next(sample for sample in samples if name not in sample.target)
            raise DataError(f"{_where(missing)} has no {name!r}, other samples of its batch have; label all or none")
        rows = [_label(sample, num_classes) if name == "label" else _labels(sample, num_classes) for sample in samples]
        target[name] = torch.stack(rows)
    return target


def join_draws(samples: Sequence[Sample]) -> dict[str, Tensor]:
    """Each sample's draws of the same name, stacked `[N, ...]`.

    Raises:
        DataError: Samples have draws of different names.
    """
    for sample in samples:
        if sample.draws.keys() != samples[0].draws.keys():
            raise DataError(
                f"{_where(sample)} has draws {sorted(sample.draws)}, {_where(samples[0])} has "
                f"{sorted(samples[0].draws)}; sources that share batches need photometric transforms of the same names"
            )
    return {name: torch.stack([sample.draws[name] for sample in samples]) for name in samples[0].draws}


def _join(name: str, samples: Sequence[Sample]) -> Any:
    values = [sample.inputs[name] for sample in samples]
    if not isinstance(values[0], Tensor):
        return [entry for value in values for entry in value]
    for sample, value in zip(samples, values, strict=True):
        if value.shape[1:] != values[0].shape[1:]:
            raise DataError(
                f"input {name!r} of {_where(sample)} is {tuple(value.shape[1:])} a view, that of {_where(samples[0])} "
                f"is {tuple(values[0].shape[1:])}; end the transforms with a crop or resize of fixed size"
            )
    return torch.cat(values)  # keeps channels-last memory where every sample has it


def _label(sample: Sample, num_classes: int) -> Tensor:
    label = int(sample.target["label"])
    if not 0 <= label < num_classes:
        raise DataError(f"{_where(sample)} has label {label}; the {num_classes} classes are 0 ... {num_classes - 1}")
    return torch.tensor(label)


def _labels(sample: Sample, num_classes: int) -> Tensor:
    labels = torch.as_tensor(sample.target["labels"], dtype=torch.float32)
    if labels.shape != (num_classes,):
        raise DataError(f"{_where(sample)} has labels of shape {tuple(labels.shape)}; expected ({num_classes},)")
    return labels


def _where(sample: Sample) -> str:
    return str(sample.meta.get("path") or f"sample {sample.ref.key}")
