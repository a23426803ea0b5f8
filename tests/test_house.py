"""The rules of the house hold here, and each rule catches a tree that was made to break it."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import house
from vidcore.plugins import host
from workspace import ROOT, Distribution, find_distributions

CORE = ROOT / "core" / "vidcore"
DISTRIBUTIONS = find_distributions()
PLUGINS = [one for one in DISTRIBUTIONS.values() if one.folder != ROOT]
# "About 6,000" is the aim; seams for techniques, stages, sharded checkpoints and addresses keep it from there. What
# comes on top has to leave for a plugin. What could leave: the PyAV decoder, reading predictions, averages, stages.
BUDGET = 6_300
# Words that are both a component of a plugin and plain English: the core may use them in its texts.
PLAIN_WORDS = {"frames", "opencv", "report", "shapes"}
TEST_FOLDERS = [ROOT / "core" / "tests", ROOT / "tests", *(one.tests for one in PLUGINS)]
FOLDERS = sorted(path.parent for parent in ("plugins", "contrib") for path in ROOT.glob(f"{parent}/*/src"))

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda one: one.name)


def tree(folder: Path, **files: str) -> Path:
    """A package of files; in the names `__` stands for a slash."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


# --- the core ---------------------------------------------------------------------------------------------------


def test_core_imports_go_to_the_right_only() -> None:
    assert house.layering(CORE) == []


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"config__base": "from vidcore.engine.loop import train"}, "config imports engine"),
        ({"plugins__host": "def f():\n    from vidcore import config"}, "plugins imports config"),
        ({"weights__b": "import vidcore.cli.main"}, "weights imports cli"),
        ({"data__a": "from vidcore import run"}, "data imports __init__"),
        ({"weights__a": "from vidcore.testing import made"}, "weights imports testing"),
        ({"novelty": ""}, "novelty has no layer"),
    ],
)
def test_an_import_to_the_left_is_found(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    assert [line for line in house.layering(tree(tmp_path, **files)) if problem in line]


def test_a_type_may_be_named_across_layers(tmp_path: Path) -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vidcore.engine.loop import Loop"
    assert house.layering(tree(tmp_path, config__base=source)) == []


def test_core_has_no_circle_of_imports() -> None:
    assert house.circles(CORE) == []


def test_a_circle_of_imports_is_found_though_it_is_for_types_or_in_a_function(tmp_path: Path) -> None:
    package = tree(
        tmp_path / "made",
        __init__="from made.leaf import x",
        top="from made import circle",
        circle="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from made.back import y",
        back="def y():\n    import made.circle",
        leaf="x = 1",
    )
    assert [Path(line.split(":")[0]).stem for line in house.circles(package)] == ["back", "circle"]


def test_config_and_plugins_import_nothing_slow() -> None:
    light = [*house.python_files(CORE / "config"), *house.python_files(CORE / "plugins"), CORE / "builtin.py"]
    light += [path for path in house.python_files(CORE) if path.stem == "config"]
    assert house.slow_imports(light) == []


def test_a_slow_import_is_found_unless_it_is_lazy(tmp_path: Path) -> None:
    folder = tree(tmp_path, bad="import torch.nn", lazy="def f():\n    import torch", guarded="import attrs")
    assert [Path(line.split(":")[0]).stem for line in house.slow_imports(house.python_files(folder))] == ["bad"]


def test_core_is_minimal() -> None:
    sizes = house.core_size(CORE)
    largest = ", ".join(f"{part} {size}" for part, size in sorted(sizes.items(), key=lambda item: -item[1]))
    assert sum(sizes.values()) <= BUDGET, f"{sum(sizes.values())} lines of code: {largest}. What can become a plugin?"


def test_blank_lines_comments_and_docstrings_are_no_code() -> None:
    source = '"""Doc\nstring."""\n\n# comment\nx = """two\nlines"""  # and a comment\n'
    source += '\ndef f():\n    """Doc."""\n    return x\n'
    assert house.lines_of_code(source) == 4


def test_core_names_no_plugin() -> None:
    assert house.named_plugins(CORE, plugin_names()) == []


def plugin_names() -> set[str]:
    """What plugins bring under a name of their own: distributions, packages, models, data sets, decoders."""
    names = {name for one in PLUGINS for name in (one.name, *(source.name for source in one.sources))}
    for component in host().components:
        if not component.config.startswith("vidcore.") and component.kind in ("model", "dataset", "decoder"):
            names.add(component.name)
    return names - PLAIN_WORDS


def test_plugin_names_are_known() -> None:
    assert {"vidcore-slowfast", "vidcore_slowfast", "slowfast"} <= plugin_names()


def test_a_plugins_name_in_the_core_is_found(tmp_path: Path) -> None:
    folder = tree(tmp_path, a='x = {"My-Model": 1}', b="# for my-model only", c="my-models, not-my-model")
    found = house.named_plugins(folder, {"my-model"})
    assert [Path(line.split(":")[0]).stem for line in found] == ["a", "b"]


def test_a_module_is_named_for_what_it_knows() -> None:
    assert house.nameless_modules([CORE, *(source for one in PLUGINS for source in one.sources)]) == []


def test_a_nameless_module_is_found(tmp_path: Path) -> None:
    assert len(house.nameless_modules([tree(tmp_path, a__utils="", boxes="")])) == 1


# --- plugins ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=lambda one: one.name)
def test_imports_are_declared(distribution: Distribution) -> None:
    problems = []
    for source in distribution.sources:
        problems += house.undeclared_imports(source, *declared(distribution))
    assert problems == []


def declared(distribution: Distribution) -> tuple[set[str], dict[str, list[str]], set[str]]:
    """Requirements of a distribution and, for a plugin, of the core, which promises them; who brings which import."""
    always = {house.canonical(one.name) for one in distribution.requirements if "extra" not in str(one.marker)}
    extras = {house.canonical(one.name) for one in distribution.requirements} - always
    if distribution.folder != ROOT:
        always |= {house.canonical(one.name) for one in DISTRIBUTIONS["vidcore"].requirements if one.marker is None}
    packages = {source.name: [one.name] for one in DISTRIBUTIONS.values() for source in one.sources}
    return always, {**metadata.packages_distributions(), **packages}, extras


def test_an_undeclared_import_is_found_even_when_lazy(tmp_path: Path) -> None:
    folder = tree(tmp_path / "mine", a="import json, attrs, mine.b", b="def f():\n    import pandas")
    found = house.undeclared_imports(folder, {"attrs"}, {"attrs": ["attrs"], "pandas": ["pandas"]})
    assert [line.rpartition("mine/")[2] for line in found] == [
        "b.py:2: imports pandas, which its pyproject.toml does not declare"
    ]


def test_a_package_of_an_extra_is_imported_inside_functions_only(tmp_path: Path) -> None:
    folder = tree(tmp_path / "mine", top="import pandas", lazy="def f():\n    import pandas")
    found = house.undeclared_imports(folder, set(), {"pandas": ["pandas"]}, optional={"pandas"})
    assert [Path(line.split(":")[0]).stem for line in found] == ["top"]


@each_plugin
def test_plugin_has_no_circle_of_imports(plugin: Distribution) -> None:
    assert [line for source in plugin.sources for line in house.circles(source)] == []


@each_plugin
def test_plugin_imports_public_names_only(plugin: Distribution) -> None:
    assert [line for source in plugin.sources for line in house.private_imports(source)] == []


def test_a_private_import_is_found(tmp_path: Path) -> None:
    source = "from vidcore.config import base, _walk\nfrom vidcore_resnet._blocks import Block\nfrom mine._own import x"
    assert [line.split(":")[1] for line in house.private_imports(tree(tmp_path / "mine", a=source))] == ["1", "2"]


@each_plugin
def test_what_a_plugin_logs_reaches_the_log_of_a_run(plugin: Distribution) -> None:
    assert [line for source in plugin.sources for line in house.lost_logs(source)] == []


def test_a_logger_that_no_run_hears_is_found(tmp_path: Path) -> None:
    source = 'log = getLogger(__name__)\nlog = getLogger("vidcore.mine")\nlog = getLogger("vidcore_mine")'
    assert [line.split(":")[1] for line in house.lost_logs(tree(tmp_path / "mine", a=source))] == ["1", "3"]


@each_plugin
def test_plugin_and_config_modules_import_nothing_slow(plugin: Distribution) -> None:
    files = [path for source in plugin.sources for path in house.python_files(source)]
    assert house.slow_imports(path for path in files if path.stem in ("plugin", "config", "__init__")) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.name)
