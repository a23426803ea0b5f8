"""An environment shows exactly what its requirements reach: a declared import works, an undeclared one fails."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from environments import Closure, Environment, MissingRequirementError, installed_in, reach
from workspace import Distribution, find_distributions, read_distribution

HERE = Path(sysconfig.get_path("purelib"))


class ThisEnvironment(Environment):
    """The environment that the tests run in, as the one that links lead to."""

    def __init__(self) -> None:
        super().__init__(Path(sys.prefix))

    @property
    def site_packages(self) -> Path:
        return HERE


def make_wheel(folder: Path, name: str, module: str, requires: list[str]) -> Path:
    """A wheel with one module."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", module)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def run_in(environment: Environment, code: str) -> subprocess.CompletedProcess[str]:
    command = [str(environment.python), "-P", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": ""}, timeout=120)


def made_plugin(tmp_path: Path, module: str, requires: list[str]) -> Environment:
    """An environment for a plugin of one module, from what it requires."""
    wheel = make_wheel(tmp_path / "dist", "made_plugin", module, requires)
    environment = Closure(tmp_path / "env" / "made")
    names = reach(map(Requirement, requires), installed_in(HERE))
    environment.ensure(names, ThisEnvironment(), [wheel])
    return environment


def test_a_declared_import_works(tmp_path: Path) -> None:
    environment = made_plugin(tmp_path, "import rich.console, attrs", ["rich", "attrs"])
    assert run_in(environment, "import made_plugin").returncode == 0


def test_what_a_requirement_requires_is_there_too(tmp_path: Path) -> None:
    environment = made_plugin(tmp_path, "import pygments", ["rich"])
    assert run_in(environment, "import made_plugin").returncode == 0


@pytest.mark.parametrize("package", ["torch", "safetensors", "pytest", "pip", "setuptools", "vidcore"])
def test_an_undeclared_import_fails_though_the_package_is_installed(tmp_path: Path, package: str) -> None:
    environment = made_plugin(tmp_path, f"def use():\n    import {package}", ["rich", "attrs"])
    done = run_in(environment, "import made_plugin; made_plugin.use()")
    assert f"ModuleNotFoundError: No module named '{package}'" in done.stderr


def test_torch_works_through_links(tmp_path: Path) -> None:
    environment = made_plugin(tmp_path, "import torch\nsum = int(torch.ones(3).sum())", ["torch"])
    done = run_in(environment, "import made_plugin; print(made_plugin.sum)")
    assert done.stdout == "3\n", done.stderr


def test_metadata_shows_no_more_than_can_be_imported(tmp_path: Path) -> None:
    environment = made_plugin(tmp_path, "", ["click"])
    done = run_in(environment, "import importlib.metadata as m; print(*sorted(one.name for one in m.distributions()))")
    assert done.stdout.split() == ["click", "made_plugin"]


def test_an_environment_is_made_anew_only_when_something_changed(tmp_path: Path) -> None:
    environment = made_plugin(tmp_path, "", ["click"])
    mark = environment.folder / "mark"
    mark.touch()
    assert (made_plugin(tmp_path, "", ["click"]).folder / "mark").exists()
    made_plugin(tmp_path, "", ["click", "attrs"])
    assert not mark.exists()


class Known:
    """A distribution known by its requirements."""

    def __init__(self, version: str, *requirements: str) -> None:
        self.version = version
        self.requirements = [Requirement(one) for one in requirements]


def test_reach_follows_requirements_extras_and_markers() -> None:
    known = {
        "a": Known("1", "b[more]", "never; python_version < '3'"),
        "b": Known("1", "c; extra == 'more'", "d; extra == 'other'", "a"),
        "c": Known("1"),
        "d": Known("1"),
    }
    assert reach([Requirement("a")], known) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [("a>=2", "the environment requires a>=2; installed is 1"), ("b", "b requires gone, which is not installed")],
)
def test_a_requirement_that_cannot_be_met_is_told(requirement: str, problem: str) -> None:
    with pytest.raises(MissingRequirementError, match=problem):
        reach([Requirement(requirement)], {"a": Known("1"), "b": Known("1", "gone")})


def test_every_folder_with_a_pyproject_is_a_distribution(tmp_path: Path) -> None:
    for folder, name in ((".", "vidcore"), ("plugins/vidcore-a", "vidcore-a"), ("contrib/Their.Name", "Their.Name")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"')
    (tmp_path / "plugins" / "notes").mkdir()
    assert list(find_distributions(tmp_path)) == ["vidcore", "vidcore-a", "their-name"]


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    """A plugin's folder."""
    package = tmp_path / "src" / "vidcore_x"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "vidcore-x"\ndependencies = ["vidcore"]\n'
        '[project.optional-dependencies]\ncsv = ["pandas>=2"]\n'
    )
    return read_distribution(tmp_path)


def test_requirements_of_extras_have_their_marker(distribution: Distribution) -> None:
    assert [str(one) for one in distribution.requirements] == ["vidcore", 'pandas>=2; extra == "csv"']


@pytest.mark.parametrize(
    ("path", "is_another"),
    [("src/vidcore_x/recipes/a.toml", True), ("README.md", True), ("tests/test_a.py", False), ("dist/a.whl", False)],
)
def test_a_wheel_is_built_anew_when_its_files_change(distribution: Distribution, path: str, is_another: bool) -> None:
    before = distribution.digest()
    changed = distribution.folder / path
    changed.parent.mkdir(exist_ok=True, parents=True)
    changed.write_text("new")
    assert (distribution.digest() != before) is is_another
