"""Long-term feature banks as a stage between a detector and another that looks at what it saw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from attrs import evolve, fields

from vidcore.config import DatasetConfig, load_experiment
from vidcore.config.experiment import Experiment
from vidcore.errors import ConfigError
from vidcore.inference import weights_of_run
from vidcore.whole_files import written_whole
from vidcore.wording import counted
from vidcore_ava.banking import make_bank, write_bank
from vidcore_ava.config import BankStage

_HOW = {entry.name for entry in fields(DatasetConfig)}  # how clips are made; the rest says of which persons


class Banks:
    """`SPLIT.pt` of every split: features of every person in every second."""

    def __init__(self, config: BankStage) -> None:
        self.config = config
        self.artifacts: Mapping[str, str] = {split: f"{split}.pt" for split in config.splits}

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Write those that are not there yet.

        Raises:
            ConfigError: The run's experiment has no such split, or no detector.
        """
        run_folder = base / self.config.run
        experiment = load_experiment(run_folder / "experiment.toml", {"engine.device": device})
        for split, name in self.artifacts.items():
            if (folder / name).exists():
                continue
            looked_at = evolve(experiment, data=evolve(experiment.data, val=as_in_testing(experiment, split)))
            bank, left_out = make_bank(looked_at, str(weights_of_run(run_folder)), half=self.config.half)
            with written_whole(folder / name) as partial:
                write_bank(partial, bank)
            click.echo(f"{split}: {counted(sum(map(len, bank.values())), 'second')} of {counted(len(bank), 'video')}")
            if left_out:
                click.echo(left_out, err=True)


def as_in_testing(experiment: Experiment, split: str) -> DatasetConfig:
    """The persons of a split, with the clips of `data.val`.

    Raises:
        ConfigError: The experiment has no such split, or one of another type than `data.val`.
    """
    val, chosen = experiment.data.val, getattr(experiment.data, split)
    if val is None or type(chosen) is not type(val):
        raise ConfigError(f"a bank of data.{split} needs that split, and data.val of the same type; add them")
    who = {entry.name: getattr(chosen, entry.name) for entry in fields(type(chosen)) if entry.name not in _HOW}
    looked_at: DatasetConfig = evolve(val, **who)
    return looked_at
