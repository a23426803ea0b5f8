"""What the sessions of noxfile.py are made of: the environment of each, and the test runs with their report.

Runs in nox's own environment: standard library and `packaging` only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from environments import Closure, Heavy, MissingRequirementError, follow, installed_in, locked, reach
from workspace import ROOT, Distribution, core, find_distributions

NOX = ROOT / ".nox"
HEAVY = Heavy(NOX / "heavy")
REPORTS = NOX / "reports"
LARGE = {"torch", "torchvision"}


def names(*parents: str) -> list[str]:
    """The distributions of the workspace, those below the given folders only when any is given."""
    found = find_distributions().values()
    return [one.name for one in found if not parents or one.folder.parent.name in parents]


def make(
    name: str,
    distributions: Iterable[str],
    groups: Iterable[str] = (),
    tools: Iterable[str] = (),
    *,
    lowest: bool = False,
) -> Closure:
    """An environment with built wheels of distributions of the workspace and all that they and the tools require.

    Args:
        name: Name of its folder.
        distributions: Names, extras allowed (`vidcore[quickstart]`).
        groups: Dependency groups of the root pyproject.toml.
        tools: Further requirements.
        lowest: Take the lowest allowed version of each light requirement of the distributions.

    Raises:
        environments.MissingRequirementError: A declared requirement is installed in a version that it excludes.
        subprocess.CalledProcessError: pip or a build failed.
    """
    workspace = find_distributions()
    wanted = _wanted(distributions, groups, tools)
    ours = _install(wanted, workspace)
    names_needed = reach(wanted, {**installed_in(HEAVY.site_packages), **workspace})
    linked = [one for one in names_needed if one not in workspace]
    pins = [pin for one in ours for pin in lowest_versions(one.requirements, workspace)] if lowest else []
    closure = Closure(NOX / "env" / name)
    closure.ensure(linked, HEAVY, [wheel(one) for one in ours], pins)
    return closure


def prepare(groups: Iterable[str], tools: Iterable[str]) -> None:
    """Install what all environments of a session will need at once, not little by little.

    Raises:
        environments.MissingRequirementError: As `make` does.
        subprocess.CalledProcessError: pip failed.
    """
    workspace = find_distributions()
    own = [str(requirement) for one in workspace.values() for requirement in one.group("test")]
    _install(_wanted(workspace, groups, [*tools, *own]), workspace)


def _wanted(distributions: Iterable[str], groups: Iterable[str], tools: Iterable[str]) -> list[Requirement]:
    wanted = [Requirement(text) for text in (*distributions, *tools)]
    return wanted + [requirement for group in groups for requirement in core().group(group)]


def _install(wanted: list[Requirement], workspace: dict[str, Distribution]) -> list[Distribution]:
    """Have all that comes from outside in the heavy environment; the reached distributions of the workspace."""
    followed = [(canonicalize_name(one.name), one, wanted_by) for one, wanted_by in follow(wanted, workspace)]
    ours = [workspace[name] for name in sorted({name for name, _, _ in followed} & set(workspace))]
    outside = [pip_form(one, wanted_by) for name, one, wanted_by in followed if name not in workspace]
    outside += [needed for one in ours for needed in one.build_requirements()]
    HEAVY.ensure([*outside, *core().group("build")])
    return ours


def lowest_versions(requirements: Iterable[Requirement], workspace: dict[str, Distribution]) -> list[Requirement]:
    """`name==version` for each `name>=version`, but for those of the workspace and those too large to install twice."""
    pins = []
    for requirement in requirements:
        if canonicalize_name(requirement.name) not in {*workspace, *LARGE} and requirement.marker is None:
            pins += [
                Requirement(f"{requirement.name}=={s.version}") for s in requirement.specifier if s.operator == ">="
            ]
    return pins


def pip_form(requirement: Requirement, wanted_by: str) -> Requirement:
    """A requirement as pip can be asked for it: one of an extra without its marker, which has been followed.

    Raises:
        environments.MissingRequirementError: It names a plugin of ours that is not there. What an index has under that
            name is not what is meant.
    """
    if canonicalize_name(requirement.name).startswith("vidcore-"):
        raise MissingRequirementError(f"{wanted_by} requires {requirement}: no folder of plugins/ or contrib/ is that")
    plain = Requirement(str(requirement))
    plain.marker = None
    return plain


def wheel(distribution: Distribution) -> Path:
    """Its wheel, built unless one was built from the very same files."""
    folder = NOX / "wheels" / f"{distribution.name}-{distribution.digest()}"
    with locked(folder.parent):
        if not list(folder.glob("*.whl")):
            command = [str(HEAVY.python), "-m", "build", "--wheel", "--no-isolation"]
            command += ["--outdir", str(folder), str(distribution.folder)]
            built = subprocess.run(command, capture_output=True, text=True)
            if built.returncode != 0:
                print(built.stdout, built.stderr)
                raise subprocess.CalledProcessError(built.returncode, command)
    return next(folder.glob("*.whl"))


def fresh_report(part: str) -> Path:
    """Where a part's report will lie; an old one is removed, for a run that breaks off must not leave it."""
    report = REPORTS / f"{part}.json"
    report.unlink(missing_ok=True)
    return report


def test_variables(report: Path) -> dict[str, str]:
    """Environment variables of a test run: one thread a process, broken plugins fatal, where its report goes."""
    return {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "VIDCORE_STRICT_PLUGINS": "1",
        "VIDCORE_TEST_REPORT": str(report),
        "PYTHONPATH": "",
    }


def workers() -> str:
    """Processes of a test run: one for each core."""
    return str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
