"""The pictures: a range test, batch sizes, a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from vidcore_finders.batch_size import Measured
from vidcore_finders.learning_rate import RangeTest
from vidcore_finders.schedule import Point
from vidcore_report import theme

_TOLD_APART = 60  # steps that are shown one by one: a single one is no line


def draw_range_test(test: RangeTest) -> Figure:
    """Loss over learning rate."""
    with theme.style():
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.set_title("Loss while the learning rate grows")
        axes.plot(test.rates, test.losses, color=theme.PALE, alpha=0.5, linewidth=1.0, label="as it came")
        axes.plot(test.rates, test.smoothed, color=theme.BLUE, label="smoothed")
        if test.steepest is not None:
            axes.axvline(test.steepest, color=theme.GREEN, label=f"falls fastest: {test.steepest:.2g}")
        axes.axvline(test.lowest, color=theme.AMBER, linestyle=":", label=f"lowest: {test.lowest:.2g}")
        axes.set_xscale("log")
        axes.set_ylim(*_worth_seeing(test))
        axes.set_xlabel("learning rate")
        axes.legend()
    return figure


def _worth_seeing(test: RangeTest) -> tuple[float, float]:
    """From the lowest loss to somewhat above those before it: where the loss explodes, the curve leaves the picture."""
    before = test.losses[: test.rates.index(test.lowest) + 1]
    low, high = min(test.losses), max(before)
    room = max(high - low, 1e-3 * abs(high)) or 1.0
    return low - 0.1 * room, high + 0.5 * room


def draw_sizes(found: Sequence[Measured], chosen: int) -> Figure:
    """Clips a second and memory over batch size."""
    with theme.style():
        figure = Figure(figsize=(9.0, 3.8), layout="constrained")
        speed, memory = figure.subplots(1, 2)
        sizes = [one.size for one in found]
        speed.set_title("Clips a second")
        speed.plot(sizes, [one.clips_per_second for one in found], color=theme.BLUE, marker="o")
        speed.axvline(chosen, color=theme.GREEN, label=f"chosen: {chosen}")
        speed.set_ylim(0, 1.1 * max(one.clips_per_second for one in found))
        speed.legend()
        memory.set_title("Memory, GiB")
        memory.plot(sizes, [one.memory_bytes / 2**30 for one in found], color=theme.AMBER, marker="o")
        memory.set_ylim(0, 1.1 * max(one.memory_bytes for one in found) / 2**30)
        for axes in (speed, memory):
            axes.set_xscale("log", base=2)
            axes.set_xticks(sizes, [str(size) for size in sizes])
            axes.set_xlabel("clips of a step")
    return figure


def draw_schedule(points: Sequence[Point], steps_per_epoch: int) -> Figure:
    """Learning rate and, where there is one, momentum over epochs."""
    with theme.style():
        momenta = [point.momentum for point in points if point.momentum is not None]
        figure = Figure(figsize=(9.0 if momenta else 5.0, 3.8), layout="constrained")
        panels = list(figure.subplots(1, 1 + bool(momenta), squeeze=False)[0])
        epochs = [point.step / steps_per_epoch for point in points]
        panels[0].set_title("Learning rate")
        marker = "o" if len(points) <= _TOLD_APART else ""
        panels[0].plot(epochs, [point.learning_rate for point in points], color=theme.BLUE, marker=marker)
        if momenta:
            panels[1].set_title("Momentum")
            panels[1].plot(epochs, momenta, color=theme.AMBER, marker=marker)
        for axes in panels:
            axes.set_xlabel("epoch")
    return figure
