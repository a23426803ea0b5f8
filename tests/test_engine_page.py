"""The page about the engine: it shows the code itself, and what it says of torch is what torch says."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import torch

from vidcore.engine import loop, techniques

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")


def shown() -> str:
    """The code that the site puts where the page names a section of a file."""
    found = []
    for file, section in re.findall(r'^--8<-- "(.+):(.+)"$', PAGE, re.MULTILINE):
        text = (ROOT / file).read_text(encoding="utf-8")
        start, end = f"# --8<-- [start:{section}]\n", f"# --8<-- [end:{section}]\n"
        assert text.count(start) == text.count(end) == 1, f"{file} has no section {section!r}"
        found.append(text[text.index(start) + len(start) : text.index(end)])
    return "\n".join(found)


def test_the_loop_stands_on_the_page_whole() -> None:
    code = shown()
    for one in (loop.train, loop.take_step, loop.run_chunk, techniques.Technique):
        assert inspect.getsource(one) in code, one.__name__


def test_kernels_that_cannot_be_deterministic_are_those_that_torch_names() -> None:
    table = re.search(r"(?s)\| when it is refused \|\n\| --- \| --- \|\n(.+?)\n\n", PAGE)
    assert table is not None
    rows = [row.split("|")[1:3] for row in table[1].splitlines()]
    named = {name: when.strip() for names, when in rows for name in re.findall(r"`([A-Za-z0-9_]+)`", names)}
    assert len(named) > 20
    told = inspect.getdoc(torch.use_deterministic_algorithms) or ""
    refused = told[told.index("will throw a") : told.index("In addition")]
    for name, when in named.items():
        entry = re.search(rf"(?s)\b{name}\b.*?(?=\n\s*\* |\Z)", refused)
        assert entry is not None, f"torch does not refuse {name}"
        if when == "going back" and name not in ("linear", "bilinear", "bicubic", "trilinear"):
            assert "differentiate a CUDA tensor" in entry[0], f"{name}: {entry[0]}"
