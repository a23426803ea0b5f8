"""Classes for proposals, from scores of another model: of whole videos, or of every moment.

Scores of whole videos are what the best entries of ActivityNet challenges multiplied proposals with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vidcore.engine.predictions import read_predictions
from vidcore.errors import DataError
from vidcore_localization.class_names import read_json, read_names
from vidcore_localization.config import Classifier
from vidcore_localization.features import CLASS_NAMES, read_features
from vidcore_localization.segments import Array


class ProposalClassifier(Protocol):
    """Gives proposals classes."""

    def label(self, video: str, segments: Array, scores: Array, seconds: float) -> tuple[Array, Array, Array]:
        """Each proposal once for each of its best classes: segments `[Q, 2]`, scores `[Q]` and labels, best first.

        Args:
            video: Its name.
            segments: Proposals `[P, 2]`, in seconds.
            scores: How good they are `[P]`.
            seconds: That features of the video cover.
        """


def classifier_of(config: Classifier, classes: Sequence[str]) -> ProposalClassifier:
    """What the config asks for: a folder has scores of moments, a file those of videos."""
    kind = MomentClassifier if Path(config.scores).is_dir() else VideoClassifier
    return kind(config, classes)


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

    def label(self, video: str, segments: Array, scores: Array, seconds: float) -> tuple[Array, Array, Array]:
        """Each proposal once for each of the video's best classes.

        Raises:
            DataError: The file has no scores of this video.
        """
        found = self._scores.get(plain_name(video))
        if found is None:
            raise DataError(f"{self._path}: has no scores of video {video!r}; score it, or take it out of the data")
        return _combine(segments, scores, np.tile(found, (len(scores), 1)), self._top)


class MomentClassifier:
    """Scores of the moments of videos, `NAME.npy` `[T, C]` and `classes.txt`, as `data features --what scores` writes.

    The score of a proposal is the mean of the moments within it.

    Args:
        config: Where the folder is.
        classes: Of the data, whose order the labels of detections have.

    Raises:
        DataError: The folder has no class names, or not those of the data.
    """

    def __init__(self, config: Classifier, classes: Sequence[str]) -> None:
        self._folder, self._top = Path(config.scores), config.top
        names = read_names(self._folder / CLASS_NAMES)
        self._order = _order_of(classes, names, self._folder)

    def label(self, video: str, segments: Array, scores: Array, seconds: float) -> tuple[Array, Array, Array]:
        """Each proposal once for each of its own best classes.

        Raises:
            DataError: The folder has no scores of this video, or of other classes.
        """
        moments = read_features(self._folder / f"{video}.npy").numpy()[self._order].T.astype(np.float64)  # [T, C]
        places = (np.arange(len(moments)) + 0.5) / len(moments) * seconds
        inside = (places >= segments[:, :1]) & (places < segments[:, 1:])
        nearest = np.abs(places - segments.mean(axis=1, keepdims=True)).argmin(axis=1)
        inside[np.arange(len(segments)), nearest] = True  # a proposal shorter than a moment
        return _combine(segments, scores, inside @ moments / inside.sum(axis=1, keepdims=True), self._top)


def plain_name(video: str) -> str:
    """ActivityNet's videos are called `v_ID` in feature folders and `ID` in official files."""
    return video.removeprefix("v_")


def _in_order(path: Path, classes: Sequence[str]) -> Mapping[str, Array]:
    """Scores of each video in the order of `classes`."""
    names, videos = _read_predicted(path) if path.suffix == ".jsonl" else _read_json(path)
    order = _order_of(classes, names, path)
    for video, scores in videos.items():
        if scores.shape != (len(names),) or not np.isfinite(scores).all():
            raise DataError(f"{path}: {video}: should have {len(names)} finite scores, has {scores.shape}")
    return {plain_name(video): scores[order] for video, scores in videos.items()}


def _order_of(classes: Sequence[str], names: Sequence[str], path: Path) -> list[int]:
    """Where the scores of each of `classes` stand."""
    unknown = sorted(set(classes) - set(names))
    if unknown:
        raise DataError(f"{path}: has no scores of class {unknown[0]!r}; its classes must be those of the data")
    return [names.index(name) for name in classes]


def _combine(segments: Array, scores: Array, of_classes: Array, top: int) -> tuple[Array, Array, Array]:
    """Scores `[P]` times those of the best classes `[P, C]` of each; best first."""
    best = np.argsort(-of_classes, axis=1, kind="stable")[:, :top]
    every = (scores[:, None] * np.take_along_axis(of_classes, best, axis=1)).T.ravel()
    order = np.argsort(-every, kind="stable")
    return np.tile(segments, (best.shape[1], 1))[order], every[order], best.T.ravel()[order]


def _read_json(path: Path) -> tuple[list[str], dict[str, Array]]:
    content = read_json(path)
    names = content.get("class") if isinstance(content, dict) else None
    results = content.get("results") if isinstance(content, dict) else None
    form = f'{path}: should be {{"class": [names], "results": {{video: [a score for each]}}}}'
    if not isinstance(names, list) or not isinstance(results, dict):
        raise DataError(form)
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{form}; {next(name for name in names if not isinstance(name, str))!r} is no name")
    return names, {video: _numbers(f"{path}: {video}", scores) for video, scores in results.items()}


def _numbers(where: str, scores: Any) -> Array:
    try:
        found: Array = np.array(scores, dtype=np.float64).squeeze()
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: scores should be numbers: {error}") from error
    return found


def _read_predicted(path: Path) -> tuple[list[str], dict[str, Array]]:
    predictions = read_predictions(path)
    found: dict[str, Array] = {}
    for prediction, _ in predictions.samples:
        name = Path(str(prediction.meta.get("path", ""))).stem
        found[name] = np.asarray(prediction.outputs["scores"], dtype=np.float64)
    return list(predictions.classes), found
