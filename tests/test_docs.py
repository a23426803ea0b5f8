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

from vidcore.testing import make_video

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
    text, rules = PAGES[page].read_text(encoding="utf-8"), RULES["pages"].get(page, {})
    prepare(tmp_path, Path(page).stem, text, rules)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "site"),
        "VIDCORE_CACHE": str(tmp_path_factory.getbasetemp() / "docs-cache"),
        "OMP_NUM_THREADS": "1",
    }
    for command in commands(text):
        if left_out(command) is None:
            run(
                rules.get("instead", {}).get(command, command),
                tmp_path,
                environment,
                rules.get("exit", {}).get(command, 0),
            )


def prepare(folder: Path, page: str, text: str, rules: dict[str, Any]) -> None:
    """The files that a page speaks of: its TOML blocks under the names it gives them, and those of tests/docs/PAGE.

    A script `prepare.py` among them writes more.
    """
    prepared = ROOT / "tests" / "docs" / page
    if prepared.is_dir():
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
    if (folder / "prepare.py").exists():
        subprocess.run([sys.executable, "prepare.py"], cwd=folder, check=True)
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for name, number in rules.get("files", {}).items():
        content = blocks[number]
        for old, new in rules.get("shorter", {}).items():
            assert old in content, f"{page}: {old!r} is not in its block {number}"
            content = content.replace(old, new)
        (folder / name).write_text(content, encoding="utf-8")
    for number, path in enumerate(rules.get("videos", ())):
        make_video(folder / path, num_frames=16 + number)  # no two alike


def run(command: str, folder: Path, environment: dict[str, str], code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, f"$ {command}\n{done.stdout}{done.stderr}"


def test_every_package_stands_in_the_readme() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Packages")[2]
    assert [path.name for path in sorted((ROOT / "plugins").iterdir()) if f"`{path.name}`" not in table] == []
