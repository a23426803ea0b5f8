"""From a name or a file to a checked experiment, every mistake told at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any

from attrs import evolve, field, frozen

from vidcore.config.checks import class_count, cross_check
from vidcore.config.experiment import Experiment
from vidcore.config.layers import Layer, Merged, layer_of, merge, parse_set, read
from vidcore.config.places import is_address, place
from vidcore.config.stages import enter_stage, split_stage
from vidcore.config.structure import Problem, structure
from vidcore.errors import ConfigError
from vidcore.plugins import host
from vidcore.plugins.catalog import Recipe
from vidcore.wording import nearest


@frozen(kw_only=True, eq=False)
class Loaded:
    """An experiment with what is known of where it came from."""

    name: str  # of the file or recipe
    experiment: Experiment
    merged: Merged = field(repr=False)


def load_experiment(source: str | FilePath, overrides: dict[str, Any] | None = None) -> Experiment:
    """A checked, resolved experiment.

    Args:
        source: Name or alias of a recipe, or path of a TOML file.
        overrides: Values by dotted key, such as `{"engine.epochs": 3}`.

    Raises:
        ConfigError: With every mistake, one a line: `file:line:column: key: what is wrong`.
    """
    layers = [layer_of(overrides)] if overrides else []
    return load(source, layers).experiment


def load(source: str | FilePath, extra: Sequence[Layer] = (), sets: Iterable[str] = ()) -> Loaded:
    """`load_experiment` with layers on top, `--set` options, and the origins kept."""
    source, stage = split_stage(source)
    merged = read_layers(source, extra)
    for option in sets:
        try:
            merge(merged, parse_set(option))
        except ConfigError as error:
            merged.lost.append(str(error))
    enter_stage(merged, stage, source, _parent)
    folder = _folder(source)
    name = merged.table.get("name") or _stem(source)
    experiment, problems = structure(merged.table, Experiment, host())
    if merged.lost:  # what they could have brought is no mistake of the rest
        merged.problems.clear()
        problems = [problem for problem in problems if "missing" not in problem.text]
    lines = merged.lost + [_line(layer, problem) for layer, problem in merged.problems]
    lines += [tell(merged, problem) for problem in problems]
    if experiment is not None and not lines:
        experiment = _resolve(evolve(experiment, name=str(name)), folder)
        lines += [tell(merged, problem) for problem in cross_check(experiment)]
    if experiment is None or lines:
        raise ConfigError("\n".join(sorted(lines, key=_place)))
    return Loaded(name=str(name), experiment=experiment, merged=merged)


def read_layers(source: str | FilePath, extra: Sequence[Layer] = ()) -> Merged:
    """The table of `source` with all that it extends, and `extra` on top; not yet checked."""
    merged, layers = Merged(), _layers(source)
    try:
        layers = _parent(layers[-1], layers[-1].table, source) + layers
    except ConfigError as error:  # `load` tells it with the other mistakes
        merged.lost.append(str(error))
    for layer in [*layers, *extra]:
        merge(merged, layer)
    return merged


def stage_names(source: str | FilePath) -> list[str]:
    """The stages of an experiment that has any; none where `source` is one of them."""
    file, stage = split_stage(source)
    return [] if stage else list(read_layers(file).table.get("stage", ()))


def find_recipe(name: str) -> Recipe:
    """The installed recipe of this name or alias.

    Raises:
        ConfigError: There is none; names the nearest, and the plugins that could not be loaded.
    """
    recipe = host().find_recipe(name)
    if recipe is None:
        broken = "".join(f"\n{host().explain(record)}" for record in host().broken)
        raise ConfigError(
            f"no recipe named {name!r}{nearest(name, host().recipes)}; `vidcore recipes list` shows all{broken}"
        )
    return recipe


def _parent(layer: Layer, table: dict[str, Any], source: str | FilePath, path: tuple[str, ...] = ()) -> list[Layer]:
    """The layers that `table`, at `path` in a layer, extends; the key is taken out of it."""
    parent = table.pop("extends", None)
    if parent is None:
        return []
    where = layer.value((*path, "extends"))
    if not isinstance(parent, str):
        raise ConfigError(f"{where}: extends: expected the name of a recipe or a path, got {parent!r}")
    beside = _folder(source) / parent
    try:
        below = _layers(beside if _is_path(parent) else parent)
    except ConfigError as error:
        raise ConfigError(f"{where}: extends: {error}") from error
    if "extends" in below[-1].table:
        raise ConfigError(
            f"{where}: extends: {parent} extends another file itself; an experiment extends one, nothing goes deeper"
        )
    return below


def _layers(source: str | FilePath) -> list[Layer]:
    """The layer of a file, or those of a recipe: its base and its variant."""
    if _is_path(source):
        return [read(FilePath(source))]
    recipe = find_recipe(str(source))
    layer = read(FilePath(recipe.path))
    variants = layer.table.pop("variants", {})
    if "extends" in layer.table:
        raise ConfigError(f"{layer.value(('extends',))}: a recipe stands alone and extends nothing")
    if recipe.variant is None:
        return [layer]
    return [layer, evolve(layer, table=variants[recipe.variant], prefix=("variants", recipe.variant))]


def _is_path(source: str | FilePath) -> bool:
    return isinstance(source, FilePath) or source.endswith(".toml") or "/" in source or os.sep in source


def _folder(source: str | FilePath) -> FilePath:
    return FilePath(source).absolute().parent if _is_path(source) else FilePath.cwd()


def _stem(source: str | FilePath) -> str:
    return FilePath(source).stem if _is_path(source) else find_recipe(str(source)).name


def _resolve(experiment: Experiment, folder: FilePath) -> Experiment:
    """Fill in what follows from the rest: the data's place and the number of classes."""
    experiment = evolve(experiment, data=evolve(experiment.data, root=str(data_folder(experiment.data.root, folder))))
    if experiment.model.num_classes is None:
        experiment = evolve(experiment, model=evolve(experiment.model, num_classes=class_count(experiment)))
    return experiment


def data_folder(root: str, folder: FilePath) -> str | FilePath:
    """Where `data.root` and the like are: relative to the file's folder, or to VIDCORE_DATA where only that exists."""
    if is_address(root):
        return root
    given = FilePath(root).expanduser()
    if given.is_absolute():
        return given
    elsewhere = os.environ.get("VIDCORE_DATA")
    if elsewhere and not (root and (folder / given).exists()):
        return place(elsewhere if is_address(elsewhere) else FilePath(elsewhere).expanduser().absolute()) / given
    return folder / given


def tell(merged: Merged, problem: Problem) -> str:
    """`file:line:column: key: what is wrong`."""
    return f"{merged.where(problem)}: {_dotted(problem)}{problem.text}"


def _line(layer: Layer, problem: Problem) -> str:
    return f"{layer.value(problem.path)}: {_dotted(problem)}{problem.text}"


def _dotted(problem: Problem) -> str:
    path = problem.path[:-1] if problem.at_key and problem.text.startswith("unknown key") else problem.path
    return f"{'.'.join(str(name) for name in path)}: " if path else ""


def _place(line: str) -> tuple[str, int, int]:
    file, _, rest = line.partition(":")
    numbers = [int(part) if part.isdigit() else 0 for part in rest.split(":")[:2]]
    return file, numbers[0], numbers[1] if len(numbers) > 1 else 0
