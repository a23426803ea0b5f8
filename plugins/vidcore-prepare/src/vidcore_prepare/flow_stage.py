"""Optical flow as a stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from vidcore.config import data_folder
from vidcore.errors import DataError
from vidcore_prepare.config import FlowOptions, FlowStage
from vidcore_prepare.engine import run
from vidcore_prepare.files import items_of
from vidcore_prepare.options import require_flow
from vidcore_prepare.pictures import WriteFlow
from vidcore_prepare.processes import available_workers
from vidcore_prepare.progress import show_report


class Flow:
    """A folder of flow for each video, below `flow` in the stage's folder; a video's name without its suffix."""

    artifacts: Mapping[str, str] = {"flow": "flow"}

    def __init__(self, config: FlowStage) -> None:
        self.config = config

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Compute what is not there yet.

        Raises:
            PluginError: vidcore-opencv is not installed.
            DataError: More videos than `max_bad_fraction` could not be read; `failed.txt` has them with reasons.
        """
        require_flow()
        out = folder / self.artifacts["flow"]
        options = {entry.name: getattr(self.config, entry.name) for entry in attrs.fields(FlowOptions)}
        items = items_of(Path(data_folder(self.config.videos, base)), out, "")
        report = run(items, WriteFlow(**options), out, workers=available_workers(), title="computing flow", show=True)
        show_report(report, "folders")
        if len(report.failed) > self.config.max_bad_fraction * len(items):
            raise DataError(
                f"{len(report.failed)} of {len(items)} videos failed, more than max_bad_fraction = "
                f"{self.config.max_bad_fraction:g} allows; {report.failures_file} says why"
            )
