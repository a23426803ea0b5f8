"""The task with a method that knows the truth: what comes after the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve

from vidcore.engine.predictions import Predictions, write_predictions
from vidcore.errors import DataError
from vidcore.plugins import host
from vidcore.testing.made_plugins import write_plugin
from vidcore.values import Prediction, Sample, SampleRef
from vidcore_localization.config import Classifier, Localization
from vidcore_localization.task import LocalizationTask

CLASSES = ("hop", "run")
PLUGIN = """
from vidcore.plugins import Component, hookimpl
api = 1
@hookimpl
def vidcore_components():
    return [Component(kind="localization.method", name="made-whole", summary="the truth",
                      config="vidcore_made_method.config:Whole", factory="vidcore_made_method.config:Method")]
"""
CONFIG = """
from attrs import frozen
@frozen(kw_only=True)
class Whole:
    "The truth."
class Method:
    def __init__(self, config):
        self.config = config
    def prepare(self, batch, rng, training):
        return batch
    def proposals(self, outputs, batch):
        return [{"segments": spans.numpy(), "scores": outputs[: len(spans)].numpy()} for spans in batch.target["spans"]]
"""


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    write_plugin(tmp_path / "site", "made-method", {"plugin.py": PLUGIN, "config.py": CONFIG})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    host.cache_clear()
    from vidcore_made_method.config import Whole

    yield Whole()
    host.cache_clear()


def predicted(config: Localization, frames: int | None = None) -> Prediction:
    """The prediction for a video of 20 seconds."""
    task = LocalizationTask(config, CLASSES)
    spans = torch.tensor([[0.1, 0.2], [0.5, 1.0]])
    target = {"segments": spans * 20, "spans": spans, "labels": torch.tensor([0, 1])}
    meta = {"video": "v_a", "seconds": 20.0, "covered_seconds": 20.0, "frames": frames}
    sample = Sample(ref=SampleRef("", 0, 0), inputs={"features": torch.zeros(1, 4, 8)}, target=target, meta=meta)
    batch = task.prepare(task.collate([sample]), np.random.default_rng(0), training=False)
    assert [len(one["segments"]) for one in task.targets(batch)] == [2]
    (prediction,) = task.predict(torch.tensor([0.4, 0.8]), batch)
    return prediction


def test_proposals_are_seconds_best_first(method: Any) -> None:
    outputs = predicted(Localization(method=method)).outputs
    assert outputs["segments"].tolist() == [[10.0, 20.0], [2.0, 4.0]]
    assert outputs["scores"].tolist() == pytest.approx([0.8, 0.4])


def test_times_count_whole_intervals_where_asked_for(method: Any) -> None:
    outputs = predicted(Localization(method=method, feature_interval=16), frames=100).outputs
    assert outputs["segments"][0].tolist() == pytest.approx([9.6, 19.2])


def test_scores_of_the_video_give_proposals_classes(method: Any, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text(json.dumps({"class": ["run", "hop", "swim"], "results": {"a": [[0.5, 0.25, 0.0]]}}))
    outputs = predicted(Localization(method=method, classifier=Classifier(scores=str(path)))).outputs
    assert outputs["labels"].tolist() == [1, 1, 0, 0]
    assert outputs["scores"].tolist() == pytest.approx([0.4, 0.2, 0.2, 0.1])
    path.write_text(json.dumps({"class": ["run", "hop"], "results": {"b": [0.5, 0.25]}}))
    with pytest.raises(DataError, match="has no scores of video 'v_a'"):
        predicted(Localization(method=method, classifier=Classifier(scores=str(path))))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"class": ["run", []], "results": {"a": [0.5, 0.5]}}, r"scores\.json: should be \{"),
        ({"class": ["run", "hop"], "results": {"a": {}}}, r"scores\.json: a: scores should be numbers"),
        ({"class": ["run", "hop"], "results": {"a": [0.5]}}, r"scores\.json: a: should have 2 finite scores"),
        ({"class": ["run", "hop"], "results": {"a": [0.5, float("nan")]}}, r"scores\.json: a: should have 2 finite"),
    ],
)
def test_wrong_scores_of_videos_are_told_by_name(method: Any, tmp_path: Path, content: Any, told: str) -> None:
    (tmp_path / "scores.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=told):
        predicted(Localization(method=method, classifier=Classifier(scores=str(tmp_path / "scores.json"))))


def test_scores_of_moments_give_each_proposal_its_own_classes(method: Any, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("swim\nrun\nhop\n")
    scores = np.array([[0.0, 0.9, 0.1]] * 4 + [[0.0, 0.1, 0.9]] * 4, dtype=np.float32)  # first run, then hop
    np.save(tmp_path / "v_a.npy", scores)
    plain = predicted(Localization(method=method)).outputs
    found = predicted(Localization(method=method, classifier=Classifier(scores=str(tmp_path), top=1))).outputs
    half = float(predicted(Localization(method=method)).meta["seconds"]) / 2
    for segment, label in zip(found["segments"].tolist(), found["labels"].tolist(), strict=True):
        expected = "run" if sum(segment) / 2 < half else "hop"
        assert CLASSES[label] == expected, segment
    assert len(found["scores"]) == len(plain["scores"])
    (tmp_path / "classes.txt").write_text("swim\nrun\n")
    with pytest.raises(DataError, match="has no scores of class 'hop'"):
        predicted(Localization(method=method, classifier=Classifier(scores=str(tmp_path))))


def test_predictions_of_a_recognition_run_classify_too(method: Any, tmp_path: Path) -> None:
    one = Prediction(ref=SampleRef("", 0, 0), outputs={"scores": torch.tensor([0.9, 0.1])}, meta={"path": "d/a.mp4"})
    path = tmp_path / "test.jsonl"
    write_predictions(path, Predictions(split="test", task={}, classes=CLASSES, samples=[(one, {})]))
    config = Localization(method=method, classifier=Classifier(scores=str(path), top=1))
    assert predicted(config).outputs["labels"].tolist() == [0, 0]


def test_timeline_is_painted_below_the_frames_and_moves_with_time(method: Any) -> None:
    config, frames = Localization(method=method), torch.zeros(2, 3, 120, 160, dtype=torch.uint8)
    prediction = predicted(config)
    length = float(prediction.meta["seconds"])
    painted = LocalizationTask(config, CLASSES).draw([prediction], frames, [0.25 * length, 0.75 * length])
    assert torch.equal(painted[:, :, :70], frames[:, :, :70])
    white = (painted[:, :, -2] == 255).all(dim=1)  # the cursor, in the last row
    assert [row.nonzero().flatten().float().mean().item() for row in white] == pytest.approx([39.75, 119.25], abs=1)


def test_whole_video_is_one_picture_with_or_without_frames(method: Any) -> None:
    config, prediction = Localization(method=method), predicted(Localization(method=method))
    task = LocalizationTask(config, CLASSES)
    without = task.draw_whole([prediction], torch.zeros(0, 3, 2, 2, dtype=torch.uint8), [], 640)
    frames = torch.full((4, 3, 90, 160), 200, dtype=torch.uint8)
    film = task.draw_whole([prediction], frames, [0.0, 1.0, 2.0, 3.0], 640)
    assert film.shape == (3, without.shape[1] + 90, 640) and (film[:, :90] == 200).all()
    assert torch.equal(film[:, 90:], without)
    with pytest.raises(DataError, match="scores but no segments to draw"):
        task.draw_whole([evolve(prediction, outputs={"scores": torch.zeros(1)})], frames, [0.0], 640)
