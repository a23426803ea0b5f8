"""Making a feature bank: what a detector pools in the boxes of every key frame, by video and second.

Letters: P boxes of a key frame, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from vidcore.config.experiment import Experiment
from vidcore.engine.assembly import assemble, build_model
from vidcore.engine.feeding import bad_videos, evaluation_batches
from vidcore.errors import ConfigError
from vidcore.randomness import Purpose, generator
from vidcore.weights.loading import load_weights
from vidcore_detection.model import RegionDetector
from vidcore_detection.pooling import pool_space

FeatureBank = dict[str, dict[int, Tensor]]  # video -> second -> [P, C]


def make_bank(
    experiment: Experiment, weights: str, *, half: bool, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[FeatureBank, str]:
    """Look at every key frame of `data.val`.

    Args:
        experiment: With a `region-detector`.
        weights: A file, an address, or the name of published weights.
        half: Keep features as float16; float32 else.
        progress: Called with key frames done and their number.

    Returns:
        The bank, and in words what could not be read.

    Raises:
        ConfigError: The model is no region detector.
    """
    parts = assemble(experiment, ("val",))
    model = build_model(parts).eval()
    if not isinstance(model, RegionDetector):
        raise ConfigError(f"a bank is made by a region-detector; the model is a {type(model).__name__}")
    load_weights(model, weights)
    bank: FeatureBank = {}
    bad, done = bad_videos(parts, "val"), 0
    with torch.no_grad(), evaluation_batches(parts, "val", bad) as batches:
        for batch in batches:
            batch = parts.task.prepare(batch.to(parts.device), generator(0, Purpose.DEVICE), training=False)
            with parts.precision.autocast():
                regions = model.regions(**batch.inputs)
            features = pool_space(regions.float(), "max").to(torch.float16 if half else torch.float32).cpu()
            rows = torch.split(features, [len(boxes) for boxes in batch.inputs["boxes"]])
            for meta, own in zip(batch.meta, rows, strict=True):
                bank.setdefault(meta["video"], {})[int(meta["timestamp"])] = own.clone()
            progress(done := done + len(batch), len(parts.datasets["val"]))
    return bank, bad.summary


def write_bank(path: Path, bank: FeatureBank) -> None:
    """Write a bank in the form that MMAction2's have: a dict of dicts of tensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(bank, path)
