"""What a run continues from: folders of tensors and JSON, written whole or not at all.

    checkpoints/step-00000120/
        model.safetensors, optimizer.safetensors, ...   tensors
        state.json                                      plain values: step, counters; no random state, there is none
        manifest.json                                   size and sha256 of each file above; written last

A checkpoint is written as `step-N.tmp`, every file and the folder are flushed to the disk, and then it is renamed. It
is believed only after its manifest has been checked; a damaged one is set aside and the one before is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from attrs import frozen
from torch import Tensor, nn

from vidcore.errors import RunError
from vidcore.weights.saving import flush_to_disk, plain_tensors

MANIFEST = "manifest.json"
STATE = "state.json"
_PREFIX, _PARTIAL, _DAMAGED, _FORMAT = "step-", ".tmp", ".damaged", 1


class DamagedError(RunError):
    """A checkpoint is not what was written."""


@frozen
class Checkpoint:
    """A checkpoint that has been verified."""

    path: Path
    step: int
    state: dict[str, Any]

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors saved under this name, on the CPU; empty when nothing was."""
        file = self.path / f"{name}.safetensors"
        return safetensors.torch.load_file(file) if file.exists() else {}


class Checkpoints:
    """The checkpoints of one run, oldest first. The caller holds the run's lock."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep

    def save(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> Path:
        """Write a checkpoint, then delete those beyond `keep`.

        Raises:
            RunError: The disk is full or cannot be written to. The checkpoints before are untouched.
        """
        self.begin(step)
        return self.finish(step, tensors, state)

    def begin(self, step: int) -> Path:
        """The folder for the files of a checkpoint that `finish` will complete; nobody takes it for one before.

        Raises:
            RunError: The disk is full or cannot be written to.
        """
        partial = self.path(step).with_name(self.path(step).name + _PARTIAL)
        with self._saving(step, partial):
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
        return partial

    def finish(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> Path:
        """Add these to what lies in the folder of `begin`, and make it the newest checkpoint.

        Raises:
            RunError: The disk is full or cannot be written to. The checkpoints before are untouched.
        """
        final = self.path(step)
        partial = final.with_name(final.name + _PARTIAL)
        with self._saving(step, partial):
            _write_files(partial, tensors, state)
            if final.exists():  # one that turned out damaged, or the same step saved again
                shutil.rmtree(final)
            partial.rename(final)
            flush_to_disk(self.folder)
        self._prune()
        return final

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step is, or will be."""
        return self.folder / f"{_PREFIX}{step:08d}"

    @contextlib.contextmanager
    def _saving(self, step: int, partial: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise RunError(
                f"the checkpoint of step {step} could not be saved: {error}. {self._what_is_left()}"
            ) from error

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what to tell of those that are not.

        Raises:
            RunError: There are checkpoints, and none of them is whole.
        """
        damaged = []
        for path in reversed(self._folders()):
            try:
                checkpoint = read_checkpoint(path)
            except DamagedError as error:
                damaged.append(f"{error}; the one before is used")
                continue
            return checkpoint, damaged
        if damaged:
            told = "\n".join(damaged).replace("; the one before is used", "")
            raise RunError(
                f"no checkpoint of this run is whole:\n{told}\nStart anew with --fresh (the folder is kept)."
            )
        return None, []

    def set_aside_damaged(self, newest: Checkpoint | None) -> None:
        """Rename what is newer than `newest`, and delete what was never finished. For a run that is about to go on.

        Raises:
            RunError: The folder cannot be written to.
        """
        for path in self.folder.glob(f"{_PREFIX}*{_PARTIAL}"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self._folders():
            if newest is None or step_of(path) > newest.step:
                aside = path.with_name(path.name + _DAMAGED)
                shutil.rmtree(aside, ignore_errors=True)
                try:
                    path.rename(aside)
                except OSError as error:
                    raise RunError(f"{path} cannot be set aside: {error}; mend the folder's permissions") from error

    def _folders(self) -> list[Path]:
        found = [path for path in self.folder.glob(f"{_PREFIX}*") if path.name.removeprefix(_PREFIX).isdigit()]
        return sorted(found, key=step_of)

    def _prune(self) -> None:
        for path in self._folders()[: -self.keep]:
            doomed = path.with_name(path.name + _PARTIAL)  # a half deleted folder must not look like a checkpoint
            path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def _what_is_left(self) -> str:
        folders = self._folders()
        left = f"The checkpoint of step {step_of(folders[-1])} is intact" if folders else "There is none before it"
        return f"{left}; make room and run the same command again."


def step_of(path: Path) -> int:
    """The step in a checkpoint's folder name."""
    return int(path.name.removeprefix(_PREFIX))


def read_checkpoint(path: Path) -> Checkpoint:
    """Verify a checkpoint and read its state.

    Raises:
        DamagedError: A file is missing, of another size or of another content than when it was written.
    """
    told = f"checkpoint {path.name} is damaged"
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT:
            raise DamagedError(f"{told}: {MANIFEST} is of format {manifest['format']!r}, not {_FORMAT}")
        for name, written in manifest["files"].items():
            size = (path / name).stat().st_size
            if size != written["bytes"]:
                raise DamagedError(f"{told}: {name} has {size} bytes, not {written['bytes']}")
            if _sha256(path / name) != written["sha256"]:
                raise DamagedError(f"{told}: the content of {name} has changed")
        state = json.loads((path / STATE).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{told}: {error}") from error
    return Checkpoint(path, step_of(path), state)


def write_flushed(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """The state of an optimizer by parameter name: tensors as `name/key`, and the plain values of each group."""
    tensors: dict[str, Tensor] = {}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        plain: dict[str, Any] = {}
        for name, parameter in zip(group["names"], group["params"], strict=True):
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"{name}/{key}"] = value
                elif value is not None:
                    plain[f"{name}/{key}"] = value
        options = {key: value for key, value in group.items() if isinstance(value, bool | int | float)}
        groups.append({"names": group["names"], "options": options, "state": plain})
    return tensors, groups


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], groups: list[dict[str, Any]]
) -> None:
    """Put back what `optimizer_tensors` gave.

    State of a parameter's shape takes the parameter's memory format: vectorised kernels round the same values
    differently in another one.

    Raises:
        RunError: The parameters are not those that were saved.
    """
    if [group["names"] for group in groups] != [group["names"] for group in optimizer.param_groups]:
        raise RunError("the optimizer's parameter groups are not those of the checkpoint: the model has changed")
    for group, saved in zip(optimizer.param_groups, groups, strict=True):
        group.update(saved["options"])
        parameters = dict(zip(group["names"], group["params"], strict=True))
        for place, value in saved["state"].items():
            name, _, key = place.rpartition("/")
            optimizer.state[parameters[name]][key] = value
        for place, tensor in tensors.items():
            name, _, key = place.rpartition("/")
            if name in parameters:
                optimizer.state[parameters[name]][key] = _placed(key, tensor, parameters[name], optimizer)


def restore_module(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load a state dict that must fit exactly.

    Raises:
        RunError: It does not: the code of the model is not what it was.
    """
    try:
        module.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise RunError(f"the checkpoint does not fit the model, whose code has changed since: {error}") from error


def _placed(key: str, value: Tensor, parameter: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
    if value.shape == parameter.shape and key != "step":
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    # counters of steps stay on the CPU, unless the kernels that read them run on the device
    on_device = any(group.get("fused") or group.get("capturable") for group in optimizer.param_groups)
    return value.to(parameter.device) if on_device else value.clone()


def _write_files(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    others = {path.name: path for path in folder.iterdir()}  # flushed already, by whom wrote them
    files = {name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in others.items()}
    for name, content in _files(tensors, state):
        write_flushed(folder / name, content)
        files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    write_flushed(folder / MANIFEST, json.dumps({"format": _FORMAT, "files": files}, indent=1).encode())
    flush_to_disk(folder)


def _files(tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, table in tensors.items():
        yield f"{name}.safetensors", safetensors.torch.save(plain_tensors(table))
    yield STATE, json.dumps(state, indent=1).encode()  # order kept: it is that of metrics.jsonl


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
