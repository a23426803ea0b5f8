"""Plain tables to typed config objects, with every problem told at once.

cattrs stops at the first problem of a table and coerces (`8.5`, `"8"` and `true` all become an int), so this walk is
our own: it goes through the attrs classes, checks every value by its annotation and validator, and collects what it
finds.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import attrs

from vidcore.config.positions import Path
from vidcore.config.slots import Slot
from vidcore.errors import PluginError
from vidcore.plugins import Host, load_reference
from vidcore.plugins.catalog import Component
from vidcore.wording import nearest, with_article

T = TypeVar("T")


@attrs.frozen
class Problem:
    """One mistake: where, what, and whether the key or the value is to blame."""

    path: Path
    text: str
    at_key: bool = False


class _Invalid:
    """Stands for a value that a problem was told about."""


_INVALID = _Invalid()
_SCALARS: dict[type, str] = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}


def structure(table: Any, cls: type[T], host: Host) -> tuple[T | None, list[Problem]]:
    """The object that `table` describes, or None, and every problem found on the way.

    Args:
        table: What tomllib read.
        cls: The attrs class of the whole table.
        host: Knows the components that slots may name.
    """
    walk = _Walk(host)
    value = walk.table(table, cls, ())
    return (None if value is _INVALID or walk.problems else value), walk.problems


@cache
def annotations_of(cls: type) -> dict[str, Any]:
    """Evaluated annotations of an attrs class by field name."""
    return typing.get_type_hints(cls, include_extras=True)


def slot_of(annotation: Any) -> Slot | None:
    """The slot that an annotation marks, also inside `| None`."""
    if typing.get_origin(annotation) is Annotated:
        return next((extra for extra in annotation.__metadata__ if isinstance(extra, Slot)), None)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((slot for arm in typing.get_args(annotation) if (slot := slot_of(arm))), None)
    return None


def describe(annotation: Any) -> str:
    """An annotation in words, as error messages and `config explain` show it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if (slot := slot_of(annotation)) is not None:
        return with_article(slot.kind)
    if origin is Annotated:
        return describe(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(arm) for arm in arguments if arm is not type(None))
    if origin is Literal:
        return _choices(arguments)
    if origin is tuple and arguments[-1] is not ...:
        return f"an array of {len(arguments)} values"
    if origin in (tuple, list):
        return f"an array, each {describe(arguments[0])}"
    if origin is dict or annotation is dict or (isinstance(annotation, type) and attrs.has(annotation)):
        return "a table"
    return _SCALARS.get(annotation, "a value")


