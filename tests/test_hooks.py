"""Each hook is documented, and some test of the plugin host uses it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from vidcore.engine.events import RunEvents
from vidcore.plugins import hookspecs

ROOT = Path(__file__).resolve().parent.parent
HOOKS = [name for name in vars(hookspecs) if name.startswith("vidcore_")]
EVENTS = [name for name in vars(RunEvents) if not name.startswith("_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_section_with_an_example(hook: str) -> None:
    text = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {hook}\n\n```python\n@hookimpl\ndef {hook}\(", text, re.MULTILINE)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_tested(hook: str) -> None:
    assert hook in (ROOT / "core/tests/plugins/test_discovery.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_documented_and_tested(event: str) -> None:
    text = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    (row,) = (line.split("|") for line in text.splitlines() if line.startswith("| `") and f"`{event}`" in line)
    _, *arguments = inspect.signature(getattr(RunEvents, event)).parameters
    assert row[2].strip() == ", ".join(f"`{argument}`" for argument in arguments)
    assert any(event in path.read_text(encoding="utf-8") for path in (ROOT / "core/tests/engine").rglob("*.py"))
