"""`vidcore data stats`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vidcore.wording import counted
from vidcore_prepare.options import HowToRun, conclude, run_options, source_argument, target_argument

if TYPE_CHECKING:
    from vidcore_prepare.statistics import Facts

_SHOWN = 4  # kinds in a line


@click.command()
@source_argument
@target_argument
@run_options
def stats(source: Path, target: Path, how: HowToRun) -> None:
    """Tell what the videos in SOURCE are like: lengths, sizes, rates, codecs, sound, videos in each folder.

    Nothing is decoded. TARGET gets stats.png, and what is known of each video, so that the next time only new and
    changed ones are looked at.

    \b
    Example:
      vidcore data stats videos stats
    """
    from importlib.util import find_spec

    from vidcore_prepare.engine import run
    from vidcore_prepare.files import find_files
    from vidcore_prepare.statistics import Measure, draw, items_to_measure, read_facts

    items = items_to_measure(find_files(source), source, target)
    title = "looking at videos"
    report = run(items, Measure(), target, workers=how.workers, part=how.part, pool=how.pool, title=title, show=True)
    facts = [read_facts(item.output) for item in items if item.output.exists()]  # those of other parts too
    if facts:
        _show(facts)
        if find_spec("vidcore_report"):
            draw(facts, target / "stats.png")
            click.echo(f"The picture: {target / 'stats.png'}")
        else:
            click.echo("With vidcore-report there would be a picture too: pip install vidcore-report")
    conclude(report, "videos looked at,")


def _show(facts: Sequence[Facts]) -> None:
    from rich.console import Console
    from rich.table import Table

    from vidcore_prepare.statistics import counts, summary

    table = Table(box=None, header_style="bold", title=counted(len(facts), "video"), title_justify="left")
    for column in ("", "smallest", "median", "largest", "all"):
        table.add_column(column, justify="right" if column else "left")
    for row in summary(facts):
        table.add_row(*row)
    console = Console(soft_wrap=True)
    console.print(table)
    for what, found in counts(facts).items():
        if found:
            shown = ", ".join(f"{name} {number:,}" for name, number in found.most_common(_SHOWN))
            rest = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            fewest = f"; fewest: {min(found.values()):,}" if what == "folder" else ""
            console.print(f"{what}: {shown}{rest}{fewest}", markup=False, highlight=False)
