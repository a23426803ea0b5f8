"""`python toy_run.py RUNS NAME JSON-OVERRIDES [fresh]`: the toy experiment as a process that can be killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vidcore.plugins import hookimpl

Run = Callable[..., Any]

EXPERIMENT = """
seed = 5
[task]
type = "toy-task"
mixup = 0.8
[model]
type = "toy-net"
[data]
workers = 0
[data.train]
type = "toy-clips"
batch_size = 4
sampling = "dense"
[data.val]
type = "toy-clips"
samples = 10
batch_size = 4
sampling = "dense"
[optimizer]
type = "adamw"
lr = 0.1
no_decay_norm_bias = true
[schedule]
type = "cosine"
warmup_epochs = 1
[engine]
epochs = 4
device = "cpu"
precision = "fp32"
accumulate = 2
log_every = 3
clip_grad = { norm = 1.0 }
ema = { decay = 0.5 }
[engine.checkpoint]
every_steps = 1
[metrics.accuracy]
type = "toy-accuracy"
"""


def load_toy(folder: Path, overrides: dict[str, Any]) -> Any:
    """The toy experiment with overrides by dotted key."""
    from vidcore.config import load_experiment

    file = folder / "toy.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(EXPERIMENT)
    return load_experiment(file, overrides)


def left(folder: Path) -> dict[str, bytes]:
    """What must be the same for the same run, by path."""
    files = [folder / "metrics.jsonl", folder / "result.json", *(folder / "weights").iterdir()]
    files += list((folder / "predictions").iterdir())
    files += [file for file in (folder / "checkpoints").rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def main(runs: str, name: str, overrides: str, fresh: str = "") -> int:
    import torch

    from vidcore.engine.runner import run
    from vidcore.errors import VidcoreError

    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        result = run(
            load_toy(Path(runs).parent, json.loads(overrides)),
            runs=runs,
            name=name,
            fresh=bool(fresh),
            progress=Teller(),
        )
    except VidcoreError as error:
        print(error, flush=True)
        return error.exit_code
    print(json.dumps({"state": result.state, "metrics": result.metrics, "remarks": result.remarks}))
    return 0


class Teller:
    """Says on the terminal how far the run is."""

    @hookimpl
    def run_started(self) -> None:
        print("started", flush=True)

    @hookimpl
    def evaluation_started(self) -> None:
        print("evaluating", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
