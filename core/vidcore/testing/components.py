"""Contract checks for any component: its description, its config class, and what its kind asks for."""

from __future__ import annotations

import re
from typing import Any

import attrs

from vidcore.config import dumps, to_table
from vidcore.config.structure import annotations_of, structure
from vidcore.plugins import Component, host, load_reference
from vidcore.testing.models import check_model

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_component(component: Component) -> None:
    """Check a component as far as that goes without data.

    Its description and config class; a model also by `check_model` on the `example()` of its config class.

    Raises:
        AssertionError: Says what breaks the contract.
    """
    check_description(component)
    config = example_of(component)
    if config is not None:
        check_round_trip(config)
    if component.kind == "model":
        assert config is not None, f"{component.config}.example() must return a small config"
        check_model(config, factory=load_reference(component.factory))


def check_description(component: Component) -> None:
    """Names in lower case with hyphens, a summary, a documented frozen config class, a factory that exists."""
    what = f"{component.kind} {component.name!r}"
    assert NAME.fullmatch(component.name), f"{what}: a name is lower case with hyphens"
    assert component.summary, f"{what} has no summary, which lists show"
    cls = load_reference(component.config)
    assert attrs.has(cls), f"{what}: {component.config} is no attrs class"
    assert cls.__doc__, f"{what}: {component.config} has no docstring, which `config explain` shows"
    annotations = annotations_of(cls)
    for entry in attrs.fields(cls):
        if not entry.init:
            continue
        where = f"{component.config}.{entry.name}"
        assert entry.kw_only, f"{where} is positional; write @frozen(kw_only=True)"
        assert entry.name in annotations, f"{where} has no annotation"
        may_be_none = type(None) in getattr(annotations[entry.name], "__args__", ())
        assert not may_be_none or entry.default is None, (
            f"{where} may be None, so its default must be None: TOML has no null"
        )
    assert callable(load_reference(component.factory)), f"{what}: {component.factory} cannot be called"


def example_of(component: Component) -> Any:
    """A config object: what the class calls an example, else all defaults; None where an option must be given."""
    cls = load_reference(component.config)
    if callable(example := getattr(cls, "example", None)):
        return example()
    try:
        return cls()
    except (TypeError, ValueError):
        return None


def check_round_trip(config: Any) -> None:
    """The config becomes a TOML table, which reads back as an equal config of the same class."""
    table = to_table(config)
    dumps(table)  # refuses what TOML cannot hold
    component = host().components.of_config(config)
    assert table.pop("type") == component.name
    again, problems = structure(table, type(config), host())
    told = "; ".join(f"{'.'.join(map(str, problem.path))}: {problem.text}" for problem in problems)
    assert again is not None, f"{type(config).__name__} does not read back what it wrote: {told}"
    assert to_table(again) == to_table(config), f"{type(config).__name__} reads back as {again}, not {config}"
