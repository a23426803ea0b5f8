from __future__ import annotations

import json
import pickle
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidcore.errors import DataError
from vidcore_videos.class_lists import read_classes
from vidcore_videos.index_table import IndexTable, Row
from vidcore_videos.lists import read_list

CLASSES = ("jump", "run", "sit", "stand")


def write(folder: Path, text: str | bytes, name: str = "list.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(table: IndexTable) -> list[tuple[Any, ...]]:
    return [(table.path(i), table.labels(i), *table.part(i)) for i in range(len(table))]


def problems(file: Path, **options: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_list(file, **options)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


def test_text_list_of_paths_and_labels(tmp_path: Path) -> None:
    file = write(tmp_path, "a.mp4 0\n\n# a comment\n  b/c d 3.mp4   2\n")
    table = read_list(file, classes=CLASSES)
    assert rows(table) == [("a.mp4", [0], 0, -1), ("b/c d 3.mp4", [2], 0, -1)]
    assert table.where(1) == f"{file}:4"


def test_text_list_with_frames_and_offsets(tmp_path: Path) -> None:
    file = write(tmp_path, "a 10 0\nb c 20 1\n")
    assert rows(read_list(file, columns=("path", "frames", "label"))) == [("a", [0], 0, 10), ("b c", [1], 0, 20)]
    file = write(tmp_path, "a 5 10 0\n")
    assert rows(read_list(file, columns=("path", "offset", "frames", "label"))) == [("a", [0], 5, 10)]


def test_text_list_without_labels(tmp_path: Path) -> None:
    assert rows(read_list(write(tmp_path, "a b.mp4\nc.mp4\n"), columns=("path",))) == [
        ("a b.mp4", [], 0, -1),
        ("c.mp4", [], 0, -1),
    ]


def test_several_labels_in_a_row(tmp_path: Path) -> None:
    file = write(tmp_path, 'a.mp4 0 3\nb.mp4\nc d.mp4 1\n"e 7" 1 2\n"f" jump\n')
    assert rows(read_list(file, classes=CLASSES, multi_label=True)) == [
        ("a.mp4", [0, 3], 0, -1),
        ("b.mp4", [], 0, -1),
        ("c d.mp4", [1], 0, -1),
        ("e 7", [1, 2], 0, -1),
        ("f", [0], 0, -1),
    ]
    file = write(tmp_path, "a.mp4 10 0 3\n")
    assert rows(read_list(file, columns=("path", "frames", "label"), multi_label=True)) == [("a.mp4", [0, 3], 0, 10)]


def test_words_after_the_path_are_ambiguous_with_several_labels(tmp_path: Path) -> None:
    file = write(tmp_path, "a.mp4 jump run\n")
    assert "double quotes" in problems(file, classes=CLASSES, multi_label=True)[0]


def test_separator_and_class_names(tmp_path: Path) -> None:
    file = write(tmp_path, "my video 3.mp4\tjump\n")
    assert rows(read_list(file, separator="\t", classes=CLASSES)) == [("my video 3.mp4", [0], 0, -1)]


def test_csv_by_its_header(tmp_path: Path) -> None:
    file = write(tmp_path, 'id,label,path\n1,2,"a, b.mp4"\n2,run,c.mp4\n', "list.csv")
    assert rows(read_list(file, classes=CLASSES)) == [("a, b.mp4", [2], 0, -1), ("c.mp4", [1], 0, -1)]
    file = write(tmp_path, "path,label\na,sit down\n", "list.csv")
    assert rows(read_list(file, classes=["sit down"])) == [("a", [0], 0, -1)]
    file = write(tmp_path, "video,labels,frames\na,0;2,30\nb,,40\n", "list.csv")
    assert rows(read_list(file, multi_label=True)) == [("a", [0, 2], 0, 30), ("b", [], 0, 40)]


def test_json_lists_and_mappings(tmp_path: Path) -> None:
    file = write(tmp_path, json.dumps([{"filename": "a", "label": 1}, {"path": "b", "label": "sit"}]), "l.json")
    assert rows(read_list(file, classes=CLASSES)) == [("a", [1], 0, -1), ("b", [2], 0, -1)]
    file = write(tmp_path, json.dumps({"a": [0, 1], "b": {"labels": [2], "offset": 3}}), "l.json")
    assert rows(read_list(file, multi_label=True)) == [("a", [0, 1], 0, -1), ("b", [2], 3, -1)]


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "a.mp4\nb.mp4 4\nc.mp4 jmp\nd.mp4 -1\nok.mp4 0\ne.mp4 1\ne.mp4 2\n")
    assert problems(file, classes=CLASSES) == [
        "1: expected path label, found 'a.mp4'",
        "2: label 4 is outside the classes; the 4 classes are 0 ... 3",
        "3: label 'jmp' is neither a number nor a class; did you mean 'jump'?",
        "4: label -1 is outside the classes; the 4 classes are 0 ... 3",
        "7: 'e.mp4' has label 2 here and label 1 in row 6",
    ]


def test_many_problems_are_counted_after_the_first_ones(tmp_path: Path) -> None:
    told = problems(write(tmp_path, "x\n" * 50))
    assert len(told) == 21
    assert told[-1] == "... and 30 more problems of this file"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("l.csv", "video,class_name\na,0\n", "1: the header has no column 'label'"),
        ("l.csv", "path,label\na,0,1\n", "2: 3 cells, the header has 2"),
        ("l.csv", "path,label\na,\n", "2: 'a' has no label"),
        ("l.csv", "path,label,frames\na,0,-3\n", "2: frames is '-3'; expected a whole number from 1"),
        ("l.csv", "path,label\na,0;1\n", "2: 'a' has 2 labels; set multi_label = true to allow several"),
        ("l.json", "[1]", "1: expected an object with 'path' and 'label', found 1"),
        ("l.json", '[{"label": 1}]', "1: no path"),
        ("l.json", '[{"path": "a", "label": true}]', "1: label True is no number; name the classes to use their names"),
        ("l.json", "[\n{]", "2: not valid JSON: Expecting property name enclosed in double quotes"),
        ("l.json", "3", "1: expected a JSON list of objects, or an object of path -> label"),
        ("l.txt", "a.mp4 1.5\n", "1: label '1.5' is no number; name the classes to use their names"),
    ],
)
def test_problem_of_each_format_names_row_and_remedy(tmp_path: Path, name: str, text: str, told: str) -> None:
    assert problems(write(tmp_path, text, name)) == [told]