def test_plugin_has_the_anatomy(folder: Path) -> None:
    assert list(house.anatomy(folder)) == []


def test_what_a_plugins_folder_lacks_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "contrib" / "vidcore-x"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "vidcore-y"\nversion = "1"\ndependencies = ["attrs<24"]\n'
        '[project.entry-points.vidcore]\nx = "vidcore_x.plugin"\n'
    )
    text = "\n".join(house.anatomy(folder))
    for problem in ("is named vidcore-y", "project.license is missing", "attrs<24 has an upper bound", "no README.md"):
        assert problem in text
    assert "entry point vidcore_x.plugin: no src/vidcore_x/plugin.py" in text
    assert "vidcore-x/tests: no test" in text


# --- tests ------------------------------------------------------------------------------------------------------


def test_every_test_can_fail() -> None:
    assert [line for folder in TEST_FOLDERS for line in house.tests_without_check(folder)] == []


def test_a_test_without_check_is_found(tmp_path: Path) -> None:
    source = (
        "def test_nothing():\n    print(1)\n"
        "def test_by_helper():\n    helper()\n"
        "def helper():\n    assert 1\n"
        "def test_raises():\n    with pytest.raises(ValueError):\n        f()\n"
    )
    found = house.tests_without_check(tree(tmp_path, test_made=source))
    assert [line.rpartition(": ")[2] for line in found] == ["test_nothing asserts nothing"]


