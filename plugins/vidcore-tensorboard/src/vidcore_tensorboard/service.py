"""A run as event files. Steps that a kill undid are purged: TensorBoard hides them and shows the new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch.utils.tensorboard import SummaryWriter

from vidcore.engine.events import RunInfo
from vidcore_tensorboard.config import TensorBoard
from vidcore_watching.tracking import TrackingCallback, Values

FOLDER = "tensorboard"


def tensorboard(config: TensorBoard) -> TrackingCallback:
    """The callback."""
    return TrackingCallback(TensorBoardService(config), "tensorboard")


class TensorBoardService:
    """Writes events into the run folder."""

    def __init__(self, config: TensorBoard) -> None:
        self.config = config

    def open(self, run: RunInfo, known: str, configuration: Mapping[str, Any]) -> str:
        """A new file of events beside those of earlier attempts."""
        self._writer = SummaryWriter(
            run.folder / FOLDER,
            purge_step=run.start_step + 1 if known else None,
            flush_secs=max(1, round(self.config.flush_seconds)),
        )
        if not known:
            table = "\n".join(f"| `{key}` | `{value}` |" for key, value in configuration.items())
            self._writer.add_text("experiment", f"| key | value |\n| --- | --- |\n{table}", 0)
        return FOLDER

    def log(self, step: int, values: Values) -> None:
        """One scalar a value."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Write out what waits."""
        self._writer.flush()

    def close(self, state: Literal["finished", "stopped"], figures: Values) -> None:
        """Final figures stand at their last step already."""
        self._writer.close()
