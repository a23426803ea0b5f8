from __future__ import annotations

import vidcore_prepare.plugin
from vidcore.testing import check_plugin


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_prepare.plugin)
