"""Samples to the tensors of a batch. Runs in workers, on the CPU.

Letters: N samples, V views of one sample, R = sum of V.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from vidcore.errors import DataError
from vidcore.values import Batch, Sample


def join_samples(samples: Sequence[Sample], target: dict[str, Any]) -> Batch:
    """A batch in which the views of all samples stand one after the other.

    An input `[V, ...]` of each sample becomes `[R, ...]`; a list of one entry a view becomes one list. Draws of the
    same name are stacked, `[N, ...]`.

    Args:
        samples: At least one.
        target: What the task made of the samples' targets.

    Raises:
        DataError: Samples differ in the names or shapes of their inputs, or in the names of their draws.
    """
    first = samples[0]
    for sample in samples:
        if sample.inputs.keys() != first.inputs.keys():
            raise DataError(
                f"{sample_name(sample)} has inputs {sorted(sample.inputs)}, {sample_name(first)} has "
                f"{sorted(first.inputs)}; samples of a batch need the same inputs"
            )
        if sample.draws.keys() != first.draws.keys():
            raise DataError(
                f"{sample_name(sample)} has draws {sorted(sample.draws)}, {sample_name(first)} has "
                f"{sorted(first.draws)}; sources that share batches need photometric transforms of the same names"
            )
    return Batch(
        refs=[sample.ref for sample in samples],
        inputs={name: _join(name, samples) for name in first.inputs},
        target=target,
        meta=[sample.meta for sample in samples],
        views=[len(next(iter(sample.inputs.values()))) for sample in samples],
        draws={name: torch.stack([sample.draws[name] for sample in samples]) for name in first.draws},
    )


def rows_of_views(values: Tensor, views: Sequence[int]) -> Tensor:
    """One row for each view, `[R, ...]`, from one row for each sample, `[N, ...]`."""
    if all(count == 1 for count in views):
        return values
    return values.repeat_interleave(torch.tensor(views, device=values.device), dim=0)


def sample_name(sample: Sample) -> str:
    """What messages call a sample: its path where it has one."""
    return str(sample.meta.get("path") or f"sample {sample.ref.key}")


def _join(name: str, samples: Sequence[Sample]) -> Any:
    values = [sample.inputs[name] for sample in samples]
    if not isinstance(values[0], Tensor):
        return [entry for value in values for entry in value]
    for sample, value in zip(samples, values, strict=True):
        if value.shape[1:] != values[0].shape[1:]:
            raise DataError(
                f"input {name!r} of {sample_name(sample)} is {tuple(value.shape[1:])} a view, that of "
                f"{sample_name(samples[0])} is {tuple(values[0].shape[1:])}; end the transforms with a crop or resize "
                "of fixed size"
            )
    owns_memory = values[0].untyped_storage().nbytes() == values[0].nbytes  # a part would be sent with its whole
    if len(values) == 1 and owns_memory and get_worker_info() is not None:
        return values[0]  # copied on its way out of the worker anyway; thirty views are 140 MB
    return torch.cat(values)  # keeps channels-last memory where every sample has it
