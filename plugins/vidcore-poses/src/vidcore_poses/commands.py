"""`vidcore data poses`: the key points of the people in videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.errors import DataError
from vidcore.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from vidcore_poses.config import Models
    from vidcore_poses.extraction import PoseExtractor
    from vidcore_poses.sources import Clip
    from vidcore_poses.tracking import Tracking


@click.command()
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--models", default="rtmpose-m", show_default=True,
              help="A TOML file that describes the models, or rtmpose-s, rtmpose-m.")  # fmt: skip
@click.option("-o", "--output", "--out", "out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Folder that the poses are written into.")  # fmt: skip
@click.option("--persons", type=click.IntRange(1), default=2, show_default=True,
              help="People kept of a video: those seen longest and most surely.")  # fmt: skip
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Look at each n-th frame only.")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="That paths of lists are relative to; left out: the folder of each list.")  # fmt: skip
@click.option("--classes", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Names of the classes, where lists use them.")  # fmt: skip
@click.option("--class-folders", is_flag=True, help="The folders in a folder are classes.")
@click.option("--pickle", "pickle_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Also write all labelled poses as one annotation file, each list a split.")  # fmt: skip
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True,
              help="cuda needs onnxruntime-gpu.")  # fmt: skip
def poses(
    videos: tuple[Path, ...], models: str, out: Path, persons: int, every: int, folder: Path | None,
    classes: Path | None, class_folders: bool, pickle_file: Path | None, device: str,
) -> None:  # fmt: skip
    """Find the people in VIDEOS (files, folders, or lists of `path label`), and write their key points.

    Each video becomes an .npz that vidcore-skeleton reads; a list becomes a list of these. What is there already is
    kept, so a run that was stopped goes on.

    \b
    Examples:
      vidcore data poses walk.mp4 --output poses
      vidcore data poses train.txt val.txt --output poses --pickle poses/all.pkl
      vidcore data poses videos/train videos/val --class-folders --output poses --models mine.toml
    """
    from vidcore_poses.config import read_models
    from vidcore_poses.results import check_same, write_lists, write_pickle
    from vidcore_poses.sources import all_clips, read_sources
    from vidcore_poses.tracking import Tracking

    sources = read_sources(videos, folder=folder, classes=classes, class_folders=class_folders)
    described, models_folder = read_models(models)
    tracking = Tracking(persons=persons)
    check_same(out, described, tracking, every)
    clips = {clip.output: clip for clip in all_clips(sources)}
    waiting = [clip for clip in clips.values() if not (out / clip.output).exists()]
    broken: list[str] = []
    if waiting:
        with _progress() as bar:
            extractor = _extractor(described, models_folder, tracking, every, device, bar)
            broken = _extract(waiting, out, extractor, bar)
    if len(waiting) < len(clips):
        click.echo(f"{len(clips) - len(waiting)} were there")
    empty = _empty([output for output in clips if output not in broken], out)
    for output in empty:
        click.echo(f"{clips[output].path}: {empty[output]}", err=True)
    unusable = empty | dict.fromkeys(broken, "the video could not be read")
    for path in write_lists(out, sources, unusable):
        click.echo(f"wrote {path}")
    if pickle_file is not None:
        count = write_pickle(pickle_file, out, sources, unusable)
        click.echo(f"wrote {pickle_file}: {counted(count, 'sequence')}")
    if broken:
        click.echo(f"{len(broken)} of {counted(len(clips), 'video')} could not be read", err=True)
        raise click.exceptions.Exit(1)


def _extractor(
    described: Models, folder: Path, tracking: Tracking, every: int, device: str, bar: Progress
) -> PoseExtractor:
    from vidcore_poses.detection import PersonDetector
    from vidcore_poses.extraction import PoseExtractor
    from vidcore_poses.onnx_files import OnnxRunner
    from vidcore_poses.top_down import PoseEstimator

    task = bar.add_task("models", total=None)

    def show(done: int, total: int | None) -> None:
        bar.update(task, completed=done, total=total)

    detector = PersonDetector(OnnxRunner(described.detector, folder, device, show), described.detector)
    estimator = PoseEstimator(OnnxRunner(described.pose, folder, device, show), described.pose)
    bar.remove_task(task)
    return PoseExtractor(detector, estimator, tracking, every)


def _extract(clips: Sequence[Clip], out: Path, extractor: PoseExtractor, bar: Progress) -> list[str]:
    """Write what is missing; the outputs of videos that cannot be read."""
    from vidcore_poses.extraction import write_found

    whole, single = bar.add_task(counted(len(clips), "video"), total=len(clips)), bar.add_task("frames", total=None)
    broken = []
    for clip in clips:
        try:
            found = extractor.video(clip.path, lambda done, total: bar.update(single, completed=done, total=total))
        except DataError as error:
            click.echo(str(error), err=True)
            broken.append(clip.output)
        else:
            write_found(out / clip.output, found)
            kept = len(found.skeleton.joints)
            more = f", {found.people - kept} more left out" if found.people > kept else ""
            click.echo(
                f"{clip.path}: {counted(found.skeleton.num_frames, 'frame')}, {counted(kept, 'person', 'people')}{more}"
            )
        bar.advance(whole)
    return broken


def _empty(outputs: Sequence[str], out: Path) -> dict[str, str]:
    """Results without anybody in them."""
    from vidcore_skeleton.files import read_skeleton

    return {name: "nobody was found" for name in outputs if not len(read_skeleton(out / name).joints)}


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
