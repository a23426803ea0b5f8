"""A pickle is a program for a small stack machine, and Python's own reader lets it call any function.

This machine runs the same programs as data. A name stays a name; a call to one of the given constructors builds a plain
value; a call to any other name is refused, or recorded as a `Record` and never made. Python's reader is not used even
with its look-up of names replaced: ten bytes can make it allot gigabytes for its memo, and a deep key crashes it.
"""

from __future__ import annotations

import codecs
import mmap
import struct
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import numpy as np
from attrs import define, field, frozen

from vidcore_checkpoints.inert_pickles.constructors import (
    CONSTRUCTORS,
    ONLY_NAMED,
    Constructor,
    DataType,
    PickleRefusedError,
    dict_of,
    fill_array,
    frozen_set_of,
)


@frozen
class Name:
    """A class or function that a pickle names, in today's spelling: `builtins.set`, `numpy.dtype`."""

    text: str


@define(eq=False)
class Record:
    """What a pickle wanted made of a name that nobody here calls: the wish, written down."""

    name: str
    args: tuple[Any, ...] = field(repr=False)
    state: object = field(default=None, repr=False)
    items: list[Any] = field(factory=list, repr=False)


class Machine:
    """Runs one pickle program over `buffer`, as data.

    Args:
        buffer: The bytes, or a map of the file; the program may end before the buffer does.
        position: Where the program begins.
        constructors: By full name, what may be made. The functions must be harmless for any arguments.
        named: Full names that may stand as an argument, and that nobody may call.
        keep_unknown: Calls to other names become a `Record`, and the names are gathered in `unknown`; else refused.
        persistent: Answers references to what lies outside the pickle; without it such references are refused.

    After `run`, `position` is where the program ended.
    """

    def __init__(
        self,
        buffer: bytes | mmap.mmap,
        *,
        position: int = 0,
        constructors: Mapping[str, Constructor] | None = None,
        named: Collection[str] = ONLY_NAMED,
        keep_unknown: bool = False,
        persistent: Callable[[Any], object] | None = None,
    ) -> None:
        self.position = position
        self.unknown: set[str] = set()
        self._buffer = buffer
        self._constructors = CONSTRUCTORS if constructors is None else constructors
        self._named = named
        self._keep_unknown = keep_unknown
        self._persistent = persistent
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks under each open mark
        self._memo: dict[int, Any] = {}  # a dict: Python's own reader allots a list up to any index the file says
        # A call may copy what it is given, so a small file could ask for one large value many times over.
        self._allowance = 64 * len(buffer) + (16 << 20)

    def run(self) -> Any:
        """The value that the program leaves.

        Raises:
            PickleRefusedError: It is broken, or asks for what is not allowed.
        """
        start = at = self.position
        handlers = self._handlers()
        try:
            while True:
                at = self.position
                opcode = self._buffer[at]
                self.position = at + 1
                if opcode == 0x2E:  # STOP
                    return self._stack.pop()
                handlers[opcode]()
        except PickleRefusedError:
            raise
        except Exception as error:  # a hostile program can fail in any way: stack empty, key not hashable, bad text
            raise PickleRefusedError(f"the pickle is broken at byte {at - start} ({type(error).__name__})") from error

    def _handlers(self) -> dict[int, Callable[[], None]]:
        """What each opcode does; one that is missing here (extension registry, buffers beside the file) is refused."""
        push = self._push
        table: dict[bytes, Callable[[], None]] = {
            b"N": lambda: push(None),
            b"\x88": lambda: push(True),
            b"\x89": lambda: push(False),
            b")": lambda: push(()),
            b"]": lambda: push([]),
            b"}": lambda: push({}),
            b"\x8f": lambda: push(set()),
            b"K": lambda: push(self._byte()),
            b"M": lambda: push(self._number(2)),
            b"J": lambda: push(int.from_bytes(self._take(4), "little", signed=True)),
            b"G": lambda: push(struct.unpack(">d", self._take(8))[0]),
            b"(": self._mark,
            b"0": self._pop,
            b"1": lambda: self._discard(self._to_mark()),
            b"2": lambda: push(self._stack[-1]),
            b"t": lambda: push(tuple(self._to_mark())),
            b"\x85": lambda: self._tuple(1),
            b"\x86": lambda: self._tuple(2),
            b"\x87": lambda: self._tuple(3),
            b"l": lambda: push(self._to_mark()),
            b"d": lambda: push(dict_of(self._to_mark())),
            b"a": lambda: self._append([self._stack.pop()]),
            b"e": lambda: self._append(self._to_mark()),
            b"s": lambda: self._set_items([self._stack.pop(-2), self._stack.pop()]),
            b"u": lambda: self._set_items(self._to_mark()),
            b"\x90": self._add_items,
            b"\x91": lambda: push(frozen_set_of(self._to_mark())),
            b"c": lambda: push(self._name(self._line().decode(), self._line().decode())),
            b"\x93": lambda: push(self._name(self._stack.pop(-2), self._stack.pop())),
            b"i": lambda: self._make(self._name(self._line().decode(), self._line().decode()), tuple(self._to_mark())),
            b"o": self._make_from_mark,
            b"R": lambda: self._make(self._stack.pop(-2), self._stack.pop()),
            b"\x81": lambda: self._make(self._stack.pop(-2), self._stack.pop()),
            b"\x92": self._make_with_keywords,
            b"b": lambda: self._build(self._stack.pop()),
            b"P": lambda: push(self._outside(self._line().decode())),
            b"Q": lambda: push(self._outside(self._stack.pop())),
            b"\x80": lambda: self._discard(self._take(1)),  # PROTO
            b"\x95": lambda: self._discard(self._take(8)),  # FRAME
            b"\x94": lambda: self._put(len(self._memo)),
            b"g": lambda: push(self._memo[int(self._line())]),
            b"h": lambda: push(self._memo[self._byte()]),
            b"j": lambda: push(self._memo[self._number(4)]),
            b"p": lambda: self._put(int(self._line())),
            b"q": lambda: self._put(self._byte()),
            b"r": lambda: self._put(self._number(4)),
        }
        for code, (width, decode) in _SIZED.items():
            table[code] = partial(self._sized, width, decode)
        for code, parse in _LINES.items():
            table[code] = partial(self._parsed_line, parse)
        return {code[0]: handler for code, handler in table.items()}

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _discard(self, value: object) -> None:
        """Drop `value`: what was read is not needed."""

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._buffer):
            raise PickleRefusedError(f"the pickle is cut off: byte {end} of {len(self._buffer)} is asked for")
        taken = self._buffer[self.position : end]
        self.position = end
        return taken

    def _byte(self) -> int:
        value = self._buffer[self.position]  # past the end: IndexError, a broken pickle
        self.position += 1
        return value

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _line(self) -> bytes:
        end = self._buffer.find(b"\n", self.position)
        if end < 0:
            raise PickleRefusedError("the pickle is cut off inside a line")
        line = self._buffer[self.position : end]
        self.position = end + 1
        return line

    def _sized(self, width: int, decode: Callable[[bytes], object]) -> None:
        count = self._byte() if width == 1 else self._number(width)
        self._stack.append(decode(self._take(count)))

    def _parsed_line(self, parse: Callable[[bytes], object]) -> None:
        self._stack.append(parse(self._line()))

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _to_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._to_mark()

    def _tuple(self, count: int) -> None:
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Record):
            target.items.extend(items)
        elif isinstance(target, list):
            target.extend(items)
        else:
            raise PickleRefusedError(f"the pickle appends to a {type(target).__name__}")

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Record):
            target.items.extend(zip(items[::2], items[1::2], strict=True))
        elif isinstance(target, dict):
            target.update(dict_of(items))
        else:
            raise PickleRefusedError(f"the pickle sets items of a {type(target).__name__}")

    def _add_items(self) -> None:
        items = self._to_mark()
        target = self._stack[-1]
        if not isinstance(target, set):
            raise PickleRefusedError(f"the pickle adds members to a {type(target).__name__}")
        target.update(frozen_set_of(items))

    def _name(self, module: object, name: object) -> Name:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise PickleRefusedError("the pickle names a function with something that is not text")
        text = _today(module, name)
        if text not in self._constructors and text not in self._named:
            if not self._keep_unknown:
                raise PickleRefusedError(f"the file asks for {text[:200]}")
            self.unknown.add(text[:200])
        return Name(text)

    def _make_from_mark(self) -> None:
        function, *args = self._to_mark()
        self._make(function, tuple(args))

    def _make_with_keywords(self) -> None:
        keywords, args = self._stack.pop(), self._stack.pop()
        if keywords:
            args = (*args, keywords)
        self._make(self._stack.pop(), args)

    def _make(self, function: object, args: object) -> None:
        if not isinstance(args, tuple):
            raise PickleRefusedError(f"the pickle calls something with a {type(args).__name__} for its arguments")
        if isinstance(function, Name) and function.text in self._constructors:
            made = self._construct(function.text, args)
            self._spend(made)
        elif isinstance(function, Name | Record) and self._keep_unknown:
            made = Record(function.text[:200] if isinstance(function, Name) else f"{function.name[:200]}()", args)
        else:
            what = function.text[:200] if isinstance(function, Name) else f"a {type(function).__name__}"
            raise PickleRefusedError(f"the pickle calls {what}")
        self._stack.append(made)

    def _construct(self, name: str, args: tuple[Any, ...]) -> object:
        try:
            return self._constructors[name](*args)
        except (TypeError, ValueError, AttributeError, KeyError):
            if self._keep_unknown:  # made of something unknown, then: a dict of a record, say
                return Record(name, args)
            raise

    def _build(self, state: Any) -> None:
        target = self._stack[-1]
        if isinstance(target, Record):
            target.state = state
        elif isinstance(target, np.ndarray):
            fill_array(target, state)
            self._spend(target)
        elif isinstance(target, DataType):
            target.set_order(state)
        elif not isinstance(target, dict) and not self._keep_unknown:  # attributes of plain values are not needed
            raise PickleRefusedError(f"the pickle sets attributes of a {type(target).__name__}")

    def _outside(self, reference: object) -> object:
        if self._persistent is None:
            raise PickleRefusedError("the pickle refers to data outside itself")
        return self._persistent(reference)

    def _spend(self, made: object) -> None:
        self._allowance -= sys.getsizeof(made)
        if self._allowance < 0:
            raise PickleRefusedError("the pickle grows far beyond the size of its file")


