"""The one door: `python3 -m nox -s SESSION`, `python3 -m nox --list`. CI calls the same sessions.

What is tested is each distribution's built wheel, in an environment that shows it and what it declares, nothing else;
how torch is installed only once for all of them is told in tools/environments.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import sessions
import untested
from environments import Environment, MissingRequirementError
from reports import write_report
from workspace import core, find_distributions

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

PLUGINS = sessions.names("plugins", "contrib")
FRIENDLY = ["--allow-any-generics", "--allow-subclassing-any", "--allow-untyped-calls", "--no-warn-return-any"]


@nox.session(venv_backend="none")
def quickstart(session: nox.Session) -> None:
    """Run the main job: `vidcore run quickstart`, in about three minutes on two cores."""
    environment = sessions.make("quickstart", ["vidcore[quickstart]"])
    session.run(str(environment.python), "-P", "-m", "vidcore", "run", "quickstart", *session.posargs, external=True)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Test the core, each plugin alone, what crosses them, wheels and site; say what was not tested and why."""
    shutil.rmtree(sessions.REPORTS, ignore_errors=True)
    sessions.prepare(groups=["test", "build", "docs"], tools=["pip", "packaging"])
    _pytest(session, "core", ["vidcore"], ["core/tests"])
    _test_plugins(session)
    _pytest(session, "crossing", sessions.names(), ["tests"], groups=["build"], tools=["pip", "packaging"])
    _check_wheels(session)
    _check_site(session)
    _conclude(session, ["core", *PLUGINS, "crossing", "build", "docs"])


@nox.session(venv_backend="none")
@nox.parametrize("name", [nox.param(name, id=name) for name in PLUGINS])
def plugin(session: nox.Session, name: str) -> None:
    """Test one plugin with the core and its declared dependencies only."""
    _test_plugin(session, name)
    _conclude(session, [name])


@nox.session(venv_backend="none")
def plugins(session: nox.Session) -> None:
    """Test every plugin, each with the core and its declared dependencies only."""
    _test_plugins(session)
    _conclude(session, PLUGINS)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """Run the tests marked slow, and the core's tests with the lowest versions of its light dependencies."""
    folders = ["core/tests", *_plugin_tests(), "tests"]
    options = ["-m", "slow and not gpu", "-n", "0"]
    _pytest(session, "slow", sessions.names(), folders, options, groups=["build"], tools=["pip", "packaging"])
    _pytest(session, "lowest", ["vidcore"], ["core/tests"], lowest=True)
    _conclude(session, ["slow", "lowest"])