def test_bad_encoding_names_the_rows(tmp_path: Path) -> None:
    file = write(tmp_path, b"a.mp4 0\nb\xe9.mp4 0\nc.mp4 0\nd\xff 0\n")
    with pytest.raises(DataError, match=r"list\.txt:2: not UTF-8 in row 2, 4; save the file as UTF-8"):
        read_list(file)


def test_byte_order_mark_is_no_part_of_the_first_path(tmp_path: Path) -> None:
    assert rows(read_list(write(tmp_path, b"\xef\xbb\xbfa.mp4 0\n")))[0][0] == "a.mp4"


def test_same_row_twice_is_a_finding_not_an_error(tmp_path: Path) -> None:
    file = write(tmp_path, "a.mp4 0\nb.mp4 1\na.mp4 0\n")
    table = read_list(file)
    assert len(table) == 3
    assert [(f.level, f.where, f.text) for f in table.findings] == [
        ("warning", f"{file}:3", "'a.mp4' is listed a second time, first in row 1; it counts twice")
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_list_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="has no rows; write one video a line: path label"):
        read_list(write(tmp_path, text))


def test_missing_list_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt cannot be read: No such file or directory; check data\.root"):
        read_list(tmp_path / "nowhere.txt")


paths = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda path: "\x00" not in path)


@settings(deadline=None)
@given(entries=st.lists(st.tuples(paths, st.lists(st.integers(0, 9)), st.integers(0, 99)), min_size=1))
def test_table_gives_back_what_went_in(entries: list[tuple[str, list[int], int]]) -> None:
    made = [Row(i, path, tuple(labels), offset, offset + 1) for i, (path, labels, offset) in enumerate(entries)]
    table = pickle.loads(pickle.dumps(IndexTable.of(made, Path("list"))))
    assert rows(table) == [(path, labels, offset, offset + 1) for path, labels, offset in entries]


def test_table_is_flat_and_shared_with_workers() -> None:
    path = "playing_squash_or_racquetball/0wR5jVB-WPk_000417_000427.mp4"
    table = IndexTable.of([Row(i, path, (i % 400,)) for i in range(20_000)], Path("list.csv"))
    tensors = [value for value in attrs.asdict(table, recurse=False).values() if isinstance(value, torch.Tensor)]
    assert sum(tensor.nbytes for tensor in tensors) <= 200 * len(table)
    sent = bytes(ForkingPickler.dumps(table))  # what a worker is given
    assert len(sent) < 10_000, "the rows themselves are sent"
    theirs = pickle.loads(sent)
    table.frames[7] = 99
    assert theirs.frames[7] == 99, "a worker has a copy of its own"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.txt", "jump\nrun\nsit down\n"),
        ("c.txt", "2 sit down\n0 jump\n1 run\n"),
        ("c.txt", "1: jump\n2: run\n3: sit down\n"),
        ("c.json", '["jump", "run", "sit down"]'),
        ("c.json", '{"sit down": 2, "jump": 0, "run": 1}'),
    ],
)
def test_classes_in_all_their_forms(tmp_path: Path, name: str, text: str) -> None:
    assert read_classes(write(tmp_path, text, name)) == ("jump", "run", "sit down")


def test_class_names_may_start_with_a_number(tmp_path: Path) -> None:
    assert read_classes(write(tmp_path, "100 metres\nhigh jump\n")) == ("100 metres", "high jump")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.txt", "\n", "is empty"),
        ("c.txt", "a\nb\na\n", r"c\.txt:3: class 'a' is named a second time, first in row 1"),
        ("c.json", "{", "not valid JSON"),
        ("c.json", '{"a": 1}', "number from 0 without gaps"),
    ],
)
def test_class_list_that_cannot_be_used(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_classes(write(tmp_path, text, name))


@pytest.mark.parametrize(("label_map", "count"), [("sthv2.txt", 174), ("multisports.txt", 66), ("ucf101.txt", 101)])
def test_real_label_maps(shared_data: Path, label_map: str, count: int) -> None:
    assert len(read_classes(shared_data / "label_maps" / label_map)) == count


def test_real_lists(shared_data: Path) -> None:
    folder = shared_data / "annotations"
    assert rows(read_list(folder / "video_test_list.txt"))[0] == ("test.mp4", [0], 0, -1)
    several = read_list(folder / "video_test_list_multi_label.txt", multi_label=True)
    assert rows(several) == [("test.mp4", [0, 3], 0, -1), ("test.mp4", [0, 2, 4], 0, -1)]
    offset = read_list(folder / "rawframe_test_list_with_offset.txt", columns=("path", "offset", "frames", "label"))
    assert rows(offset)[0] == ("imgs", [127], 2, 5)
