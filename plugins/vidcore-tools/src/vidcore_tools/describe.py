"""Config classes in words: for `config explain`, the JSON schema and the pages of the documentation."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
import types
import typing
from functools import cache
from typing import Annotated, Any, Literal

import attrs
from attrs import frozen

from vidcore.config.experiment import Experiment
from vidcore.config.slots import Slot
from vidcore.config.structure import annotations_of, describe, slot_of
from vidcore.config.tables import default_of
from vidcore.errors import ConfigError, PluginError
from vidcore.plugins import Host, load_reference
from vidcore.wording import nearest


@frozen(kw_only=True)
class Key:
    """One key of a config class."""

    name: str
    kind: str  # its type, in words
    required: bool
    default: Any  # as in TOML; None when there is none
    limits: str  # "at least 1"
    note: str  # the comment beside it in the class
    annotation: Any


def keys_of(cls: type) -> list[Key]:
    """The keys of an attrs class, in the order in which they are written."""
    notes = _notes(cls)
    keys = []
    for entry in attrs.fields(cls):
        if not entry.init:
            continue
        annotation = annotations_of(cls)[entry.name]
        default = default_of(entry)
        keys.append(
            Key(
                name=entry.name,
                kind=describe(annotation),
                required=default is attrs.NOTHING,
                default=None if default is attrs.NOTHING else default,
                limits=" and ".join(_limits(entry.validator)),
                note=notes.get(entry.name, ""),
                annotation=annotation,
            )
        )
    return keys


def first_line(cls: type) -> str:
    """The first sentence of a class's docstring."""
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]


def explain(dotted: str, host: Host) -> list[tuple[str, Key | type]]:
    """What stands at a dotted place: keys, or the classes of tables.

    Below a slot, the next name is a component's (`model.my-net.depth`); without it, every component that has the key
    answers.

    Raises:
        ConfigError: There is no such place.
    """
    found: list[tuple[str, Any]] = [("", Experiment)]
    for name in filter(None, dotted.split(".")):
        below = [(place, entry) for path, target in found for place, entry in _step(path, target, name, host)]
        if not below:
            known = [place for path, target in found for place in _names(target, host)]
            raise ConfigError(
                f"{dotted}: there is no {name!r} here{nearest(name, known)} (there is: {', '.join(known)})"
            )
        found = below
    return [(path, target.cls if isinstance(target, _Component) else target) for path, target in found]


@frozen
class _Component:
    name: str
    cls: type


def _step(path: str, target: Any, name: str, host: Host) -> list[tuple[str, Any]]:
    place = f"{path}.{name}" if path else name
    if isinstance(target, _Component):
        target = target.cls
    if isinstance(target, type) and attrs.has(target):
        return [(place, key) for key in keys_of(target) if key.name == name]
    if not isinstance(target, Key):
        return []
    slot, inner = _inside(target.annotation)
    if isinstance(inner, type) and attrs.has(inner):
        return _step(path, inner, name, host)
    if slot is None:
        return []
    components = _components(slot, host)
    if any(component.name == name for component in components):
        return [(place, component) for component in components if component.name == name]
    keys = [(f"{path}.{component.name}", component) for component in components]
    answers = [answer for inner_path, component in keys for answer in _step(inner_path, component, name, host)]
    if len(answers) == len(keys) > 1 and all(answer == answers[0][1] for _, answer in answers):
        return [(place, answers[0][1])]  # a key of all components, such as `sampling` of data sets
    if not answers and typing.get_origin(_bare(target.annotation)) is dict:
        return [(place, target)]  # the name that the user gave to an entry
    return answers


def table_of(key: Key) -> type | None:
    """The class of the table that a key holds, or whose entries it holds; None where it holds values or a component."""
    cls = _inside(key.annotation)[1]
    return cls if isinstance(cls, type) and attrs.has(cls) else None


def _names(target: Any, host: Host) -> list[str]:
    if isinstance(target, _Component):
        target = target.cls
    if isinstance(target, Key):
        slot, inner = _inside(target.annotation)
        if slot is not None:
            return [component.name for component in _components(slot, host)]
        target = inner
    return [key.name for key in keys_of(target)] if isinstance(target, type) and attrs.has(target) else []


def _components(slot: Slot, host: Host) -> list[_Component]:
    found = []
    for name in host.components.names(slot.kind):
        component = host.components.find(slot.kind, name)
        if component is not None:
            try:
                found.append(_Component(name, load_reference(component.config)))
            except PluginError:  # told by `plugins doctor`; here the others matter
                continue
    return found


