"""`vidcore data export-segments`, `score-segments`, `convert-proposals`: files of others, and for others."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("predictions", type=_FILE)
@click.argument("out", type=_FILE)
def export(predictions: Path, out: Path) -> None:
    """Write PREDICTIONS, of `vidcore test --dump`, to OUT as ActivityNet's evaluation reads them.

    \b
    Example:
      vidcore test --run runs/bmn --dump found.jsonl
      vidcore data export-segments found.jsonl results.json
    """
    from vidcore.engine.predictions import read_predictions
    from vidcore_localization.results import results_of, write_results

    read = read_predictions(predictions)
    results = results_of((prediction for prediction, _ in read.samples), read.classes)
    write_results(out, results)
    click.echo(f"{sum(map(len, results.values()))} segments of {len(results)} videos in {out}")


@click.command()
@click.argument("results", type=_FILE)
@click.argument("annotations", type=_FILE)
@click.option("--subset", default="", help="Of the annotated videos, where the file says which they belong to.")
def score(results: Path, annotations: Path, subset: str) -> None:
    """Measure RESULTS, in ActivityNet's form, on ANNOTATIONS: AUC and AR@N, and mAP where segments have classes.

    \b
    Example:
      vidcore data score-segments results.json activity_net.v1-3.min.json --subset validation
    """
    from vidcore.engine.evaluation import measure
    from vidcore.interfaces import Metric
    from vidcore_localization.annotations import read_annotations
    from vidcore_localization.metrics import config as configs
    from vidcore_localization.metrics.detection import DetectionMap
    from vidcore_localization.metrics.recall import ProposalRecall
    from vidcore_localization.results import as_samples, late, read_results

    truth, found = read_annotations(annotations, subset), read_results(results)
    classes = sorted({label for video in truth.videos for label in video.labels})
    samples = as_samples(found, truth, classes)
    metrics: dict[str, Metric] = {"recall": ProposalRecall(configs.ProposalRecall(), classes)}
    if all("labels" in prediction.outputs for prediction, _ in samples):
        metrics["map"] = DetectionMap(configs.DetectionMap(), classes)
    for finding in truth.findings:
        click.echo(f"{finding.level}: {finding.where}: {finding.text}", err=True)
    if wrong := late(found, truth):
        told = f"{len(wrong)} segments reach beyond their videos, and count; are they in seconds? {wrong[0]}"
        click.echo(f"warning: {results}: {told}", err=True)
    for name, value in measure(samples, metrics).items():
        click.echo(f"{name:16} {value:.4f}")


@click.command()
@click.argument("proposals", type=_FILE)
@click.argument("out", type=_FILE)
@click.option("--to", type=click.Choice(["frames", "fractions"]), required=True, help="What times count in OUT.")
def convert(proposals: Path, out: Path, to: str) -> None:
    """Convert the text list PROPOSALS, as structured segment networks read it, between frames and fractions.

    \b
    Example:
      vidcore data convert-proposals thumos14_normalized.txt thumos14_frames.txt --to frames
    """
    from vidcore.errors import DataError
    from vidcore_localization.proposal_lists import beyond, is_fractions, read_list, to_fractions, to_frames, write_list

    videos = read_list(proposals)
    if is_fractions(videos) == (to == "fractions"):
        raise DataError(f"{proposals}: its times are {to} already; there is nothing to convert")
    if odd := beyond(videos):
        first = f"{proposals}:{odd[0].line}: {odd[0].start:g} ... {odd[0].end:g}"
        click.echo(f"warning: {first} reaches beyond its video; {len(odd)} such segments are kept", err=True)
    change = to_frames if to == "frames" else to_fractions
    write_list(out, [change(video) for video in videos], fractions=to == "fractions")
    click.echo(f"{sum(len(video.proposals) for video in videos)} proposals of {len(videos)} videos in {out}")
