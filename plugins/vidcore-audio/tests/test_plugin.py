from __future__ import annotations

import vidcore_audio.plugin
from vidcore.testing import check_plugin


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_audio.plugin)
