"""Which class is taken for which. Letters: K classes; a matrix has true classes as rows, predicted ones as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from vidcore_recognition.metrics.confusion import Matrix, class_accuracies, confusion_matrix, normalized
from vidcore_report import theme
from vidcore_report.records import Answer

_WHITE_TO_BLUE = LinearSegmentedColormap.from_list("vidcore", ["#ffffff", "#dbeafe", "#60a5fa", "#1e40af"])
_MOST_NUMBERS = 20  # classes up to which every cell shows its count


@frozen(kw_only=True)
class Mistake:
    """A pair of classes that is confused."""

    true: str
    predicted: str
    count: int
    share: float  # of the true class's videos


def matrix_of(found: Sequence[Answer], num_classes: int) -> Matrix:
    """The confusion matrix `[K, K]` of some answers."""
    predicted = np.array([answer.predicted for answer in found], dtype=np.int64)
    true = np.array([answer.label for answer in found], dtype=np.int64)
    return confusion_matrix(predicted, true, num_classes)


def worst_mistakes(matrix: Matrix, classes: Sequence[str], most: int = 15) -> list[Mistake]:
    """The most frequent confusions, by the share of the true class."""
    shares = normalized(matrix, "true")
    pairs = [(int(row), int(column)) for row, column in np.argwhere(matrix > 0) if row != column]
    pairs.sort(key=lambda pair: (-shares[pair], -matrix[pair], pair))
    return [
        Mistake(true=classes[row], predicted=classes[col], count=int(matrix[row, col]), share=float(shares[row, col]))
        for row, col in pairs[:most]
    ]


def draw_confusion(matrix: Matrix, classes: Sequence[str], title: str, max_classes: int) -> Figure:
    """The matrix as a picture: colours are shares of the true class, numbers are counts.

    Of more than `max_classes`, those that take part in most mistakes are shown.
    """
    chosen = _most_mistaken(matrix, max_classes)
    shares = normalized(matrix, "true")[np.ix_(chosen, chosen)]
    counts = matrix[np.ix_(chosen, chosen)]
    names = [_shortened(classes[index]) for index in chosen]
    recall = class_accuracies(matrix)[chosen]
    size = min(5.0 + 0.42 * len(chosen), 16.0)
    with theme.style():
        figure = Figure(figsize=(size + 0.6, size - 0.4), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(shares, cmap=_WHITE_TO_BLUE, vmin=0.0, vmax=1.0)
        axes.grid(False)
        axes.set_title(title if len(chosen) == len(classes) else f"{title}\n{_some(len(chosen), len(classes))}", pad=12)
        places = np.arange(len(chosen))
        small = 9.0 if len(chosen) <= _MOST_NUMBERS else 7.5
        axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
        axes.set_yticks(places, names, fontsize=small)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.tick_params(length=0)
        _draw_cell_borders(axes, len(chosen))
        if len(chosen) <= _MOST_NUMBERS:
            _write_counts(axes, counts, shares)
        right = axes.secondary_yaxis("right")
        right.set_yticks(places, ["–" if np.isnan(value) else f"{value:.0%}" for value in recall], fontsize=small)
        right.tick_params(length=0, labelcolor=theme.PALE)
        right.spines["right"].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.03, format=lambda value, _: f"{value:.0%}")
        bar.set_label("share of the true class", color=theme.PALE)
        bar.outline.set_visible(False)
    return figure


def _most_mistaken(matrix: Matrix, most: int) -> list[int]:
    """All classes, or those with most mistakes, in the order of their labels."""
    if len(matrix) <= most:
        return list(range(len(matrix)))
    wrong = matrix - np.diag(np.diagonal(matrix))
    involved = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-involved, kind="stable")[:most].tolist())


def _draw_cell_borders(axes: Any, count: int) -> None:
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#eef2f7", linewidth=1.0)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Any, counts: Matrix, shares: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.55 else theme.INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=9, color=colour)


def _some(shown: int, of: int) -> str:
    return f"{shown} of {of} classes: those with most mistakes"


def _shortened(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
