"""`vidcore data ntu`: raw files of NTU RGB+D to an annotation file of the field."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from vidcore.errors import DataError
from vidcore.whole_files import written_whole
from vidcore.wording import counted

_SHOWN = 10  # names in a message
Row = dict[str, Any]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", "--out", "out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="Annotation file, such as ntu60_3d.pkl.")  # fmt: skip
@click.option("--edition", type=click.Choice(["60", "120"]), default="60", show_default=True,
              help="Number of actions; others in FOLDER are left out.")  # fmt: skip
@click.option("--persons", type=click.IntRange(1), default=2, show_default=True, help="Kept of a sequence, at most.")
@click.option("--precision", type=click.Choice(["float16", "float32"]), default="float32", show_default=True,
              help="Of the coordinates; float16 rounds to about 2 mm.")  # fmt: skip
@click.option(
    "--keep-missing", is_flag=True, help="Also read sequences that the authors list as missing or incomplete."
)
@click.option(
    "--workers", type=click.IntRange(0), default=0, help="Processes that read; left out: one for each processor."
)
def ntu(folder: Path, out: Path, edition: str, persons: int, precision: str, keep_missing: bool, workers: int) -> None:
    """Read the .skeleton files in FOLDER, take out what is no person, and write them with their splits.

    \b
    Examples:
      vidcore data ntu nturgb+d_skeletons --output ntu/ntu60_3d.pkl
      vidcore data ntu nturgb+d_skeletons --edition 120 --output ntu/ntu120_3d.pkl
      vidcore run stgcnpp-joint-3d-ntu60-xsub
    """
    from vidcore_ntu.names import SEQUENCES, missing_names, splits_of

    number = int(edition)
    paths, others = _files(folder, number)
    left_out = {} if keep_missing else {path.stem: "" for path in paths if path.stem in missing_names()}
    paths = [path for path in paths if path.stem not in left_out]
    rows: list[Row] = []
    nobody: list[str] = []
    broken: list[str] = []
    for row in _rows(paths, persons, precision, workers or os.cpu_count() or 1):
        if "error" in row:
            broken.append(row["error"])
        elif not row["keypoint"].size:
            nobody.append(row["frame_dir"])
        else:
            rows.append(row)
    if broken:
        more = [f"... and {len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
        raise DataError("\n".join([*broken[:_SHOWN], *more, "Nothing is written."]))
    splits = splits_of((row["frame_dir"] for row in rows), number)
    _write(out, pickle.dumps({"split": splits, "annotations": rows}, protocol=4))
    listed = counted(len(left_out), "is", "are")
    click.echo(f"wrote {out}: {counted(len(rows), 'sequence')}; {listed} listed as missing or incomplete")
    click.echo("  ".join(f"{name} {len(names)}" for name, names in splits.items()))
    if others:
        click.echo(f"{counted(others, 'sequence')} not of the {edition} actions, left out", err=True)
    if nobody:
        click.echo(f"without anybody, left out: {', '.join(nobody[:_SHOWN])} ({len(nobody)})", err=True)
    if (all_there := len(rows) + len(nobody) + len(left_out)) != SEQUENCES[number]:
        click.echo(f"{all_there} of the {SEQUENCES[number]} sequences of this edition were there", err=True)


def _files(folder: Path, edition: int) -> tuple[list[Path], int]:
    """Those of an edition, and how many others there are."""
    from vidcore_ntu.names import SequenceName

    named = [(SequenceName.parse(path.stem), path) for path in sorted(folder.rglob("*.skeleton"))]
    if wrong := [path.name for name, path in named if name is None]:
        raise DataError(f"{folder}: {', '.join(wrong[:_SHOWN])}: expected names such as S001C002P003R002A013.skeleton")
    paths = [path for name, path in named if name is not None and name.belongs_to(edition)]
    if not paths:
        raise DataError(f"{folder} holds {len(named)} .skeleton files, none of them of the {edition} actions")
    if len({path.stem for path in paths}) < len(paths):
        raise DataError(f"{folder} holds a sequence twice; keep one copy of each")
    return paths, len(named) - len(paths)


def _rows(paths: Sequence[Path], persons: int, precision: str, workers: int) -> Iterator[Row]:
    """The annotation of each file in order, with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    tasks = [(path, persons, precision) for path in paths]
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        if workers == 1 or len(paths) < 100:
            yield from bar.track(map(read_row, tasks), total=len(tasks))
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from bar.track(pool.map(read_row, tasks, chunksize=16), total=len(tasks))


def read_row(task: tuple[Path, int, str]) -> Row:
    """The annotation of one file, or `error`: why there is none."""
    from vidcore_ntu.cleaning import cleaned
    from vidcore_ntu.skeleton_files import read_skeleton_file

    path, persons, precision = task
    try:
        joints = cleaned(read_skeleton_file(path), persons)
    except DataError as error:
        return {"error": str(error)}
    label = int(path.stem[-3:]) - 1
    return {
        "frame_dir": path.stem, "label": label, "total_frames": joints.shape[1], "keypoint": joints.astype(precision),
    }  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_bytes(content)
