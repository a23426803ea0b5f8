from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from vidcore.errors import PluginError
from vidcore_tools.scaffold import kinds, write_scaffold


@pytest.mark.parametrize("kind", kinds())
def test_every_template_becomes_a_package_without_gaps(kind: str, tmp_path: Path) -> None:
    folder = write_scaffold("made-thing", kind, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if "$" in path.read_text(encoding="utf-8") or path.suffix == ".in"]
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["vidcore"] == {"made-thing": "vidcore_made_thing.plugin"}


def test_a_bad_name_kind_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"'Made_Thing' is no name for a plugin"):
        write_scaffold("Made_Thing", "model", tmp_path)
    with pytest.raises(PluginError, match="there is no template for a decoder; there is one for: "):
        write_scaffold("thing", "decoder", tmp_path)
    write_scaffold("thing", "model", tmp_path)
    with pytest.raises(PluginError, match="vidcore-thing exists already"):
        write_scaffold("vidcore-thing", "model", tmp_path)
