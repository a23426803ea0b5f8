"""Checkpoints of which each process writes a part: torch.distributed.checkpoint inside the folder of a checkpoint.

    checkpoints/step-00000120/
        __0_0.distcp, __1_0.distcp, ...     the tensors of each process; what all of them have is written once
        .metadata                           which part of which tensor lies where
        state.json, manifest.json           as in every checkpoint

The index is a pickle. A run reads its own only, after its checksum, and even so by a reader that makes nothing but the
plain classes which torch puts into it.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from vidcore.errors import RunError

INDEX = ".metadata"
_BETWEEN = ":"  # a part of the checkpoint, and a name in it
_KNOWN = {
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch": {"Size", "device"},
    "torch.serialization": {"_get_layout"},
    "collections": {"OrderedDict"},
    "pathlib": {"Path", "PosixPath"},
}


def flat(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """All tensors of a checkpoint in one table."""
    return {
        f"{part}{_BETWEEN}{name}": tensor.detach() for part, table in parts.items() for name, tensor in table.items()
    }


def is_sharded(folder: Path) -> bool:
    """Whether several processes wrote this checkpoint together."""
    return (folder / INDEX).exists()


def sizes(folder: Path, part: str) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Shape and type of each tensor of a part of the checkpoint, by name."""
    found = {}
    for key, entry in _Reader(folder).read_metadata().state_dict_metadata.items():
        owner, _, name = key.partition(_BETWEEN)
        if owner == part and isinstance(entry, TensorStorageMetadata):
            found[name] = (entry.size, entry.properties.dtype)
    return found


def fill(folder: Path, part: str, tensors: Mapping[str, Tensor], group: dist.ProcessGroup | None) -> None:
    """Read into these tensors, whole ones or parts that a process keeps.

    Args:
        folder: Of the checkpoint.
        part: Of the checkpoint.
        tensors: By name; overwritten.
        group: Of the processes that read together; None: this one alone.

    Raises:
        RunError: The files do not hold what the index says.
    """
    if not tensors:
        return
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled")  # one process means it so
            load(flat({part: tensors}), storage_reader=_Reader(folder), process_group=group, no_dist=group is None)
    except (CheckpointException, RuntimeError, ValueError) as error:
        raise RunError(f"{folder.name}: its parts cannot be read: {error}; remove it to use the one before") from error


class _Reader(FileSystemReader):
    """Reads the index without running anything that is in it."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        path = Path(self.path) / INDEX
        with path.open("rb") as file:
            metadata: Metadata = _Plain(file).load()
        if metadata.storage_meta is None:
            metadata.storage_meta = StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _KNOWN.get(module, ()) or (
            module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        ):
            return super().find_class(module, name)
        raise RunError(f"{INDEX} of a checkpoint holds {module}.{name}, which does not belong there; it is not read")
