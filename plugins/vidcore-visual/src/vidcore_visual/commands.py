"""`vidcore draw`: predictions over their videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.errors import ConfigError, DataError
from vidcore.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from vidcore_visual.subjects import Subjects

_FOLDER = Path("drawn")
_PREDICTIONS = ".jsonl"


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=_FOLDER, show_default=True,
              help="A file (.mp4, .gif, .png), or a folder for one file a video.")  # fmt: skip
@click.option("--format", "kind", type=click.Choice(["mp4", "gif", "png"]), default=None,
              help="Of files in a folder; default mp4. A png shows a whole video at once.")  # fmt: skip
@click.option("--run", "run_folder", type=click.Path(file_okay=False, path_type=Path), help="A run of yours.")
@click.option("--weights", default=None, help="A file, an address, or the name of published weights.")
@click.option("--recipe", default=None, help="How the weights are used, where they do not say it themselves.")
@click.option("--videos", type=click.Path(exists=True, path_type=Path),
              help="Folder that the videos lie in now, or the only video; skeletons are drawn over them.")  # fmt: skip
@click.option("--only", multiple=True, metavar="TEXT", help="Only videos with this in their name; may be repeated.")
@click.option("--limit", default=12, show_default=True, type=click.IntRange(0), help="Videos at most; 0: all.")
@click.option("--side", type=click.IntRange(64, 7680), help="Pixels of the longer side. Default: that of the video.")
@click.option("--fps", type=click.FloatRange(0.1, 120), help="Frames a second at most.")
@click.option("--frames", type=click.IntRange(1, 400), help="Frames in a png. Default: 12.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
def draw(
    sources: tuple[Path, ...], output: Path, kind: str | None, run_folder: Path | None, weights: str | None,
    recipe: str | None, videos: Path | None, only: tuple[str, ...], limit: int, side: int | None, fps: float | None,
    frames: int | None, device: str,
) -> None:  # fmt: skip
    """Paint predictions over videos: names of classes, boxes, skeletons, a timeline.

    SOURCE is a file of predictions (.jsonl), as `vidcore test --output` and runs leave them; or videos, which the model
    of --run, --weights or --recipe then looks at.

    \b
    Examples:
      vidcore draw runs/first/predictions/test.jsonl --limit 5
      vidcore draw clip.mp4 --run runs/first -o clip.gif
      vidcore draw test.jsonl --videos /data/ava/videos --only nest -o nest --format png
    """
    from rich.console import Console
    from rich.progress import Progress

    from vidcore_visual.drawing import draw_subject
    from vidcore_visual.scenes import Look

    subjects = _subjects(sources, run_folder, weights, recipe, videos, device)
    wanted = [one for one in subjects.found if not only or any(text in one.name for text in only)]
    if not wanted:
        raise ConfigError(f"--only {' '.join(only)}: no video is called so; there are {_some(subjects)}")
    chosen = wanted[:limit] if limit else wanted
    paths = _paths([one.name for one in chosen], output, kind)
    look, failed, console = Look(side=side, fps=fps, frames=frames), 0, Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for subject, path in zip(chosen, paths, strict=True):
            row = bar.add_task(subject.name, total=None)
            try:
                draw_subject(subject, subjects.task, subjects.decoder, path, look, _updating(bar, row))
                click.echo(path)
            except DataError as error:
                failed += 1
                click.echo(str(error), err=True)
            bar.remove_task(row)
    if len(chosen) < len(wanted):
        click.echo(f"{len(chosen)} of {len(wanted)} videos are drawn; --limit 0 draws all, --only chooses", err=True)
    if failed:
        click.echo(f"{failed} of {counted(len(chosen), 'video')} could not be drawn", err=True)
        raise click.exceptions.Exit(1)


def _updating(bar: Progress, row: TaskID) -> Callable[[int, int], None]:
    return lambda done, total: bar.update(row, completed=done, total=total)


def _subjects(
    sources: tuple[Path, ...], run: Path | None, weights: str | None, recipe: str | None, videos: Path | None,
    device: str,
) -> Subjects:  # fmt: skip
    from vidcore_visual.subjects import from_file, from_model

    files = [source for source in sources if source.suffix == _PREDICTIONS]
    if files:
        if len(sources) > 1:
            raise ConfigError(f"give one file of predictions, or videos; got {len(sources)} sources")
        return from_file(files[0], run, videos)
    if run is None and weights is None and recipe is None:
        raise ConfigError(
            "who looks at these videos? Give --run FOLDER, --weights FILE|NAME or --recipe NAME; or instead of videos "
            "a file of predictions (.jsonl)"
        )
    from vidcore.inference import Predictor

    return from_model(Predictor(recipe, run=run, weights=weights, device=device), sources, videos)


def _paths(names: list[str], output: Path, kind: str | None) -> list[Path]:
    """A file for each name."""
    from vidcore_visual.writing import FORMATS

    if output.suffix.lower() in FORMATS and not output.is_dir():
        if kind is not None and output.suffix.lower() != f".{kind}":
            raise ConfigError(f"--output {output} ends otherwise than --format {kind}; leave one of them out")
        if len(names) > 1:
            raise ConfigError(f"--output {output} is one file for {len(names)} videos; give a folder, or --limit 1")
        return [output.with_suffix(output.suffix.lower())]
    if output.is_file() or output.suffix.lower() in (".avi", ".mov", ".mkv", ".webm", ".jpg", ".jpeg"):
        raise ConfigError(f"--output {output}: files end with {', '.join(FORMATS)}; or give a folder")
    return [output / f"{name}.{kind or 'mp4'}" for name in names]


def _some(subjects: Subjects) -> str:
    names = [one.name for one in subjects.found]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
