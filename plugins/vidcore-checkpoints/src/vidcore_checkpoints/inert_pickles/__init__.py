"""Reading pickles of others as data: nothing that a file names is imported or called.

`read_annotations` reads annotation files: plain values and numpy arrays of plain types. Checkpoints are read by
`vidcore_checkpoints.reading`, on the same machine (`Machine`) with constructors of its own (`CONSTRUCTORS` and more).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidcore.errors import DataError
from vidcore_checkpoints.inert_pickles.constructors import CONSTRUCTORS, ONLY_NAMED, PickleRefusedError
from vidcore_checkpoints.inert_pickles.machine import Machine, Name, Record

__all__ = [
    "CONSTRUCTORS",
    "ONLY_NAMED",
    "TORCH_MAGIC",
    "Machine",
    "Name",
    "PickleRefusedError",
    "Record",
    "read_annotations",
]

TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a PyTorch file from before 1.6


def read_annotations(path: Path | str) -> Any:
    """Plain values and numpy arrays from a pickle, whatever Python and numpy wrote it, with nothing executed.

    Plain are None, bool, int, float, complex, str, bytes, list, tuple, dict, set, and arrays of numbers, bools, text or
    these. Ordered and default dicts, and counters, come back as dict. Bytes of Python 2 are read as latin-1 text.

    Args:
        path: A file that `pickle.dump` wrote, any protocol.

    Raises:
        DataError: The file is missing or broken, or asks for anything else; the message names what it asks for.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if content[:4] == b"PK\x03\x04":
        raise DataError(f"{path} is a zip archive, perhaps a PyTorch checkpoint, and not an annotation pickle")
    try:
        value = Machine(content).run()
    except PickleRefusedError as error:
        raise DataError(f"{path} is not read: {error}. Annotations hold plain values and numpy arrays only.") from error
    if isinstance(value, int) and value == TORCH_MAGIC:
        raise DataError(f"{path} is a PyTorch checkpoint and not an annotation pickle")
    return value
