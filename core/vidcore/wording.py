"""Words of messages: a number with its noun, a noun with its article, the name that was perhaps meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def counted(number: int, one: str, several: str = "") -> str:
    """A number with the words that go with it; `several` where these are not `one` with an s.

    Example: `counted(1, "video")` is `1 video`; `counted(3, "class has", "classes have")` is `3 classes have`.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def with_article(noun: str) -> str:
    """`a model`, `an optimizer`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def nearest(name: object, names: Iterable[object]) -> str:
    """`"; did you mean 'x'?"` for the most similar of `names`, or nothing when none is similar."""
    found = difflib.get_close_matches(str(name), [str(candidate) for candidate in names], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