class _Walk:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.problems: list[Problem] = []

    def say(self, path: Path, text: str, *, at_key: bool = False) -> Any:
        self.problems.append(Problem(path, text, at_key))
        return _INVALID

    def value(self, value: Any, annotation: Any, path: Path) -> Any:
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is Annotated:
            slot = slot_of(annotation)
            return self.component(value, slot.kind, path) if slot else self.value(value, arguments[0], path)
        if annotation is Any:
            return value
        if origin in (typing.Union, types.UnionType):
            return self.union(value, [arm for arm in arguments if arm is not type(None)], path)
        if origin is Literal:
            if not any(type(value) is type(choice) and value == choice for choice in arguments):
                hint = nearest(value, arguments) if isinstance(value, str) else ""
                return self.say(path, f"{show(value)} is not one of {_choices(arguments)}{hint}")
            return value
        if origin in (tuple, list):
            return self.array(value, origin, arguments, path)
        if origin is dict:
            return self.mapping(value, arguments[1], path)
        if attrs.has(annotation):
            return self.table(value, annotation, path)
        return self.scalar(value, annotation, path)

    def scalar(self, value: Any, annotation: Any, path: Path) -> Any:
        if annotation is float and type(value) is int and abs(value) < 2**1023:
            return float(value)
        if type(value) is not annotation or (annotation is float and not math.isfinite(value)):
            return self.say(path, f"expected {describe(annotation)}, got {show(value)}")
        return value

    def union(self, value: Any, arms: list[Any], path: Path) -> Any:
        if len(arms) == 1:
            return self.value(value, arms[0], path)
        for arm in arms:
            attempt = _Walk(self.host)
            found = attempt.value(value, arm, path)
            if not attempt.problems:
                return found
        return self.say(path, f"expected {' or '.join(describe(arm) for arm in arms)}, got {show(value)}")

    def array(self, value: Any, origin: type, arguments: tuple[Any, ...], path: Path) -> Any:
        if not isinstance(value, list | tuple):
            return self.say(path, f"expected an array, got {show(value)}")
        open_ended = origin is list or arguments[-1] is ...
        kinds = [arguments[0]] * len(value) if open_ended else list(arguments)
        if len(kinds) != len(value):
            return self.say(path, f"expected {len(kinds)} values, got {len(value)}")
        items = [self.value(item, kind, (*path, i)) for i, (item, kind) in enumerate(zip(value, kinds, strict=True))]
        return _INVALID if _INVALID in items else origin(items)

    def mapping(self, value: Any, annotation: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self.say(path, f"expected a table, got {show(value)}")
        items = {name: self.value(item, annotation, (*path, name)) for name, item in value.items()}
        return _INVALID if _INVALID in items.values() else items

    def component(self, value: Any, kind: str, path: Path) -> Any:
        if isinstance(value, str):
            value, name_path = {"type": value}, path
        else:
            name_path = (*path, "type")
        if not isinstance(value, dict):
            return self.say(
                path, f"expected a table with `type`, or the name of {with_article(kind)}, got {show(value)}"
            )
        if "type" not in value:
            names = ", ".join(self.host.components.names(kind)) or "none is installed"
            return self.say(path, f"`type` is missing; one of: {names}", at_key=True)
        component = self.host.components.find(kind, value["type"]) if isinstance(value["type"], str) else None
        if component is None:
            return self.say(name_path, self.host.missing(kind, value["type"]))
        try:
            cls = load_reference(component.config)
        except PluginError as error:
            return self.say(name_path, str(error))
        rest = {key: item for key, item in value.items() if key != "type"}
        return self.table(rest, cls, path, component)

    def table(self, value: Any, cls: type, path: Path, component: Component | None = None) -> Any:
        if not isinstance(value, dict):
            return self.say(path, f"expected a table, got {show(value)}")
        of = f" of {component.kind} {component.name!r}" if component else ""
        before = len(self.problems)
        fields = {field.name: field for field in attrs.fields(cls) if field.init}
        for key in value:
            if key not in fields:
                hint = nearest(key, fields) or self.owner(key, component)
                self.say((*path, key), f"unknown key {key!r}{of}{hint}", at_key=True)
        found = {name: self.field(value, field, cls, path, of) for name, field in fields.items()}
        found = {name: item for name, item in found.items() if item is not attrs.NOTHING}
        if len(self.problems) > before:
            return _INVALID
        try:
            return cls(**found)  # checks across fields run here, once every field is good by itself
        except (ValueError, TypeError) as error:
            return self.say(path, str(error.args[0]), at_key=True)

    def field(self, table: dict[str, Any], field: Any, cls: type, path: Path, of: str) -> Any:
        annotation = annotations_of(cls)[field.name]
        if field.name not in table:
            if field.default is attrs.NOTHING:
                return self.say(path, f"missing key {field.name!r}{of}, {describe(annotation)}", at_key=True)
            if isinstance(field.default, str) and slot_of(annotation):
                return self.value(field.default, annotation, (*path, field.name))  # the name of a component
            return attrs.NOTHING
        given = table[field.name]
        if isinstance(given, dict) and "type" not in given and isinstance(field.default, str) and slot_of(annotation):
            given = {"type": field.default, **given}  # options of the component that is there by default
        value = self.value(given, annotation, (*path, field.name))
        if value is not _INVALID and field.validator is not None:
            for text in _complaints(field.validator, field, value):
                self.say((*path, field.name), text)
        return value

    def owner(self, key: str, component: Component | None) -> str:
        """Which other component of the kind has a key of that name."""
        if component is None:
            return ""
        for other in self.host.components:
            if other.kind == component.kind and other.name != component.name and key in _field_names(other):
                return f"; it is a key of {other.kind} {other.name!r}"
        return ""


def _field_names(component: Component) -> Iterable[str]:
    try:
        return [field.name for field in attrs.fields(load_reference(component.config))]
    except PluginError:  # it is told when that component itself is used
        return []


def _complaints(validator: Callable[..., Any], field: Any, value: Any) -> Iterable[str]:
    try:
        validator(None, field, value)
    except (ValueError, TypeError) as error:
        match error.args:
            case (_, _, tuple() | list() as choices, _):  # attrs' `in_`
                yield f"{show(value)} is not one of {_choices(choices)}"
            case (text, *_):
                yield str(text)


def show(value: Any) -> str:
    """A value as it would stand in TOML, with its type where that is the point."""
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _choices(choices: Iterable[Any]) -> str:
    return ", ".join(show(choice) for choice in choices)
