from __future__ import annotations

from pathlib import Path

import pytest

from vidcore.errors import DataError
from vidcore_kinetics.annotations import is_official, read_clips
from vidcore_kinetics.class_names import EDITIONS, class_names, labels_by_name, plain

HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"


def write(folder: Path, text: str, name: str = "val.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_edition_has_as_many_distinct_names_as_it_says(edition: int) -> None:
    assert len(class_names(edition)) == len(labels_by_name(edition)) == edition


def test_labels_are_those_of_published_models() -> None:
    assert class_names(400)[0] == "abseiling"
    assert class_names(400)[399] == "zumba"
    assert class_names(600)[1] == "acting in play"


def test_union_of_editions_starts_with_the_names_of_the_first() -> None:
    assert class_names(710)[:3] == class_names(400)[:3]


def test_a_class_is_known_however_it_is_written() -> None:
    assert plain('"Massaging_person\'s  head"') == plain("massaging persons head")


def test_row_of_the_official_file_becomes_a_clip(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + "air drumming,-0Ihi2hRvAk,17,27,val,0\n")
    (clip,) = read_clips(file, 400)
    assert (clip.number, clip.youtube_id, clip.start, clip.end, clip.label) == (2, "-0Ihi2hRvAk", 17, 27, 1)
    assert clip.stems[0] == "-0Ihi2hRvAk_000017_000027"


def test_label_with_a_comma_in_quotes_is_read_whole(tmp_path: Path) -> None:
    file = write(tmp_path, 'label,youtube_id,time_start,time_end,split\n"yoga",a,0,10,train\n')
    assert read_clips(file, 700)[0].label == class_names(700).index("yoga")


def test_every_wrong_row_is_told_at_once(tmp_path: Path) -> None:
    rows = "air druming,a,1,11,val,0\nyoga,,1,11,val,0\nyoga,b,soon,11,val,0\nyoga,c,1,11,val,0\n"
    with pytest.raises(DataError) as caught:
        read_clips(write(tmp_path, HEADER + rows), 400)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path}/val.csv:2: ")
    assert "'air druming'; did you mean 'air drumming'" in first
    assert second.endswith("val.csv:3: no youtube_id")
    assert third.endswith("val.csv:4: time_start is 'soon'; expected seconds")


def test_many_wrong_rows_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.\.\. and 5 more problems of this file"):
        read_clips(write(tmp_path, HEADER + "nothing,a,1,11,val,0\n" * 25), 400)


def test_class_of_another_edition_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Kinetics-400 has no class 'acting in play'.*is `edition` right"):
        read_clips(write(tmp_path, HEADER + "acting in play,a,1,11,val,0\n"), 400)


def test_unlabelled_file_of_the_test_split_is_told_apart(tmp_path: Path) -> None:
    file = write(tmp_path, "youtube_id,time_start,time_end,split\na,1,11,test\n")
    with pytest.raises(DataError, match="never published"):
        read_clips(file, 400)


def test_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a header and no rows"):
        read_clips(write(tmp_path, HEADER), 400)


def test_foreign_csv_is_not_taken_for_an_official_one(tmp_path: Path) -> None:
    assert is_official(write(tmp_path, HEADER))
    assert not is_official(write(tmp_path, "path,label\na.mp4,0\n"))
    assert not is_official(write(tmp_path, HEADER, "list.txt"))


def test_header_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'time_start' and no column 'time_end'"):
        read_clips(write(tmp_path, "label,youtube_id\nyoga,a\n"), 400)
