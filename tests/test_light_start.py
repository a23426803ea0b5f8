"""Commands that only look at descriptions and configs answer without torch, on any machine, at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "av", "matplotlib", "safetensors"}
CODE = """
import sys
sys.argv = ["vidcore", *sys.argv[1:]]
from vidcore.cli.main import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("imported:", *sorted({heavy} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "plugins list",
        "recipes list",
        "recipes show slowfast-r50-4x16-k400",
        "config check slowfast-r50-4x16-k400",
        "config show quickstart --origin",
        "config explain model.slowfast.speed_ratio",
        "config schema",
    ],
)
def test_the_command_imports_nothing_heavy(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *command.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["imported:"]


def test_a_new_experiment_shows_what_the_recipe_wrote_not_what_this_machine_made_of_it() -> None:
    command = [sys.executable, "-m", "vidcore", "config", "init", "slowonly-r50-4x16-k400"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '# data.root = "kinetics400"\n' in done.stdout
