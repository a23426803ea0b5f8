"""Result files of ActivityNet: {"version": ..., "results": {ID: [{"label", "score", "segment"}]}, "external_data": {}}.

Official evaluations read them. IDs have no `v_` in front; proposals without a class have no label.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from vidcore.errors import DataError, RunError
from vidcore.values import Prediction, SampleRef
from vidcore_localization.annotations import ROUNDING, Annotations
from vidcore_localization.class_names import read_json
from vidcore_localization.classifier import plain_name

VERSION = "VERSION 1.3"


@frozen
class Found:
    """A segment that was predicted; seconds."""

    start: float
    end: float
    score: float
    label: str = ""  # "": a proposal without a class


def results_of(predictions: Iterable[Prediction], classes: Sequence[str]) -> dict[str, list[Found]]:
    """The segments of predictions by video.

    Raises:
        DataError: A prediction has no segments or no video's name.
    """
    results: dict[str, list[Found]] = {}
    for prediction in predictions:
        name, outputs = prediction.meta.get("video"), prediction.outputs
        if not name or "segments" not in outputs:
            raise DataError(f"the prediction for sample {prediction.ref.key} has no video's name or no segments")
        segments, scores = outputs["segments"].tolist(), outputs["scores"].tolist()
        labels = outputs["labels"].tolist() if "labels" in outputs else None
        names = [classes[label] for label in labels] if labels is not None else [""] * len(scores)
        rows = zip(segments, scores, names, strict=True)
        results[plain_name(str(name))] = [Found(start, end, score, label) for (start, end), score, label in rows]
    return results


def write_results(path: Path, results: Mapping[str, Sequence[Found]]) -> None:
    """Write a result file.

    Raises:
        RunError: It cannot be written.
    """
    rows = {name: [_row(one) for one in found] for name, found in results.items()}
    content = {"version": VERSION, "results": rows, "external_data": {}}
    try:
        path.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}") from error


def read_results(path: Path) -> dict[str, list[Found]]:
    """Read a result file.

    Raises:
        DataError: It has another form, or a segment or score is no number or ends before it starts; tells the row.
    """
    content = read_json(path)
    table = content.get("results") if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise DataError(f'{path}: should be {{"results": {{video: [{{"segment": [...], "score": ...}}]}}}}')
    results: dict[str, list[Found]] = {}
    for name, rows in table.items():
        if not isinstance(rows, list):
            raise DataError(f"{path}: {name}: should be a list of segments, is {type(rows).__name__}")
        results[plain_name(name)] = [_found(row, f"{path}: {name}: segment {i}") for i, row in enumerate(rows, 1)]
    return results


def as_samples(
    results: Mapping[str, Sequence[Found]], annotations: Annotations, classes: Sequence[str]
) -> list[tuple[Prediction, dict[str, Any]]]:
    """Results beside the truth, as metrics take them. Annotated videos without results are there, with none.

    Raises:
        DataError: Results name a video that is not annotated, or a class that is none.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    names = {plain_name(video.name) for video in annotations.videos}
    others = [name for name in results if name not in names]
    if others:
        raise DataError(
            f"{len(others)} of {len(results)} videos with results, such as {others[0]!r}, are not in "
            f"{annotations.file}; give the annotations of the same subset"
        )
    samples = []
    for index, video in enumerate(annotations.videos):
        found = results.get(plain_name(video.name), ())
        unknown = [one.label for one in found if one.label and one.label not in numbers]
        if unknown:
            raise DataError(f"{video.name}: class {unknown[0]!r} is not one of {annotations.file}")
        outputs: dict[str, Any] = {
            "segments": [[one.start, one.end] for one in found],
            "scores": [one.score for one in found],
        }
        if all(one.label for one in found):
            outputs["labels"] = [numbers[one.label] for one in found]
        target = {"segments": list(video.segments), "labels": [numbers[label] for label in video.labels]}
        samples.append((Prediction(ref=SampleRef("", 0, index), outputs=outputs), target))
    return samples


def late(results: Mapping[str, Sequence[Found]], annotations: Annotations) -> list[str]:
    """Segments that begin before their video or end after it, in words: they count, but are they in seconds?"""
    lengths = {plain_name(video.name): video.seconds for video in annotations.videos}
    return [
        f"{name}: segment {one.start:g} ... {one.end:g} reaches beyond the video of {lengths[name]:g} s"
        for name, found in results.items()
        for one in found
        if name in lengths and (one.start < -ROUNDING or one.end > lengths[name] + ROUNDING)
    ]


def _row(found: Found) -> dict[str, Any]:
    row = {"score": found.score, "segment": [found.start, found.end]}
    return {"label": found.label, **row} if found.label else row


def _found(row: Any, where: str) -> Found:
    segment: Any = row.get("segment") if isinstance(row, dict) else None
    score: Any = row.get("score") if isinstance(row, dict) else None
    numbers = [*segment, score] if isinstance(segment, list) and len(segment) == 2 else [None]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in numbers):
        raise DataError(f"{where}: should have a score and a segment [start, end] in seconds, is {row!r}")
    if segment[1] < segment[0]:
        raise DataError(f"{where}: ends at {segment[1]:g} s before it starts at {segment[0]:g} s")
    return Found(float(segment[0]), float(segment[1]), float(score), str(row.get("label", "")))
