from __future__ import annotations

from known_plugins import FILE, text


def test_the_list_of_known_plugins_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run: python tools/known_plugins.py"
