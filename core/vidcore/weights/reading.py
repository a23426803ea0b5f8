"""Safetensors, vidcore's own form of weights: their tensors, and the contract in their metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from safetensors import SafetensorError, safe_open

from vidcore.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

CONTRACT_KEY = "vidcore"  # the one metadata key of our own files; several would be written in random order
_LONGEST_HEADER = 100_000_000  # bytes, by the format


@frozen(kw_only=True, eq=False)
class Checkpoint:
    """What a file of weights holds."""

    state_dict: dict[str, Tensor] = field(repr=False)
    meta: dict[str, Any]  # plain values only
    contract: dict[str, Any] | None = None  # of a file that vidcore saved: classes, sampling, licence, ...
    unknown: frozenset[str] = frozenset()  # classes and functions that the file names; none was imported or called


def is_safetensors(path: Path) -> bool:
    """Safetensors start with eight bytes of length, which is limited, then JSON.

    Raises:
        WeightsError: The file is missing, or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    return head[8:] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_HEADER


def read_safetensors(path: Path) -> Checkpoint:
    """The tensors of safetensors, whoever wrote them, with the contract where vidcore did.

    Raises:
        WeightsError: The file is broken.
    """
    with _opened(path) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        meta = dict(file.metadata() or {})
    return Checkpoint(state_dict=tensors, contract=_take_contract(meta, path), meta=meta)


def read_contract(path: Path | str) -> dict[str, Any]:
    """What a weights file of vidcore says about itself.

    Raises:
        WeightsError: The file is missing or broken, or vidcore did not save it.
    """
    path = Path(path)
    contract = None
    if is_safetensors(path):
        with _opened(path) as file:
            contract = _take_contract(dict(file.metadata() or {}), path)
    if contract is None:
        raise WeightsError(f"{path} has no contract: it was not saved by vidcore. `vidcore weights convert` makes one.")
    return contract


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is broken: {error}") from error


def _take_contract(meta: dict[str, Any], path: Path) -> dict[str, Any] | None:
    """Take the contract out of a file's metadata; None where there is none."""
    try:
        contract = json.loads(meta.pop(CONTRACT_KEY, "null"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its contract is not JSON: {error}") from error
    if not isinstance(contract, dict | None):
        raise WeightsError(f"{path}: its contract is a {type(contract).__name__} and not a table")
    return contract