@nox.session(venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Run the tests marked gpu; with VIDCORE_REQUIRE_GPU=1 a missing GPU is a failure."""
    folders = ["core/tests", *_plugin_tests(), "tests"]
    _pytest(session, "gpu", sessions.names(), folders, ["-m", "gpu", "-n", "0"], groups=["build"], tools=["pip"])
    _conclude(session, ["gpu"])


@nox.session
def lint(session: nox.Session) -> None:
    """Check format and style with ruff; `-- --fix` mends what it can."""
    session.install(*map(str, core().group("lint")))
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types with mypy: strict for the core, the tools, plugin.py and config.py, friendly in models."""
    python = str(sessions.make("types", sessions.names(), groups=["types", "test", "docs"], tools=["nox"]).python)
    packages = [source for name in PLUGINS for source in find_distributions()[name].sources]
    paths = ["core", "tools", *(str(package.parent) for package in packages)]
    session.env["MYPYPATH"] = os.pathsep.join(str(ROOT / path) for path in paths)
    light = [str(path) for package in packages for path in package.glob("*.py") if path.stem in ("plugin", "config")]
    session.run(python, "-m", "mypy", "core/vidcore", "tools", "noxfile.py", "conftest.py", external=True)
    if packages:
        session.run(python, "-m", "mypy", "--follow-imports=silent", *light, external=True)
        session.run(python, "-m", "mypy", "--follow-imports=silent", *FRIENDLY, *map(str, packages), external=True)


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the site into site/ with warnings as errors; `-- serve` shows it while you write."""
    _build_site(session, *(["serve"] if "serve" in session.posargs else []))


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Run the scripts of tests/benchmarks, or those named after `--`."""
    environment = sessions.make("bench", sessions.names(), groups=["test"])
    for script in session.posargs or sorted(map(str, Path("tests/benchmarks").glob("*.py"))):
        session.run(str(environment.python), script, external=True)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build every wheel, install them in a fresh environment, import every module, list every component."""
    shutil.rmtree(sessions.NOX / "env" / "build", ignore_errors=True)
    shutil.rmtree(sessions.NOX / "wheels", ignore_errors=True)
    _check_wheels(session)
    _conclude(session, ["build"])


def _build_site(session: nox.Session, *command: str) -> None:
    python = str(sessions.make("docs", sessions.names(), groups=["docs"]).python)
    arguments = command or ("build", "--strict", "--quiet")
    session.run(python, "-P", "-m", "mkdocs", *arguments, env={"NO_MKDOCS_2_WARNING": "1"}, external=True)


def _check_site(session: nox.Session) -> None:
    report, started = sessions.fresh_report("docs"), time.monotonic()
    with contextlib.suppress(CommandFailed):
        _build_site(session)
        write_report(report, exitstatus=0, seconds=time.monotonic() - started, passed=1)


def _test_plugins(session: nox.Session) -> None:
    """As many at a time as there are cores, each in one process: most are small, and starting takes the longest."""
    with ThreadPoolExecutor(int(sessions.workers())) as lanes:
        list(lanes.map(lambda name: _test_plugin(session, name, apart=True), PLUGINS))


def _test_plugin(session: nox.Session, name: str, *, apart: bool = False) -> None:
    distribution = find_distributions()[name]
    declared = [str(one) for one in distribution.group("test")]
    _pytest(session, name, [name], [str(distribution.tests.relative_to(ROOT))], tools=declared, apart=apart)


def _plugin_tests() -> list[str]:
    folders = [find_distributions()[name].tests for name in PLUGINS]
    return [str(folder.relative_to(ROOT)) for folder in folders if folder.exists()]


def _pytest(
    session: nox.Session,
    part: str,
    distributions: Iterable[str],
    folders: Iterable[str],
    options: Iterable[str] = (),
    *,
    groups: Iterable[str] = (),
    tools: Iterable[str] = (),
    lowest: bool = False,
    apart: bool = False,
) -> None:
    """Run tests in an environment of their own; a failure shows in the part's report, not as an exception.

    `apart`: in one process, and what it printed is shown when it is over, for others run beside it.
    """
    report = sessions.fresh_report(part)
    try:
        environment = sessions.make(part, distributions, groups=["test", *groups], tools=tools, lowest=lowest)
    except (MissingRequirementError, subprocess.CalledProcessError) as error:
        session.warn(f"{part}: no environment could be made: {error}")
        return
    spread = ["-n", "0"] if apart else ["-n", sessions.workers(), "--dist", "worksteal"]
    arguments = ["-q", *spread, *options, *session.posargs, *folders]
    _run_to_the_end(session, environment, ["-m", "pytest", *arguments], report, apart=apart)


def _check_wheels(session: nox.Session) -> None:
    report = sessions.fresh_report("build")
    names = sessions.names()
    try:
        environment = sessions.make("build", names)
    except (MissingRequirementError, subprocess.CalledProcessError) as error:
        session.warn(f"build: {error}")
        return
    _run_to_the_end(session, environment, ["tools/check_wheels.py", *names], report)


def _run_to_the_end(
    session: nox.Session, environment: Environment, arguments: list[str], report: Path, *, apart: bool = False
) -> None:
    """Run Python; whether it failed, even by a signal, is told by its report or the lack of one."""
    command = [str(environment.python), "-P", *arguments]
    with contextlib.suppress(CommandFailed):
        output = session.run(*command, env=sessions.test_variables(report), silent=apart, external=True)
        if apart:
            print(output, flush=True)


def _conclude(session: nox.Session, parts: Iterable[str]) -> None:
    table, failed = untested.summary(parts, sessions.REPORTS)
    print(f"\n{table}\n")
    if failed:
        session.error(f"failed: {', '.join(failed)}")
