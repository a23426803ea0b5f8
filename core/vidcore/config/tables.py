"""Typed config objects back to plain tables, and tables to TOML files that are read back before they are kept."""

from __future__ import annotations

import tomllib
from pathlib import Path as FilePath
from typing import Any

import attrs
import cattrs
import tomlkit

from vidcore.errors import ConfigError, PluginError
from vidcore.plugins import host
from vidcore.whole_files import written_whole


def to_table(config: Any, *, whole: bool = True) -> dict[str, Any]:
    """The plain table of a config object, `type` first where it is a component. None has no place in TOML: left out.

    Args:
        config: An attrs config object.
        whole: Also keys that have their default value.
    """
    table: dict[str, Any] = _converter(whole).unstructure(config)
    return table


def _converter(whole: bool) -> cattrs.Converter:
    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list})

    def unstructure(config: Any) -> dict[str, Any]:
        table: dict[str, Any] = {}
        try:
            table["type"] = host().components.of_config(config).name
        except PluginError:
            pass  # a table of fixed form, not a component
        for entry in attrs.fields(type(config)):
            value = getattr(config, entry.name)
            if value is not None and (whole or value != default_of(entry)):
                table[entry.name] = converter.unstructure(value)
        return table

    converter.register_unstructure_hook_func(attrs.has, unstructure)
    converter.register_unstructure_hook_func(
        lambda cls: cls is tuple or getattr(cls, "__origin__", None) is tuple,
        lambda value: [converter.unstructure(item) for item in value],
    )
    return converter


def default_of(entry: Any) -> Any:
    """The default of a field of an attrs class, `attrs.NOTHING` where it has none."""
    return entry.default.factory() if hasattr(entry.default, "factory") else entry.default


def dumps(table: dict[str, Any]) -> str:
    """TOML text of a table; simple values before tables, order kept otherwise.

    Raises:
        ConfigError: The text does not read back as the same table, which would be a loss.
    """
    document = tomlkit.document()
    _fill(document, table)
    text = tomlkit.dumps(document)
    try:
        same = tomllib.loads(text) == table
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this table cannot be written as TOML: {error}") from error
    if not same:
        raise ConfigError("this table cannot be written as TOML without loss")
    return text


def write(path: FilePath, table: dict[str, Any]) -> None:
    """Write a table as a TOML file, whole or not at all."""
    text = dumps(table)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _fill(container: Any, table: dict[str, Any]) -> None:
    for key, value in table.items():
        if not isinstance(value, dict):
            container.add(key, tomlkit.item(value))
    for key, value in table.items():
        if isinstance(value, dict):
            inner = tomlkit.table(is_super_table=bool(value) and all(isinstance(item, dict) for item in value.values()))
            _fill(inner, value)
            container.add(key, inner)
