"""Predictions of several streams for the same samples, made one. Letters: S streams, N samples, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from attrs import evolve
from numpy.typing import NDArray

from vidcore.engine.evaluation import Scored, measure
from vidcore.engine.predictions import Predictions, read_predictions
from vidcore.errors import ConfigError, DataError, PluginError
from vidcore.values import Prediction, SampleRef
from vidcore_recognition.metrics.accuracy import Accuracy
from vidcore_recognition.metrics.config import Accuracy as AccuracyConfig
from vidcore_recognition.metrics.config import MeanAveragePrecision as MeanAveragePrecisionConfig
from vidcore_recognition.metrics.config import MeanClassAccuracy as MeanClassAccuracyConfig
from vidcore_recognition.metrics.confusion import MeanClassAccuracy
from vidcore_recognition.metrics.fusion import fuse_scores, softmax
from vidcore_recognition.metrics.precision import MeanAveragePrecision

_SPLITS = ("test", "val", "train")  # which predictions of a run are meant, the first that are there


def read_stream(path: Path) -> Predictions:
    """Predictions of one stream.

    Args:
        path: A file that `vidcore test --output` or a run wrote, a run folder, or a pickle with MMAction2's dumped
            predictions, which is read as data: nothing that it names is executed.

    Raises:
        DataError: It cannot be read, or holds no scores of classes.
        PluginError: It is a pickle, and vidcore-checkpoints is not installed.
    """
    if path.is_dir():
        files = [path / "predictions" / f"{split}.jsonl" for split in _SPLITS]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise DataError(f"{path} holds no predictions; `vidcore test --run {path} --output FILE` writes some")
        return read_predictions(found)
    return _read_pickle(path) if path.suffix in (".pkl", ".pickle") else read_predictions(path)


def fuse(streams: Sequence[Predictions], coefficients: Sequence[float], from_logits: bool = False) -> Predictions:
    """One prediction a sample: the mean of the streams' scores, weighted.

    Args:
        streams: Of the same samples, in any order.
        coefficients: One a stream; only their ratio counts.
        from_logits: Scores are logits; take a softmax of each stream first.

    Raises:
        ConfigError: There is not one coefficient a stream, or they sum to zero.
        DataError: Streams have other classes, samples or labels.
    """
    if not sum(coefficients):
        raise ConfigError(f"coefficients {list(coefficients)} sum to zero")
    first = streams[0]
    order = [prediction.ref.key for prediction, _ in first.samples]
    scores = []
    for number, stream in enumerate(streams, start=1):
        rows = {prediction.ref.key: (prediction, target) for prediction, target in stream.samples}
        _refuse_others(first, stream, rows, number)
        table = np.stack([_scores(rows[key][0]) for key in order])
        scores.append(softmax(table) if from_logits else table)
    fused = fuse_scores(scores, coefficients) / sum(coefficients)
    samples = [
        (evolve(prediction, outputs={"scores": torch.tensor(row, dtype=torch.float32)}), target)
        for (prediction, target), row in zip(first.samples, fused, strict=True)
    ]
    return evolve(first, samples=samples)


def figures(predictions: Predictions) -> dict[str, float]:
    """Accuracies of predictions that have a label, mean average precision of those with several; none without."""
    scored: list[Scored] = predictions.samples
    if not all(target for _, target in scored):
        return {}
    if "labels" in scored[0][1]:
        return measure(scored, {"map": MeanAveragePrecision(MeanAveragePrecisionConfig(), predictions.classes)})
    accuracy = Accuracy(AccuracyConfig(top_k=(1, 5)), predictions.classes)
    # as MMAction2 counts, whose published figures of fused streams are compared with these
    by_class = MeanClassAccuracy(MeanClassAccuracyConfig(over="true-or-predicted"), predictions.classes)
    return measure(scored, {"accuracy": accuracy, "mean-class-accuracy": by_class})


def _refuse_others(
    first: Predictions, stream: Predictions, rows: dict[str, tuple[Prediction, dict[str, Any]]], number: int
) -> None:
    if len(stream.classes) != len(first.classes):
        raise DataError(f"stream {number} has {len(stream.classes)} classes, stream 1 has {len(first.classes)}")
    for index, (ours, theirs) in enumerate(zip(first.classes, stream.classes, strict=True)):
        if ours != theirs and _named(first) and _named(stream):
            raise DataError(
                f"class {index} is {theirs!r} in stream {number} and {ours!r} in stream 1: give both data sets the "
                "same list of classes"
            )
    for prediction, target in first.samples:
        key = prediction.ref.key
        if key not in rows or len(rows) != len(first.samples):
            raise DataError(
                f"stream {number} has {len(rows)} samples, stream 1 has {len(first.samples)}; sample {key} of stream 1 "
                f"is {'there' if key in rows else 'missing'}: predict the same data with each stream"
            )
        if not _same(rows[key][1], target):
            raise DataError(f"sample {key} has target {rows[key][1]} in stream {number} and {target} in stream 1")


def _named(stream: Predictions) -> bool:
    """Whether classes have names; MMAction2's dumps, and lists of numbers without a class list, have none."""
    return stream.classes != _numbers(len(stream.classes))


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def doubts(streams: Sequence[Predictions]) -> list[str]:
    """A line for each further stream whose samples seem to be other clips than those of the first, by their files."""
    lines = []
    first = {prediction.ref.key: _clip(prediction) for prediction, _ in streams[0].samples}
    for number, stream in enumerate(streams[1:], start=2):
        pairs = [(first.get(one.ref.key, ""), _clip(one), one.ref.key) for one, _ in stream.samples]
        other = [(ours, theirs, key) for ours, theirs, key in pairs if not _alike(ours, theirs)]
        if other:
            ours, theirs, key = other[0]
            lines.append(
                f"{len(other)} of {len(pairs)} samples of stream {number} seem to be other clips than those of stream "
                f"1: sample {key} is {theirs!r} there and {ours!r} here; both data sets must name the same clips in "
                "the same order"
            )
    return lines


