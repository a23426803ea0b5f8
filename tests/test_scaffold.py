"""A plugin that `vidcore plugins new` writes installs from its wheel and passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vidcore_tools.scaffold import kinds, write_scaffold


@pytest.mark.parametrize("kind", kinds())
def test_a_new_plugin_installs_from_its_wheel_and_passes_its_own_tests(kind: str, tmp_path: Path) -> None:
    name = f"made-{kind}"
    folder = write_scaffold(name, kind, tmp_path)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path / "dist", folder], tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run([*pip, "install", "--no-deps", "--no-index", "--target", site, wheel], tmp_path)
    environment = {"PYTHONPATH": str(site), "VIDCORE_PLUGINS": name}
    checked = run([sys.executable, "-m", "vidcore", "plugins", "list"], tmp_path, **environment)
    assert f"{kind}: {name}" in checked
    passed = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder / "tests"], folder, **environment
    )
    assert "2 passed" in passed


def run(command: list[object], folder: Path, **variables: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
