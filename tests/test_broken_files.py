"""Readers of annotation files meet odd values at places drawn by chance: they are content, or name the file and why."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.errors import DataError
from vidcore_activitynet.thumos import read_folder
from vidcore_ava.annotations import read_annotation, read_exclusions, read_key_frames
from vidcore_ava.config import Ava
from vidcore_ava.dataset import read_bank
from vidcore_ava.evaluation import read_results as read_ava_results
from vidcore_ava.label_maps import read_label_map
from vidcore_ava.proposals import read_proposals
from vidcore_bsn.candidates import COLUMNS, read_candidates, read_curves
from vidcore_localization.annotations import read_annotations
from vidcore_localization.class_names import known_classes
from vidcore_localization.classifier import classifier_of
from vidcore_localization.config import Classifier
from vidcore_localization.features import read_features
from vidcore_localization.proposal_lists import read_list
from vidcore_localization.results import read_results
from vidcore_ntu.array_table import read_array
from vidcore_ntu.config import KineticsSkeleton, PackedSkeletons
from vidcore_ntu.json_table import read_json
from vidcore_ntu.packed_table import read_packed
from vidcore_ntu.skeleton_files import read_skeleton_file
from vidcore_skeleton.annotations import read_table
from vidcore_skeleton.sampling_config import EveryFrame
from vidcore_tubes.annotations import read_tubes

DRAWS = 60
Read = Callable[[Path], Any]
PLAIN = (None, "x", "", -1, 0, float("nan"), float("inf"), True, [], {}, [1], {"a": 1}, 1e30, 2.5, "1,2")
OF_PICKLES = (*PLAIN, np.zeros(0), np.full((2, 3), np.nan), np.array("s"), np.array([None]), b"z", (1,))
WORDS = ("nan", "inf", "-1", "0", "x", "1e30", "2.5", '"', "é", "{", "}", "99999", "")
ACTIVITYNET = {
    "database": {
        "a": {"duration": 12.0, "subset": "training", "annotations": [{"segment": [1.5, 4.0], "label": "x"}]},
        "b": {"duration": 9, "subset": "validation", "annotations": []},
    }
}
BOXES = {"film,0001": [[0.1, 0.2, 0.5, 0.8, 0.95], [0, 0, 1, 1, 0.2]], "film,0002": [[0.2, 0.2, 0.4, 0.4, 0.3]]}
POINTS = np.ones((1, 3, 17, 2), np.float32)
BODY = "7 0 1 1 1 1 0 0.1 0.2 2\n25\n" + "\n".join([" ".join(["0.5"] * 12)] * 25)


def of_thumos(path: Path) -> None:
    (path.parent / "seconds.list").write_text("v1 80\nv2 30\n")
    folder = path.parent / "thumos"
    folder.mkdir(exist_ok=True)
    (folder / "Diving_val.txt").write_bytes(path.read_bytes())
    read_folder(folder, path.parent / "seconds.list")


def of_skeletons(path: Path) -> None:
    table = read_table(path, "train")
    for index in range(len(table)):
        table.read(index)


def of_packed(path: Path) -> None:
    options = PackedSkeletons(annotations=path.name, box_score=0.5, valid=0.5, sampling=EveryFrame())
    (path.parent / "v.pkl").write_bytes(pickle.dumps({"keypoint": np.ones((3, 17, 3), np.float32)}))
    table = read_packed(path, path.parent, options)
    for index in range(len(table)):
        table.read(index)


def of_array(path: Path) -> None:
    np.save(path.parent / "all.npy", np.ones((2, 3, 4, 25, 1), np.float32))
    read_array(path.parent / "all.npy", path)


def of_videos_json(path: Path) -> None:
    options = KineticsSkeleton(labels="labels.json", folder="x", sampling=EveryFrame())
    (path.parent / "labels.json").write_text(json.dumps({path.stem: {"has_skeleton": True, "label_index": 0}}))
    read_json(path.parent / "labels.json", path.parent, options).read(0)


TEXTS: dict[str, tuple[str, str, Read]] = {
    "AVA rows": (
        ".csv",
        "film,1,0.1,0.2,0.5,0.9,12,0\nfilm,2,0.1,0.2,0.5,0.9,17,1\n",
        lambda p: read_annotation(p, 80),
    ),
    "AVA exclusions": (".csv", "film,0001\nother,5\n", read_exclusions),
    "AVA key frames": (".csv", "video,timestamp,frame_index\nfilm,1,10\n", read_key_frames),
    "AVA results": (".csv", "film,1,0.1,0.2,0.5,0.9,12,0.5\n", read_ava_results),
    "AVA proposals": (".csv", "film,1,0.1,0.2,0.5,0.9,0.5\nfilm,2,0.1,0.2,0.5,0.9,0.5\n", read_proposals),
    "label map": (".pbtxt", 'item {\n  name: "a"\n  id: 1\n}\nitem {\n  name: "b"\n id: 2\n}\n', read_label_map),
    "THUMOS14": (".txt", "v1 72.8 76.4\nv2 1.0 2.0\n", of_thumos),
    "proposal list": (".txt", "# 0\nimgs\n5\n1\n2\n3 1 2\n3 3 5\n1\n3 1.0 1.0 1 2\n", read_list),
    "features": (".csv", "a,b\n1,2\n3,4\n", read_features),
    "candidates": (".csv", f"{','.join(COLUMNS)}\n0.1,0.5,0.3,0.4,0.1,0.5,0.5\n", read_candidates),
    "curves": (".csv", "action,start,end,xmin,xmax\n0.1,0.5,0.3,0.4,0.12\n", read_curves),
    "NTU skeleton": (".skeleton", f"2\n1\n{BODY}\n1\n{BODY}\n", read_skeleton_file),
}
JSONS: dict[str, tuple[Any, Read]] = {
    "ActivityNet": (ACTIVITYNET, read_annotations),
    "ActivityNet's classes": (ACTIVITYNET, lambda p: known_classes("", p.parent, p)),
    "results": ({"results": {"a": [{"label": "x", "score": 0.5, "segment": [1.0, 2.0]}]}}, read_results),
    "scores of videos": (
        {"class": ["x", "y"], "results": {"a": [[0.1, 0.9]]}},
        lambda p: classifier_of(Classifier(scores=str(p)), ["x", "y"]),
    ),
    "AVA proposals": (BOXES, read_proposals),
    "skeletons of a video": (
        {"data": [{"frame_index": 1, "skeleton": [{"pose": [0.1] * 36, "score": [0.5] * 18}]}]},
        of_videos_json,
    ),
}
SKELETON = {"frame_dir": "a", "label": 0, "total_frames": 3, "img_shape": (48, 64), "keypoint": POINTS}
PICKLES: dict[str, tuple[Any, Read]] = {
    "AVA proposals": ({key: np.array(rows) for key, rows in BOXES.items()}, read_proposals),
    "feature bank": (
        {"film": {1: np.ones((2, 4), np.float32), 2: [np.zeros(4, np.float32)]}},
        lambda p: read_bank(Ava(annotations="a.csv", bank=p.name, bank_window=3), p.parent),
    ),
    "tubes": (
        {
            "labels": ["a", "b"],
            "nframes": {"v": 10},
            "resolution": {"v": (48, 64)},
            "train_videos": [["v"]],
            "test_videos": [["v"]],
            "gttubes": {"v": {0: [np.array([[1.0, 1, 1, 10, 10]])]}},
        },
        lambda p: read_tubes(p, "train", 1),
    ),
    "skeletons": ({"split": {"train": ["a"]}, "annotations": [SKELETON]}, of_skeletons),
    "packed skeletons": (
        [
            {
                "frame_dir": "v",
                "label": 0,
                "total_frames": 4,
                "frame_inds": np.array([0, 1, 2]),
                "box_score": np.array([0.9, 0.8, 0.3]),
                "valid@0.5": 3,
                "img_shape": (48, 64),
            }
        ],
        of_packed,
    ),
    "labels of an array": ((["a", "b"], ([0, 1], ["p", "q"])), of_array),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def spoilt(content: Any, odd: tuple[Any, ...], rng: random.Random) -> Any:
    """A copy with an odd value somewhere, or with something missing."""
    content, bad = copy.deepcopy(content), copy.deepcopy(rng.choice(odd))
    *outer, last = rng.choice(list(places(content))) or (None,)
    if last is None:
        return bad
    inner = content
    for key in outer:
        inner = inner[key]
    if rng.random() < 0.2:
        del inner[last]
    else:
        inner[last] = bad
    return content


def refused_at_most(read: Read, path: Path, content: Any) -> None:
    """The file is read, or refused by an error that names it."""
    told = str(path.parent)
    try:
        read(path)
    except DataError as error:
        told = str(error)
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}; for {content!r}")
    assert str(path.parent) in told, content


@pytest.mark.parametrize("name", TEXTS)
def test_texts_with_odd_words_are_read_or_refused(name: str, tmp_path: Path) -> None:
    (suffix, text, read), rng = TEXTS[name], random.Random(0)
    path = tmp_path / f"odd{suffix}"
    path.write_text(text)
    read(path)
    for _ in range(DRAWS):
        words = re.split(r"([,\n \t])", text)
        place = rng.randrange(len(words))
        words[place:] = [rng.choice(WORDS), *words[place + 1 :]] if rng.random() < 0.8 else []
        path.write_text("".join(words), encoding="utf-8")
        refused_at_most(read, path, "".join(words))
    for content in (b"", b"\xff\xfe\x00"):
        path.write_bytes(content)
        refused_at_most(read, path, content)


@pytest.mark.parametrize("name", JSONS)
def test_json_with_odd_values_is_read_or_refused(name: str, tmp_path: Path) -> None:
    (content, read), rng, path = JSONS[name], random.Random(0), tmp_path / "odd.json"
    path.write_text(json.dumps(content))
    read(path)
    for _ in range(DRAWS):
        path.write_text(json.dumps(changed := spoilt(content, PLAIN, rng)))
        refused_at_most(read, path, changed)


@pytest.mark.parametrize("name", PICKLES)
def test_pickles_with_odd_values_are_read_or_refused(name: str, tmp_path: Path) -> None:
    (content, read), rng, path = PICKLES[name], random.Random(0), tmp_path / "odd.pkl"
    path.write_bytes(pickle.dumps(content))
    read(path)
    for _ in range(DRAWS):
        path.write_bytes(pickle.dumps(changed := spoilt(content, OF_PICKLES, rng)))
        refused_at_most(read, path, changed)
