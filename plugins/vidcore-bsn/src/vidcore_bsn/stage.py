"""Candidates as a stage between BSN's two networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from vidcore.wording import counted
from vidcore_bsn.config import ProposalStage
from vidcore_bsn.generation import FEATURES, PROPOSALS, write_for_predictions


class Proposals:
    """Candidates of every video and their descriptions, in two folders."""

    artifacts: Mapping[str, str] = {"proposals": PROPOSALS, "features": FEATURES}

    def __init__(self, config: ProposalStage) -> None:
        self.config = config

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Write them all.

        Raises:
            DataError: The predictions are no curves.
        """
        for path in self.config.predictions:
            total, videos = write_for_predictions(base / path, folder, self.config.peak, self.config.top_k)
            click.echo(f"{Path(path).name}: {counted(total, 'candidate')} of {counted(videos, 'video')}")
