"""`vidcore data fetch`, `trim`, `cut`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.errors import ConfigError
from vidcore_prepare.options import HowToRun, conclude, make_all, run_options, target_argument

if TYPE_CHECKING:
    from vidcore_prepare.sources import DataSource, Sources

_TABLE = click.option("--table", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                      help="A TOML file of data sets of your own, in the form of plugins' downloads.toml.")  # fmt: skip
_SHORT = click.option("--short-side", type=click.IntRange(2), help="Pixels of the shorter side, at most.")
_CRF = click.option("--crf", type=click.IntRange(0, 51), default=18, show_default=True,
                    help="Quality of H.264: 18 looks like the original, 28 is small.")  # fmt: skip
_SOUND = click.option("--sound/--no-sound", default=True, show_default=True, help="Whether sound stays.")


@click.command()
@click.argument("name", required=False, default="")
@click.argument("target", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--videos", is_flag=True, help="The videos too, after the annotations.")
@click.option("--accept-licence", is_flag=True, help="You have read the licence of the videos, and may have them.")
@_TABLE
@run_options
def fetch(
    name: str, target: Path | None, videos: bool, accept_licence: bool, table: Path | None, how: HowToRun
) -> None:
    """Download the annotations of data set NAME into TARGET, with --videos its videos. Without NAME: list data sets.

    Each file is compared with its published hash; where none is published, the hash of the first download stands in
    SHA256SUMS and later ones must agree. Broken downloads are continued. What could not be had is counted, and listed
    in failed.txt.

    \b
    Examples:
      vidcore data fetch
      vidcore data fetch ucf101 /data/ucf101
      vidcore data fetch kinetics400 /data/k400 --videos --accept-licence --workers 8 --part 1/20
    """
    from vidcore_prepare.sources import installed_sources, read_sources

    sources = read_sources(table) if table else installed_sources()
    if not name:
        _list(sources)
        return
    if target is None:
        raise click.UsageError("give the folder to download into: vidcore data fetch NAME TARGET")
    source = sources.find(name)
    if videos:
        _check_videos(source, accept_licence)
    _fetch(source, target, videos, how)


def _fetch(source: DataSource, target: Path, videos: bool, how: HowToRun) -> None:
    from vidcore_prepare.engine import run
    from vidcore_prepare.fetching import FetchFile, is_youtube, items_to_fetch, note_hashes, require_yt_dlp
    from vidcore_prepare.workshop import NAME

    items = items_to_fetch(source.files, target)
    work = FetchFile(cache=target / NAME)
    if not videos or not all(item.output.exists() for item in items):
        whole = run(items, work, target, title=f"fetching {source.name}", show=True)  # all parts need the annotations
        for path, value in note_hashes(items, target).items():
            click.echo(f"{path}: nobody published a hash; this one stands in SHA256SUMS now: {value}")
        if not videos or whole.failed:
            conclude(whole, "files")
    if videos:
        wanted = source.videos_in(target)
        if any(is_youtube(each.url) for each in wanted):
            require_yt_dlp()
        report = run(
            items_to_fetch(wanted, target), work, target,
            workers=how.workers, part=how.part, pool=how.pool, title="fetching videos", show=True,
        )  # fmt: skip
        conclude(report, "videos")
    elif source.by_hand:
        click.echo(f"The videos: {source.by_hand}")


def _check_videos(source: DataSource, accepted: bool) -> None:
    if not source.videos:
        how = source.by_hand or f"see {source.home}"
        raise ConfigError(f"the videos of {source.name} cannot be fetched by a program: {how}")
    if source.accept and not accepted:
        raise ConfigError(f"{source.accept}\nIf you may have them, say so with --accept-licence")


def _list(sources: Sources) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("name", "what", "videos", "licence"):
        table.add_column(column, overflow="fold")
    for name, source in sorted(sources.by_name.items()):
        table.add_row(name, source.summary, "--videos" if source.videos else "by hand", source.licence)
    Console().print(table)


@click.command()
@click.argument("name")
@click.argument("annotation", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("videos", type=click.Path(exists=True, path_type=Path))
@target_argument
@_TABLE
@_SHORT
@_CRF
@_SOUND
@run_options
def trim(
    name: str, annotation: Path, videos: Path, target: Path, table: Path | None,
    short_side: int | None, crf: int, sound: bool, how: HowToRun,
) -> None:  # fmt: skip
    """Cut the clips of data set NAME, as its ANNOTATION says, out of whole VIDEOS into TARGET.

    Frames are exact, since clips are encoded anew. Videos that are not there are counted, and listed in failed.txt.

    \b
    Examples:
      vidcore data trim kinetics400 /data/k400/annotations/val.csv /data/k400/youtube /data/k400/val
      vidcore data trim ava /data/ava/annotations/ava_val_v2.2.csv /data/ava/films /data/ava/videos
    """
    from vidcore_prepare.sources import installed_sources, read_sources

    source = (read_sources(table) if table else installed_sources()).find(name)
    if not source.segments:
        raise ConfigError(f"the videos of {name} are not cut; with a CSV of your own: vidcore data cut")
    _cut(source.pieces(annotation), videos, target, short_side, crf, sound, how)


@click.command()
@click.argument("segments", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("videos", type=click.Path(exists=True, path_type=Path))
@target_argument
@_SHORT
@_CRF
@_SOUND
@run_options
def cut(
    segments: Path, videos: Path, target: Path, short_side: int | None, crf: int, sound: bool, how: HowToRun
) -> None:
    """Cut SEGMENTS, a CSV with the columns video,start,end and perhaps label, out of VIDEOS into TARGET.

    Start and end are seconds, or 1:02.5. Exactly the frames with start <= time < end are in a piece, since it is
    encoded anew. It is called VIDEO_START_END.mp4, in a folder named by its label where there is one.

    \b
    Example:
      vidcore data cut segments.csv films pieces --short-side 256
    """
    from vidcore_prepare.segments import read_segments

    _cut(read_segments(segments), videos, target, short_side, crf, sound, how)


def _cut(
    pieces: list, videos: Path, target: Path, short_side: int | None, crf: int, sound: bool, how: HowToRun
) -> None:
    from attrs import evolve

    from vidcore_prepare.segments import items_to_cut
    from vidcore_prepare.videos import FINE, Cut

    work = Cut(short_side=short_side, encoding=evolve(FINE, crf=crf), sound=sound)
    make_all(items_to_cut(pieces, videos, target), work, target, how, title="cutting", what="pieces")