def _clip(prediction: Prediction) -> str:
    """What the sample's file is called, without folder and ending; "" where that is not told."""
    name = prediction.meta.get("video") or prediction.meta.get("path") or ""
    return PurePath(str(name)).stem


def _alike(one: str, two: str) -> bool:
    """`S001C001_rgb` and `S001C001` are one clip."""
    return one.startswith(two) or two.startswith(one)


def _same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(
        np.array_equal(np.asarray(one[name]), np.asarray(two[name])) for name in one
    )


def _scores(prediction: Prediction) -> NDArray[Any]:
    scores = prediction.outputs.get("scores")
    if scores is None:
        raise DataError(f"sample {prediction.ref.key} has {', '.join(prediction.outputs)} but no scores of classes")
    row = np.asarray(scores, np.float64)
    return row.mean(axis=0) if row.ndim == 2 else row  # views that are not merged


def _read_pickle(path: Path) -> Predictions:
    """MMAction2's dump: a list of one dict a sample, with scores and label, in tensors or nested once."""
    try:
        from vidcore_checkpoints import read_torch_file
    except ImportError as error:
        raise PluginError(
            f"{path} is a pickle, which vidcore-checkpoints reads; pip install vidcore-checkpoints"
        ) from error
    content = read_torch_file(path)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content) or not content:
        raise DataError(f"{path} is no dump of predictions: expected a list of one dict a sample")
    samples: list[tuple[Prediction, dict[str, Any]]] = []
    for index, row in enumerate(content):
        scores = _entry(row, "pred_scores", "pred_score")
        if scores is None:
            raise DataError(f"{path}: sample {index} has {', '.join(map(str, row))} but no 'pred_scores'")
        if scores.ndim != 1 or scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
            raise DataError(
                f"{path}: sample {index} has no finite scores [classes]: {scores.dtype} {list(scores.shape)}"
            )
        if samples and len(scores) != len(samples[0][0].outputs["scores"]):
            raise DataError(
                f"{path}: sample {index} has {len(scores)} scores, sample 0 {len(samples[0][0].outputs['scores'])}"
            )
        label = _entry(row, "gt_labels", "gt_label")
        target = {"label": int(label.reshape(-1)[0])} if label is not None and label.size == 1 else {}
        outputs = {"scores": torch.from_numpy(scores.astype(np.float32))}
        samples.append((Prediction(ref=SampleRef("", 0, index), outputs=outputs), target))
    count = len(samples[0][0].outputs["scores"])
    return Predictions(split="test", task={"type": "recognition"}, classes=_numbers(count), samples=samples)


def _entry(row: dict[str, Any], *names: str) -> NDArray[Any] | None:
    value = next((row[name] for name in names if name in row), None)
    value = value.get("item") if isinstance(value, dict) else value
    return None if value is None else np.asarray(value)
