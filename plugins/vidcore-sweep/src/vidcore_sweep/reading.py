"""SWEEP.toml to a sweep whose every mistake is told before the first run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import tomlkit
from attrs import frozen

from vidcore.config import Experiment
from vidcore.config.layers import Layer, layer_of, parse_set, read
from vidcore.config.loading import load
from vidcore.config.structure import Problem, structure
from vidcore.errors import ConfigError
from vidcore.plugins import build, host
from vidcore_sweep.config import Range, Space, Sweep
from vidcore_sweep.search import Search, Values

_RANGE_KEYS = frozenset(entry.name for entry in attrs.fields(Range))
_LONGEST_NAME = 100


@frozen(kw_only=True, eq=False)
class Plan:
    """A sweep that has been read."""

    name: str
    source: str  # of the experiment, as `vidcore run` takes it
    sets: tuple[str, ...]
    space: Space
    search: Search


def read_sweep(path: Path) -> Plan:
    """Read a sweep.

    Raises:
        ConfigError: With every mistake of the file, and those of the experiment at any single value.
    """
    layer = read(path)
    table = dict(layer.table)
    parameters = table.pop("parameters", None)
    config, problems = structure(table, Sweep, host())
    space: Space = {}
    if not isinstance(parameters, dict) or not parameters:
        problems.append(Problem(("parameters",), "missing table [parameters]: KEY = [values] or { low, high }", True))
    else:
        space = _space(parameters, (), problems)
    if config is None or problems:
        raise ConfigError("\n".join(f"{_where(layer, problem)}: {_dotted(problem)}" for problem in problems))
    beside = path.parent / config.experiment
    plan = Plan(
        name=config.name or path.stem,
        source=str(beside) if beside.is_file() else config.experiment,
        sets=config.set,
        space=space,
        search=build(config.search, space),
    )
    _check_values(plan, path)
    return plan


def experiment_of(plan: Plan, values: Values) -> Experiment:
    """The checked experiment of a trial.

    Raises:
        ConfigError: With every mistake.
    """
    layers = [*(parse_set(option) for option in plan.sets), attrs.evolve(layer_of(values), file="[parameters]")]
    return load(plan.source, layers).experiment


def set_options(values: Values) -> list[str]:
    """`KEY=VALUE` for `--set`."""
    return [f"{key}={inline(value)}" for key, value in values.items()]


def inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return str(tomlkit.item(value).as_string())


def trial_name(values: Values) -> str:
    """A folder's name that tells the values: `lr=0.01,depth=50`; the same values have the same name."""
    last = [key.split(".")[-1] for key in values]
    names = [key if last.count(short) > 1 else short for key, short in zip(values, last, strict=True)]
    told = ",".join(f"{name}={_plain(value)}" for name, value in zip(names, values.values(), strict=True))
    name = re.sub(r"[^A-Za-z0-9.,=_+-]+", "-", told).strip("-.")
    if len(name) <= _LONGEST_NAME and name == told:
        return name
    digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:8]
    return f"{name[:_LONGEST_NAME]},{digest}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else inline(value)


def _space(table: Mapping[str, Any], path: tuple[str, ...], problems: list[Problem]) -> Space:
    """Keys may be written dotted, quoted or as tables: `optimizer.lr = [...]`, `[parameters.optimizer]`."""
    space: Space = {}
    for key, value in table.items():
        here = (*path, key)
        dotted = ".".join(here)
        if isinstance(value, dict) and {"low", "high"} & value.keys():
            found, wrong = structure(value, Range, host())
            problems += [Problem(("parameters", *here, *one.path), one.text, one.at_key) for one in wrong]
            if found is not None:
                space[dotted] = found
        elif isinstance(value, dict):
            space |= _space(value, here, problems)
        elif isinstance(value, list) and value:
            space[dotted] = tuple(value)
        else:
            text = f"expected a list of values, or a range like {{ low = 0.001, high = 0.1 }}, got {value!r}"
            problems.append(Problem(("parameters", *here), text))
    return space


def _check_values(plan: Plan, path: Path) -> None:
    """Each value by itself, with the first of the others: what is wrong with one is told once."""
    first = {key: _samples(values)[0] for key, values in plan.space.items()}
    told = []
    for key, values in plan.space.items():
        for value in _samples(values):
            try:
                experiment_of(plan, {**first, key: value})
            except ConfigError as error:
                told += [line for line in str(error).splitlines() if line not in told]
    if told:
        raise ConfigError("\n".join(f"{path}: {line}" for line in told))


def _samples(values: Any) -> list[Any]:
    if not isinstance(values, Range):
        return list(values)
    return [round(end) if values.integer else float(end) for end in (values.low, values.high)]


def _where(layer: Layer, problem: Problem) -> str:
    return layer.key(problem.path) if problem.at_key else layer.value(problem.path)


def _dotted(problem: Problem) -> str:
    return f"{'.'.join(map(str, problem.path))}: {problem.text}"
