"""The distributions of this repository: read from their pyproject.toml, found by folder, built into wheels.

Runs in nox's own environment: standard library and `packaging` only.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Distribution:
    """One folder with a pyproject.toml that becomes one wheel."""

    name: str
    folder: Path
    pyproject: dict[str, Any]

    @property
    def requirements(self) -> list[Requirement]:
        """Declared dependencies, those of extras with their marker, as a wheel's METADATA has them."""
        project = self.pyproject["project"]
        extras = project.get("optional-dependencies", {})
        found = [Requirement(text) for text in project.get("dependencies", [])]
        found += [_under_extra(text, extra) for extra, texts in extras.items() for text in texts]
        return found

    @property
    def tests(self) -> Path:
        """The folder of its own tests."""
        return self.folder / ("core/tests" if self.folder == ROOT else "tests")

    @property
    def sources(self) -> list[Path]:
        """The import packages as folders: core/vidcore, or each folder of src/."""
        if self.folder == ROOT:
            return [self.folder / "core" / "vidcore"]
        return sorted(path for path in (self.folder / "src").iterdir() if (path / "__init__.py").exists())

    def group(self, name: str) -> list[Requirement]:
        """Requirements of a dependency group, empty when the pyproject.toml has none of that name."""
        return [Requirement(text) for text in self.pyproject.get("dependency-groups", {}).get(name, [])]

    def build_requirements(self) -> list[Requirement]:
        """What its build backend needs."""
        return [Requirement(text) for text in self.pyproject["build-system"]["requires"]]

    def digest(self) -> str:
        """A hash of every file that may end up in the wheel."""
        files = [path for path in self.folder.glob("*") if path.is_file()]
        files += [path for source in self.sources for path in source.rglob("*") if path.is_file()]
        if self.folder != ROOT:  # recipes and other data may lie beside src/
            outside = {"src", "tests", "dist", "build"}
            folders = [path for path in self.folder.iterdir() if path.is_dir() and path.name not in outside]
            files += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        hashed = hashlib.sha256()
        for path in sorted(path for path in files if "__pycache__" not in path.parts):
            hashed.update(f"{path.relative_to(self.folder)}\0".encode())
            hashed.update(hashlib.sha256(path.read_bytes()).digest())
        return hashed.hexdigest()[:16]


def _under_extra(text: str, extra: str) -> Requirement:
    requirement = Requirement(text)
    condition = f'extra == "{canonicalize_name(extra)}"'
    marker = f"({requirement.marker}) and {condition}" if requirement.marker else condition
    requirement.marker = None
    return Requirement(f"{requirement} ; {marker}")


def read_distribution(folder: Path) -> Distribution:
    """The distribution of a folder that has a pyproject.toml."""
    pyproject = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return Distribution(canonicalize_name(pyproject["project"]["name"]), folder, pyproject)


def find_distributions(root: Path = ROOT) -> dict[str, Distribution]:
    """The core first, then every folder of plugins/ and contrib/ with a pyproject.toml."""
    folders = [root]
    for parent in ("plugins", "contrib"):
        folders += sorted(path.parent for path in (root / parent).glob("*/pyproject.toml"))
    return {found.name: found for found in map(read_distribution, folders)}


def core() -> Distribution:
    """The distribution of the repository's root."""
    return read_distribution(ROOT)
