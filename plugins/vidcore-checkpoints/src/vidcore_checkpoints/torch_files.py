"""PyTorch's files, opened as data: the zip format, the one before torch 1.6, and tensors in a plain pickle.

Tensors are described first (`TensorSpec`, checked against the storage that they point into) and read from the file only
when someone wants them, so the optimizer's half of a checkpoint costs neither time nor memory.
"""

from __future__ import annotations

import io
import mmap
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import torch
from attrs import evolve, field, frozen
from torch import Tensor

from vidcore.errors import WeightsError
from vidcore_checkpoints.inert_pickles import (
    CONSTRUCTORS,
    ONLY_NAMED,
    TORCH_MAGIC,
    Machine,
    Name,
    PickleRefusedError,
)

ZIP_MAGIC = b"PK\x03\x04"
PICKLE_MAGIC = b"\x80"  # of protocol 2, which PyTorch has always written, and later
_STORAGES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
}
STORAGE_DTYPES = {
    f"{module}.{name}Storage": dtype for name, dtype in _STORAGES.items() for module in ("torch", "torch.cuda")
} | {"torch.storage.UntypedStorage": torch.uint8, "torch.UntypedStorage": torch.uint8}
DTYPES = {str(dtype): dtype for dtype in (*_STORAGES.values(), torch.uint16, torch.uint32, torch.uint64)}
_NAMED = {*ONLY_NAMED, *STORAGE_DTYPES, *DTYPES, "torch.Tensor", "torch.nn.parameter.Parameter"}
_MOST_NESTED = 4  # files inside files; PyTorch itself nests once
_LARGEST = 1 << 40  # a size or stride beyond this is an attack on somebody's arithmetic
_OVERLAP = 1 << 20  # elements that a tensor may have beyond its storage (an expanded buffer), no more


class Storages(Protocol):
    """Where the bytes of tensors lie."""

    def declare(self, key: str, dtype: torch.dtype, count: int) -> None:
        """The pickle says that a storage holds `count` elements of `dtype`."""

    def size(self, key: str) -> int:
        """Bytes of a storage."""

    def load(self, key: str) -> torch.UntypedStorage:
        """Its contents; the same object each time, so that tied tensors stay tied."""


@frozen(eq=False)
class StorageRef:
    """A storage that a pickle refers to."""

    storages: Storages = field(repr=False)
    key: str
    dtype: torch.dtype


@frozen(eq=False)
class TensorSpec:
    """A tensor that a pickle describes; offset and strides count elements."""

    storage: StorageRef
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def build(self) -> Tensor:
        """The tensor, over the shared contents of its storage."""
        contents = self.storage.storages.load(self.storage.key)
        return torch.empty(0, dtype=self.storage.dtype).set_(contents, self.offset, self.size, self.stride)


@frozen(eq=False)
class TorchFile:
    """What a file of PyTorch holds, its tensors still described."""

    value: Any
    unknown: frozenset[str]  # classes and functions that the file names, and that stayed names


