"""Temporal segmentation measured by the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from vidcore.errors import DataError
from vidcore_localization.features import read_labels
from vidcore_localization.frame_command import score


def measured(*arguments: object) -> dict[str, str]:
    done = CliRunner().invoke(score, [str(argument) for argument in arguments], catch_exceptions=False)
    return dict(line.split() for line in done.output.splitlines()[1:])


def written(folder: Path, **videos: Any) -> Path:
    folder.mkdir()
    for name, values in videos.items():
        np.save(folder / f"{name}.npy", np.array(values))
    return folder


def test_labels_and_scores_are_measured(tmp_path: Path) -> None:
    truth = written(tmp_path / "truth", a=[0, 1, 1, 0], b=[2, 2])
    found = written(tmp_path / "found", a=[0, 0, 1, 0], b=[[0.0, 0.1, 0.9], [0.0, 0.9, 0.1]])
    assert measured(found, truth)["frame_accuracy"] == "0.6250"
    (tmp_path / "some.txt").write_text("a\n")
    some = measured(found, truth, "--videos", tmp_path / "some.txt", "--background", 0)
    assert (some["frame_accuracy"], some["edit"], some["F1@50"]) == ("0.7500", "1.0000", "1.0000")


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    truth, found = written(tmp_path / "truth", a=[0, 1, 1]), written(tmp_path / "found", a=[0, 1])
    with pytest.raises(DataError, match=r"found/a\.npy: 2 predicted labels for 3 frames"):
        measured(found, truth)
    (found / "a.npy").unlink()
    with pytest.raises(DataError, match=r"found/a\.npy: cannot be read: No such file"):
        measured(found, truth)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, -1], "frame 1 is -1; labels count from 0"),
        ([0.5, 1.0], r"is float64 \[2\]; expected whole numbers"),
        ([[0.1, np.nan]], "frame 0 is .*; labels count from 0, scores are finite"),
        ([{"x": 1}], "is no array of numbers"),
    ],
)
def test_wrong_labels_are_told(tmp_path: Path, values: Any, told: str) -> None:
    np.save(tmp_path / "a.npy", np.array(values))
    with pytest.raises(DataError, match=told):
        read_labels(tmp_path / "a.npy")


def test_scores_of_salads_have_their_published_accuracy(shared_data: Path) -> None:
    folder = shared_data / "real/salads50_scores"
    assert measured(folder / "features", folder / "labels")["frame_accuracy"].startswith("0.549")
