"""torch.profiler over some steps of a run: profile/summary.txt for people, profile/trace.json for Perfetto."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from vidcore.engine.events import RunInfo
from vidcore.plugins import hookimpl
from vidcore_watching.config import Profiler

log = logging.getLogger("vidcore.watching")


class ProfilerCallback:
    """Records steps once, early in each attempt of the run, and takes no time afterwards."""

    def __init__(self, config: Profiler) -> None:
        self.config = config
        self._profile: profile | None = None
        self._first = 0  # step before which nothing is recorded

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Choose the steps; those that are left may be fewer."""
        self._first = min(
            run.start_step + self.config.skip, max(run.total_steps - self.config.steps, run.start_step + 1)
        )

    @hookimpl
    def step_finished(self, run: RunInfo, step: int) -> None:
        """Begin after the last skipped step, end after the last recorded one."""
        if step == self._first:
            self._begin()
        elif self._profile is not None and step >= self._first + self.config.steps:
            self._end(run.folder / "profile", step)

    @hookimpl
    def evaluation_started(self, run: RunInfo, split: str) -> None:
        """An evaluation is no step: what was recorded before it is kept."""
        self._end(run.folder / "profile", None)

    @hookimpl
    def run_stopped(self, run: RunInfo, step: int) -> None:
        """Keep what there is."""
        self._end(run.folder / "profile", step)

    def _begin(self) -> None:
        activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
        self._profile = profile(
            activities=activities,
            profile_memory=self.config.memory,
            record_shapes=self.config.shapes,
            acc_events=True,
        )
        self._profile.__enter__()

    def _end(self, folder: Path, step: int | None) -> None:
        if self._profile is None:
            return
        recorded, self._profile = self._profile, None
        recorded.__exit__(None, None, None)
        self._write(recorded, folder)

    def _write(self, recorded: profile, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        events = recorded.key_averages(group_by_input_shape=self.config.shapes)
        on_device = torch.cuda.is_available()
        table = events.table(
            sort_by="self_device_time_total" if on_device else "self_cpu_time_total", row_limit=self.config.rows
        )
        (folder / "summary.txt").write_text(f"{table}\n", encoding="utf-8")
        recorded.export_chrome_trace(str(folder / "trace.json"))
        most = sorted(
            events, key=lambda event: event.self_device_time_total if on_device else event.self_cpu_time_total
        )[-3:]
        log.info("profiled: %s; the rest: %s", ", ".join(event.key for event in reversed(most)), folder / "summary.txt")