# --- a fresh interpreter ----------------------------------------------------------------------------------------

COMMAND = """
import sys
from vidcore.cli.main import main
sys.argv = {argv}
try:
    main()
except SystemExit as end:
    assert not end.code
"""
LEAVES_TORCH_ALONE = {
    "import": "import vidcore",
    "help": COMMAND.format(argv=["vidcore", "--help"]),
    "plugins list": COMMAND.format(argv=["vidcore", "plugins", "list"]),
    "config classes": (
        "from vidcore.plugins import host, load_reference\n"
        "assert [load_reference(one.config) for one in host().components]"
    ),
}


@pytest.mark.parametrize("code", LEAVES_TORCH_ALONE.values(), ids=LEAVES_TORCH_ALONE)
def test_a_fresh_interpreter_does_not_import_torch(code: str) -> None:
    assert slow_modules_after(code) == []


def test_an_import_of_torch_is_seen() -> None:
    assert slow_modules_after("import torch") == ["torch"]


def slow_modules_after(code: str) -> list[str]:
    """Which of torch, torchvision and av are loaded once the code has run in an interpreter of its own."""
    seen = "import sys\nprint('\\n' + ' '.join(sorted({'torch', 'torchvision', 'av'} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-P", "-c", f"{code}\n{seen}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


# --- the door ---------------------------------------------------------------------------------------------------


def test_ci_runs_the_command_of_the_readme() -> None:
    command = "python3 -m pip install nox && python3 -m nox -s tests"
    assert f"\n{command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").endswith(f"\n{command}\n")


def test_the_readme_has_the_command_of_the_main_job() -> None:
    command = "python3 -m pip install nox && python3 -m nox -s quickstart"
    assert f"\n{command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
