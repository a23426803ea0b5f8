"""`save_weights`: safetensors that carry their contract, byte for byte the same for the same content."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from vidcore.errors import WeightsError
from vidcore.weights.reading import CONTRACT_KEY
from vidcore.whole_files import written_whole


def save_weights(path: Path | str, state_dict: Mapping[str, Tensor], contract: Mapping[str, Any]) -> Path:
    """Write weights and what they promise, whole or not at all.

    The contract becomes one metadata key `vidcore` with sorted JSON: several keys would be written in an order that
    changes from process to process. It should name no time, host or path, so that equal runs leave equal bytes. Tied
    tensors are written once for each name.

    Args:
        path: The file to write; its folder must exist. It is replaced only when the new one is complete on disk.
        state_dict: By key; any device, any strides.
        contract: Plain values: classes, sampling, views, normalisation, plugin versions, licence.

    Raises:
        WeightsError: The contract is not plain, a tensor is of a type that safetensors lack, the disk is full.
    """
    path = Path(path)
    try:
        text = json.dumps(dict(contract), sort_keys=True, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path} is not written: its contract is not plain values: {error}") from error
    try:
        with written_whole(path) as partial:
            save_file(plain_tensors(state_dict), partial, {CONTRACT_KEY: text})
            flush_to_disk(partial)
        flush_to_disk(path.parent)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(f"{path} is not written: {error}") from error
    return path


def plain_tensors(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous tensors on the CPU, in order of their keys, no two over the same memory."""
    separate: dict[str, Tensor] = {}
    seen: set[int] = set()
    for key in sorted(state_dict):
        tensor = state_dict[key].detach().cpu().contiguous()
        storage = tensor.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != tensor.numel() * tensor.itemsize:
            tensor = tensor.clone(memory_format=torch.contiguous_format)
        seen.add(tensor.untyped_storage().data_ptr())
        separate[key] = tensor
    return separate


def flush_to_disk(path: Path) -> None:
    """Make what is written survive a power cut; for a folder, the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
