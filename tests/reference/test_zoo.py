"""Each recipe of an owned family says what the published configuration of the same name says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import zoo

from vidcore.plugins import host

FAMILIES = ("slowfast", "slowonly")
ROWS = zoo.rows(*FAMILIES)
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])


def test_there_are_rows_to_check() -> None:
    assert len(ROWS) == 14


@each_row
def test_the_recipe_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    name = zoo.recipe_of(row)
    assert name, f"no recipe has the alias mmaction2:{row['name']}"
    expected, stated = zoo.expected(row), zoo.stated(zoo.load(name))
    # a random box carries its own size; the recorded pipeline scales it in a step of its own
    assert {key: stated.get(key) for key in expected} == expected


@each_row
def test_the_learning_rate_is_the_same_at_every_step(row: dict[str, Any]) -> None:
    recorded, planned = zoo.learning_rates(row), zoo.planned_learning_rates(zoo.load(str(zoo.recipe_of(row))))
    # recorded rates come from a recursion that gathers rounding over the epochs
    np.testing.assert_allclose(planned, recorded, rtol=1e-9, atol=1e-12)


@each_row
def test_the_hash_is_the_one_that_the_address_ends_with(row: dict[str, Any]) -> None:
    for checkpoint in zoo.expected(row)["checkpoint"]:
        (entry,) = {entry.sha256: entry for entry in host().weights.values() if entry.url == checkpoint}.values()
        assert re.search(rf"-{entry.sha256[:8]}\.pth$", checkpoint)
