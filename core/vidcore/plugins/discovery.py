"""The host: finds plugins through entry points, one by one and guarded, and gathers what they describe.

A plugin that cannot be loaded is recorded with its error and the others go on; `VIDCORE_STRICT_PLUGINS=1` makes that
fatal. `VIDCORE_PLUGINS=a,b` loads only these entry points, `VIDCORE_NO_PLUGINS=x` all but these.
"""

from __future__ import annotations

import importlib.metadata
import os
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pluggy
from attrs import evolve, field, frozen

from vidcore.errors import PluginError
from vidcore.plugins import hookspecs
from vidcore.plugins.catalog import Command, Component, Components, Recipe, WeightsEntry, load_reference
from vidcore.wording import nearest

GROUP = "vidcore"
BUILTIN = "vidcore"  # the name under which the core offers its own components


@frozen(kw_only=True, eq=False)
class PluginRecord:
    """One entry point and what became of it."""

    name: str
    module: str
    error: str = ""  # why it was not loaded; "" when it was
    dist: importlib.metadata.Distribution | None = field(default=None, repr=False)

    @property
    def distribution(self) -> str:
        """Name and version of the installed package, such as `my-package 0.3.1`."""
        if self.dist is None:
            return f"{self.module} (not installed as a package)"
        return f"{self.dist.metadata['Name']} {self.dist.version}"