@contextmanager
def open_torch_file(path: Path) -> Iterator[TorchFile]:
    """Read the structure of a checkpoint; `TensorSpec.build` works until the block ends.

    Raises:
        WeightsError: The file is missing, broken, or not a file of PyTorch.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) == ZIP_MAGIC:
                with zipfile.ZipFile(file) as archive:
                    yield _open_zip(archive, path.stat().st_size)
            else:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    yield _open_pickles(content, file, 0)
    except WeightsError:
        raise
    except PickleRefusedError as error:
        raise WeightsError(f"{path} is not read: {error}") from error
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist") from error
    except Exception as error:  # a hostile archive can fail in any way inside zipfile, struct, torch
        raise WeightsError(f"{path} is broken, or no checkpoint: {type(error).__name__}: {error}") from error


def built(value: Any, depth: int = 0, known: dict[int, Any] | None = None) -> Any:
    """`value` with every described tensor built, for files that hold tensors in dicts and lists (features, scores).

    Raises:
        PickleRefusedError: It is nested more than 64 deep.
    """
    known = {} if known is None else known
    if depth > 64:
        raise PickleRefusedError("the contents are nested more than 64 deep")
    if not isinstance(value, TensorSpec | dict | list | tuple):
        return value
    if id(value) not in known:
        made: Any
        if isinstance(value, TensorSpec):
            made = value.build()
        elif isinstance(value, dict):
            made = {key: built(entry, depth + 1, known) for key, entry in value.items()}
        else:
            made = type(value)(built(entry, depth + 1, known) for entry in value)
        known[id(value)] = made
    return known[id(value)]


# --- the format since torch 1.6: a zip archive with one pickle and a file for each storage --------------------------


class _ZipStorages:
    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        self._archive = archive
        self._root = root
        self._loaded: dict[str, torch.UntypedStorage] = {}

    def declare(self, key: str, dtype: torch.dtype, count: int) -> None:
        if count * dtype.itemsize > self.size(key):
            raise PickleRefusedError(f"its storage {key[:80]!r} is smaller than its tensors say")

    def size(self, key: str) -> int:
        try:
            return self._archive.getinfo(f"{self._root}data/{key}").file_size
        except KeyError as error:
            raise PickleRefusedError(f"its storage {key[:80]!r} is missing") from error

    def load(self, key: str) -> torch.UntypedStorage:
        if key not in self._loaded:
            with self._archive.open(f"{self._root}data/{key}") as file:  # checks the CRC at the end
                self._loaded[key] = _read_storage(file, self.size(key))
        return self._loaded[key]


def _open_zip(archive: zipfile.ZipFile, file_size: int) -> TorchFile:
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise PickleRefusedError("the archive holds two entries of one name")
    # PyTorch never compresses; what is stored as it is cannot unfold to more than the file.
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise PickleRefusedError("the archive has compressed or encrypted entries, which PyTorch does not write")
    if sum(entry.file_size for entry in entries) > file_size:
        raise PickleRefusedError("the entries of the archive are larger than the file")
    roots = [name.removesuffix("data.pkl") for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise PickleRefusedError("it is a zip archive, but not one that torch.save wrote")
    root = roots[0]
    if f"{root}constants.pkl" in names:
        raise PickleRefusedError("it is a TorchScript archive; load it with torch.jit and save model.state_dict()")
    if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
        raise PickleRefusedError("it was written on a big-endian machine")
    storages = _ZipStorages(archive, root)
    content = archive.read(f"{root}data.pkl")
    machine = _machine(content, storages=storages)
    return TorchFile(machine.run(), frozenset(machine.unknown))


# --- the format before: five pickles in a row, then the storages ----------------------------------------------------


class _RowOfStorages:
    """Storages that lie one after the other behind the pickles."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sizes: dict[str, int] = {}
        self._item_sizes: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._loaded: dict[str, torch.UntypedStorage] = {}

    def declare(self, key: str, dtype: torch.dtype, count: int) -> None:
        if self._sizes.setdefault(key, count * dtype.itemsize) != count * dtype.itemsize:
            raise PickleRefusedError(f"its storage {key[:80]!r} is declared with two sizes")
        self._item_sizes[key] = dtype.itemsize

    def size(self, key: str) -> int:
        return self._sizes[key]

    def place(self, keys: object, position: int, file_size: int) -> None:
        """Find each storage: eight bytes with the number of elements, then the elements."""
        if not isinstance(keys, list) or len(keys) != len(set(keys)) or set(keys) != set(self._sizes):
            raise PickleRefusedError("its list of storages does not match the tensors")
        for key in keys:
            self._file.seek(position)
            count = int.from_bytes(self._file.read(8), "little", signed=True)
            if count * self._item_sizes[key] != self._sizes[key]:
                raise PickleRefusedError(f"its storage {key[:80]!r} has another size than its tensors say")
            self._positions[key] = position + 8
            position += 8 + self._sizes[key]
        if position > file_size:
            raise PickleRefusedError(f"it is cut off: {position} bytes are announced, {file_size} are there")

    def load(self, key: str) -> torch.UntypedStorage:
        if key not in self._loaded:
            self._file.seek(self._positions[key])
            self._loaded[key] = _read_storage(self._file, self._sizes[key])
        return self._loaded[key]


def _open_pickles(content: bytes | mmap.mmap, file: BinaryIO, depth: int) -> TorchFile:
    """A file of the old format, or a plain pickle, which may hold tensors as files of the old format inside."""
    if depth > _MOST_NESTED:
        raise PickleRefusedError("files are nested in it more than four deep")
    if content[:1] != PICKLE_MAGIC:
        raise PickleRefusedError(f"it starts with {content[:16]!r}: neither safetensors nor a checkpoint of PyTorch")
    first = _machine(content, depth=depth)
    value = first.run()
    if not (isinstance(value, int) and value == TORCH_MAGIC):
        return TorchFile(value, frozenset(first.unknown))
    version = Machine(content, position=first.position)
    version.run()
    system = Machine(content, position=version.position)
    facts = system.run()
    if isinstance(facts, dict) and facts.get("little_endian") is False:
        raise PickleRefusedError("it was written on a big-endian machine")
    storages = _RowOfStorages(file)
    main = _machine(content, position=system.position, depth=depth, storages=storages)
    value = main.run()
    keys = Machine(content, position=main.position)
    storages.place(keys.run(), keys.position, len(content))
    return TorchFile(value, frozenset(main.unknown))


