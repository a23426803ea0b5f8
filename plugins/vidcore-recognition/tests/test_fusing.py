"""`vidcore fuse`: several streams made one."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve
from click.testing import CliRunner

from vidcore.engine.predictions import Predictions, read_predictions, write_predictions
from vidcore.errors import ConfigError, DataError, VidcoreError
from vidcore.values import Prediction, SampleRef
from vidcore_recognition.commands import fuse as command
from vidcore_recognition.fusing import doubts, figures, fuse, read_stream


def stream(rows: list[list[float]], labels: list[int], order: list[int] | None = None) -> Predictions:
    samples = [
        (Prediction(ref=SampleRef("", 0, i), outputs={"scores": torch.tensor(row)}), {"label": label})
        for i, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    samples = [samples[i] for i in order] if order else samples
    return Predictions(split="test", task={"type": "recognition"}, classes=("a", "b", "c"), samples=samples)


ONE = stream([[0.6, 0.4, 0.0], [0.2, 0.5, 0.3]], [1, 2])
TWO = stream([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]], [1, 2], order=[1, 0])


def scores(predictions: Predictions) -> torch.Tensor:
    return torch.stack([prediction.outputs["scores"] for prediction, _ in predictions.samples])


def test_samples_are_matched_by_name_and_scores_averaged_by_weight() -> None:
    fused = fuse([ONE, TWO], [1, 3])
    torch.testing.assert_close(scores(fused), torch.tensor([[0.225, 0.7, 0.075], [0.125, 0.2, 0.675]]))
    assert figures(ONE)["top1"] == 0.0
    assert figures(fused) == {"top1": 1.0, "top5": 1.0, "mean_class_accuracy": 1.0}


def test_logits_are_made_probabilities_of_each_stream_first() -> None:
    loud = stream([[10.0, 0.0, 0.0], [0.0, 0.0, 10.0]], [0, 2])
    fused = fuse([loud, stream([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0, 2])], [1, 1], from_logits=True)
    torch.testing.assert_close(scores(fused).sum(dim=1), torch.ones(2))


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (stream([[1.0, 0.0, 0.0]], [1]), "stream 2 has 1 samples, stream 1 has 2"),
        (stream([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], [1, 0]), "sample 1 has target"),
    ],
)
def test_streams_of_other_data_are_refused(other: Predictions, text: str) -> None:
    with pytest.raises(DataError, match=text):
        fuse([ONE, other], [1, 1])


def test_classes_in_another_order_are_refused_unless_they_have_no_names() -> None:
    other = evolve(ONE, classes=("a", "c", "b"))
    with pytest.raises(DataError, match="class 1 is 'c' in stream 2 and 'b' in stream 1"):
        fuse([ONE, other], [1, 1])
    fuse([ONE, evolve(ONE, classes=("0", "1", "2"))], [1, 1])


def test_samples_of_other_files_are_doubted() -> None:
    def of(*paths: str) -> Predictions:
        samples = [(evolve(one, meta={"path": path}), row) for (one, row), path in zip(ONE.samples, paths, strict=True)]
        return evolve(ONE, samples=samples)

    videos = of("videos/S1_rgb.mp4", "videos/S2_rgb.mp4")
    assert not doubts([videos, of("sounds/S1.wav", "sounds/S2.wav"), ONE])
    (line,) = doubts([videos, of("sounds/S2.wav", "sounds/S2.wav")])
    assert line.startswith("1 of 2 samples of stream 2 seem to be other clips") and "'S2' there and 'S1_rgb'" in line


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"pred_scores": np.ones(2), "gt_labels": 0}, "sample 1 has 2 scores, sample 0 3"),
        ({"pred_scores": np.array([1.0, np.nan, 0.0])}, "sample 1 has no finite scores"),
        ({"label": 1}, "sample 1 has label but no 'pred_scores'"),
    ],
)
def test_broken_dump_is_told_by_its_sample(tmp_path: Path, row: dict[str, object], text: str) -> None:
    (tmp_path / "one.pkl").write_bytes(pickle.dumps([{"pred_scores": np.ones(3), "gt_labels": 0}, row]))
    with pytest.raises(DataError, match=text):
        read_stream(tmp_path / "one.pkl")


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 streams need as many coefficients"):
        fuse([ONE, TWO], [1])
    with pytest.raises(ConfigError, match="sum to zero"):
        fuse([ONE, TWO], [1, -1])


def test_command_reads_run_folders_and_files_and_writes_what_it_fused(tmp_path: Path) -> None:
    write_predictions(tmp_path / "run" / "predictions" / "val.jsonl", ONE)
    write_predictions(tmp_path / "two.jsonl", TWO)
    paths = [str(tmp_path / "run"), str(tmp_path / "two.jsonl")]
    done = CliRunner().invoke(command, [*paths, "--weights", "1:3", "--out", str(tmp_path / "fused.jsonl")])
    assert done.exit_code == 0, done.output
    assert "fused: top1 1.0000" in done.output
    torch.testing.assert_close(scores(read_predictions(tmp_path / "fused.jsonl")), scores(fuse([ONE, TWO], [1, 3])))
    for weights in ("1:2:3", "one:two"):
        failed = CliRunner().invoke(command, [*paths, "--weights", weights])
        assert isinstance(failed.exception, VidcoreError) and weights in str(failed.exception)


def test_published_streams_give_their_published_figures(shared_data: Path) -> None:
    streams = [read_stream(shared_data / "fuse" / f"{name}.pkl") for name in ("joint", "bone")]
    found = figures(fuse(streams, [1, 1]))
    assert found == pytest.approx({"top1": 0.9333, "top5": 0.9833, "mean_class_accuracy": 0.9180}, abs=5e-5)
