"""Environments that see exactly what a set of requirements brings, without installing torch for each.

`Heavy` is one virtual environment into which pip installs whatever the workspace needs from outside, once. `Closure`
is a virtual environment whose site-packages holds links to those distributions of the heavy one that the given
requirements reach, and no others: a package that nobody declared is installed a folder away and still cannot be
imported. It takes well under a second to make.

    .nox/heavy/                       torch, numpy, pytest, ...      pip, once
    .nox/env/plugin-vidcore-x/        links into heavy/ + built wheels of vidcore-x and of what it declares

Runs in nox's own environment: standard library and `packaging` only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

QUIET = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
CONSOLE_SCRIPT = """#!{python}
import sys
from {module} import {attribute}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


class MissingRequirementError(Exception):
    """A requirement that nothing in the given environment fulfils."""


class HasRequirements(Protocol):
    """A distribution known by what it requires: of the workspace, or installed."""

    @property
    def requirements(self) -> list[Requirement]: ...


class Installed:
    """A distribution that lies in a site-packages folder."""

    def __init__(self, found: metadata.Distribution) -> None:
        self.name = canonicalize_name(found.metadata["Name"])
        self.version = found.version
        self.metadata = found

    @property
    def requirements(self) -> list[Requirement]:
        """As METADATA has them, extras with their markers."""
        return [Requirement(text) for text in self.metadata.requires or []]

    def files(self) -> Iterator[tuple[str, ...]]:
        """Its files below site-packages, as path parts; no scripts, no byte code at the top."""
        for path in self.metadata.files or []:
            if path.parts[0] not in ("..", "/", "__pycache__"):
                yield path.parts


def installed_in(site_packages: Path) -> dict[str, Installed]:
    """The distributions of a site-packages folder, by canonical name."""
    found = (Installed(one) for one in metadata.distributions(path=[str(site_packages)]))
    return {one.name: one for one in found}


def follow(
    requirements: Iterable[Requirement], known: Mapping[str, HasRequirements]
) -> Iterator[tuple[Requirement, str]]:
    """Every requirement that applies on this machine, with who has it; those of known distributions are followed."""
    seen: set[tuple[str, str]] = set()
    todo = [(requirement, "the environment") for requirement in requirements if _applies(requirement, "")]
    while todo:
        requirement, wanted_by = todo.pop()
        yield requirement, wanted_by
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if name in known and (name, extra) not in seen:
                seen.add((name, extra))
                todo += [(needed, name) for needed in known[name].requirements if _applies(needed, extra)]


def reach(requirements: Iterable[Requirement], known: Mapping[str, HasRequirements]) -> list[str]:
    """Names of all distributions that the requirements need, themselves included, sorted.

    Raises:
        MissingRequirementError: A needed distribution is not in `known`, or in a version that is excluded.
    """
    names = set()
    for requirement, wanted_by in follow(requirements, known):
        name = canonicalize_name(requirement.name)
        if name not in known:
            raise MissingRequirementError(f"{wanted_by} requires {requirement}, which is not installed")
        version = getattr(known[name], "version", None)
        if version is not None and not requirement.specifier.contains(version, prereleases=True):
            raise MissingRequirementError(f"{wanted_by} requires {requirement}; installed is {version}")
        names.add(name)
    return sorted(names)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def link_distributions(
    chosen: Iterable[Installed], everything: Iterable[Installed], source: Path, target: Path
) -> None:
    """Link the chosen distributions' files from one site-packages folder into another.

    A folder is linked whole when only chosen distributions own files in it; else (namespace packages such as
    `nvidia/`) it is made and its children are linked one by one.
    """
    chosen_names = {one.name for one in chosen}
    owners: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in everything:
        for parts in one.files():
            for depth in range(1, len(parts) + 1):
                owners[parts[:depth]].add(one.name)
    linked: set[tuple[str, ...]] = set()
    for parts in sorted(owners, key=len):
        if parts[:-1] in linked:
            linked.add(parts)  # below a folder that is linked whole
        elif owners[parts] <= chosen_names:
            (target.joinpath(*parts)).symlink_to(source.joinpath(*parts))
            linked.add(parts)
        elif owners[parts] & chosen_names:
            target.joinpath(*parts).mkdir()


