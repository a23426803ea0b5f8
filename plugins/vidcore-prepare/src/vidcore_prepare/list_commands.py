"""`vidcore data filelist` and `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidcore.errors import ConfigError
from vidcore.wording import counted
from vidcore_prepare.options import source_argument, target_argument

if TYPE_CHECKING:
    from vidcore_prepare.splits import Row, Splits

_OFFICIAL = ("ucf101", "hmdb51", "ssv2", "diving48")


@click.command()
@source_argument
@target_argument
@click.option("--official", type=click.Choice(_OFFICIAL), help="Take the official split of this data set, in --splits.")
@click.option("--splits", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of the official files; with --official.")  # fmt: skip
@click.option("--number", type=click.IntRange(1), default=1, show_default=True, help="Which official split.")
@click.option("--val", type=click.FloatRange(0, 0.9), default=0.2, show_default=True, help="Share for validation.")
@click.option("--test", type=click.FloatRange(0, 0.9), default=0.0, show_default=True, help="Share for testing.")
@click.option("--seed", default=0, show_default=True, help="Of the shuffling; the same seed, the same lists.")
@click.option("--levels", type=click.IntRange(1), help="Folders above each video, class first; left out: any.")
@click.option("--frames", "template", is_flag=False, flag_value="img_{:05}.jpg", default="",
              help="SOURCE has folders of pictures: list `path frames label`.  [--frames=img_{:05}.jpg]")  # fmt: skip
@click.option("--format", "suffix", type=click.Choice(["txt", "csv", "json"]), default="txt", show_default=True,
              help="Of the lists.")  # fmt: skip
def filelist(
    source: Path, target: Path, official: str | None, splits: Path | None, number: int, val: float, test: float,
    seed: int, levels: int | None, template: str, suffix: str,
) -> None:  # fmt: skip
    """Write lists of the videos in SOURCE, train and val and perhaps test, and classes.txt, into TARGET.

    SOURCE has a folder for each class; each class is shuffled and shared out by --val and --test. If it has the folders
    train, val or test, with the classes in them, nothing is shuffled. With --official the lists are those of the
    authors; videos of theirs that are not there are counted, and listed in missing.txt.

    \b
    Examples:
      vidcore data filelist videos lists --val 0.2 --seed 1
      vidcore data filelist frames lists --frames
      vidcore data filelist videos lists --official ucf101 --splits annotations --number 2
    """
    from vidcore_prepare.lists import write_list
    from vidcore_prepare.splits import Shares, from_class_folders, read_official

    if bool(official) != bool(splits):
        raise ConfigError("--official and --splits go together: which data set, and where its split files are")
    if val + test >= 1:
        raise ConfigError(f"--val {val:g} and --test {test:g} leave nothing for training")
    found = _frame_folders(source, template) if template else dict.fromkeys(_videos(source), 0)
    if levels:
        found = {path: frames for path, frames in found.items() if path.count("/") == levels}
        if not found:
            raise ConfigError(f"nothing in {source} lies under exactly {levels} folders; see --levels")
    shares = Shares(val=val, test=test, seed=seed)
    chosen = read_official(official, splits, number) if official and splits else from_class_folders(list(found), shares)
    there, missing = _matched(chosen, found)
    for split, rows in there.items():
        extra = [{"frames": found[row.path]} if template else {} for row in rows]
        listed = [{"path": row.path, **more, "label": [row.label]} for row, more in zip(rows, extra, strict=True)]
        write_list(target / f"{split}.{suffix}", listed)
    _tell(chosen, there, missing, target)


def _matched(chosen: Splits, found: dict[str, int]) -> tuple[dict[str, list[Row]], list[str]]:
    """Rows whose file is there, under its own name, without suffix or with another one, and paths of the others."""
    from attrs import evolve

    by_stem: dict[str, str] = {}
    for path in found:
        plain = path if found[path] else path.rpartition(".")[0]
        by_stem.setdefault(plain, path)
        by_stem.setdefault(plain.rpartition("/")[2], path)
    there: dict[str, list[Row]] = {}
    missing = []
    for split, rows in chosen.rows.items():
        there[split] = []
        for row in rows:
            plain = row.path.rpartition(".")[0] or row.path
            same = row.path if row.path in found else by_stem.get(plain) or by_stem.get(plain.rpartition("/")[2])
            if same is None:
                missing.append(row.path)
            else:
                there[split].append(evolve(row, path=same))
    return there, missing


def _tell(chosen: Splits, there: dict[str, list[Row]], missing: list[str], target: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from vidcore_prepare.engine import write_whole

    write_whole(target / "classes.txt", "".join(f"{name}\n" for name in chosen.classes))
    table = Table(
        box=None,
        header_style="bold",
        title=f"{target}: {counted(len(chosen.classes), 'class', 'classes')}",
        title_justify="left",
    )
    for column in ("list", "videos", "classes in it", "fewest of a class"):
        table.add_column(column, justify="left" if column == "list" else "right")
    for split, rows in there.items():
        counts = [sum(row.label == label for row in rows) for label in {row.label for row in rows}]
        table.add_row(split, f"{len(rows):,}", str(len(counts)), str(min(counts, default=0)))
    Console().print(table)
    (target / "missing.txt").unlink(missing_ok=True)
    if missing:
        write_whole(target / "missing.txt", "".join(f"{path}\n" for path in sorted(missing)))
        click.echo(
            f"{counted(len(missing), 'video')} of the official split not there; see {target / 'missing.txt'}", err=True
        )
        raise click.exceptions.Exit(1)


def _videos(source: Path) -> list[str]:
    from vidcore_prepare.files import find_files

    return [path.relative_to(source).as_posix() for path in find_files(source)]


def _frame_folders(source: Path, template: str) -> dict[str, int]:
    from vidcore_prepare.files import folders_of_pictures
    from vidcore_prepare.pictures import numbered

    return {
        path.relative_to(source).as_posix(): len(numbered(path, template))
        for path in folders_of_pictures(source, template)
    }


@click.command()
@click.argument("source", metavar="LIST", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", metavar="NEW", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--columns", default="path,label", show_default=True, help="Of a text list: path[,offset][,frames][,label]."
)
@click.option("--classes", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Names of the classes, a line each; then names become numbers.")  # fmt: skip
@click.option("--names", is_flag=True, help="Write names of classes instead of numbers; with --classes.")
@click.option("--multi-label", is_flag=True, help="A video may have several labels, or none.")
def convert(source: Path, target: Path, columns: str, classes: Path | None, names: bool, multi_label: bool) -> None:
    """Write LIST as NEW, whose suffix tells the format: .txt, .csv or .json. Every wrong row is told.

    \b
    Examples:
      vidcore data convert train.txt train.csv
      vidcore data convert train.csv train.txt --classes classes.txt
      vidcore data convert frames.txt frames.json --columns path,offset,frames,label
    """
    from vidcore_prepare.lists import COLUMNS, write_list
    from vidcore_videos.class_lists import read_classes
    from vidcore_videos.lists import read_list

    wanted: Any = [name.strip() for name in columns.split(",")]
    if wanted[0] != "path" or set(wanted) - set(COLUMNS) or len(set(wanted)) < len(wanted):
        raise ConfigError(f"--columns {columns!r}: starts with path, may have {', '.join(COLUMNS[1:])}")
    known = read_classes(classes) if classes else None
    if names and known is None:
        raise ConfigError("--names needs --classes, the file with the names")
    table = read_list(source, columns=wanted, classes=known, multi_label=multi_label)
    parts = [table.part(index) for index in range(len(table))]
    kept = {"offset": any(offset for offset, _ in parts), "frames": any(frames > 0 for _, frames in parts)}
    rows = []
    for index, (offset, frames) in enumerate(parts):
        row: dict[str, Any] = {"path": table.path(index)}
        row |= {name: value for name, value in (("offset", offset), ("frames", frames)) if kept[name]}
        if "label" in wanted:
            labels = table.labels(index)
            row["label"] = [known[label] for label in labels] if names and known else labels
        rows.append(row)
    write_list(target, rows)
    click.echo(f"{counted(len(rows), 'row')} written to {target}")