# --- what both share --------------------------------------------------------------------------------------------------


def _read_storage(file: Any, size: int) -> torch.UntypedStorage:
    contents = torch.empty(size, dtype=torch.uint8)
    target, done = contents.numpy().data, 0
    while done < size:
        part = file.read(min(1 << 20, size - done))
        if not part:
            raise PickleRefusedError(f"it is cut off: {size - done} bytes of a storage are missing")
        target[done : done + len(part)] = part
        done += len(part)
    return contents.untyped_storage()


def _machine(
    content: bytes | mmap.mmap, *, position: int = 0, depth: int = 0, storages: Storages | None = None
) -> Machine:
    """A machine that knows how PyTorch writes tensors."""

    def referred(reference: Any) -> StorageRef:
        kind, storage_type, key, _location, count, *view = reference
        dtype = STORAGE_DTYPES.get(storage_type.text) if isinstance(storage_type, Name) else None
        if kind != "storage" or dtype is None or type(key) is not str or type(count) is not int or count < 0:
            raise PickleRefusedError("the pickle refers to data outside itself in a way that PyTorch does not")
        if any(part is not None for part in view):
            raise PickleRefusedError("it holds a view of a storage, a form older than PyTorch 0.4")
        assert storages is not None
        storages.declare(key, dtype, count)
        return StorageRef(storages, key, dtype)

    def nested_storage(inner: Any) -> object:
        if type(inner) is not bytes:
            raise PickleRefusedError("a tensor of the pickle has no bytes")
        return _open_pickles(inner, io.BytesIO(inner), depth + 1).value

    def subclass_tensor(function: Any, _type: object, args: tuple[Any, ...], _state: object = None) -> object:
        if not isinstance(function, Name) or function.text not in _TENSORS:
            raise PickleRefusedError("the pickle makes a tensor of a kind that is not known here")
        return _TENSORS[function.text](*args)

    return Machine(
        content,
        position=position,
        constructors={
            **CONSTRUCTORS,
            **_TENSORS,
            "torch._tensor._rebuild_from_type_v2": subclass_tensor,
            "torch.storage._load_from_bytes": nested_storage,
        },
        named=_NAMED,
        keep_unknown=True,
        persistent=None if storages is None else referred,
    )


def _tensor(storage: StorageRef, offset: Any, size: Any, stride: Any, *_grad_hooks_metadata: object) -> TensorSpec:
    """A description that cannot reach outside its storage."""
    size, stride = tuple(size), tuple(stride)
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > 64 or any(type(n) is not int or n < 0 for n in numbers):
        raise PickleRefusedError("a tensor has no valid sizes and strides")
    count, last = 1, offset
    for side, step in zip(size, stride, strict=True):
        count *= side
        last += (side - 1) * step
    available = storage.storages.size(storage.key) // storage.dtype.itemsize
    if (count and last >= available) or max(numbers) > _LARGEST:
        raise PickleRefusedError(f"a tensor of shape {list(size)} reaches outside its storage of {available} elements")
    if count > available + _OVERLAP:
        raise PickleRefusedError(f"a tensor of shape {list(size)} repeats the {available} elements of its storage")
    return TensorSpec(storage, offset, size, stride)


def _tensor_of_dtype(
    storage: StorageRef, offset: Any, size: Any, stride: Any, _grad: object, _hooks: object, dtype: Name, *_rest: object
) -> TensorSpec:
    return _tensor(evolve(storage, dtype=DTYPES[dtype.text]), offset, size, stride)


def _parameter(data: object, *_grad_hooks_state: object) -> object:
    return data


def _device(kind: str, index: int | None = None) -> str:
    return kind[:40] if index is None else f"{kind[:40]}:{int(index)}"


def _layout(name: object) -> str:
    return str(name)[:40]


_TENSORS: dict[str, Any] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.Size": tuple,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
}
