from __future__ import annotations

import itertools
import json
from pathlib import Path

import av
import numpy as np
import pytest

from vidcore_shapes.config import CLASSES, TimelineStage
from vidcore_shapes.timelines import Timelines, draw_timeline
from vidcore_shapes.videos import FPS


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_segments_are_where_the_motions_are() -> None:
    pictures, rows = draw_timeline(_rng(0), 16, num_motions=3)
    assert all(row["label"] in CLASSES for row in rows)
    spans = [[round(second * FPS) for second in row["segment"]] for row in rows]
    assert [end - start in (30, 60, 90) for start, end in spans] == [True] * 3
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    assert spans[0][0] > 0 and spans[-1][1] < len(pictures)
    for start, end in spans:
        inside = pictures[start:end].astype(int)
        if end - start > 30:
            assert (inside[:30] == inside[30:60]).all()  # over and over
        assert np.abs(np.diff(inside, axis=0)).mean(axis=(1, 2, 3)).min() > 0  # never still


def test_files_are_made_once_and_for_good(tmp_path: Path) -> None:
    stage = Timelines(TimelineStage(num_train=2, num_val=1, size=16))
    stage.run(tmp_path, tmp_path, "cpu")
    paths = sorted((tmp_path / "videos").iterdir())
    assert [path.name for path in paths] == ["train0000.mp4", "train0001.mp4", "val0000.mp4"]
    table = json.loads((tmp_path / "train.json").read_text())
    with av.open(str(paths[0])) as container:
        seconds = sum(1 for _ in container.decode(video=0)) / FPS
    assert table["train0000"]["duration_second"] == pytest.approx(seconds)
    written = {path: path.stat().st_mtime_ns for path in paths}
    paths[1].unlink()
    stage.run(tmp_path, tmp_path, "cpu")  # as if killed before the second
    assert paths[1].exists()
    assert {path for path in paths if path.stat().st_mtime_ns == written[path]} == {paths[0], paths[2]}
    assert json.loads((tmp_path / "train.json").read_text()) == table
