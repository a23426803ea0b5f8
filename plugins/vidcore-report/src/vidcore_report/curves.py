"""How a run went: loss, figures and learning rate over epochs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter

from vidcore_report import theme
from vidcore_report.records import Row, RunRecord, is_fraction, values_of

_NOT_LOSSES = ("lr", "grad_norm", "bad_steps")
_ACCURACIES = ("top", "acc", "recall")  # how the names of figures begin that tasks measure in training
_MOST_LINES = 6  # in one panel; more cannot be told apart


def draw_curves(run: RunRecord) -> Figure:
    """Panels side by side: losses in training, figures of evaluations, learning rate."""
    figures = _names(run.evaluations)
    fractions = [name for name in figures if is_fraction(_column(run.evaluations, name)[1])]
    others = [name for name in figures if name not in fractions]
    losses = [name for name in _names(run.training) if _is_loss(name, figures)]
    panels = 2 + bool(fractions) + bool(others)
    with theme.style():
        figure = Figure(figsize=(4.6 * panels, 3.9), layout=ConstrainedLayoutEngine(wspace=0.08))
        figure.suptitle(run.name, x=0.01, ha="left", fontsize=13, fontweight="bold")
        axes = list(figure.subplots(1, panels, squeeze=False)[0])
        scale = run.steps_per_epoch
        _draw_losses(axes.pop(0), run.training, losses, scale)
        if fractions:
            _draw_figures(axes.pop(0), run, fractions, percent=True)
        if others:
            _draw_figures(axes.pop(0), run, others, percent=False)
        _draw_rate(axes.pop(0), run.training, scale)
    return figure


def _draw_losses(axes: Axes, rows: Sequence[Row], names: Sequence[str], scale: float | None) -> None:
    axes.set_title("Training loss")
    ordered = sorted(names, key=lambda name: name != "loss")[:_MOST_LINES]
    for name, colour in zip(ordered, theme.CYCLE, strict=False):
        steps, values = _column(rows, name)
        axes.plot(_places(steps, scale), values, color=colour, label=name, marker="o" if len(values) == 1 else None)
    if ordered:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if len(ordered) > 1:
        axes.legend()
    _finish(axes, scale, empty=not ordered)


def _draw_figures(axes: Axes, run: RunRecord, names: Sequence[str], *, percent: bool) -> None:
    axes.set_title("Evaluation")
    rows, scale, shown = run.evaluations, run.steps_per_epoch, names[:_MOST_LINES]
    for name, colour in zip(shown, theme.CYCLE, strict=False):
        steps, values = _column(run.training, name)
        if values:
            places = _places(steps, scale)
            axes.plot(places, values, color=colour, alpha=0.3, linewidth=1.2, label=f"{name} in training")
        for split in dict.fromkeys(str(row.get("split")) for row in rows):
            steps, values = _column([row for row in rows if row.get("split") == split], name)
            if not values:
                continue
            label = f"{split} {name}: last {_show(values[-1], percent)}"
            if percent and len(values) > 1:  # of fractions more is better; of other figures who knows
                label += f", best {_show(max(values), percent)}"
            alone = len(values) == 1
            style = {"marker": "D", "linestyle": "none"} if alone else {"marker": "o", "markersize": 3.5}
            axes.plot(_places(steps, scale), values, color=colour, label=label, **style)
    if percent:
        axes.set_ylim(-0.02, 1.04)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    # below the axes: lines may end in any corner
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.19), fontsize=8.5, borderaxespad=0.0)
    if len(names) > len(shown):
        axes.set_title(f"Evaluation ({len(shown)} of {len(names)} figures)")
    _finish(axes, scale, empty=False)


def _draw_rate(axes: Axes, rows: Sequence[Row], scale: float | None) -> None:
    axes.set_title("Learning rate")
    steps, values = _column(rows, "lr")
    axes.plot(_places(steps, scale), values, color=theme.PALE)
    if values:
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:.3g}")
    _finish(axes, scale, empty=not values)


def _finish(axes: Axes, scale: float | None, *, empty: bool) -> None:
    axes.set_xlabel("step" if scale is None else "epoch")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if empty:
        axes.text(0.5, 0.5, "nothing yet", transform=axes.transAxes, ha="center", color=theme.PALE)


def _is_loss(name: str, figures: Sequence[str]) -> bool:
    """Whether a value of training belongs into the panel of losses; figures are shown beside those of evaluations."""
    return not (name in _NOT_LOSSES or name in figures or name.startswith(_ACCURACIES))


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in values_of(row)))


def _column(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    """Steps and values of the rows that have this value."""
    pairs = [(float(row["step"]), values[name]) for row in rows if name in (values := values_of(row))]
    return [step for step, _ in pairs], [value for _, value in pairs]


def _places(steps: Sequence[float], scale: float | None) -> list[float]:
    return [step / scale if scale else step for step in steps]


def _show(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.4g}"
