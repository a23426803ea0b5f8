"""What `vidcore run` shows on the terminal: one live line, a line an evaluation, a table at the end.

Where the output is no terminal, the live line becomes a plain line now and then.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from vidcore.config import Experiment
from vidcore.engine.events import RunInfo
from vidcore.engine.precision import choose_device
from vidcore.engine.runner import RunResult
from vidcore.engine.session import memory_bytes
from vidcore.plugins import hookimpl
from vidcore.wording import counted
from vidcore_watching.config import Terminal

_LOGGER = logging.getLogger("vidcore")


class _Warnings(logging.Handler):
    """Shows warnings as they come, above the live line: while a run has its log.txt, nobody else does."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "vidcore.engine.runner":  # those are the notes at the end
            self.console.print(f"warning: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)


class LiveTerminal:
    """Shows where a run stands, and at its end what came of it.

    Args:
        config: How.
        console: Where to write; left out: to the terminal.
    """

    def __init__(self, config: Terminal, console: Console | None = None) -> None:
        self.config, self.console = config, console or Console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None
        self._recent: deque[Mapping[str, float]] = deque(maxlen=config.recent_steps)
        self._last_plain = self._began = time.monotonic()
        self._from_step = 0  # at `_began`
        self._device = torch.device("cpu")
        self._warnings = _Warnings(self.console)

    def accepts(self, experiment: Experiment) -> bool:
        """Every run is shown alike, and its warnings from now on."""
        _LOGGER.addHandler(self._warnings)
        return True

    def close(self) -> None:
        """Leave the terminal as it was."""
        _LOGGER.removeHandler(self._warnings)
        self._bar.stop()

    def show(self, result: RunResult) -> None:
        """The last table of a run, and what to type next."""
        show_result(self.console, result)

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        self._device, self._from_step = choose_device(run.experiment.engine.device), run.start_step
        self._began = time.monotonic()
        verb = f"goes on after step {run.start_step}" if run.start_step else "begins"
        self.console.print(
            f"{run.name} {verb}: {counted(run.total_steps, 'step')}, {run.steps_per_epoch} an epoch, "
            f"{run.clips_per_step} clips each; {run.folder}",
            soft_wrap=True,
        )
        self._bar.start()
        self._task = self._bar.add_task("training", total=run.total_steps, completed=run.start_step, left="")

    @hookimpl
    def step_finished(self, run: RunInfo, step: int, epoch: int, values: Mapping[str, float]) -> None:
        self._recent.append(values)
        text, left, now = self._describe(run, epoch, values), self._left(run, step), time.monotonic()
        if self._task is not None:
            self._bar.update(self._task, completed=step, description=text, left=left)
        if not self.console.is_terminal and now - self._last_plain > self.config.plain_every:
            self._last_plain = now
            self.console.print(f"step {step}/{run.total_steps}  {text}  {left}".rstrip(), soft_wrap=True)

    def _left(self, run: RunInfo, step: int) -> str:
        """Evaluations and saves are counted; the first step, which starts workers and fills caches, is not."""
        if self._from_step == run.start_step:
            self._from_step, self._began = step, time.monotonic()
            return ""
        pace = (time.monotonic() - self._began) / (step - self._from_step)
        return f"{timedelta(seconds=round(pace * (run.total_steps - step)))} left"

    def _describe(self, run: RunInfo, epoch: int, values: Mapping[str, float]) -> str:
        seconds = sum(each["seconds"] for each in self._recent)
        waiting = sum(each["data_seconds"] for each in self._recent)
        speed = len(self._recent) * run.clips_per_step / seconds if seconds else 0.0
        share = waiting / seconds if seconds else 0.0
        memory = memory_bytes(self._device) / 2**30
        return (
            f"epoch {epoch}/{run.experiment.engine.epochs}  loss {values.get('loss', float('nan')):.3f}  "
            f"lr {values['lr']:.2g}  {speed:.3g} clips/s  data {share:.0%} · step {1 - share:.0%}  {memory:.1f} GiB"
        )

    @hookimpl
    def evaluation_started(self, run: RunInfo, split: str, num_samples: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=f"measuring on {split}: 0/{num_samples}")

    @hookimpl
    def evaluation_progressed(self, split: str, done: int, num_samples: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=f"measuring on {split}: {done}/{num_samples}")

    @hookimpl
    def evaluation_finished(self, run: RunInfo, split: str, epoch: int, metrics: Mapping[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self.console.print(f"epoch {epoch:>3}/{run.experiment.engine.epochs}  {split:5} {figures}", soft_wrap=True)

    @hookimpl
    def run_stopped(self, reason: str) -> None:
        self._bar.stop()


def show_result(console: Console, result: RunResult) -> None:
    """The last table of a run, and what to type next."""
    table = Table(box=None, header_style="bold", title=f"{result.folder.name}: {result.state}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("on")
    for name, value in result.metrics.items():
        table.add_row(name, f"{value:.4f}", f"data.{result.split}")
    if result.best is not None:
        table.add_row(f"best {result.best_metric}", f"{result.best:.4f}", f"data.val, step {result.best_step}")
    table.add_row("steps", str(result.steps), counted(result.epochs, "epoch"))
    console.print(table)
    for remark in result.remarks:
        console.print(f"note: {remark}", markup=False)
    console.print(f"\nThe run's folder: {result.folder}\nNext:")
    for command, why in _next_commands(result).items():
        console.print(f"  {command:60} # {why}", markup=False, highlight=False, soft_wrap=True)


def _next_commands(result: RunResult) -> dict[str, str]:
    folder = result.folder
    commands = {
        f"vidcore predict VIDEO.mp4 --run {folder}": "what is in a video of yours",
        f"vidcore test {folder / 'experiment.toml'} --run {folder}": "measure it again",
    }
    if (folder / "report.html").exists():
        commands = {f"open {folder / 'report.html'}": "curves, confusion, examples", **commands}
    return commands
