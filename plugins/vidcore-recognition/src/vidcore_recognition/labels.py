"""Class labels of samples to the target of a batch. Letters: N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vidcore.errors import DataError
from vidcore.values import Sample
from vidcore_tasks.batching import sample_name


def join_labels(samples: Sequence[Sample], num_classes: int) -> dict[str, Tensor]:
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
            raise DataError(
                f"{sample_name(missing)} has no {name!r}, other samples of its batch have; label all or none"
            )
        rows = [_label(sample, num_classes) if name == "label" else _labels(sample, num_classes) for sample in samples]
        target[name] = torch.stack(rows)
    return target


def _label(sample: Sample, num_classes: int) -> Tensor:
    label = int(sample.target["label"])
    if not 0 <= label < num_classes:
        raise DataError(
            f"{sample_name(sample)} has label {label}; the {num_classes} classes are 0 ... {num_classes - 1}"
        )
    return torch.tensor(label)


def _labels(sample: Sample, num_classes: int) -> Tensor:
    labels = torch.as_tensor(sample.target["labels"], dtype=torch.float32)
    if labels.shape != (num_classes,):
        raise DataError(f"{sample_name(sample)} has labels of shape {tuple(labels.shape)}; expected ({num_classes},)")
    return labels
