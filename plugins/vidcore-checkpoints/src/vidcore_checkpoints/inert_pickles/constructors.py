"""The values that a pickle may make: containers, bytes, numbers and numpy arrays of plain types.

Each function here takes arguments that a stranger chose. It checks them, and builds nothing larger than what it is
given; whatever else goes wrong inside (a missing argument, a text that is no number) ends in an exception, which the
machine reports as a broken pickle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import define

Constructor = Callable[..., object]


class PickleRefusedError(Exception):
    """The pickle is broken, or asks for something that is not plain data."""


def check_key(key: object, depth: int = 0) -> None:
    """Refuse deep tuples: hashing one descends without a guard, and would overflow the stack of the process."""
    if isinstance(key, tuple):
        if depth > 8:
            raise PickleRefusedError("a key of the pickle is nested too deeply")
        for part in key:
            check_key(part, depth + 1)


def dict_of(keys_and_values: list[Any]) -> dict[Any, Any]:
    """A dict from `[key, value, key, value, ...]`."""
    for key in keys_and_values[::2]:
        check_key(key)
    return dict(zip(keys_and_values[::2], keys_and_values[1::2], strict=True))


def frozen_set_of(items: list[Any] | tuple[Any, ...] = ()) -> frozenset[Any]:
    """The same members, once none of them is too deep to hash."""
    for item in items:
        check_key(item)
    return frozenset(items)


def _set(items: list[Any] | tuple[Any, ...] = ()) -> set[Any]:
    return set(frozen_set_of(items))


def _dict(items: Any = ()) -> dict[Any, Any]:
    return dict(items) if isinstance(items, dict) else dict_of([part for key, value in items for part in (key, value)])


def _default_dict(_factory: object = None, items: Any = ()) -> dict[Any, Any]:
    return _dict(items)


def _encode(text: str, codec: str = "utf-8") -> bytes:
    """How Python 3 writes bytes in protocol 2: as text, to be encoded again."""
    if codec not in ("latin1", "latin-1", "utf-8"):
        raise PickleRefusedError(f"the pickle encodes text as {codec!r:.40}")
    return str.encode(text, codec)


def _bytes(content: str | bytes | bytearray = b"", codec: str = "latin-1") -> bytes:
    return _encode(content, codec) if isinstance(content, str) else b"".join([content])


def _bytearray(content: str | bytes | bytearray = b"", codec: str = "latin-1") -> bytearray:
    return bytearray(_bytes(content, codec))


def _complex(real: float, imaginary: float = 0.0) -> complex:
    return complex(float(real), float(imaginary))


@define(eq=False)
class DataType:
    """A numpy type while it is being read: the byte order comes after the letter code."""

    code: str
    real: np.dtype[Any]

    def set_order(self, state: tuple[Any, ...]) -> None:
        _version, order, base, names, *_ = state
        if base is not None or names is not None:
            raise PickleRefusedError("the file asks for a structured numpy type, which is not a plain one")
        text = order.decode("latin-1") if isinstance(order, bytes) else order
        if text in ("<", ">"):
            self.real = np.dtype(self.code).newbyteorder("<" if text == "<" else ">")


_PLAIN_TYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|f16|c8|c16|c32|[SU][1-9]\d{0,8}|O8?|[?bBhHiIlLqQefdFD])")


def _data_type(code: str | bytes, *_flags: object) -> DataType:
    text = code.decode("latin-1") if isinstance(code, bytes) else code
    if not _PLAIN_TYPE.fullmatch(text):
        raise PickleRefusedError(f"the file asks for a numpy array of type {text[:80]!r}, which is not a plain one")
    return DataType(text, np.dtype(text.removesuffix("8") if text.endswith("O8") else text))


def _empty_array(*_subtype_shape_type: object) -> np.ndarray[Any, Any]:
    """What numpy's `_reconstruct` leaves; its contents come with `fill_array`."""
    return np.ndarray((0,), np.int8)


def _count(shape: Any) -> int:
    """Elements of an array of that shape, which the file may have made up."""
    if not (isinstance(shape, tuple) and len(shape) <= 32 and all(type(side) is int and side >= 0 for side in shape)):
        raise PickleRefusedError("the shape of an array is not a tuple of sizes")
    count = 1
    for side in shape:
        count *= side
    return count


def fill_array(array: np.ndarray[Any, Any], state: Any) -> None:
    """Give an empty array its contents, as numpy does, once type, shape and size are known to agree."""
    _version, shape, data_type, fortran_order, content = state
    if array.size or not isinstance(data_type, DataType):
        raise PickleRefusedError("the pickle fills an array in a way that numpy does not")
    count = _count(shape)
    if isinstance(content, str):  # bytes of Python 2
        content = content.encode("latin-1")
    if data_type.real.kind == "O":
        if not isinstance(content, list) or len(content) != count:
            raise PickleRefusedError("the size of an array does not match its shape")
        # Arrays in arrays, ever deeper, would overflow the stack of the process when they are freed.
        if any(isinstance(entry, np.ndarray) and entry.dtype.kind == "O" for entry in content):
            raise PickleRefusedError("the file asks for an array of arrays of objects")
        content = list(content)
    elif not isinstance(content, bytes) or len(content) != count * data_type.real.itemsize:
        raise PickleRefusedError("the size of an array does not match its shape")
    checked: Any = (1, shape, data_type.real, bool(fortran_order), content)
    array.__setstate__(checked)


def _from_buffer(content: bytes | bytearray, data_type: DataType, shape: Any, order: str) -> np.ndarray[Any, Any]:
    """How protocol 5 writes an array."""
    real = data_type.real
    if real.kind == "O" or len(content) != _count(shape) * real.itemsize:
        raise PickleRefusedError("the size of an array does not match its shape")
    return np.frombuffer(bytes(content), real).reshape(shape, order="F" if order == "F" else "C").copy()


def _scalar(data_type: DataType, content: str | bytes) -> object:
    if isinstance(content, str):
        content = content.encode("latin-1")
    if data_type.real.kind == "O" or len(content) != data_type.real.itemsize:
        raise PickleRefusedError("the size of a numpy number does not match its type")
    return np.frombuffer(content, data_type.real)[0]


CONSTRUCTORS: dict[str, Constructor] = {
    "builtins.set": _set,
    "builtins.frozenset": frozen_set_of,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "collections.OrderedDict": _dict,
    "collections.Counter": _dict,
    "collections.defaultdict": _default_dict,
    "_codecs.encode": _encode,
    "numpy.dtype": _data_type,
    "numpy._core.multiarray._reconstruct": _empty_array,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": _from_buffer,
}
# What default dicts and arrays name as an argument. Calling these is refused like any other call.
ONLY_NAMED = {
    "numpy.ndarray",
    *(f"builtins.{name}" for name in ("list", "dict", "int", "float", "str", "bool", "tuple")),
}
