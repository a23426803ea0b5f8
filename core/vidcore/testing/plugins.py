"""Contract checks for a whole plugin: light to import, everything that it offers is found and works."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

from vidcore.config import load_experiment
from vidcore.config.loading import read_layers
from vidcore.plugins import API, Component, Host, host
from vidcore.plugins.catalog import load_reference
from vidcore.testing.components import check_component

# Runs in an interpreter of its own: in this one torch has been imported already.
_LIGHT = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
    heavy = sorted({"torch", "numpy", "av", "rich", "matplotlib"} & set(sys.modules))
    if heavy:
        sys.exit(f"importing {name} imports {', '.join(heavy)}")
"""


def check_plugin(module: ModuleType) -> None:
    """Check everything that a plugin's module offers. The plugin must be installed.

    Raises:
        AssertionError: Names every component, recipe and entry of weights that breaks the contract, and why.
    """
    assert getattr(module, "api", None) == API, f"{module.__name__} must say `api = {API}`"
    known = host()
    name = _entry_point(known, module)
    components = [component for component in known.components if component.plugin == name]
    failures = [
        f"{component.kind} {component.name!r}: {fault}"
        for component in components
        if (fault := component_fault(component))
    ]
    check_light(module, components)
    failures += [*recipe_faults(known, name), *weights_faults(known, name)]
    failures += [conflict for conflict in known.conflicts if name in conflict]
    assert not failures, f"plugin {name!r} breaks {len(failures)} contracts:\n" + "\n".join(failures)


def check_light(module: ModuleType, components: list[Component]) -> None:
    """Neither the plugin's module nor the modules of its config classes import torch and the like."""
    names = [module.__name__, *dict.fromkeys(component.config.partition(":")[0] for component in components)]
    done = subprocess.run([sys.executable, "-c", _LIGHT, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


def _entry_point(known: Host, module: ModuleType) -> str:
    for record in known.records.values():
        if record.module == module.__name__:
            assert not record.error, known.explain(record)
            return record.name
    raise AssertionError(f"no installed entry point names {module.__name__}; install it: pip install -e .")


def component_fault(component: Component) -> str:
    """What breaks the contract of a component, or nothing."""
    try:
        check_component(component)
    except Exception as error:  # whatever a component raises is its fault
        return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return ""


def recipe_faults(known: Host, name: str) -> list[str]:
    """Recipes of a plugin that are no experiments, and why."""
    faults = []
    for recipe in known.recipes.values():
        if recipe.plugin == name:
            try:
                for source in _experiments(recipe.name):
                    load_experiment(source)
            except Exception as error:  # a mistake in it, or a plugin of it that is missing
                faults.append(f"recipe {recipe.name!r}: {error}")
    return faults


def _experiments(recipe: str) -> list[str]:
    """The recipe itself, or those of its stages that are experiments."""
    stages = read_layers(recipe).table.get("stage", {})
    train = [name for name, stage in stages.items() if stage.get("type", "train") == "train"]
    return [f"{recipe}#{name}" for name in train] if stages else [recipe]


def weights_faults(known: Host, name: str) -> list[str]:
    """Entries of weights whose recipe or converter is not there."""
    faults = []
    for entry in known.weights.values():
        if entry.plugin != name:
            continue
        if entry.recipe and known.find_recipe(entry.recipe) is None:
            faults.append(f"weights {entry.name!r}: there is no recipe {entry.recipe!r}")
        if entry.format:
            try:
                load_reference(entry.format)
            except Exception as error:  # as above
                faults.append(f"weights {entry.name!r}: {error}")
    return faults
