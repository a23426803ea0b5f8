"""`vidcore fuse`: predictions of several streams made one."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.errors import ConfigError


@click.command()
@click.argument("streams", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--weights", "ratio", default="", help="How much each stream counts, such as 2:1:2:1. Left out: alike.")
@click.option("--softmax", is_flag=True, help="The files hold logits; take a softmax of each stream first.")
@click.option(
    "-o",
    "--output",
    "--out",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the fused predictions (.jsonl).",
)
def fuse(streams: tuple[Path, ...], ratio: str, softmax: bool, out: Path | None) -> None:
    """Add up the scores of STREAMS for the same samples, and measure the result.

    A stream is a run folder, a file of predictions, or a pickle that MMAction2 dumped; nothing in it is executed.

    \b
    Examples:
      vidcore fuse runs/joint runs/bone
      vidcore fuse joint.pkl joint-motion.pkl bone.pkl bone-motion.pkl --weights 2:1:2:1
    """
    coefficients = _coefficients(ratio, len(streams))
    from vidcore.engine.predictions import write_predictions
    from vidcore_recognition import fusing

    read = [fusing.read_stream(path) for path in streams]
    fused = fusing.fuse(read, coefficients, from_logits=softmax)
    for line in fusing.doubts(read):
        click.echo(line, err=True)
    rows = {str(path): fusing.figures(stream) for path, stream in zip(streams, read, strict=True)}
    for name, figures in {**rows, "fused": fusing.figures(fused)}.items():
        told = "  ".join(f"{figure} {value:.4f}" for figure, value in figures.items())
        click.echo(f"{name}: {told or 'no labels to measure with'}")
    if out is not None:
        write_predictions(out, fused)
        click.echo(f"wrote {out}")


def _coefficients(ratio: str, count: int) -> list[float]:
    if not ratio:
        return [1.0] * count
    try:
        values = [float(value) for value in ratio.replace(",", ":").split(":")]
    except ValueError:
        raise ConfigError(f"--weights {ratio}: expected numbers, such as 2:1:2:1") from None
    if len(values) != count:
        raise ConfigError(f"--weights {ratio} has {len(values)} numbers for {count} streams; give one a stream")
    return values