def _today(module: str, name: str) -> str:
    """One spelling for names that moved between versions of Python and numpy."""
    if module.startswith("numpy.core"):
        module = "numpy._core" + module.removeprefix("numpy.core")
    return f"{ {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}.get(module, module) }.{name}"


def _latin1(content: bytes) -> str:
    return content.decode("latin-1")


def _utf8(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _signed(content: bytes) -> int:
    return int.from_bytes(content, "little", signed=True)


def _text_integer(line: bytes) -> object:
    return {b"00": False, b"01": True}.get(line, int(line))


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise PickleRefusedError("a text of the pickle has no quotes")
    return _latin1(codecs.escape_decode(line[1:-1])[0])


_SIZED: dict[bytes, tuple[int, Callable[[bytes], object]]] = {
    b"\x8c": (1, _utf8),
    b"X": (4, _utf8),
    b"\x8d": (8, _utf8),
    b"C": (1, bytes),
    b"B": (4, bytes),
    b"\x8e": (8, bytes),
    b"\x96": (8, bytearray),
    b"U": (1, _latin1),
    b"T": (4, _latin1),
    b"\x8a": (1, _signed),
    b"\x8b": (4, _signed),
}
_LINES: dict[bytes, Callable[[bytes], object]] = {
    b"I": _text_integer,
    b"L": lambda line: int(line.removesuffix(b"L")),
    b"F": float,
    b"S": _quoted,
    b"V": lambda line: line.decode("raw-unicode-escape"),
}
