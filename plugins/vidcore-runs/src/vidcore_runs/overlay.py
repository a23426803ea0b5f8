"""Curves of several runs in one picture: a line a group, and a band from its lowest to its highest seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from vidcore_report import theme
from vidcore_runs.comparing import figures_known
from vidcore_runs.grouping import Group
from vidcore_runs.records import Row, Run, figures_of

_COLOURS = (*theme.CYCLE[:5], theme.GREEN, "#be185d", "#0369a1", "#854d0e", "#4d7c0f")
MOST_GROUPS = len(_COLOURS)  # more lines cannot be told apart
_MOST_FIGURES = 3  # panels of figures; of more, the first


def draw(groups: Sequence[Group], path: Path, figures: Sequence[str] = ()) -> list[str]:
    """Write a PNG with the training loss and figures of evaluations over epochs; the names of the panels.

    Args:
        groups: At most MOST_GROUPS.
        path: Of the PNG.
        figures: Names; none: the first that the runs have.
    """
    names = list(figures) or figures_known(groups)[:_MOST_FIGURES]
    panels = ["training loss", *(f"val {name}" for name in names)]
    with theme.style():
        picture = Figure(figsize=(4.8 * len(panels), 4.2), layout=ConstrainedLayoutEngine(wspace=0.08))
        axes = list(picture.subplots(1, len(panels), squeeze=False)[0])
        _draw_panel(axes[0], groups, "loss", lambda run: run.training)
        for each, name in zip(axes[1:], names, strict=True):
            _draw_panel(each, groups, name, lambda run: run.evaluations("val"))
        for each, title in zip(axes, panels, strict=True):
            each.set_title(title)
        handles, labels = axes[0].get_legend_handles_labels()
        picture.legend(handles, labels, loc="outside lower left", ncols=min(len(groups), 4))
        theme.save(picture, path)
    return panels


def _draw_panel(axes: Axes, groups: Sequence[Group], name: str, rows: Callable[[Run], Iterable[Row]]) -> None:
    for group, colour in zip(groups, _COLOURS, strict=False):
        curves = [_curve(rows(run), name, run.steps_per_epoch) for run in group.runs]
        places, low, mean, high = _band(curves)
        count = len(group.runs)
        label = group.name + (f" ({group.seeds} seeds)" if group.seeds > 1 else f" ({count} runs)" if count > 1 else "")
        marker = "o" if len(places) < 2 else None
        axes.plot(places, mean, color=colour, label=label, marker=marker)
        if count > 1:
            axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel("epoch")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _curve(rows: Iterable[Row], name: str, steps_per_epoch: float | None) -> Mapping[float, float]:
    """Place, in epochs where they are known, to value."""
    scale = steps_per_epoch or 1.0
    return {float(row["step"]) / scale: figures[name] for row in rows if name in (figures := figures_of(row))}


def _band(curves: Sequence[Mapping[float, float]]) -> tuple[list[float], list[float], list[float], list[float]]:
    """Places that any curve has, with lowest, mean and highest of those that have it."""
    places = sorted({place for curve in curves for place in curve})
    columns = [np.array([curve[place] for curve in curves if place in curve]) for place in places]
    return (
        places,
        [float(column.min()) for column in columns],
        [float(column.mean()) for column in columns],
        [float(column.max()) for column in columns],
    )
