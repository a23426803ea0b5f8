"""Classes for proposals from scores of whole videos, as the best entries of ActivityNet challenges did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vidcore.engine.predictions import read_predictions
from vidcore.errors import DataError
from vidcore_localization.class_names import read_json
from vidcore_localization.config import Classifier
from vidcore_localization.segments import Array


class VideoClassifier:
    """Scores of videos, looked up by name; `v_` before a name does not count.

    Args:
        config: Where the scores are.
        classes: Of the data, whose order the labels of detections have.

    Raises:
        DataError: The file cannot be used, or has not the same classes.
    """

    def __init__(self, config: Classifier, classes: Sequence[str]) -> None:
        self._path, self._top = Path(config.scores), config.top
        self._scores = _in_order(self._path, classes)

    def label(self, video: str, segments: Array, scores: Array) -> tuple[Array, Array, Array]:
        """Each proposal `[P]` once for each of the video's best classes: segments, scores multiplied, labels.

        Raises:
            DataError: The file has no scores of this video.
        """
        found = self._scores.get(plain_name(video))
        if found is None:
            raise DataError(f"{self._path}: has no scores of video {video!r}; score it, or take it out of the data")
        best = np.argsort(-found, kind="stable")[: self._top]
        every = np.concatenate([scores * found[label] for label in best])
        order = np.argsort(-every, kind="stable")
        return np.tile(segments, (len(best), 1))[order], every[order], np.repeat(best, len(scores))[order]


def plain_name(video: str) -> str:
    """ActivityNet's videos are called `v_ID` in feature folders and `ID` in official files."""
    return video.removeprefix("v_")


def _in_order(path: Path, classes: Sequence[str]) -> Mapping[str, Array]:
    """Scores of each video in the order of `classes`."""
    names, videos = _read_predicted(path) if path.suffix == ".jsonl" else _read_json(path)
    unknown = sorted(set(classes) - set(names))
    if unknown:
        raise DataError(f"{path}: has no scores of class {unknown[0]!r}; its classes must be those of the data")
    order = [names.index(name) for name in classes]
    for video, scores in videos.items():
        if scores.shape != (len(names),) or not np.isfinite(scores).all():
            raise DataError(f"{path}: {video}: should have {len(names)} finite scores, has {scores.shape}")
    return {plain_name(video): scores[order] for video, scores in videos.items()}


def _read_json(path: Path) -> tuple[list[str], dict[str, Array]]:
    content = read_json(path)
    names = content.get("class") if isinstance(content, dict) else None
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(names, list) or not isinstance(results, dict):
        raise DataError(f'{path}: should be {{"class": [names], "results": {{video: [a score for each]}}}}')
    try:
        return names, {video: np.array(scores, dtype=np.float64).squeeze() for video, scores in results.items()}
    except ValueError as error:
        raise DataError(f"{path}: scores should be numbers: {error}") from error


def _read_predicted(path: Path) -> tuple[list[str], dict[str, Array]]:
    predictions = read_predictions(path)
    found: dict[str, Array] = {}
    for prediction, _ in predictions.samples:
        name = Path(str(prediction.meta.get("path", ""))).stem
        found[name] = np.asarray(prediction.outputs["scores"], dtype=np.float64)
    return list(predictions.classes), found
