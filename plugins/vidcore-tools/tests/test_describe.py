from __future__ import annotations

from typing import Literal

import pytest
from attrs import field, frozen
from attrs.validators import and_, ge, in_, lt, optional

from vidcore.errors import ConfigError
from vidcore.plugins import Host
from vidcore_tools.describe import Key, explain, json_schema, keys_of, table_of


@frozen(kw_only=True)
class Parent:
    """A parent."""

    size: int = field(default=8, validator=and_(ge(1), lt(9)))  # of something


@frozen(kw_only=True)
class Child(Parent):
    """A child. More about it."""

    shape: Literal["round", "square"] = "round"
    number: int | None = field(default=None, validator=optional(in_((1, 2))))  # left out: neither
    needed: tuple[float, ...]


@pytest.fixture
def host() -> Host:
    return Host([])


def test_keys_carry_type_default_limits_and_the_comment_beside_them() -> None:
    keys = {key.name: key for key in keys_of(Child)}
    assert keys["size"] == Key(
        name="size", kind="an integer", required=False, default=8, limits=">= 1 and < 9", note="of something",
        annotation=int,
    )  # fmt: skip
    assert keys["shape"].kind == '"round", "square"'
    assert (keys["number"].note, keys["number"].limits) == ("left out: neither", "one of 1, 2")
    assert keys["needed"].required


def test_a_key_is_found_by_its_dotted_place(host: Host) -> None:
    ((path, key),) = explain("engine.clip_grad.norm", host)
    assert isinstance(key, Key)
    assert (path, key.kind) == ("engine.clip_grad.norm", "a number")


def test_a_key_of_a_component_is_found_with_and_without_its_name(host: Host) -> None:
    named = [path for path, _ in explain("optimizer.sgd.momentum", host)]
    unnamed = [path for path, _ in explain("optimizer.momentum", host)]
    assert named == ["optimizer.sgd.momentum"]
    assert "optimizer.sgd.momentum" in unnamed


def test_a_place_inside_a_named_entry_is_found(host: Host) -> None:
    ((path, key),) = explain("metrics.mine", host)
    assert isinstance(key, Key)
    assert (path, key.name) == ("metrics.mine", "metrics")


def test_a_place_that_is_not_there_is_told_with_the_nearest(host: Host) -> None:
    with pytest.raises(ConfigError, match=r"engine\.epoch: there is no 'epoch' here; did you mean 'epochs'"):
        explain("engine.epoch", host)


def test_the_schema_knows_every_component_and_refuses_unknown_keys(host: Host) -> None:
    schema = json_schema(host)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["engine"]["properties"]["epochs"]["default"] == 10
    names, *tables = schema["$defs"]["slot-optimizer"]["anyOf"]
    assert set(names["enum"]) == {table["properties"]["type"]["const"] for table in tables} >= {"sgd", "adamw"}


def test_a_key_that_all_components_share_answers_once(host: Host) -> None:
    assert [path for path, _ in explain("optimizer.groups", host)] == ["optimizer.groups"]
    assert [path for path, _ in explain("optimizer.betas", host)] == ["optimizer.adamw.betas"]


def test_the_table_of_an_optional_key_is_found(host: Host) -> None:
    ((_, key),) = explain("engine.clip_grad", host)
    assert isinstance(key, Key)
    assert [entry.name for entry in keys_of(table_of(key) or Parent)] == ["norm", "value"]
    ((_, number),) = explain("engine.epochs", host)
    assert isinstance(number, Key) and table_of(number) is None
