from __future__ import annotations

import vidcore_frames.plugin
from vidcore.testing import check_plugin


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_frames.plugin)
