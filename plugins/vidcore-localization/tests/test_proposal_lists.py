from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from vidcore.cli.main import cli
from vidcore.errors import DataError
from vidcore_localization.proposal_lists import read_list

LIST = "# 0\nimgs\n5\n1\n1\n3 1 2\n2\n3 1.0000 1.0000 1 2\n3 0.5000 0.5000 1 3\n"


def test_blocks_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LIST + LIST.replace("# 0", "# 1"))
    first, second = read_list(tmp_path / "list.txt")
    assert (first.name, first.frames, len(first.truths), len(first.proposals)) == ("imgs", 5, 1, 2)
    assert (second.proposals[1].start, second.proposals[1].end) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("3 1 2\n", "3 2 1\n", r":6: ends at 1 before it starts at 2"),
        ("3 1 2\n", "3 1\n", r":6: should have 3 columns"),
        ("3 1 2\n", "3 1 inf\n", r":6: ends at inf before it starts at 1, or these are no numbers"),
        ("\n5\n", "\n0\n", r":3: a video has one frame at least, is 0"),
        ("\n1\n1\n", "\n1\n-1\n", r":5: should be a number of segments, is -1"),
        ("# 0\n", "", r":1: a block should start with '# NUMBER', is 'imgs'"),
        ("3 0.5000 0.5000 1 3\n", "", r":8: the file ends within the block that starts in line 1"),
    ],
)
def test_wrong_lines_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "list.txt").write_text(LIST.replace(old, new, 1))
    with pytest.raises(DataError, match=told):
        read_list(tmp_path / "list.txt")


def test_segments_beyond_their_videos_are_kept_and_told(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LIST.replace("0.5000 1 3", "0.5000 1 9"))
    paths = [str(tmp_path / name) for name in ("list.txt", "shares.txt")]
    done = CliRunner().invoke(cli, ["data", "convert-proposals", *paths, "--to", "fractions"])
    assert f"{paths[0]}:9: 1 ... 9 reaches beyond its video; 1 such segments are kept" in done.stderr
    assert "3 0.5000 0.5000 0.2000 1.8000" in (tmp_path / "shares.txt").read_text()
    again = CliRunner().invoke(cli, ["data", "convert-proposals", paths[1], paths[0], "--to", "frames"])
    assert "shares.txt:9: 0.2 ... 1.8 reaches beyond its video" in again.stderr
    assert (tmp_path / "list.txt").read_text().endswith("1 9\n")


def test_shipped_lists_turn_into_each_other(tmp_path: Path, shared_data: Path) -> None:
    fractions, frames = (shared_data / f"annotations/proposal_{name}_list.txt" for name in ("normalized", "test"))
    for source, wanted, to in ((fractions, frames, "frames"), (frames, fractions, "fractions")):
        done = CliRunner().invoke(cli, ["data", "convert-proposals", str(source), str(tmp_path / to), "--to", to])
        assert done.exit_code == 0, done.output
        assert (tmp_path / to).read_text().split() == wanted.read_text().split()
    again = CliRunner().invoke(cli, ["data", "convert-proposals", str(frames), str(tmp_path / "x"), "--to", "frames"])
    assert "are frames already" in f"{again.output}{again.exception}"
