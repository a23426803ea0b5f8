"""Lists of class folders and of official splits, read again by the data set that uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from vidcore_videos.lists import read_list

Vidcore = Callable[..., Result]


def touch(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"x")


def rows(file: str, **options: object) -> list[tuple[str, list[int]]]:
    table = read_list(Path(file), **options)  # type: ignore[arg-type]
    return [(table.path(index), table.labels(index)) for index in range(len(table))]


@pytest.fixture
def folders(vidcore: Vidcore) -> None:
    touch(*(f"videos/{name}/{number}.mp4" for name in ("run", "a jump") for number in range(10)))


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("kind", ["txt", "csv", "json"])
def test_class_folders_are_shared_out_by_seed(vidcore: Vidcore, kind: str) -> None:
    vidcore(f"filelist videos lists --val 0.2 --test 0.1 --seed 3 --format {kind}")
    found = {split: rows(f"lists/{split}.{kind}") for split in ("train", "val", "test")}
    assert [len(found[split]) for split in ("train", "val", "test")] == [14, 4, 2]
    assert len({path for part in found.values() for path, _ in part}) == 20
    assert all(labels == [int(path.startswith("run"))] for part in found.values() for path, labels in part)
    assert Path("lists/classes.txt").read_text() == "a jump\nrun\n"
    vidcore(f"filelist videos again --val 0.2 --test 0.1 --seed 3 --format {kind}")
    vidcore(f"filelist videos other --val 0.2 --test 0.1 --seed 4 --format {kind}")
    assert rows(f"again/val.{kind}") == found["val"] != rows(f"other/val.{kind}")


def test_folders_of_splits_stay_as_they_are(vidcore: Vidcore) -> None:
    touch("videos/train/run/a.mp4", "videos/train/jump/b.mp4", "videos/val/run/c.mp4")
    vidcore("filelist videos lists")
    assert rows("lists/train.txt") == [("train/jump/b.mp4", [0]), ("train/run/a.mp4", [1])]
    assert rows("lists/val.txt") == [("val/run/c.mp4", [1])]


def test_folders_of_frames_are_listed_with_their_number(vidcore: Vidcore) -> None:
    touch(*(f"frames/run/v{video}/img_{number:05}.jpg" for video in range(2) for number in range(1, 4 + video)))
    vidcore("filelist frames lists --frames --val 0")
    table = read_list(Path("lists/train.txt"), columns=("path", "frames", "label"))
    assert sorted((table.path(i), table.part(i), table.labels(i)) for i in range(2)) == [
        ("run/v0", (0, 3), [0]),
        ("run/v1", (0, 4), [0]),
    ]


def test_official_splits_of_ucf101(vidcore: Vidcore) -> None:
    touch("videos/Archery/v_Archery_g01_c01.avi", "videos/Biking/v_Biking_g02_c01.mp4")
    splits = {
        "classInd.txt": "1 Archery\n2 Biking\n",
        "trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\nBiking/v_Biking_g09_c01.avi 2\n",
        "testlist02.txt": "Biking/v_Biking_g02_c01.avi\n",
    }
    write("splits", splits)
    vidcore("filelist videos lists --official ucf101 --splits splits --number 2", exit_code=1)
    assert rows("lists/train.txt") == [("Archery/v_Archery_g01_c01.avi", [0])]
    assert rows("lists/val.txt") == [("Biking/v_Biking_g02_c01.mp4", [1])]
    assert Path("lists/missing.txt").read_text() == "Biking/v_Biking_g09_c01.avi\n"


def write(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, name).write_text(text)


def test_official_splits_of_hmdb51(vidcore: Vidcore) -> None:
    touch("videos/wave/a b.avi", "videos/wave/c.avi", "videos/brush_hair/d.avi", "videos/brush_hair/e.avi")
    write(
        "splits", {"wave_test_split1.txt": "a b.avi 1\nc.avi 0\n", "brush_hair_test_split1.txt": "d.avi 2\ne.avi 1\n"}
    )
    vidcore("filelist videos lists --official hmdb51 --splits splits")
    assert rows("lists/train.txt") == [("brush_hair/e.avi", [0]), ("wave/a b.avi", [1])]
    assert rows("lists/val.txt") == [("brush_hair/d.avi", [0])]


def test_official_splits_of_something_something(vidcore: Vidcore) -> None:
    touch("videos/7.webm", "videos/8.webm")
    entry = {"label": "pushing a cup", "template": "Pushing [something]", "placeholders": ["a cup"]}
    write(
        "splits",
        {
            "something-something-v2-labels.json": json.dumps({"Pushing something": "1", "Opening something": "0"}),
            "something-something-v2-train.json": json.dumps([{"id": "7", **entry}]),
            "something-something-v2-validation.json": json.dumps([{"id": "8", **entry}]),
        },
    )
    vidcore("filelist videos lists --official ssv2 --splits splits")
    assert rows("lists/train.txt") == [("7.webm", [1])] and rows("lists/val.txt") == [("8.webm", [1])]
    assert Path("lists/classes.txt").read_text() == "Opening something\nPushing something\n"


def test_official_splits_of_diving48(vidcore: Vidcore) -> None:
    touch("videos/x_1.mp4", "videos/x_2.mp4")
    video = {"label": 1, "start_frame": 0, "end_frame": 9}
    write(
        "splits",
        {
            "Diving48_vocab.json": json.dumps(
                [["Back", "15som", "05Twis", "FREE"], ["Back", "Dive", "NoTwis", "PIKE"]]
            ),
            "Diving48_V2_train.json": json.dumps([{"vid_name": "x_1", **video}]),
            "Diving48_V2_test.json": json.dumps([{"vid_name": "x_2", **video}]),
        },
    )
    vidcore("filelist videos lists --official diving48 --splits splits")
    assert rows("lists/val.txt") == [("x_2.mp4", [1])]
    assert Path("lists/classes.txt").read_text().splitlines()[1] == "Back-Dive-NoTwis-PIKE"


def test_files_of_another_form_are_refused(vidcore: Vidcore) -> None:
    touch("videos/x.mp4")
    write("splits", {"a_labels.json": "[1]", "a_train.json": "[]"})
    wrong = vidcore("filelist videos lists --official ssv2 --splits splits", exit_code=1)
    assert "are not in the form of ssv2" in str(wrong.exception)
    flat = vidcore("filelist videos lists", exit_code=1)
    assert "x.mp4 lies in no folder of a class" in str(flat.exception)


def test_a_list_survives_every_format(vidcore: Vidcore) -> None:
    write(".", {"classes.txt": "jump\nrun far\n", "a.csv": "path,label\nx y.mp4,run far\nz.mp4,jump\n"})
    vidcore("convert a.csv b.json --classes classes.txt")
    vidcore("convert b.json c.txt")
    assert Path("c.txt").read_text() == '"x y.mp4" 1\nz.mp4 0\n'
    vidcore("convert c.txt d.csv --classes classes.txt --names")
    assert Path("d.csv").read_text() == Path("a.csv").read_text()
    write(".", {"m.txt": "v 3 9 1 2\nw 0 5 0\n"})
    vidcore("convert m.txt m.json --columns path,offset,frames,label --multi-label")
    assert json.loads(Path("m.json").read_text()) == [
        {"path": "v", "offset": 3, "frames": 9, "label": [1, 2]},
        {"path": "w", "offset": 0, "frames": 5, "label": 0},
    ]
    blanks = vidcore("convert a.csv e.txt --classes classes.txt --names", exit_code=2)
    assert "'run far' has blanks" in str(blanks.exception)
