"""`vidcore data proposals`: candidates and their descriptions from the curves of temporal evaluation."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.wording import counted


@click.command()
@click.argument("predictions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", "--out", "out", type=click.Path(file_okay=False, path_type=Path), default=Path(),
              show_default=True, help="Folder that pgm_proposals and pgm_features are written into.")  # fmt: skip
@click.option("--peak", type=click.FloatRange(0, 1), default=0.5, show_default=True,
              help="Of a curve's maximum, above which a moment is a boundary.")  # fmt: skip
@click.option("--top-k", type=click.IntRange(1), default=1000, show_default=True,
              help="Candidates of a video that are kept.")  # fmt: skip
def proposals(predictions: tuple[Path, ...], out: Path, peak: float, top_k: int) -> None:
    """Make candidates of PREDICTIONS, which `vidcore test --output` of a `boundary-probability` experiment wrote.

    \b
    Example:
      vidcore test --run runs/tem --split train --output train.jsonl
      vidcore test --run runs/tem --split val --output val.jsonl
      vidcore data proposals train.jsonl val.jsonl --output .
    """
    from vidcore_bsn.generation import write_for_predictions

    found = [write_for_predictions(path, out, peak, top_k) for path in predictions]
    total, videos = (sum(counts) for counts in zip(*found, strict=True))
    made = f"{counted(total, 'candidate')} of {counted(videos, 'video')}"
    click.echo(f"{made} in {out / 'pgm_proposals'}, described in {out / 'pgm_features'}")
