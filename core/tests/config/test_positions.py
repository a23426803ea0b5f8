from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidcore.config.positions import Path, Positions
from vidcore.config.tables import dumps

TRICKY = '''# comment
title = "a # b = ]"   # more
"quoted.key" . 'b c' = 1
a.b.c = [1, 2, # inside
  "]", [3, {x = 1, "y z" = {q = "}"}}],
]
s = """
[not.a.table]
k = 1 \\\\""" # three quotes end it
lit = \'\'\'
[[nope]] \'\'\'\'
date = 1979-05-27 07:32:00
[data.train]
steps = [
  {type = "crop", size = 224},
  { type = "flip" },  # trailing
]
[[stage]]
name = "tem"
[stage.model]
type = "one"
[[stage.sub]]
v = 1
[[stage]]
name = "pem"
[[stage.sub]]
v = 2
[[stage.sub]]
v.w = 3
[a.'d.e']
f = inf
'''


def every_path(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from every_path(item, (*path, key))


def test_every_key_and_item_has_a_position() -> None:
    positions = Positions(TRICKY)
    assert [path for path in every_path(tomllib.loads(TRICKY)) if path not in positions] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("quoted.key", "b c"), "1"),
        (("a", "b", "c", 2), '"]"'),
        (("a", "b", "c", 3, 1, "y z", "q"), '"}"'),
        (("data", "train", "steps", 1, "type"), '"flip"'),
        (("stage", 1, "sub", 1, "v", "w"), "3"),
        (("stage", 0, "model", "type"), '"one"'),
        (("a", "d.e", "f"), "inf"),
    ],
)
def test_a_value_is_found_where_it_is_written(path: Path, text: str) -> None:
    line, column = Positions(TRICKY).value(path)
    assert TRICKY.splitlines()[line - 1][column - 1 :].startswith(text)


def test_a_missing_key_is_reported_at_its_table() -> None:
    positions = Positions(TRICKY)
    assert positions.key(("data", "train", "absent")) == positions.key(("data", "train"))


KEYS = st.text(min_size=1, max_size=6)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no mistake of ours
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_reads_back_the_same_and_has_positions(table: dict[str, Any]) -> None:
    text = dumps(table)
    assert tomllib.loads(text) == table
    positions = Positions(text)
    assert [path for path in every_path(table) if path not in positions] == []
