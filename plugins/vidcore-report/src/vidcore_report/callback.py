"""Draws while a run goes on."""

from __future__ import annotations

import time

from vidcore.engine.events import RunInfo
from vidcore.plugins import hookimpl
from vidcore_report import draw
from vidcore_report.config import Report
from vidcore_report.records import RunRecord, read_run

_SHARE = 0.02  # of a run's time that videos of predictions may take before its end


class ReportCallback:
    """Pictures at evaluations, and the page at the end, also at an early one.

    Videos have to be read for theirs: at the first evaluation, and then when the run went on for long enough.
    """

    def __init__(self, config: Report) -> None:
        self.config = config
        self._evaluations = 0
        self._took = self._drawn_at = 0.0  # seconds, of the last picture of predictions

    @hookimpl
    def evaluation_finished(self, run: RunInfo) -> None:
        """Draw what is quick to draw, and what was not drawn for long."""
        self._evaluations += 1
        if self._evaluations % self.config.every == 0:
            record = read_run(run.folder)
            draw.curves(record)
            if record.splits():
                draw.confusion(record, self.config)
                self._draw_predictions(record)

    @hookimpl
    def run_finished(self, run: RunInfo) -> None:
        """Draw everything."""
        draw.page(read_run(run.folder), self.config)

    @hookimpl
    def run_stopped(self, run: RunInfo) -> None:
        """Draw how far it has come."""
        draw.page(read_run(run.folder), self.config)

    def _draw_predictions(self, record: RunRecord) -> None:
        started = time.monotonic()
        if self._took > _SHARE * (started - self._drawn_at):
            return
        draw.contact_sheet(record, self.config)
        self._drawn_at = time.monotonic()
        self._took = self._drawn_at - started
