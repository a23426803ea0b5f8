"""Raw files of NTU RGB+D, from made ones in their exact form: names, splits, reading, cleaning, conversion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from vidcore.errors import DataError
from vidcore_ntu.cleaning import cleaned
from vidcore_ntu.commands import ntu
from vidcore_ntu.names import SequenceName, missing_names
from vidcore_ntu.skeleton_files import Body, read_skeleton_file
from vidcore_skeleton.annotations import read_table

Frame = dict[str, np.ndarray[Any, Any]]  # identity -> joints [25, 3]


def person(x: float = 0.0, wide: float = 0.4, seed: int = 0) -> np.ndarray[Any, Any]:
    """Somebody 1.7 m tall at a place."""
    rng = np.random.default_rng(seed)
    joints = np.stack([rng.permutation(np.linspace(x, x + wide, 25)), np.linspace(-0.9, 0.8, 25), np.full(25, 3.0)])
    return joints.T.astype(np.float32)


def write(path: Path, frames: list[Frame]) -> Path:
    lines = [str(len(frames))]
    for frame in frames:
        lines.append(str(len(frame)))
        for identity, joints in frame.items():
            lines += [f"{identity} 0 1 1 1 1 0 0.02764709 0.05745083 2", "25"]
            lines += [f"{x} {y} {z} 277.4 191.8 1036.2 519.2 -0.19 0.04 0.97 -0.02 2" for x, y, z in joints.tolist()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def walk(frames: int, identity: str = "72057594037931101", step: float = 0.05) -> list[Frame]:
    return [{identity: person(step * frame)} for frame in range(frames)]


def test_file_is_read_as_it_stands(tmp_path: Path) -> None:
    frames = walk(4)
    frames[2]["72057594037931102"] = person(1.0, seed=1)
    frames[3] = {}
    one, two = read_skeleton_file(write(tmp_path / "S001C001P001R001A001.skeleton", frames))
    assert (one.identity, one.frames.tolist(), two.frames.tolist()) == ("72057594037931101", [0, 1, 2], [2])
    np.testing.assert_allclose(one.joints[1], person(0.05), atol=1e-6)
    np.testing.assert_allclose(two.joints[0], person(1.0, seed=1), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda words: words[: len(words) // 2], "ends in frame 1, early"),
        (lambda words: [*words, "7"], "tells of 3 frames, but 1 more numbers follow"),
        (lambda words: [*words[:-1], "x"], "frame 2, near number .*'x'; is it a .skeleton file"),
        (lambda words: [*words[:12], "20", *words[13:]], "frame 0 has a body of 20 joints; expected 25"),
        (lambda words: [*words[:13], "nan", *words[14:]], "frame 0 has a joint whose place is no number"),
        (lambda words: [], "ends in frame -1, early"),
        (lambda words: ["frames", *words], "'frames'; is it a .skeleton file"),
    ],
)
def test_broken_file_is_told(tmp_path: Path, change: Any, text: str) -> None:
    path = write(tmp_path / "S001C001P001R001A001.skeleton", walk(3))
    path.write_text(" ".join(change(path.read_text().split())))
    with pytest.raises(DataError, match=text) as told:
        read_skeleton_file(path)
    assert "S001C001P001R001A001.skeleton" in str(told.value)


@pytest.mark.parametrize(
    ("name", "edition", "splits"),
    [
        ("S001C001P001R001A001", 60, ("xsub_train", "xview_val")),
        ("S017C003P003R002A060", 60, ("xsub_val", "xview_train")),
        ("S018C001P045R001A061", 120, ("xsub_train", "xset_train")),
        ("S031C002P106R001A120", 120, ("xsub_val", "xset_val")),
    ],
)
def test_splits_follow_from_the_name(name: str, edition: int, splits: tuple[str, str]) -> None:
    sequence = SequenceName.parse(name)
    assert sequence is not None and sequence.belongs_to(edition)
    assert sequence.splits(edition) == splits


def test_numbers_of_people_and_missing_sequences_are_the_published_ones() -> None:
    def train(edition: int, people: int) -> int:
        names = [SequenceName(1, 1, number, 1, 1) for number in range(1, people + 1)]
        return sum(name.splits(edition)[0] == "xsub_train" for name in names)

    assert (train(60, 40), train(120, 106)) == (20, 53)
    missing = [name for name in map(SequenceName.parse, missing_names()) if name is not None]
    assert (len(missing), sum(name.belongs_to(60) for name in missing)) == (535, 302)
    assert SequenceName.parse("S001C001P001R001A001_rgb") is None
    assert not SequenceName(18, 1, 1, 1, 60).belongs_to(60) and not SequenceName(1, 1, 1, 1, 61).belongs_to(60)


def body(name: str, frames: range, joints: Any) -> Body:
    return Body(name, np.array(frames), np.stack([joints(frame) for frame in frames]))


def test_furniture_and_ghosts_are_no_people() -> None:
    mover = body("mover", range(40), lambda frame: person(0.05 * frame))
    sofa = body("sofa", range(40), lambda frame: person(2 + 0.2 * (frame % 2), wide=1.6))  # moves most of all
    ghost = body("ghost", range(11), lambda frame: person(0.5 * frame))
    found = cleaned([sofa, ghost, mover])
    assert found.shape == (1, 40, 25, 3)
    np.testing.assert_allclose(found[0], mover.joints)
    assert cleaned([sofa]).shape[0] == 1  # the only body there is
    assert cleaned([]).shape == (0, 0, 25, 3)


def test_somebody_whom_kinect_lost_stays_the_same_person() -> None:
    first = body("1", range(20), lambda frame: person(0.1 * frame))
    again = body("2", range(22, 40), lambda frame: person(0.05 * frame))
    other = body("3", range(5, 40), lambda frame: person(5 + 0.01 * frame))
    third = body("4", range(40), lambda frame: person(8))
    found = cleaned([third, other, again, first])
    assert found.shape == (2, 40, 25, 3)
    np.testing.assert_allclose(found[0, :20], first.joints)
    np.testing.assert_allclose(found[0, 22:], again.joints)
    assert not found[0, 20:22].any() and not found[1, :5].any()
    np.testing.assert_allclose(found[1, 5:], other.joints)


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(ntu, [str(one) for one in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_folder_becomes_the_annotation_file_of_the_recipes(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    names = ["S001C001P001R001A001", "S001C002P003R001A002", "S001C003P001R001A060", "S020C001P045R001A061"]
    for name in names:
        write(folder / f"{name}.skeleton", walk(14))
    write(folder / "S001C002P005R002A008.skeleton", [{}])  # of the missing list
    write(folder / "S001C001P002R001A003.skeleton", [{}, {}])
    done = run(folder, "--out", tmp_path / "ntu60_3d.pkl")
    assert "3 sequences; 1 is listed as missing" in done.output
    assert "xsub_train 2  xsub_val 1  xview_train 2  xview_val 1" in done.output
    assert "without anybody, left out: S001C001P002R001A003 (1)" in done.stderr
    assert "1 sequence not of the 60 actions, left out" in done.stderr
    assert "5 of the 56880 sequences" in done.stderr
    table = read_table(tmp_path / "ntu60_3d.pkl", "xsub_train")
    assert (table.names, [table.label(i) for i in range(2)]) == ((names[0], names[2]), [0, 59])
    np.testing.assert_allclose(table.read(0).joints[0, 3], person(0.15), atol=1e-6)
    run(folder, "--out", tmp_path / "ntu120_3d.pkl", "--edition", 120, "--precision", "float16")
    assert read_table(tmp_path / "ntu120_3d.pkl", "xset_train").names == (names[3],)


def test_folders_of_something_else_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds 0 .skeleton files, none of them of the 60 actions"):
        run(tmp_path / "empty", "--out", tmp_path / "a.pkl")
    write(tmp_path / "raw" / "S001C001P001R001A001.skeleton", walk(3))
    (tmp_path / "raw" / "S001C001P001R001A002.skeleton").write_text("3 1")
    with pytest.raises(DataError, match=r"A002\.skeleton ends in frame 0, early.*\nNothing is written"):
        run(tmp_path / "raw", "--out", tmp_path / "a.pkl")
    write(tmp_path / "raw" / "walk.skeleton", walk(3))
    with pytest.raises(DataError, match=r"walk\.skeleton: expected names such as"):
        run(tmp_path / "raw", "--out", tmp_path / "a.pkl")
    assert not (tmp_path / "a.pkl").exists()
