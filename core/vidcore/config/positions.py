"""Line and column of every key and value of a TOML text.

`tomllib` has accepted the text before, so this scanner may trust the grammar and only keeps track of where it is.
It runs when there is a problem to report or an origin to show, never on the way of a good file.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_SPACE_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BASIC = r'"""(?:\\.|[^\\])*?"{3,5}|"(?:\\.|[^"\\\n])*"'
_LITERAL = r"'''.*?'{3,5}|'[^'\n]*'"
_STRING = re.compile(f"{_BASIC}|{_LITERAL}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Positions:
    r"""Where the keys and values of an accepted TOML text stand.

    Example:
        `Positions("a = 1\n[b]\nc = [2, 3]").key(("b", "c"))` is `(3, 1)`, `.value(("b", "c", 1))` is `(3, 9)`.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._offsets: dict[Path, tuple[int, int]] = {(): (0, 0)}  # path -> offsets of key and value
        self._scan()

    def key(self, path: Path) -> tuple[int, int]:
        """(line, column), from 1, of the key at `path`; of the nearest table above where it is not written."""
        return self._where(path, 0)

    def value(self, path: Path) -> tuple[int, int]:
        """(line, column), from 1, of the value at `path`."""
        return self._where(path, 1)

    def __contains__(self, path: Path) -> bool:
        return path in self._offsets

    def _where(self, path: Path, which: int) -> tuple[int, int]:
        while path not in self._offsets:
            path = path[:-1]
        offset = self._offsets[path][which]
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def _scan(self) -> None:
        table: Path = ()
        counts: dict[Path, int] = {}  # arrays of tables: index of the table that is open
        while True:
            self._skip(_SPACE_AND_COMMENTS)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header(counts)
            else:
                self._pair(table)

    def _header(self, counts: dict[Path, int]) -> Path:
        start = self._at
        double = self._text.startswith("[[", start)
        self._at += 2 if double else 1
        path: Path = ()
        names = self._dotted_key()
        for position, (name, offset) in enumerate(names):
            path += (name,)
            self._offsets.setdefault(path, (offset, start))
            if double and position == len(names) - 1:
                counts[path] = counts.get(path, -1) + 1
                path += (counts[path],)
                self._offsets[path] = (offset, start)
            elif path in counts:
                path += (counts[path],)
        self._at += 2 if double else 1
        return path

    def _dotted_key(self) -> list[tuple[str, int]]:
        names = []
        while True:
            self._skip(_SPACE)
            start = self._at
            if self._text[start] in "\"'":
                self._skip(_STRING)
                name = next(iter(tomllib.loads(f"{self._text[start : self._at]} = 0")))
            else:
                self._skip(_BARE_KEY)
                name = self._text[start : self._at]
            names.append((name, start))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _pair(self, table: Path) -> None:
        path, offset = table, self._at
        for name, offset in self._dotted_key():
            path += (name,)
            self._offsets.setdefault(path, (offset, offset))
        self._at += 1  # the "="
        self._skip(_SPACE)
        self._offsets[path] = (offset, self._at)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._skip(_STRING)
        elif first == "[":
            self._items(path, "]")
        elif first == "{":
            self._items(path, "}")
        else:
            self._skip(_SCALAR)

    def _items(self, path: Path, close: str) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_SPACE_AND_COMMENTS)
            if self._text[self._at] == close:
                self._at += 1
                return
            if close == "}":
                self._pair(path)
            else:
                self._offsets[(*path, index)] = (self._at, self._at)
                self._value((*path, index))
                index += 1
            self._skip(_SPACE_AND_COMMENTS)
            if self._text[self._at] == ",":
                self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
