"""Predictions on disk: one format for all tasks, read by everything that compares, fuses or draws them.

JSON Lines. The first line is a header: `{"format": "vidcore-predictions", "version": 1, "split": ..., "task": ...,
"classes": [...]}`; every other one is a sample: `{"ref": ..., "outputs": ..., "meta": ..., "target": ...}`. A tensor or
array is `{"dtype": "float32", "shape": [2, 3], "values": [...]}` with its values in row order, each with the digits
that give back the same bits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import asdict, evolve, field, frozen
from torch import Tensor

from vidcore.errors import DataError, RunError
from vidcore.values import Prediction, SampleRef
from vidcore.whole_files import written_whole

FORMAT, VERSION = "vidcore-predictions", 1
_DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool
)}  # fmt: skip
_ARRAY_KEYS = {"dtype", "shape", "values"}


@frozen(kw_only=True, eq=False)
class Predictions:
    """A file of predictions, in memory."""

    split: str
    task: dict[str, Any]  # the task's table
    classes: tuple[str, ...]
    samples: list[tuple[Prediction, dict[str, Any]]] = field(repr=False)  # with the target of each; {} where unknown


def merge_shards(
    shards: Iterable[Iterable[tuple[Prediction, dict[str, Any]]]],
) -> list[tuple[Prediction, dict[str, Any]]]:
    """Predictions of several processes as one list in the order of the data, each sample once."""
    by_key = {prediction.ref.key: (prediction, target) for shard in shards for prediction, target in shard}
    return sorted(by_key.values(), key=lambda pair: (pair[0].ref.source, pair[0].ref.index))


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a file whole or not at all.

    Raises:
        RunError: The disk is full or cannot be written to.
        DataError: A prediction holds what has no place in such a file.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "split": predictions.split,
        "task": predictions.task,
        "classes": list(predictions.classes),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(header) + "\n")
            for prediction, target in predictions.samples:
                file.write(json.dumps(_row(prediction, target)) + "\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}; make room or mend its permissions") from error


def read_predictions(path: Path | str) -> Predictions:
    """Read a file of predictions.

    Raises:
        DataError: It is missing, of another format or version, or a line of it is broken.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            rows = _rows(path, file)
            header = next(rows, {})
            if header.get("format") != FORMAT:
                raise DataError(f"{path}:1: is no file of predictions; `vidcore test` writes one")
            if header.get("version") != VERSION:
                raise DataError(f"{path}:1: is version {header.get('version')}; this vidcore reads {VERSION}")
            return Predictions(
                split=header["split"],
                task=header["task"],
                classes=tuple(header["classes"]),
                samples=[_sample(path, number, row) for number, row in enumerate(rows, 2)],
            )
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def to_json(value: Any) -> Any:
    """Plain values for JSON; tensors and arrays with dtype and shape. Numbers that are not finite become strings."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor):
        name = str(value.dtype).removeprefix("torch.")
        flat = value.detach().cpu().flatten()
        finite = not flat.is_floating_point() or bool(torch.isfinite(flat).all())
        values = flat.tolist() if finite else [to_json(item) for item in flat.tolist()]
        return {"dtype": name, "shape": list(value.shape), "values": values}
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise DataError(f"a prediction holds a {type(value).__name__}, which has no place in a file of predictions")


def from_json(value: Any) -> Any:
    """The inverse of `to_json`; arrays come back as tensors, tuples as lists."""
    if isinstance(value, dict):
        if value.keys() == _ARRAY_KEYS:
            values = [from_json(item) for item in value["values"]]
            return torch.tensor(values, dtype=_DTYPES[value["dtype"]]).reshape(value["shape"])
        if value.keys() == {"float"}:
            return float(value["float"])
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def _row(prediction: Prediction, target: dict[str, Any]) -> dict[str, Any]:
    return {
        "ref": asdict(prediction.ref),
        "outputs": to_json(prediction.outputs),
        "meta": to_json(prediction.meta),
        "target": to_json(target),
    }


def _rows(path: Path, file: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: is not JSON: {error}; the file is broken, write it again") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected a table, got {type(row).__name__}")
        yield row


def _sample(path: Path, number: int, row: dict[str, Any]) -> tuple[Prediction, dict[str, Any]]:
    try:
        prediction = Prediction(
            ref=SampleRef(**row["ref"]), outputs=from_json(row["outputs"]), meta=from_json(row["meta"])
        )
        return prediction, from_json(row["target"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}:{number}: is not a prediction: {type(error).__name__}: {error}") from error


def on_cpu(prediction: Prediction) -> Prediction:
    """The same prediction with its tensors on the CPU."""
    outputs = {
        name: value.detach().cpu() if isinstance(value, Tensor) else value for name, value in prediction.outputs.items()
    }
    return evolve(prediction, outputs=outputs)
