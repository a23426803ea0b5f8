from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import vidcore_prepare.plugin
from vidcore.cli.main import cli
from vidcore.plugins import Command
from vidcore.testing import check_plugin


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_prepare.plugin)


def test_help_shows_commands_in_the_order_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = [
        Command(group="data", section="9. Last", name="later", help="Later.", target="a:b"),
        Command(group="data", section="1. Get videos and look at them", name="pour", help="Pour.", target="a:b"),
        Command(group="data", name="loose", help="Loose.", target="a:b"),
    ]
    commands = [*elsewhere, *vidcore_prepare.plugin.vidcore_commands()]
    monkeypatch.setattr("vidcore.plugins.host", lambda: SimpleNamespace(commands=commands))
    lines = CliRunner().invoke(cli, ["data", "--help"]).output.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert [heading[:2] for heading in headings] == ["Op", "Co", "1.", "2.", "3.", "9."]
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert (
        names.index("loose") < names.index("pour") < names.index("fetch") < names.index("resize") < names.index("check")
    )