def _bare(annotation: Any) -> Any:
    """An annotation without `| None`."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arms = [arm for arm in typing.get_args(annotation) if arm is not type(None)]
        return arms[0] if len(arms) == 1 else annotation
    return annotation


def _inside(annotation: Any) -> tuple[Slot | None, Any]:
    """The slot or the class that the entries of an annotation are."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) is dict:
        annotation = typing.get_args(annotation)[1]
    elif typing.get_origin(annotation) in (tuple, list):
        annotation = typing.get_args(annotation)[0]
    slot = slot_of(annotation)
    return slot, (None if slot else annotation)


def _limits(validator: Any) -> list[str]:
    """Bounds of attrs' own validators; others tell themselves when they are broken."""
    if validator is None:
        return []
    inner = getattr(validator, "_validators", None) or getattr(validator, "validator", None)
    if inner is not None:
        return [text for each in (inner if isinstance(inner, tuple | list) else [inner]) for text in _limits(each)]
    if hasattr(validator, "compare_op"):
        return [f"{validator.compare_op} {validator.bound}"]
    if hasattr(validator, "options"):
        return [f"one of {', '.join(map(str, validator.options))}"]
    return []


@cache
def _notes(cls: type) -> dict[str, str]:
    """The comment at the end of each field's line, also of the classes that `cls` inherits."""
    notes: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):  # made at run time, without a file
            continue
        comments = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
        definition = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
        for node in definition.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno:
                lines = range(node.lineno, node.end_lineno + 1)
                notes[node.target.id] = " ".join(comments[line] for line in lines if line in comments)
    return notes


def json_schema(host: Host) -> dict[str, Any]:
    """A JSON schema (draft 2020-12) of experiment files, with every installed component."""
    schema = _Schema(host)
    root = schema.table(Experiment)
    root["properties"] |= {
        "extends": {"type": "string", "description": "a recipe or a path, whose tables this file changes"},
        "unset": {"type": "array", "items": {"type": "string"}, "description": "keys of the parent to take away"},
    }
    root["required"] = []  # what a parent may give
    return (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vidcore experiment"}
        | root
        | {"$defs": schema.definitions}
    )


class _Schema:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.definitions: dict[str, Any] = {}

    def table(self, cls: type, component: str = "") -> dict[str, Any]:
        properties: dict[str, Any] = {"type": {"const": component}} if component else {}
        for key in keys_of(cls):
            properties[key.name] = self.value(key.annotation) | ({"description": key.note} if key.note else {})
            if key.default is not None and isinstance(key.default, bool | int | float | str):
                properties[key.name]["default"] = key.default
        required = [key.name for key in keys_of(cls) if key.required] if not component else ["type"]
        return {
            "type": "object", "description": first_line(cls), "properties": properties, "required": required,
            "additionalProperties": False,
        }  # fmt: skip

    def value(self, annotation: Any) -> dict[str, Any]:
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            arms = [self.value(arm) for arm in arguments if arm is not type(None)]
            return arms[0] if len(arms) == 1 else {"anyOf": arms}
        if (slot := slot_of(annotation)) is not None:
            return self.slot(slot)
        if origin is Annotated:
            return self.value(arguments[0])
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (tuple, list):
            items = {"type": "array", "items": self.value(arguments[0])}
            fixed = origin is tuple and arguments[-1] is not ...
            return items | ({"minItems": len(arguments), "maxItems": len(arguments)} if fixed else {})
        if origin is dict:
            return {"type": "object", "additionalProperties": self.value(arguments[1])}
        if isinstance(annotation, type) and attrs.has(annotation):
            return self.table(annotation)
        names = {int: "integer", float: "number", str: "string", bool: "boolean"}
        return {"type": names[annotation]} if annotation in names else {}

    def slot(self, slot: Slot) -> dict[str, Any]:
        name = f"slot-{slot.kind}"
        if name not in self.definitions:
            self.definitions[name] = {}  # a component may hold a slot of its own kind
            choices: list[dict[str, Any]] = [{"enum": self.host.components.names(slot.kind)}]
            choices += [self.table(component.cls, component.name) for component in _components(slot, self.host)]
            self.definitions[name] = {"anyOf": choices}
        return {"$ref": f"#/$defs/{name}"}
