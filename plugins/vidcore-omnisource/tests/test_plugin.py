from __future__ import annotations

from vidcore.testing import check_plugin
from vidcore_omnisource import plugin


def test_plugin_keeps_every_contract() -> None:
    check_plugin(plugin)
