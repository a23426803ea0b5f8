from __future__ import annotations

import pytest
from click.testing import CliRunner

from vidcore.cli.main import cli
from vidcore.errors import PluginError
from vidcore.plugins import host


def test_a_plugin_is_left_out_before_commands_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_NO_PLUGINS", "")  # what the option changes is put back
    host.cache_clear()
    with pytest.raises(PluginError, match="no plugin 'nobody' is installed"):
        CliRunner().invoke(cli, ["--no-plugin", "nobody", "no-such-command"], catch_exceptions=False)
    host.cache_clear()
