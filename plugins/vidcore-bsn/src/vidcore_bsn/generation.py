"""Candidates of a video on disk: what runs between BSN's two networks, for a command or a stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vidcore.engine.predictions import read_predictions
from vidcore.errors import DataError, RunError
from vidcore_bsn.candidates import Description, describe, find_candidates, write_candidates
from vidcore_localization.segments import Array

PROPOSALS, FEATURES = "pgm_proposals", "pgm_features"


def write_for_predictions(path: Path, out: Path, peak: float = 0.5, top_k: int = 1000) -> tuple[int, int]:
    """`write_for_video` for all of a predictions file; how many candidates, of how many videos.

    Raises:
        DataError: The predictions are no curves.
    """
    total, samples = 0, read_predictions(path).samples
    for prediction, target in samples:
        name = prediction.meta.get("video")
        if "curves" not in prediction.outputs or not name:
            raise DataError(f"{path}: has no curves; it should be of an experiment with boundary-probability")
        spans = target["spans"].numpy() if "spans" in target else None
        total += write_for_video(out, str(name), prediction.outputs["curves"].numpy(), spans, peak, top_k)
    return total, len(samples)


def write_for_video(
    out: Path,
    name: str,
    curves: Array,
    truths: Array | None,
    peak: float = 0.5,
    top_k: int = 1000,
    description: Description | None = None,
) -> int:
    """Write the candidates of a video and their descriptions; how many there are.

    Args:
        out: Folder that both are written into.
        name: Of the video.
        curves: Action, start, end, `[T, 3]`.
        truths: As fractions of the video, `[G, 2]`; None: not known.
        peak: Of a curve's maximum, above which a moment is a boundary.
        top_k: Candidates that are kept.
        description: How each is described.

    Raises:
        DataError: The name would lead out of the folder.
        RunError: The files cannot be written.
    """
    if Path(name).name != name:
        raise DataError(f"video {name!r} cannot be a file's name; rename it in the annotations")
    curves = curves.astype(np.float64)
    given = np.zeros((0, 2)) if truths is None else truths.astype(np.float64).reshape(-1, 2)
    table = find_candidates(curves, given, peak)[:top_k]
    features = describe(curves[:, 0], table[:, :2], description or Description())
    try:
        for folder in (PROPOSALS, FEATURES):
            (out / folder).mkdir(parents=True, exist_ok=True)
        write_candidates(out / PROPOSALS / f"{name}.csv", table)
        np.save(out / FEATURES / f"{name}.npy", features.astype(np.float32))
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error}") from error
    return len(table)