def write_scripts(distributions: Iterable[Installed], source: Path, python: Path) -> None:
    """Write the console scripts of distributions beside an interpreter, and link programs that are no Python."""
    for one in distributions:
        for path in one.metadata.files or []:
            program = source / "bin" / path.name
            if path.parts[-2:-1] == ("bin",) and path.parts[0] == ".." and program.is_file():
                (python.parent / path.name).symlink_to(program)
        for entry in one.metadata.entry_points.select(group="console_scripts"):
            script = python.parent / entry.name
            script.unlink(missing_ok=True)
            script.write_text(CONSOLE_SCRIPT.format(python=python, module=entry.module, attribute=entry.attr))
            script.chmod(0o755)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out while an environment is made; waits for them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Environment:
    """A virtual environment in a folder, with a stamp that says what it was made from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._stamp = folder / "made-from.json"

    @property
    def site_packages(self) -> Path:
        """Where its distributions lie."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def made_from(self) -> dict[str, object]:
        """The stamp; empty when the environment was never finished."""
        if not (self._stamp.exists() and self.python.exists()):
            return {}
        stamp: dict[str, object] = json.loads(self._stamp.read_text())
        return stamp

    def create(self, *, with_pip: bool) -> None:
        """Make it anew, empty."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        venv.create(self.folder, with_pip=with_pip, symlinks=True)

    def stamp(self, made_from: Mapping[str, object]) -> None:
        """Say that it is finished, and from what."""
        self._stamp.write_text(json.dumps(made_from, indent=1, sort_keys=True))


class Heavy(Environment):
    """The one environment that pip fills. It only ever grows; what may be seen of it is the closures' business."""

    def ensure(self, requirements: Iterable[Requirement]) -> None:
        """Install what is not known to be installed yet.

        Raises:
            subprocess.CalledProcessError: pip failed; its output was shown.
        """
        wanted = {str(requirement) for requirement in requirements}
        with locked(self.folder.parent):
            stamp = self.made_from()
            if stamp.get("python") != sys.version:
                self.create(with_pip=True)
                stamp = {"python": sys.version, "requirements": []}
            known = set(_strings(stamp["requirements"]))
            if wanted <= known:
                return
            command = [str(self.python), "-m", "pip", "install", *QUIET]
            print(f"installing into {self.folder}: {', '.join(sorted(wanted - known))}", flush=True)
            subprocess.run([*command, *sorted(wanted | known | {"pip>=23.1"})], check=True)
            self.stamp({"python": sys.version, "requirements": sorted(wanted | known)})


def _strings(values: object) -> list[str]:
    assert isinstance(values, list)
    return [str(value) for value in values]


class Closure(Environment):
    """An environment of links into another one, plus wheels of the workspace."""

    def ensure(
        self, names: Iterable[str], source: Environment, wheels: Iterable[Path] = (), pins: Iterable[Requirement] = ()
    ) -> None:
        """Make it show exactly the named distributions of `source` and the wheels; nothing to do when it does.

        Args:
            names: Canonical names of distributions to link.
            source: Where they are installed.
            wheels: Files to install beside them.
            pins: Requirements of the form `name==version`, installed from the index in the place of the linked ones.

        Raises:
            subprocess.CalledProcessError: A wheel or a pinned version could not be installed.
        """
        everything = installed_in(source.site_packages)
        pins = sorted(pins, key=str)
        chosen = [everything[name] for name in sorted(set(names) - {canonicalize_name(pin.name) for pin in pins})]
        wheels = sorted(wheels)
        made_from = {
            "python": sys.version,
            "source": str(source.folder),
            "distributions": [f"{one.name}=={one.version}" for one in chosen],
            "wheels": [str(wheel) for wheel in wheels],  # their folders are named by a hash
            "pins": [str(pin) for pin in pins],
        }
        with locked(self.folder.parent):
            if self.made_from() == made_from:
                return
            self.create(with_pip=False)
            link_distributions(chosen, everything.values(), source.site_packages, self.site_packages)
            write_scripts(chosen, source.folder, self.python)
            if wheels:
                self._install(source, ["--no-index", *map(str, wheels)])
            if pins:
                self._install(source, list(map(str, pins)))
            self.stamp(made_from)

    def _install(self, source: Environment, arguments: list[str]) -> None:
        command = [str(source.python), "-m", "pip", "--python", str(self.python), "install", "--no-deps", *QUIET]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        subprocess.run([*command, *arguments], check=True, env=environment)
