"""What plugins offer, as descriptions: components, recipes, weights, commands.

A description names code by strings (`"package.module:Name"`), so that gathering hundreds of them imports nothing.
The code behind a name is imported when the name is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import field, frozen

from vidcore.errors import PluginError
from vidcore.wording import nearest as nearest


def _is_reference(instance: object, attribute: Any, value: str) -> None:
    module, _, name = value.partition(":")
    if not (module and name and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))):
        raise PluginError(f"{attribute.name} = {value!r} is not of the form 'package.module:Name'")


@frozen(kw_only=True)
class Component:
    """One thing that an experiment can name with `type = "..."`.

    Example:
        `Component(kind="model", name="my-model", config="my_plugin.config:MyModel", factory="my_plugin.model:MyModel")`
    """

    kind: str  # an open set: task, model, dataset, decoder, sampling, transform, loss, metric, optimizer, schedule, ...
    name: str  # lower case with hyphens; what `type = "..."` says
    config: str = field(validator=_is_reference)  # an attrs class, which must import neither torch nor the model
    factory: str = field(validator=_is_reference)  # called with the config object first
    summary: str = ""  # one line for lists
    plugin: str = ""  # entry point that offered it, filled by the host


@frozen(kw_only=True)
class Recipe:
    """A TOML file of a plugin, or one of its variants, that can be run or extended by name."""

    name: str
    path: str
    variant: str | None  # the table under [variants] that makes this recipe; None when the file is one recipe
    alias: tuple[str, ...] = ()
    summary: str = ""
    plugin: str = ""


@frozen(kw_only=True)
class WeightsEntry:
    """Published weights: where they lie, how to tell them from a broken copy, what they are for."""

    name: str
    url: str
    sha256: str = ""  # the hash, or its first digits
    recipe: str = ""  # the experiment they were trained with
    format: str = ""  # "package.module:function", a pure dict -> dict; empty: keys are vidcore's own
    licence: str = ""
    classes: str = ""  # name of the class list, as the data set's plugin calls it
    published: dict[str, float] = field(factory=dict)  # figures of the authors, fractions
    source: str = ""  # where the figures stand
    plugin: str = ""


@frozen(kw_only=True)
class Command:
    """A command that a plugin adds to `vidcore`, imported when it is called."""

    group: str  # "" for the top level, else a group as in `vidcore GROUP NAME`
    name: str
    help: str  # one line, shown without importing the target
    target: str = field(validator=_is_reference)  # a click command
    section: str = ""  # heading under which the group's help shows it; headings are sorted
    plugin: str = ""


def load_reference(reference: str) -> Any:
    """Import what `"package.module:Name"` names.

    Raises:
        PluginError: The module cannot be imported, or has no such name.
    """
    module_name, _, qualname = reference.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:  # a plugin's module may fail in any way; all of them mean the same to the caller
        raise PluginError(f"{reference} cannot be imported: {type(error).__name__}: {error}") from error
    for part in qualname.split("."):
        if not hasattr(found, part):
            raise PluginError(f"{reference} does not exist: {found.__name__} has no {part!r}")
        found = getattr(found, part)
    return found


class Components:
    """All components, by kind and name; the way from a config object back to its component."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._by_key = {(component.kind, component.name): component for component in components}
        self._by_config = {component.config: component for component in self._by_key.values()}

    def __iter__(self) -> Iterator[Component]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, kind: str, name: str) -> Component | None:
        return self._by_key.get((kind, name))

    def names(self, kind: str) -> list[str]:
        return sorted(name for known_kind, name in self._by_key if known_kind == kind)

    def kinds(self) -> list[str]:
        return sorted({kind for kind, _ in self._by_key})

    def of_config(self, config: object) -> Component:
        """The component whose config class `config` is an instance of.

        Raises:
            PluginError: No installed component is configured by that class.
        """
        cls = type(config)
        reference = f"{cls.__module__}:{cls.__qualname__}"
        if reference in self._by_config:
            return self._by_config[reference]
        # a class that is re-exported is named by where it is imported from, not by where it is defined
        for component in self._by_key.values():
            if component.config.rpartition(":")[2] == cls.__qualname__ and load_reference(component.config) is cls:
                return component
        raise PluginError(f"no installed component is configured by {reference}; declare it in vidcore_components()")
