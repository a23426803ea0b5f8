"""Every command that the documentation shows is run, in the order of its page, in a folder of its own.

A command stands in a block fenced as `console`, after `$ `. What needs the network, or takes minutes and runs
elsewhere, is listed in docs_commands.toml with the reason; so is what should fail. Files of a page: tests/docs/PAGE/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("plugins/*/README.md")))
}
BLOCK = re.compile(r"^(?P<indent> *)```console\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
RULES = tomllib.loads((ROOT / "tests/docs_commands.toml").read_text(encoding="utf-8"))


def commands(text: str) -> list[str]:
    """The commands of a page; a line that ends with a backslash goes on."""
    lines = [line.strip() for block in BLOCK.finditer(text) for line in block["body"].replace("\\\n", " ").splitlines()]
    return [line.removeprefix("$ ").split("  # ")[0].strip() for line in lines if line.startswith("$ ")]


def left_out(command: str) -> str | None:
    """Why a command is not run here, or None."""
    return next((reason for start, reason in RULES["not_run"].items() if command.startswith(start)), None)


PAGES_WITH_COMMANDS = [
    name
    for name, path in PAGES.items()
    if any(left_out(command) is None for command in commands(path.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    rules: dict[str, Any] = RULES["pages"].get(page, {})
    folder = ROOT / "tests" / "docs" / Path(page).stem
    if folder.is_dir():
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    scripts = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "VIDCORE_CACHE": str(tmp_path_factory.getbasetemp() / "docs-cache"),
        "OMP_NUM_THREADS": "1",
    }
    for command in commands(PAGES[page].read_text(encoding="utf-8")):
        if left_out(command) is not None:
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        expected = rules.get("exit", {}).get(command, 0)
        assert done.returncode == expected, f"{page}: $ {command}\n{done.stdout}{done.stderr}"


def test_pages_link_to_pages_that_exist() -> None:
    for name, path in PAGES.items():
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists() or "plugins/" in target, f"{name} links to {target}"
