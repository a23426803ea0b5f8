"""Draws while a run goes on."""

from __future__ import annotations

from vidcore.engine.events import RunInfo
from vidcore.plugins import hookimpl
from vidcore_report import draw
from vidcore_report.config import Report
from vidcore_report.records import read_run


class ReportCallback:
    """Curves and confusions at evaluations; predictions and the page at the end, also at an early one."""

    def __init__(self, config: Report) -> None:
        self.config = config
        self._evaluations = 0

    @hookimpl
    def evaluation_finished(self, run: RunInfo) -> None:
        """Draw what is quick to draw."""
        self._evaluations += 1
        if self._evaluations % self.config.every == 0:
            record = read_run(run.folder)
            draw.curves(record)
            if record.splits():
                draw.confusion(record, self.config)

    @hookimpl
    def run_finished(self, run: RunInfo) -> None:
        """Draw everything."""
        draw.page(read_run(run.folder), self.config)

    @hookimpl
    def run_stopped(self, run: RunInfo) -> None:
        """Draw how far it has come."""
        draw.page(read_run(run.folder), self.config)
