"""Result files, and the commands that write and measure them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from vidcore.cli.main import cli
from vidcore.engine.predictions import Predictions, write_predictions
from vidcore.errors import DataError
from vidcore.values import Prediction, SampleRef
from vidcore_localization.results import Found, read_results, write_results

TRUTH = {
    "v_a": {"duration_second": 10.0, "annotations": [{"segment": [1.0, 4.0], "label": "run"}]},
    "v_b": {"duration_second": 10.0, "annotations": [{"segment": [2.0, 8.0], "label": "hop"}]},
}


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_result_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    results = {"a": [Found(1.0, 4.0, 0.5, "run"), Found(0.0, 1.0, 0.25)], "b": []}
    write_results(tmp_path / "r.json", results)
    assert read_results(tmp_path / "r.json") == results
    content = json.loads((tmp_path / "r.json").read_text())
    assert content.keys() == {"version", "results", "external_data"}
    assert content["results"]["a"][1] == {"score": 0.25, "segment": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"segment": [3, 1], "score": 1}, "v_a: segment 1: ends at 1 s before it starts at 3 s"),
        ({"segment": [3], "score": 1}, "v_a: segment 1: should have a score and a segment"),
        ({"segment": [3, 4], "score": float("nan")}, "v_a: segment 1: should have a score and a segment"),
    ],
)
def test_wrong_segments_are_told(tmp_path: Path, row: Any, told: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps({"results": {"v_a": [row]}}))
    with pytest.raises(DataError, match=told):
        read_results(tmp_path / "r.json")


def test_predictions_are_exported_and_measured(tmp_path: Path) -> None:
    outputs = {"segments": torch.tensor([[1.0, 4.0], [5.0, 6.0]]), "scores": torch.tensor([0.9, 0.1])}
    outputs["labels"] = torch.tensor([1, 0])
    one = Prediction(ref=SampleRef("", 0, 0), outputs=outputs, meta={"video": "v_a"})
    predictions = Predictions(split="val", task={}, classes=("hop", "run"), samples=[(one, {})])
    write_predictions(tmp_path / "found.jsonl", predictions)
    assert (
        "2 segments of 1 videos"
        in invoke("data", "export-segments", tmp_path / "found.jsonl", tmp_path / "r.json").output
    )
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    scored = invoke("data", "score-segments", tmp_path / "r.json", tmp_path / "truth.json").output
    figures = dict(line.split() for line in scored.splitlines())
    assert figures["AR@100"] == "0.5000"  # v_b has no prediction, and counts
    assert figures["mAP"] == "0.5000"


def test_results_of_other_videos_are_told(tmp_path: Path) -> None:
    write_results(tmp_path / "r.json", {"a": [], "z": [Found(0.0, 1.0, 0.5)]})
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    failed = invoke("data", "score-segments", tmp_path / "r.json", tmp_path / "truth.json")
    assert "1 of 2 videos with results, such as 'z', are not in" in f"{failed.output}{failed.exception}"


def test_results_in_frames_are_suspected(tmp_path: Path) -> None:
    write_results(tmp_path / "r.json", {"a": [Found(30.0, 120.0, 0.5), Found(1.0, 12.0, 0.5)]})
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    told = invoke("data", "score-segments", tmp_path / "r.json", tmp_path / "truth.json").stderr
    assert (
        "2 segments reach beyond their videos, and count; are they in seconds? a: segment 30 ... 120 reaches beyond "
        "the video of 10 s" in told
    )


def test_shipped_results_get_the_figures_of_their_evaluation(shared_data: Path) -> None:
    folder = shared_data / "eval_localization"
    scored = invoke("data", "score-segments", folder / "result.json", folder / "gt.json").output
    assert "mAP              0.6178" in scored.splitlines()
