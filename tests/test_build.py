"""A wheel holds every file of its package, and a wheel that does not is caught."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from workspace import Distribution, find_distributions


def source_files(distribution: Distribution) -> set[str]:
    """Files of its packages, as a wheel names them."""
    found = set()
    for source in distribution.sources:
        files = (path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc")
        found |= {path.relative_to(source.parent).as_posix() for path in files}
    return found


def installed_files(name: str) -> set[str]:
    """Files that its installed wheel brought, or skip where a source tree is installed in its place."""
    files = metadata.files(name) or []
    if any(Path(path).suffix == ".pth" for path in files):
        pytest.skip("installed editable, not from a wheel")
    return {Path(path).as_posix() for path in files}


@pytest.mark.parametrize("distribution", find_distributions().values(), ids=lambda one: one.name)
def test_wheel_holds_every_file_of_the_package(distribution: Distribution) -> None:
    assert sorted(source_files(distribution) - installed_files(distribution.name)) == []
