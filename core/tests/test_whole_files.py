from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.whole_files import written_whole


def test_a_file_appears_under_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    with written_whole(path) as partial:
        partial.write_text("new")
        assert not path.exists() and partial.name.endswith(".tmp")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), written_whole(path) as partial:
        partial.write_text("\ud800", encoding="utf-8")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_was_never_begun_is_told_by_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "table.json"
    with pytest.raises(FileNotFoundError, match="nowhere"), written_whole(path) as partial:
        partial.write_text("new")
