"""Files of predictions: the same values back, to the last bit, and broken files told by line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidcore.engine.predictions import (
    Predictions,
    from_json,
    merge_shards,
    read_predictions,
    to_json,
    write_predictions,
)
from vidcore.errors import DataError
from vidcore.values import Prediction, SampleRef


def prediction(index: int, source: str = "", **outputs: object) -> Prediction:
    return Prediction(ref=SampleRef(source, 0, index), outputs=outputs, meta={"path": f"{index}.mp4", "views": (1, 2)})


def written(path: Path, *rows: tuple[Prediction, dict[str, object]]) -> Path:
    write_predictions(path, Predictions(split="val", task={"type": "my-task"}, classes=("a", "b"), samples=list(rows)))
    return path


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    boxes = torch.rand(2, 3, 4)
    path = written(
        tmp_path / "new" / "val.jsonl",
        (prediction(0, scores=torch.tensor([0.1, 0.9]), boxes=boxes, names=["x", None]), {"label": 1}),
        (prediction(1, "other", scores=torch.tensor([1.0, 0.0])), {"labels": torch.tensor([True, False])}),
    )
    found = read_predictions(path)
    assert (found.split, found.task, found.classes) == ("val", {"type": "my-task"}, ("a", "b"))
    (first, target), (second, labels) = found.samples
    assert first.ref == SampleRef("", 0, 0)
    assert first.meta == {"path": "0.mp4", "views": [1, 2]}
    assert torch.equal(first.outputs["boxes"], boxes)
    assert first.outputs["names"] == ["x", None]
    assert target == {"label": 1}
    assert second.ref.key == "other:1"
    assert labels["labels"].dtype == torch.bool


def test_the_file_is_lines_that_anyone_can_read(tmp_path: Path) -> None:
    path = written(tmp_path / "val.jsonl", (prediction(0, scores=torch.tensor([0.5, 0.25])), {"label": 1}))
    header, row = [json.loads(line) for line in path.read_text().splitlines()]
    assert header["classes"] == ["a", "b"]
    assert row["outputs"]["scores"] == {"dtype": "float32", "shape": [2], "values": [0.5, 0.25]}
    assert row["target"] == {"label": 1}


@given(st.lists(st.floats(width=32), max_size=8))
def test_every_float32_keeps_its_bits(values: list[float]) -> None:
    before = torch.tensor(values, dtype=torch.float32)
    after = from_json(json.loads(json.dumps(to_json(before), allow_nan=False)))
    assert torch.equal(before.isnan(), after.isnan())
    finite = ~before.isnan()
    assert torch.equal(before[finite].view(torch.int32), after[finite].view(torch.int32))


def test_arrays_and_odd_floats_have_a_place() -> None:
    assert from_json(to_json(np.float32(0.1))) == pytest.approx(0.1)
    assert from_json(to_json(np.arange(3))).tolist() == [0, 1, 2]
    assert from_json(to_json({"x": float("inf")})) == {"x": float("inf")}
    with pytest.raises(DataError, match="holds a object, which has no place"):
        to_json(object())


def test_shards_are_one_list_in_the_order_of_the_data_each_sample_once() -> None:
    shards = [[(prediction(i), {}) for i in (0, 2, 4)], [(prediction(i), {}) for i in (1, 3, 0)]]
    assert [each.ref.index for each, _ in merge_shards(shards)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [], r"val.jsonl:1: is no file of predictions"),
        (lambda lines: ["{}"], r"val.jsonl:1: is no file of predictions"),
        (lambda lines: ["[1]"], r"val.jsonl:1: expected a table, got list"),
        (lambda lines: [lines[0].replace('"version": 1', '"version": 9')], r"is version 9; this vidcore reads 1"),
        (lambda lines: [lines[0], lines[1][:-9]], r"val.jsonl:2: is not JSON"),
        (lambda lines: [lines[0], "{}"], r"val.jsonl:2: is not a prediction: KeyError"),
    ],
)
def test_a_broken_file_is_told_by_line(tmp_path: Path, change: object, message: str) -> None:
    path = written(tmp_path / "val.jsonl", (prediction(0, scores=torch.tensor([0.5])), {"label": 1}))
    path.write_text("\n".join(change(path.read_text().splitlines())))  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        read_predictions(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_predictions(tmp_path / "none.jsonl")
