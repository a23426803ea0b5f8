"""`vidcore ava`: results as the official evaluation reads them, and that evaluation."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.config.loading import load
from vidcore.wording import counted

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_label_map = click.option("--label-map", type=_FILE, help="pbtxt or text; left out: the 80 actions of AVA.")
_only = click.option("--only", multiple=True, type=int, help="Label that the data set had; may be repeated.")


@click.group()
def ava() -> None:
    """Results as the official evaluation of AVA reads them, and that evaluation."""


@ava.command()
@click.argument("predictions", type=_FILE)
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@_label_map
@_only
@click.option("--threshold", default=0.002, show_default=True, help="Only scores above it.")
@click.option("--decimals", default=3, show_default=True, help="Of boxes and scores.")
def results(
    predictions: Path, output: Path, label_map: Path | None, only: tuple[int, ...], threshold: float, decimals: int
) -> None:
    """Write PREDICTIONS of `vidcore test` as rows video,second,x1,y1,x2,y2,label,score to OUTPUT."""
    from vidcore.engine.predictions import read_predictions
    from vidcore.errors import DataError
    from vidcore_ava.evaluation import result_lines
    from vidcore_ava.label_maps import classes_of

    found = read_predictions(predictions)
    classes = classes_of(str(label_map.absolute()) if label_map else "", only, Path())
    if classes.names != found.classes:
        raise DataError(
            f"{predictions} has classes {list(found.classes[:3])}..., the label map has {list(classes.names[:3])}...; "
            "give the --label-map and --only of the data set"
        )
    lines: list[str] = []
    for prediction, _ in found.samples:
        if not {"video", "timestamp"} <= prediction.meta.keys():
            raise DataError(f"{predictions}: prediction {prediction.ref.key} is of no key frame of a video")
        key = (prediction.meta["video"], prediction.meta["timestamp"])
        boxes, scores = (prediction.outputs[name].numpy() for name in ("boxes", "scores"))
        lines += result_lines(key, boxes, scores, classes.numbers, threshold=threshold, decimals=decimals)
    output.write_text("\n".join([*lines, ""]), encoding="utf-8")
    click.echo(f"{counted(len(lines), 'row')} in {output}")


@ava.command()
@click.argument("detections", metavar="RESULTS", type=_FILE)
@click.argument("annotations", type=_FILE)
@_label_map
@_only
@click.option("--exclude", type=_FILE, help="CSV with video,second of key frames that do not count.")
@click.option(
    "--rules",
    type=click.Choice(["published", "later"]),
    default="published",
    show_default=True,
    help="later: as MMAction2 from 1.0 on; classes never detected are left out, frames without annotation ignored.",
)
def evaluate(
    detections: Path,
    annotations: Path,
    label_map: Path | None,
    only: tuple[int, ...],
    exclude: Path | None,
    rules: str,
) -> None:
    """Average precision of RESULTS against ANNOTATIONS, of each action and over all."""
    from vidcore_ava.annotations import read_exclusions
    from vidcore_ava.evaluation import Rules, check_numbers, figures, per_class, read_results, read_truth
    from vidcore_ava.label_maps import classes_of

    chosen_map = str(label_map.absolute()) if label_map else ""
    classes = classes_of(chosen_map, only, Path())
    names = dict(zip(classes.numbers, classes.names, strict=True))
    truth, found, known = read_truth(annotations), read_results(detections), classes_of(chosen_map, (), Path()).numbers
    check_numbers((row.label for row in truth), known, annotations)
    check_numbers((row.label for row in found), known, detections)
    chosen = Rules()
    if rules == "later":
        chosen = Rules(undetected="leave-out", unannotated_frames="ignore", excluded_truth="count")
    excluded = read_exclusions(exclude) if exclude else frozenset()
    numbers = [number for number in classes.numbers if number in classes.evaluated]
    values = per_class(truth, found, numbers, excluded, chosen)
    for number, value in values.items():
        click.echo(f"{names[number]:40} {value:.4f}")
    for name, value in figures(values, {}).items():
        click.echo(f"{name:40} {value:.6f}")


@ava.command()
@source_argument
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--weights", required=True, help="Of the detector: a file, an address, or a published name.")
@click.option("--half/--full", default=True, show_default=True, help="float16, or float32.")
@set_option
def bank(source: str, output: Path, weights: str, half: bool, sets: tuple[str, ...]) -> None:
    """Write what the detector of EXPERIMENT sees of every person of data.val to OUTPUT, a long-term feature bank.

    For the bank of training, say so: --set data.val.annotations=annotations/ava_train_v2.1.csv.
    """
    experiment = load(source, sets=sets).experiment
    from rich.console import Console
    from rich.progress import Progress

    from vidcore_ava.banking import make_bank, write_bank

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("looking at key frames", total=None)
        made, left_out = make_bank(
            experiment, weights, half=half, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    write_bank(output, made)
    click.echo(f"{counted(sum(map(len, made.values())), 'second')} of {counted(len(made), 'video')} in {output}")
    if left_out:
        click.echo(left_out, err=True)
