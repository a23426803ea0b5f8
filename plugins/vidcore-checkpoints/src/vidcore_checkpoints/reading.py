"""`read_checkpoint`: the tensors and plain facts of anyone's checkpoint, with nothing executed that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidcore.weights.reading import Checkpoint, is_safetensors, read_safetensors
from vidcore_checkpoints.config import TorchFiles
from vidcore_checkpoints.inert_pickles import PickleRefusedError, Record
from vidcore_checkpoints.torch_files import PICKLE_MAGIC, ZIP_MAGIC, TensorSpec, built, open_torch_file

# Where state dicts lie in checkpoints of the field, in order of preference. Averaged weights come last: MMEngine, for
# one, stores under `state_dict` what should be used, averaged or not.
STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "model_ema", "state_dict_ema")
_LARGEST_META = 20_000  # values; meant are class names and a config, not a log


class TorchReader:
    """The reader that `vidcore.weights` asks about files that are no safetensors. It has no options."""

    def __init__(self, config: TorchFiles) -> None:
        pass

    def accepts(self, path: Path) -> bool:
        """Whether the file is a zip archive, or a pickle of protocol 2 or later."""
        with path.open("rb") as file:
            head = file.read(4)
        return head == ZIP_MAGIC or head[:1] == PICKLE_MAGIC

    def read(self, path: Path) -> Checkpoint:
        """See `read_checkpoint`."""
        return read_checkpoint(path)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read PyTorch's zip format, its format before 1.6, a pickle with tensors or arrays, or safetensors.

    The state dict is found under the usual names (`STATE_KEYS`), or the file is one. Optimizer state is not loaded.

    Raises:
        WeightsError: The file is missing, broken, or holds no state dict.
    """
    path = Path(path)
    if is_safetensors(path):
        return read_safetensors(path)
    with open_torch_file(path) as file:
        states = _find_state(file.value)
        tensors = {_key(key): tensor for key, value in states.items() if (tensor := _tensor(key, value)) is not None}
        if not tensors:
            raise PickleRefusedError("it holds no tensors")
        return Checkpoint(state_dict=tensors, meta=_meta(file.value), unknown=file.unknown)


def read_torch_file(path: Path | str) -> Any:
    """Everything in a file of PyTorch, or in a pickle with tensors: dicts and lists of tensors, arrays, plain values.

    For feature banks and dumped scores. Objects of unknown classes are `vidcore_checkpoints.inert_pickles.Record`s.

    Raises:
        WeightsError: The file is missing or broken.
    """
    with open_torch_file(Path(path)) as file:
        return built(file.value)


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
