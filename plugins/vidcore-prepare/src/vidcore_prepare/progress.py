"""A progress bar on the error stream; where that is no terminal, a plain line now and then. And the last table."""

from __future__ import annotations

import time
from typing import Any, Self

from vidcore_prepare.items import Report

_SHOWN = 5  # failures on the screen; the file has them all
_PLAIN_EVERY_SECONDS = 10.0


class Bar:
    """Shows how many items of all are done.

    Args:
        title: What is done to them.
        total: How many there are.
        show: False shows nothing.
    """

    def __init__(self, title: str, total: int, show: bool) -> None:
        self._title, self._total, self._show = title, total, show
        self._last_plain = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._console = Console(stderr=True)
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn())
            terminal = self._console.is_terminal
            self._bar = Progress(
                *columns, TimeRemainingColumn(), console=self._console, transient=True, disable=not terminal
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, failed: int) -> None:
        """So many are done, of which so many failed."""
        if self._bar is None:
            return
        text = self._title + (f", {failed} failed" if failed else "")
        self._bar.update(self._task, completed=done, description=text)
        if not self._console.is_terminal and time.monotonic() - self._last_plain > _PLAIN_EVERY_SECONDS:
            self._last_plain = time.monotonic()
            self._console.print(f"{text}: {done} of {self._total}", highlight=False)


def show_report(report: Report, what: str) -> None:
    """The table at the end of a command, and the first failures.

    Args:
        report: Of `engine.run`.
        what: One word for the items, such as "videos".
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, title=str(report.folder), title_justify="left", title_style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{report.made:,}", f"{what} made in {report.seconds:.1f} s")
    if report.there:
        table.add_row(f"{report.there:,}", "were there already")
    table.add_row(f"{len(report.failed):,}", "failed" + (f", listed in {report.failures_file}" * bool(report.failed)))
    for name, value in report.counts.items():
        table.add_row(f"{value:,.0f}", f"{name} written")
    Console(soft_wrap=True).print(table)
    errors = Console(stderr=True, soft_wrap=True)
    shown = list(report.failed.items())[:_SHOWN]
    for name, reason in shown:
        errors.print(f"{name}: {reason}", markup=False, highlight=False)
    if len(report.failed) > len(shown):
        errors.print(f"... and {len(report.failed) - len(shown)} more", highlight=False)