class Host:
    """Everything that the installed plugins offer.

    Args:
        entry_points: Where plugins are; left out: the installed ones.
        only: Names of entry points to load; None loads all. An unknown name is an error.
        without: Names of entry points to leave out. An unknown name is an error.

    Raises:
        PluginError: `only` or `without` names a plugin that is not installed.
    """

    def __init__(
        self,
        entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
        *,
        only: frozenset[str] | None = None,
        without: frozenset[str] = frozenset(),
        strict: bool = False,
    ) -> None:
        self.strict = strict
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.records: dict[str, PluginRecord] = {}
        self.conflicts: list[str] = []
        found = importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points
        points = {(point.name, point.value): point for point in found}  # a source tree may be listed twice
        self._refuse_unknown(only or frozenset(), without, {name for name, _ in points})
        self._load_builtin()
        for name, value in sorted(points):
            if (only is None or name in only) and name not in without:
                self._load(points[name, value])

    def _refuse_unknown(self, only: frozenset[str], without: frozenset[str], names: set[str]) -> None:
        for name in sorted((only | without) - names):
            installed = ", ".join(sorted(names)) or "none"
            raise PluginError(f"no plugin {name!r} is installed{nearest(name, names)} (installed: {installed})")

    def _load_builtin(self) -> None:
        builtin = importlib.import_module("vidcore.builtin")
        self._manager.register(builtin, BUILTIN)
        self.records[BUILTIN] = PluginRecord(name=BUILTIN, module="vidcore.builtin", dist=installed("vidcore"))

    def _load(self, point: importlib.metadata.EntryPoint) -> None:
        key = point.name
        if key in self.records:
            key = f"{point.name} ({point.value})"
        record = PluginRecord(name=point.name, module=point.value, dist=point.dist)
        try:
            module = importlib.import_module(point.value)
            api = getattr(module, "api", None)
            if api != hookspecs.API:
                raise PluginError(
                    f"it speaks plugin api {api}, this vidcore speaks {hookspecs.API}: "
                    + ("update vidcore" if isinstance(api, int) and api > hookspecs.API else "update the plugin")
                )
            if self._manager.register(module, key) is None:
                raise PluginError("it is blocked")
            self._manager.check_pending()
        except Exception as error:  # any failure of a plugin is its own; the others go on
            if self._manager.has_plugin(key):
                self._manager.unregister(name=key)
            record = evolve(record, error=_describe(error))
        self.records[key] = record
        if record.error and self.strict:
            raise PluginError(self.explain(record))

    def explain(self, record: PluginRecord) -> str:
        """One broken plugin, in words."""
        return f"plugin {record.name!r} ({record.distribution}) could not be loaded: {record.error}"

    @property
    def broken(self) -> list[PluginRecord]:
        return [record for record in self.records.values() if record.error]

    def distribution(self, plugin: str) -> str:
        """Distribution and version behind the name of an entry point."""
        return self.records[plugin].distribution if plugin in self.records else plugin

    def _gather(self, hook: str, check: Callable[[Any], Any]) -> list[tuple[str, Any]]:
        """(plugin, answer) of every plugin that implements `hook`; an answer that raises makes the plugin broken."""
        answers = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            try:
                answers.append((name, check(implementation.function())))
            except Exception as error:  # as in _load
                self.records[name] = evolve(self.records[name], error=f"{hook}() failed: {_describe(error)}")
                if self.strict:
                    raise PluginError(self.explain(self.records[name])) from error
        return answers

    @cached_property
    def components(self) -> Components:
        """All components whose kind and name are offered once."""
        offers: dict[tuple[str, str], list[Component]] = defaultdict(list)
        for plugin, components in self._gather("vidcore_components", lambda answer: _all(answer, Component)):
            for component in components:
                offers[component.kind, component.name].append(evolve(component, plugin=plugin))
        for (kind, name), same in offers.items():
            if len(same) > 1:
                self._conflict(kind, name, [component.plugin for component in same])
        return Components(same[0] for same in offers.values() if len(same) == 1)

    def _conflict(self, what: str, name: str, plugins: list[str]) -> None:
        owners = " and ".join(self.distribution(plugin) for plugin in plugins)
        text = f"{what} {name!r} is offered by {owners}; uninstall one, or leave it out with --no-plugin {plugins[-1]}"
        self.conflicts.append(text)
        if self.strict:
            raise PluginError(text)

    @cached_property
    def commands(self) -> list[Command]:
        """Commands that plugins add."""
        found = []
        for plugin, commands in self._gather("vidcore_commands", lambda answer: _all(answer, Command)):
            found += [evolve(command, plugin=plugin) for command in commands]
        return found

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Recipes by name. Reads the TOML files of every plugin."""
        offers: dict[str, list[Recipe]] = defaultdict(list)
        for plugin, folder in self._gather("vidcore_recipes", _resource):
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
                if entry.name.endswith(".toml"):
                    for recipe in _recipes_of(Path(str(entry))):
                        offers[recipe.name].append(evolve(recipe, plugin=plugin))
        return self._unique("recipe", offers)

    @cached_property
    def weights(self) -> dict[str, WeightsEntry]:
        """Published weights by name."""
        offers: dict[str, list[WeightsEntry]] = defaultdict(list)
        for plugin, file in self._gather("vidcore_weights", _resource):
            for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
                offers[name].append(WeightsEntry(name=name, plugin=plugin, **table))
        return self._unique("weights", offers)

    @cached_property
    def downloads(self) -> list[tuple[str, Traversable]]:
        """(plugin, TOML file) of where data sets come from; the command that fetches them reads it."""
        return self._gather("vidcore_downloads", _resource)

    def _unique(self, what: str, offers: dict[str, list[Any]]) -> dict[str, Any]:
        for name, same in offers.items():
            if len(same) > 1:
                self._conflict(what, name, [offer.plugin for offer in same])
        return {name: same[0] for name, same in sorted(offers.items()) if len(same) == 1}

    def find_recipe(self, name: str) -> Recipe | None:
        """A recipe by its name or one of its aliases."""
        if name in self.recipes:
            return self.recipes[name]
        return next((recipe for recipe in self.recipes.values() if name in recipe.alias), None)

    def missing(self, kind: str, name: str) -> str:
        """Why there is no component of this kind and name, and what would bring it."""
        conflict = next((text for text in self.conflicts if text.startswith(f"{kind} {name!r} ")), None)
        if conflict:
            return conflict
        known = known_plugins().get(f"{kind}:{name}")
        text = f"no {kind} named {name!r}"
        if known:
            text += f"; it comes with {known}: pip install {known}"
        else:
            text += nearest(name, self.components.names(kind)) or f" (there are: {self._listing(kind)})"
        if self.broken:
            text = f"{'; '.join(self.explain(record) for record in self.broken)}. Perhaps therefore {text}"
        return text

    def _listing(self, kind: str) -> str:
        return ", ".join(self.components.names(kind)) or "none"


@cache
def host() -> Host:
    """The host of this process, made at the first call from the environment."""
    return Host(
        only=_names("VIDCORE_PLUGINS") if "VIDCORE_PLUGINS" in os.environ else None,
        without=_names("VIDCORE_NO_PLUGINS"),
        strict=os.environ.get("VIDCORE_STRICT_PLUGINS", "") not in ("", "0"),
    )


def build(config: Any, *context: Any) -> Any:
    """Make what `config` describes: `factory(config, *context)` of the component that the config class belongs to.

    Raises:
        PluginError: The class belongs to no installed component, or the factory cannot be imported.
    """
    return load_reference(host().components.of_config(config).factory)(config, *context)


def default_config(kind: str, name: str, why: str = "") -> Any:
    """The config, at its defaults, of a component that is used by its name.

    Raises:
        PluginError: `why`, there is none of that name, and what brings it.
    """
    component = host().components.find(kind, name)
    if component is None:
        raise PluginError(f"{why}{host().missing(kind, name)}")
    return load_reference(component.config)()


@cache
def known_plugins(what: str = "components") -> dict[str, str]:
    """What plugins that may not be installed would bring: `"kind:name"` or `"group command"` -> distribution."""
    file = files("vidcore").joinpath("known_plugins.toml")
    return dict(tomllib.loads(file.read_text(encoding="utf-8")).get(what, {})) if file.is_file() else {}


def _names(variable: str) -> frozenset[str]:
    return frozenset(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())


def installed(name: str) -> importlib.metadata.Distribution | None:
    """The installed distribution of that name, if there is one."""
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"


def _all(answer: Any, kind: type) -> list[Any]:
    if not isinstance(answer, list) or not all(isinstance(entry, kind) for entry in answer):
        raise PluginError(f"it must return a list of {kind.__name__}, and returned {answer!r:.200}")
    return answer


def _resource(answer: Any) -> Traversable:
    package, _, name = str(answer).partition(":")
    resource = files(package).joinpath(name)
    if not name or not (resource.is_dir() or resource.is_file()):
        raise PluginError(f"{answer!r} names nothing inside package {package!r}; the form is 'package:name'")
    return resource


def _recipes_of(path: Path) -> list[Recipe]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    variants = table.get("variants")
    if variants is None:
        return [_recipe(path.stem, path, None, table.get("about", {}))]
    base = table.get("about", {})
    return [_recipe(name, path, name, {**base, **variant.get("about", {})}) for name, variant in variants.items()]


def _recipe(name: str, path: Path, variant: str | None, about: dict[str, Any]) -> Recipe:
    return Recipe(
        name=name,
        path=str(path),
        variant=variant,
        alias=tuple(about.get("alias", ())),
        summary=about.get("summary", ""),
    )
