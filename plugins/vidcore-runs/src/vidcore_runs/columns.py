"""Tables of plain text: aligned, one line a row, fit for `grep`, `sort` and `column`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> Iterator[str]:
    """Lines of a table with two spaces between columns.

    Args:
        head: Names of the columns.
        rows: A text a column.
        right: Names of columns that are flush right, as numbers are.
    """
    table, flush = [list(head), *map(list, rows)], set(right)
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    for row in table:
        cells = zip(row, widths, head, strict=True)
        yield "  ".join(
            text.rjust(width) if name in flush else text.ljust(width) for text, width, name in cells
        ).rstrip()


def number(value: float) -> str:
    """A figure: fractions with four digits."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.5g}"


def duration(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s`, `12.3 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def moment(seconds: float) -> str:
    """Local date and time; "" where it is not known."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else ""
