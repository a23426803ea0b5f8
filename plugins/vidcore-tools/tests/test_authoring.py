"""`vidcore plugins doctor` and `check`: a fault is named and fails, what is good is said to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vidcore.testing.made_plugins import write_plugin

PLUGIN = """
    from vidcore.plugins import Command, Component, hookimpl

    api = 1

    @hookimpl
    def vidcore_components():
        return [Component(kind="made.thing", name="made-thing", config="vidcore_made_thing.config:Thing",
                          factory="vidcore_made_thing.config:make")]

    @hookimpl
    def vidcore_recipes():
        return "vidcore_made_thing:recipes"

    @hookimpl
    def vidcore_commands():
        return [Command(group="show", name="made", help="Nothing.", target="vidcore_made_thing.config:COMMAND")]
"""
CONFIG = """
    import click
    from attrs import frozen

    @frozen(kw_only=True)
    class Thing:
        \"\"\"A thing.\"\"\"

        size: int = 1  # of it

    def make(config):
        return config

    {command} = click.Command("made")
"""
STEPS = """
    [stage.first]
    type = "predict"
"""


def vidcore(folder: Path, *words: str, **files: str) -> tuple[int, str]:
    written = {"plugin.py": PLUGIN, "config.py": CONFIG.format(command="COMMAND")}
    write_plugin(folder, "made-thing", {**written, **files})
    names = [path.name.removeprefix("vidcore_").partition("-")[0] for path in folder.glob("*.dist-info")]
    plugins = ",".join(["tools", *(name.replace("_", "-") for name in names)])
    done = subprocess.run(
        [sys.executable, "-m", "vidcore", "plugins", *words], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "VIDCORE_PLUGINS": plugins, "PATH": ""},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_sound_installation_is_said_to_be_well_also_with_a_recipe_of_stages(tmp_path: Path) -> None:
    code, said = vidcore(tmp_path, "doctor", **{"recipes/made-steps.toml": STEPS})
    assert "1 recipes" in said
    assert (code, said.splitlines()[-1]) == (0, "all is well"), said


def test_the_doctor_names_everything_that_is_broken(tmp_path: Path) -> None:
    write_plugin(tmp_path, "made-gone", {"plugin.py": "import no_such_module"})
    files = {"config.py": CONFIG.format(command="OTHER").replace("def make", "def fake")}
    code, said = vidcore(tmp_path, "doctor", **files, **{"recipes/made-bad.toml": "seed = 'a'"})
    assert code == 1
    assert "all is well" not in said
    for fault in (
        "plugin 'made-gone' (vidcore-made-gone 1.0) could not be loaded: ModuleNotFoundError: No module",
        "made.thing 'made-thing': vidcore_made_thing.config:make does not exist",
        "command `show made`: vidcore_made_thing.config:COMMAND does not exist",
        "recipe 'made-bad': ",
    ):
        assert fault in said, said


def test_check_tells_a_component_that_breaks_its_contract(tmp_path: Path) -> None:
    code, said = vidcore(tmp_path, "check", "vidcore-made-thing", **{"config.py": "1 / 0"})
    assert (code, "FAULT  made.thing made-thing: " in said, "0 of 1" in said) == (1, True, True), said
