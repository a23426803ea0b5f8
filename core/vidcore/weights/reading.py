"""`read_checkpoint`: the tensors and plain facts of anyone's checkpoint, with nothing executed that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import field, frozen
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vidcore.errors import WeightsError
from vidcore.inert_pickles import PickleRefusedError, Record
from vidcore.weights.pickles import TensorSpec, built, open_torch_file

CONTRACT_KEY = "vidcore"  # the one metadata key of our own files; several would be written in random order
# Where state dicts lie in checkpoints of the field, in order of preference. Averaged weights come last: MMEngine, for
# one, stores under `state_dict` what should be used, averaged or not.
STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "model_ema", "state_dict_ema")
_LONGEST_HEADER = 100_000_000  # bytes, by the format
_LARGEST_META = 20_000  # values; meant are class names and a config, not a log


@frozen(kw_only=True, eq=False)
class Checkpoint:
    """What a file of weights holds."""

    state_dict: dict[str, Tensor] = field(repr=False)
    meta: dict[str, Any]  # plain values only
    contract: dict[str, Any] | None = None  # of a file that vidcore saved: classes, sampling, licence, ...
    unknown: frozenset[str] = frozenset()  # classes and functions that the file names; none was imported or called


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read safetensors, PyTorch's zip format, or its format before 1.6.

    The state dict is found under the usual names (`STATE_KEYS`), or the file is one. Optimizer state is not loaded.

    Raises:
        WeightsError: The file is missing, broken, or holds no state dict.
    """
    path = Path(path)
    if _is_safetensors(path):
        return _read_safetensors(path)
    with open_torch_file(path) as file:
        states = _find_state(file.value)
        tensors = {_key(key): tensor for key, value in states.items() if (tensor := _tensor(key, value)) is not None}
        if not tensors:
            raise PickleRefusedError("it holds no tensors")
        return Checkpoint(state_dict=tensors, meta=_meta(file.value), unknown=file.unknown)


def read_torch_file(path: Path | str) -> Any:
    """Everything in a file of PyTorch, or in a pickle with tensors: dicts and lists of tensors, arrays, plain values.

    For feature banks and dumped scores. Objects of unknown classes are `vidcore.inert_pickles.Record`s.

    Raises:
        WeightsError: The file is missing or broken.
    """
    with open_torch_file(Path(path)) as file:
        return built(file.value)


def read_contract(path: Path | str) -> dict[str, Any]:
    """What a weights file of vidcore says about itself.

    Raises:
        WeightsError: The file is missing or broken, or vidcore did not save it.
    """
    path = Path(path)
    contract = _read_metadata(path)[0] if _is_safetensors(path) else None
    if contract is None:
        raise WeightsError(f"{path} has no contract: it was not saved by vidcore. `vidcore weights convert` makes one.")
    return contract


def _is_safetensors(path: Path) -> bool:
    """Safetensors start with eight bytes of length, which is limited, then JSON."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    return head[8:] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_HEADER


def _read_safetensors(path: Path) -> Checkpoint:
    contract, meta = _read_metadata(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is broken: {error}") from error
    return Checkpoint(state_dict=tensors, meta=meta, contract=contract)


def _read_metadata(path: Path) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            meta: dict[str, Any] = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is broken: {error}") from error
    text = meta.pop(CONTRACT_KEY, None)
    if text is None:
        return None, meta
    try:
        contract = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its contract is not JSON: {error}") from error
    if not isinstance(contract, dict):
        raise WeightsError(f"{path}: its contract is a {type(contract).__name__} and not a table")
    return contract, meta


def _find_state(value: Any, depth: int = 0) -> dict[Any, Any]:
    if isinstance(value, Record):
        raise PickleRefusedError(f"it holds a pickled object of {value.name}; save its state_dict() instead")
    if not isinstance(value, dict):
        raise PickleRefusedError(f"it holds a {type(value).__name__} and no state dict")
    if any(isinstance(entry, TensorSpec) for entry in value.values()):
        return value
    for key in STATE_KEYS:
        entry = value.get(key)
        if isinstance(entry, dict) and entry and depth < 3:
            return _find_state(entry, depth + 1)
        if isinstance(entry, Record):
            raise PickleRefusedError(f"its {key!r} is a pickled object of {entry.name}; save its state_dict() instead")
    if value and all(isinstance(entry, np.ndarray) for entry in value.values()):
        return value
    keys = ", ".join(str(key)[:40] for key in list(value)[:8])
    raise PickleRefusedError(f"it holds no state dict, only: {keys or 'nothing'}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise PickleRefusedError(f"a key of its state dict is a {type(key).__name__} and not text")
    return key


def _tensor(key: object, value: object) -> Tensor | None:
    """The tensor of one entry; None for plain values, which some state dicts carry beside their tensors."""
    if isinstance(value, TensorSpec):
        return value.build()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return torch.from_numpy(value.astype(value.dtype.newbyteorder("=")))
    if isinstance(value, Record):
        raise PickleRefusedError(f"entry {key!r} of its state dict is an object of {value.name} and no tensor")
    return None


def _meta(value: Any) -> dict[str, Any]:
    """The plain values beside the state dict: all of `meta`, and numbers and texts next to it."""
    if not isinstance(value, dict):
        return {}
    kept = {key: entry for key, entry in value.items() if isinstance(key, str) and isinstance(entry, int | float | str)}
    if isinstance(value.get("meta"), dict):
        kept |= value["meta"]
    plain, _ = _plain(kept, 0, _LARGEST_META)
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any, depth: int, allowance: int) -> tuple[Any, int]:
    """`value` without what is not plain, and what is left of `allowance`; None where it is not plain at all."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value, allowance - 1
    if depth > 16 or not isinstance(value, dict | list | tuple):
        return None, allowance - 1
    kept: list[tuple[Any, Any]] = []
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        if allowance <= 0:
            break
        made, allowance = _plain(entry, depth + 1, allowance)
        if made is not None or entry is None:
            kept.append((key, made))
    if isinstance(value, dict):
        return {key: entry for key, entry in kept if isinstance(key, str | int)}, allowance - 1
    return [entry for _, entry in kept], allowance - 1
