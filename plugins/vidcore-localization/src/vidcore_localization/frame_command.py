"""`vidcore data score-frames`: temporal segmentation, a label for every frame, measured on files of anybody."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.wording import counted

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("predictions", type=_FOLDER)
@click.argument("labels", type=_FOLDER)
@click.option("--background", multiple=True, type=click.IntRange(0),
              help="Label whose segments count for neither edit score nor F1; may be repeated.")  # fmt: skip
@click.option("--videos", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Text file with a video's name a line; left out: all that have labels.")  # fmt: skip
def score(predictions: Path, labels: Path, background: tuple[int, ...], videos: Path | None) -> None:
    """Measure PREDICTIONS, a folder of NAME.npy with a label or the scores of a frame a row, on those of LABELS.

    \b
    Example:
      vidcore data score-frames found labels --background 0
    """
    from vidcore.errors import DataError
    from vidcore.values import Prediction, SampleRef
    from vidcore_localization.class_names import read_names
    from vidcore_localization.features import read_labels
    from vidcore_localization.metrics import config as configs
    from vidcore_localization.metrics.frames import FrameLabels

    names = read_names(videos) if videos else tuple(sorted(path.stem for path in labels.glob("*.npy")))
    if not names:
        raise DataError(f"{labels}: has no file NAME.npy; one a video is expected")
    pairs = [(read_labels(predictions / f"{name}.npy"), read_labels(labels / f"{name}.npy")) for name in names]
    highest = max(*background, *(int(one.max()) for pair in pairs for one in pair), 0)
    options = configs.FrameLabels(background=tuple(map(str, background)))
    metric = FrameLabels(options, [str(label) for label in range(highest + 1)])
    for index, (name, (found, truth)) in enumerate(zip(names, pairs, strict=True)):
        try:
            metric.update(Prediction(ref=SampleRef("", 0, index), outputs={"frames": found}), {"frames": truth})
        except DataError as error:
            raise DataError(f"{predictions / f'{name}.npy'}: {error}") from error
    click.echo(counted(len(names), "video"))
    for name, value in metric.compute().items():
        click.echo(f"{name:16} {value:.4f}")
