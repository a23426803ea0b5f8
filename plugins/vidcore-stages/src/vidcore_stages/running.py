"""Running stages in order: what is finished stays, what was made of something else is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from vidcore.config.tables import write
from vidcore.engine.events import Events
from vidcore.engine.run_folder import RunFolder, RunLock, set_aside, table_differences
from vidcore.errors import ConfigError, RunError
from vidcore.plugins import build
from vidcore.whole_files import written_whole
from vidcore.wording import nearest
from vidcore_stages.planning import Stage, typed_options

_RECORD = "stage.json"
_FILE = "stages.toml"


class Say(Protocol):
    """Tells a person something."""

    def __call__(self, text: str, *, title: bool = False) -> None: ...


@frozen(kw_only=True)
class Workshop:
    """Where the stages of a run live."""

    folder: Path  # runs/NAME
    base: Path  # that relative paths of the file count from

    def stage(self, name: str) -> Path:
        return self.folder / "stages" / name

    def folders(self, stages: list[Stage]) -> dict[str, Path]:
        return {stage.name: self.stage(stage.name) for stage in stages}


def state_of(stage: Stage, folder: Path) -> str:
    """`finished`, `begun` or `to do`."""
    if not folder.exists():
        return "to do"
    finished = RunFolder(folder).result if stage.type == "train" else folder / _RECORD
    return "finished" if finished.exists() else "begun"


def run_all(
    stages: list[Stage],
    workshop: Workshop,
    *,
    table: dict[str, Any],
    train: Callable[[Stage, tuple[str, ...]], None],
    start: str = "",
    device: str = "auto",
    events: Events | None = None,
    say: Say = lambda text, *, title=False: None,
) -> None:
    """Run every stage that is not finished.

    Args:
        stages: In order, as `plan` gives them.
        workshop: Folders.
        table: The merged table, kept beside the stages.
        train: Trains a stage, given its references as `--set` options; finds itself what is done.
        start: Run this stage and all that read from it anew; earlier results are kept under another name.
        device: For stages that are no experiment.
        events: Tells callbacks of each stage that is not finished.
        say: Told what happens.

    Raises:
        ConfigError: There is no stage `start`; or options of a finished stage, or what it read, changed since.
        RunError: Another process has the folder, or a callback wants no further stage.
    """
    by_name = {stage.name: stage for stage in stages}
    if start and start not in by_name:
        raise ConfigError(f"--from {start}: there is no such stage{nearest(start, by_name)}")
    if workshop.folder.exists() and RunFolder(workshop.folder).experiment.exists():
        raise RunError(f"{workshop.folder} holds a run without stages; choose another --name")
    with RunLock(workshop.folder):
        write(workshop.folder / _FILE, table)
        for name in _following(start, stages) if start else []:
            kept = set_aside(workshop.stage(name))
            say(f"stage {name}: earlier results are kept as {kept}" if kept else f"stage {name}: nothing to set aside")
        for number, stage in enumerate(stages, 1):
            say(f"stage {number} of {len(stages)}: {stage.name} ({stage.type})", title=True)
            folder = workshop.stage(stage.name)
            heard = events if state_of(stage, folder) != "finished" else None
            _tell(heard, "stage_started", stage, folder)
            _run_one(stage, by_name, workshop, train, device, say)
            _tell(heard, "stage_finished", stage, folder)


def _tell(events: Events | None, event: str, stage: Stage, folder: Path) -> None:
    if events is None:
        return
    events.send(event, stage=stage.name, type=stage.type, folder=folder)
    if events.stop_reason:
        raise RunError(f"no further stage after {event} of {stage.name!r}: {events.stop_reason}")


def _run_one(
    stage: Stage,
    stages: Mapping[str, Stage],
    workshop: Workshop,
    train: Callable[[Stage, tuple[str, ...]], None],
    device: str,
    say: Say,
) -> None:
    folder, folders = workshop.stage(stage.name), workshop.folders(list(stages.values()))
    read = {name: _stamp(stages[name], folders[name]) for name in stage.needs}
    _refuse_stale(stage, folder, read)
    folder.mkdir(parents=True, exist_ok=True)
    if stage.type == "train":
        train(stage, stage.sets(folders, stages))
        _write_json(folder / "inputs.json", read)
        return
    record = {"table": stage.table, "read": read}
    if (folder / _RECORD).exists():
        _refuse_changed(stage, json.loads((folder / _RECORD).read_text())["table"])
        say(f"stage {stage.name} is finished")
        return
    _refuse_changed(stage, _begun_with(folder, stage.table))
    _write_json(folder / "inputs.json", read)
    build(typed_options(stage.resolved(folders, stages))).run(folder, workshop.base, device)
    _write_json(folder / _RECORD, record)


def _begun_with(folder: Path, table: dict[str, Any]) -> dict[str, Any]:
    """The options that an interrupted stage was begun with; now these, if it was not."""
    begun = folder / "options.json"
    if not begun.exists():
        _write_json(begun, table)
    loaded: dict[str, Any] = json.loads(begun.read_text())
    return loaded


def _refuse_changed(stage: Stage, before: dict[str, Any]) -> None:
    changes = [f"{key} was {was!r}, is {now!r}" for key, was, now in table_differences(before, stage.table)]
    if changes:
        raise ConfigError(
            f"stage {stage.name!r} was run with other options: {'; '.join(changes)}. "
            f"`--from {stage.name}` runs it and what follows anew"
        )


def _refuse_stale(stage: Stage, folder: Path, read: dict[str, str]) -> None:
    inputs = folder / "inputs.json"
    before = json.loads(inputs.read_text()) if inputs.exists() else read
    others = [name for name in read if before.get(name) != read[name]]
    if others:
        raise ConfigError(
            f"stage {stage.name!r} was made of another {', '.join(others)} than there is now. "
            f"`--from {stage.name}` runs it and what follows anew"
        )


def _stamp(stage: Stage, folder: Path) -> str:
    """Changes when a finished stage was run anew, or further."""
    run = RunFolder(folder)
    files = [run.experiment, run.result] if stage.type == "train" else [folder / _RECORD]
    missing = [path for path in files if not path.exists()]
    if missing:
        raise RunError(f"{missing[0]} is missing, so stage {stage.name!r} is not finished; `--from {stage.name}`")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _following(start: str, stages: list[Stage]) -> list[str]:
    """A stage and all that read from it, directly or not."""
    found = [start]
    for stage in stages:
        if stage.name not in found and set(stage.needs) & set(found):
            found.append(stage.name)
    return found


def _write_json(path: Path, value: Any) -> None:
    with written_whole(path) as partial:
        partial.write_text(json.dumps(value, indent=1), encoding="utf-8")
