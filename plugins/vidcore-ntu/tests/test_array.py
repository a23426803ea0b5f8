"""Skeletons of a whole set in one array, from made ones in the form of BABEL's."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_ntu.config import SkeletonArray
from vidcore_skeleton.sampling_config import EveryFrame

NAMES, LABELS = ["a", "b"], [7, 3]
OF_BABEL = (NAMES, (LABELS, ["s1", "s2"], [0, 1], ["x", "y"]))


def made(folder: Path, labels: Any = OF_BABEL) -> np.ndarray[Any, Any]:
    """Two sequences of one person; the first ends after 4 of 6 frames."""
    array = np.random.default_rng(0).normal(size=(2, 3, 6, 25, 1)).astype(np.float32)
    array[0, :, 4:] = 0
    np.save(folder / "train.npy", array)
    (folder / "train.pkl").write_bytes(pickle.dumps(labels))
    return array


def read(root: Path, **options: Any) -> Any:
    config = SkeletonArray(array="train.npy", labels="train.pkl", sampling=EveryFrame(), persons=1, **options)
    return build_dataset(Data(root=str(root), val=config, decoder=PyAVConfig()), "val")


@pytest.mark.parametrize("labels", [OF_BABEL, (NAMES, LABELS), [NAMES, np.array(LABELS)]])
def test_sequences_of_an_array_end_where_nobody_is_seen_any_more(tmp_path: Path, labels: Any) -> None:
    array = made(tmp_path, labels)
    data = read(tmp_path, set="babel60")
    check_dataset(data)
    samples = [data.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE))[0] for index in range(2)]
    assert [(sample.target["label"], sample.meta["video"]) for sample in samples] == [(7, "a"), (3, "b")]
    np.testing.assert_array_equal(samples[0].inputs["pose"][0, 0], array[0, :, :4, :, 0].transpose(1, 2, 0))
    assert samples[1].inputs["pose"].shape == (1, 1, 6, 25, 3)
    assert (len(data.classes), len(read(tmp_path).classes)) == (60, 8)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ((["a"], [7]), "train.npy has 2 sequences, .*train.pkl 1 names and 1 labels"),
        ((NAMES, [7, "walk"]), "label 1 is 'walk'; expected a class number"),
        ({"names": NAMES}, "is no pair of names and labels"),
        ((NAMES, np.array(7)), "of at least one sequence"),
        ((NAMES, (np.array(7), [1, 2])), "of at least one sequence"),
        (([], []), "of at least one sequence"),
    ],
)
def test_labels_of_another_form_are_told(tmp_path: Path, labels: Any, text: str) -> None:
    made(tmp_path, labels)
    with pytest.raises(DataError, match=text):
        read(tmp_path)


def test_arrays_of_another_form_and_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    array = made(tmp_path)
    array[1, 2, 3, 4, 0] = np.nan
    np.save(tmp_path / "train.npy", array)
    with pytest.raises(DataError, match=r"'b' \(number 1\): 1 joints are not finite, first person 0, frame 3, joint 4"):
        read(tmp_path).sample(SampleRef("", 0, 1), generator(0, Purpose.SAMPLE))
    np.save(tmp_path / "train.npy", array[..., 0])
    with pytest.raises(DataError, match=r"is float32 \[2, 3, 6, 25\]; expected numbers \[sequences"):
        read(tmp_path)
    (tmp_path / "train.npy").write_text("no array")
    with pytest.raises(DataError, match=r"train\.npy cannot be read"):
        read(tmp_path)


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("owned",)


def test_nothing_in_the_pickle_of_labels_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path, (NAMES, [Hostile(), 1]))
    with pytest.raises(DataError, match="mkdir"):
        read(tmp_path)
    assert not (tmp_path / "owned").exists()
