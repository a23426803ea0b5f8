"""What a metric of class scores reads from a prediction and a target, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidcore.errors import DataError, RunError
from vidcore.values import Prediction

Scores = NDArray[np.float32]


def class_scores(prediction: Prediction, num_classes: int) -> Scores:
    """The scores of one prediction, float32 `[K]`; one that is not a number counts as lower than all others.

    Raises:
        RunError: There are none, or they are not one a class.
    """
    if "scores" not in prediction.outputs:
        raise RunError(
            f"the prediction of sample {prediction.ref.key} has {', '.join(prediction.outputs) or 'nothing'} but no "
            "'scores'; this metric is for tasks that score classes"
        )
    scores = np.asarray(prediction.outputs["scores"], np.float32)
    if scores.ndim == 2:
        raise RunError(
            f"the prediction of sample {prediction.ref.key} has one row of scores for each of {len(scores)} views; "
            'metrics need one row: set merge = "prob" or "score" in [data.test.views]'
        )
    if scores.shape != (num_classes,):
        raise RunError(f"sample {prediction.ref.key} has scores of shape {scores.shape} for {num_classes} classes")
    return np.where(np.isnan(scores), np.float32(-np.inf), scores)


def true_class(prediction: Prediction, target: dict[str, Any], num_classes: int) -> int:
    """The class of a sample that has one.

    Raises:
        DataError: It has none, or one outside the classes.
    """
    if "label" not in target:
        hint = "; for samples with several labels use mean-average-precision" if "labels" in target else ""
        raise DataError(f"sample {prediction.ref.key} has no label, so no accuracy can be told{hint}")
    label = int(target["label"])
    if not 0 <= label < num_classes:
        raise DataError(f"sample {prediction.ref.key} has label {label}; classes are 0 ... {num_classes - 1}")
    return label


def true_labels(prediction: Prediction, target: dict[str, Any], num_classes: int) -> NDArray[np.bool_]:
    """Which classes a sample has, `[K]`. A label counts where it is 1 exactly; a single class counts as one label.

    Raises:
        DataError: It has none, or not one value for each class.
    """
    if "labels" not in target:
        return np.asarray(np.arange(num_classes) == true_class(prediction, target, num_classes))
    labels = np.asarray(target["labels"], np.float32)
    if labels.shape != (num_classes,):
        raise DataError(f"sample {prediction.ref.key} has {labels.shape} labels for {num_classes} classes")
    return np.asarray(np.equal(labels, 1.0), bool)


def known_labels(target: dict[str, Any], num_classes: int) -> NDArray[np.bool_]:
    """Which classes somebody looked for in a sample, `[K]`: those whose label is not nan."""
    if "labels" not in target:
        return np.ones(num_classes, bool)
    return ~np.isnan(np.asarray(target["labels"], np.float32))
