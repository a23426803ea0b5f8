"""The types of stage that come with this plugin.

A component of kind "stage" has two things: `artifacts`, name -> path within the stage's folder of what others may read
as "stage:NAME/ARTIFACT"; and `run(folder, base, device)`, which writes them. It may be called again after a kill, and
then finds what it wrote before. `base` is the folder that relative paths of the file count from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from vidcore.config import load_experiment
from vidcore.whole_files import written_whole
from vidcore.wording import counted
from vidcore_stages.config import Predict, Train


class TrainStage:
    """Names what a run folder has for others; the training itself is `vidcore run`'s."""

    artifacts: Mapping[str, str] = {
        "best": "weights/best.safetensors",
        "last": "weights/last.safetensors",
        "predictions": "predictions/test.jsonl",
    }

    def __init__(self, config: Train) -> None:
        pass


class PredictStage:
    """Predictions of a run on some splits of its data, a file each."""

    def __init__(self, config: Predict) -> None:
        self.config = config
        self.artifacts: Mapping[str, str] = {split: f"{split}.jsonl" for split in config.splits}

    def run(self, folder: Path, base: Path, device: str) -> None:
        """Write `SPLIT.jsonl` of every split that is not there yet.

        Raises:
            RunError: The run has no weights.
            ConfigError: Its experiment has no such split.
        """
        from vidcore.engine.measuring import measure_weights
        from vidcore.inference import weights_of_run

        run_folder = base / self.config.run
        weights = weights_of_run(run_folder)
        if self.config.weights == "last":
            weights = weights.with_name("last.safetensors")
        for split, name in self.artifacts.items():
            if (folder / name).exists():
                continue
            experiment = load_experiment(run_folder / "experiment.toml", {"engine.device": device})
            with written_whole(folder / name) as partial:
                measured = measure_weights(experiment, weights, split=split, output=partial)
            click.echo(f"data.{split}: {counted(measured.num_samples, 'prediction')} in {folder / name}")
