from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from vidcore.engine.predictions import read_predictions, write_predictions
from vidcore_report import draw
from vidcore_report.config import Report
from vidcore_report.confusion import draw_confusion, worst_mistakes
from vidcore_report.contact_sheet import choose, flow_colours
from vidcore_report.curves import draw_curves
from vidcore_report.records import Answer, read_run

MakeRun = Callable[..., Path]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def answer(label: int, scores: list[float], path: str = "") -> Answer:
    return Answer(path=path, label=label, scores=np.array(scores, dtype=np.float32))


def boxes_overlap(figure: Figure) -> list[str]:
    """Level texts of a figure that are drawn over each other."""
    figure.draw_without_rendering()
    found = {id(text): text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()}
    level = [text for text in found.values() if text.get_rotation() in (0, 90)]
    boxes = [(text.get_text(), text.get_window_extent().shrunk(0.9, 0.9)) for text in level]
    return [f"{one} / {other}" for i, (one, a) in enumerate(boxes) for other, b in boxes[:i] if a.overlaps(b)]


def test_curves_show_loss_figures_and_rate_over_epochs(make_run: MakeRun) -> None:
    figure = draw_curves(read_run(make_run(count=1)))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Training loss", "Evaluation", "Learning rate"]
    loss, evaluation, _ = figure.axes
    places = loss.lines[0].get_xdata()
    assert (places[0], places[-1]) == (0.25, 6.0)  # ten steps of forty; the end of the sixth epoch
    assert len(loss.lines) == 1
    assert len(evaluation.lines) == 3
    assert {"val top1: last 96.0%, best 96.0%", "top1 in training"} <= set(texts(figure))


def test_figures_above_one_get_axes_of_their_own(make_run: MakeRun) -> None:
    folder = make_run(count=1)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 240, "epoch": 6, "split": "val", "fid": 31.5}) + "\n")
    assert len(draw_curves(read_run(folder)).axes) == 4


def test_curves_of_a_run_that_has_just_begun_say_so(make_run: MakeRun) -> None:
    folder = make_run(count=1)
    (folder / "metrics.jsonl").write_text("")
    figure = draw_curves(read_run(folder))
    assert texts(figure).count("nothing yet") == 2


def test_steps_are_shown_until_the_length_of_an_epoch_is_known(make_run: MakeRun) -> None:
    folder = make_run(count=1)
    (folder / "metrics.jsonl").write_text('{"step": 10, "epoch": 1, "split": "train", "loss": 2.0, "lr": 0.1}\n')
    assert draw_curves(read_run(folder)).axes[0].get_xlabel() == "step"


def test_no_text_of_the_curves_covers_another(make_run: MakeRun) -> None:
    assert boxes_overlap(draw_curves(read_run(make_run(count=1)))) == []


@pytest.mark.parametrize("num_classes", [4, 30])
def test_no_text_of_the_confusions_covers_another(num_classes: int) -> None:
    matrix = np.diag(np.full(num_classes, 9))
    figure = draw_confusion(matrix, [f"a rather long class name {i}" for i in range(num_classes)], "title", 30)
    assert boxes_overlap(figure) == []


def test_confusion_writes_counts_and_the_recall_of_each_class() -> None:
    figure = draw_confusion(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]), ["a", "b", "c"], "title", 30)
    assert {"3", "1", "4", "75%", "100%", "–"} <= set(texts(figure))


def test_of_many_classes_the_most_mistaken_are_shown() -> None:
    matrix = np.diag(np.full(50, 9))
    matrix[7, 41] = 3
    figure = draw_confusion(matrix, [f"class {i}" for i in range(50)], "title", 2)
    assert {"class 7", "class 41"} <= set(texts(figure))
    assert "class 0" not in texts(figure)
    assert any("2 of 50 classes" in text for text in texts(figure))


def test_worst_mistakes_are_ranked_by_their_share_of_the_true_class() -> None:
    matrix = np.array([[90, 10, 0], [0, 1, 1], [0, 0, 5]])
    mistakes = worst_mistakes(matrix, ["a", "b", "c"])
    assert [(mistake.true, mistake.predicted, mistake.count) for mistake in mistakes] == [("b", "c", 1), ("a", "b", 10)]
    assert mistakes[0].share == 0.5


def test_contact_sheet_leads_with_the_surest_mistakes() -> None:
    wrong = [answer(0, [1 - sure, sure]) for sure in (0.6, 0.9, 0.7, 0.8)]
    right = [answer(1, [1 - sure, sure]) for sure in (0.95, 0.55, 0.75)]
    chosen = choose([*wrong, *right], 4)
    assert [round(found.confidence, 2) for found in chosen] == [0.9, 0.8, 0.55, 0.95]


def test_contact_sheet_fills_up_with_mistakes_where_little_is_right() -> None:
    assert len(choose([answer(0, [0.1, 0.9])] * 5, 4)) == 4
    assert choose([], 4) == []


def test_unreadable_video_leaves_its_name_on_the_sheet(make_run: MakeRun, caplog: pytest.LogCaptureFixture) -> None:
    folder = make_run(count=4)
    (folder.parents[1] / "videos" / "02.mp4").write_bytes(b"no video")
    with caplog.at_level(logging.WARNING, logger="vidcore.report"):
        assert draw.contact_sheet(read_run(folder), Report()) == folder / "predictions.png"
    assert "no frames of" in caplog.text
    assert "02.mp4" in caplog.text


def test_predictions_of_several_labels_draw_no_confusion(make_run: MakeRun) -> None:
    folder = make_run(count=4)
    predictions = read_predictions(folder / "predictions" / "val.jsonl")
    predictions.samples[:] = [(prediction, {"labels": [1.0, 0, 0, 0]}) for prediction, _ in predictions.samples]
    write_predictions(folder / "predictions" / "val.jsonl", predictions)
    assert draw.confusion(read_run(folder), Report()) is None
    assert draw.contact_sheet(read_run(folder), Report()) is None


def test_same_run_gives_the_same_bytes(make_run: MakeRun) -> None:
    folder = make_run(count=4)
    first = draw.curves(read_run(folder)).read_bytes()
    assert draw.curves(read_run(folder)).read_bytes() == first


def test_flow_is_painted_by_direction_and_rest_is_white() -> None:
    flow = np.full((1, 10, 10, 4), 128, np.uint8)
    flow[0, :3, :, 0], flow[0, 3:6, :, 0] = 228, 28  # to the right, and to the left
    painted = flow_colours(flow)
    assert painted.shape == (1, 10, 10, 3)
    right, left, rest = painted[0, 0, 0], painted[0, 4, 0], painted[0, 9, 0]
    assert right.argmax() == 0 and left.argmin() == 0 and right.min() < 20 and left.min() < 20
    assert rest.min() > 235
