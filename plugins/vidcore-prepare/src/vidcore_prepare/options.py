"""What all commands have in common: SOURCE and TARGET, --workers, --part, --pool, and the table at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import attrs
import click
from attrs import frozen

from vidcore.errors import ConfigError, PluginError
from vidcore_prepare.engine import Item, Part, Pool, Report, Work, run
from vidcore_prepare.processes import available_workers
from vidcore_prepare.progress import show_report
from vidcore_prepare.workshop import made_with

POOL = "prepare.pool"  # the kind of component that --pool names


@frozen
class HowToRun:
    """What --workers, --part and --pool say."""

    workers: int
    part: Part
    pool: Pool | None


def source_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """SOURCE, which is there."""
    return click.argument("source", type=click.Path(exists=True, path_type=Path))(command)


def target_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """TARGET, a folder that is made."""
    return click.argument("target", type=click.Path(file_okay=False, path_type=Path))(command)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--workers, --part and --pool, as one argument `how`."""

    @click.option("--workers", type=click.IntRange(1), help="Processes; left out: one for each processor.")
    @click.option(
        "--part", default="1/1", show_default=True, help="Only this share, such as 2/5, for several machines."
    )
    @click.option("--pool", default="", help="Where the work is done instead, such as ray, of a plugin.")
    def with_how(workers: int | None, part: str, pool: str, **others: Any) -> Any:
        how = HowToRun(workers or available_workers(), Part.parse(part), _pool(pool, workers))
        return command(how=how, **others)

    with_how.__name__, with_how.__doc__ = command.__name__, command.__doc__
    if hasattr(command, "__click_params__"):
        cast("Any", with_how).__click_params__ += command.__click_params__
    return with_how


def _pool(name: str, workers: int | None) -> Pool | None:
    if not name:
        return None
    from vidcore.plugins import host, load_reference

    component = host().components.find(POOL, name)
    if component is None:
        raise ConfigError(f"--pool: {host().missing(POOL, name)}")
    pool: Pool = load_reference(component.factory)(load_reference(component.config)(workers=workers))
    return pool


def require_flow() -> None:
    """Raises PluginError where flow cannot be computed."""
    if find_spec("vidcore_opencv") is None:
        raise PluginError("flow is computed by vidcore-opencv, which is not installed: pip install vidcore-opencv")


def conclude(report: Report, what: str) -> None:
    """The last table; exit code 1 where something failed."""
    show_report(report, what)
    if report.failed:
        raise click.exceptions.Exit(1)


def make_all(items: Sequence[Item], work: Work, target: Path, how: HowToRun, *, title: str, what: str) -> None:
    """Run a work, whose options must be those that the folder was begun with, and conclude.

    Args:
        items: What to make.
        work: An attrs object; its fields are the options.
        target: Folder of the outputs.
        how: Of `run_options`.
        title: Before the progress bar.
        what: One word for the items.
    """
    made_with(target, {"of": type(work).__name__, **_plain(work)})
    report = run(items, work, target, workers=how.workers, part=how.part, pool=how.pool, title=title, show=True)
    conclude(report, what)


def _plain(work: Any) -> dict[str, Any]:
    return attrs.asdict(work, value_serializer=lambda _, __, value: value if _is_plain(value) else str(value))


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | dict | tuple)
