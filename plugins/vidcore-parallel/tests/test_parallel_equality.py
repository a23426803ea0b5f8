"""The number of processes does not change what a run computes, up to the order in which numbers are added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy_processes import Processes
from toy_run import left

# an epoch ends with a step of fewer samples; buckets are small enough that the tiny model has several
FOUR = {
    "engine.accumulate": 4,
    "engine.parallel": {"type": "ddp", "bucket_mb": 0.0005},
    "data.train.samples": 38,
    "optimizer": {"type": "sgd", "lr": 0.1},
}
BAD = {"data.train.bad": [3], "engine.epochs": 2}  # sample 3 is not finite: one chunk, in one of the processes
# Running statistics are put together in another order; so are the gradients of more than two processes. A difference
# in the last bit of a sum stays below this after the few steps of these runs.
TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}


@pytest.fixture(scope="module")
def two(processes: Processes) -> Path:
    """Folder of runs by one process and by two."""
    processes.run(1, [("one", {}, None), ("bad-one", BAD, None)])
    texts = processes.run(
        2,
        [
            ("two", {}, None),
            ("stopped", {}, (1, "SIGTERM", 3)),
            ("stopped", {}, None),
            ("bad-two", BAD, None),
            ("braked", {"callbacks.brake": {"type": "toy-brake", "after_epoch": 2}}, None),
        ],
    )
    assert all("stopped stopped with 143\nstopped trained 8" in text for text in texts)
    return processes.folder / "runs"


@pytest.fixture(scope="module")
def four(processes: Processes) -> Path:
    """Folder of runs by four processes, some of them interrupted."""
    processes.run(1, [("alone", FOUR, None)])
    cut = (2, "SIGINT", 3)
    processes.run(4, [("four", FOUR, None), ("again", FOUR, cut), ("again", FOUR, None), ("moved", FOUR, cut)])
    processes.run(2, [("moved", FOUR, None)])
    return processes.folder / "runs"


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "weights" / "last.safetensors")


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def numbers(line: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in line.items() if name != "split"}


def predictions(run: Path) -> list[tuple[int, list[float]]]:
    rows = [json.loads(line) for line in (run / "predictions" / "val.jsonl").read_text().splitlines()[1:]]
    return [(row["ref"]["index"], row["outputs"]["scores"]["values"]) for row in rows]


def test_two_processes_learn_the_same_bits_as_one_that_accumulates_two(two: Path) -> None:
    one, both = weights(two / "one"), weights(two / "two")
    learned = [name for name in one if "running" not in name]
    assert [name for name in learned if not torch.equal(one[name], both[name])] == []
    assert [row["loss"] for row in lines(two / "one") if "loss" in row] == [
        row["loss"] for row in lines(two / "two") if "loss" in row
    ]


def test_running_statistics_are_those_of_one_process_that_saw_every_chunk(two: Path) -> None:
    one, both = weights(two / "one"), weights(two / "two")
    torch.testing.assert_close(both, one, **TOLERANCE)
    assert int(both["backbone.1.num_batches_tracked"]) == int(one["backbone.1.num_batches_tracked"])


def test_a_signal_to_one_process_stops_all_after_the_same_step_and_the_run_goes_on_to_the_same_bytes(two: Path) -> None:
    assert "signal 15 after step 3; saved" in (two / "stopped" / "log.txt").read_text()
    assert left(two / "stopped") == left(two / "two")


def test_a_step_that_is_not_finite_in_one_process_is_skipped_by_all(two: Path) -> None:
    one, both = (json.loads((two / name / "result.json").read_text()) for name in ("bad-one", "bad-two"))
    assert one["bad_steps"] == both["bad_steps"] == 2
    torch.testing.assert_close(weights(two / "bad-two"), weights(two / "bad-one"), **TOLERANCE)
    assert "clip3.mp4" in (two / "bad-two" / "log.txt").read_text()


@pytest.mark.slow
def test_four_processes_learn_what_one_learns(four: Path) -> None:
    torch.testing.assert_close(weights(four / "four"), weights(four / "alone"), **TOLERANCE)
    for one, other in zip(lines(four / "alone"), lines(four / "four"), strict=True):
        assert numbers(other) == pytest.approx(numbers(one), rel=1e-4, abs=1e-6)
    # of the 3 batches of the evaluation one process has none
    assert [index for index, _ in predictions(four / "four")] == list(range(10))


def test_every_sample_is_measured_once_whatever_the_remainder(two: Path) -> None:
    found, expected = predictions(two / "two"), predictions(two / "one")  # 10 samples are 3 batches for 2 processes
    assert [index for index, _ in found] == list(range(10))
    torch.testing.assert_close(
        [scores for _, scores in found], [scores for _, scores in expected], rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
def test_an_interrupted_run_of_four_ends_with_the_bytes_of_one_that_was_not(four: Path) -> None:
    """Without the rehearsal, gradients would sit in other buckets after the restart, and be added in another order."""
    assert left(four / "again") == left(four / "four")


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(four: Path) -> None:
    assert "goes on after step 3 of 8, on 2 x cpu" in (four / "moved" / "log.txt").read_text()
    torch.testing.assert_close(weights(four / "moved"), weights(four / "four"), **TOLERANCE)


def test_a_callback_that_ends_training_ends_it_in_all_processes(two: Path) -> None:
    result = json.loads((two / "braked" / "result.json").read_text())
    assert (result["steps"], result["ended_early"]) == (4, "callback 'brake': good enough")


def test_when_one_process_fails_the_others_leave_and_say_so(processes: Processes) -> None:
    brake = {"callbacks.brake": {"type": "toy-brake", "fail": True}}
    first, second = processes.run(2, [("broken", brake, None)], expect=1)
    assert "callback 'brake' failed at evaluation_finished: ValueError: the toy brake broke" in first
    assert "RunError: process 1 of 2" in second
    assert "lost the others while" in second


def test_only_the_first_process_writes_and_only_once(two: Path) -> None:
    assert [(row["step"], row["split"]) for row in lines(two / "two")] == [
        (row["step"], row["split"]) for row in lines(two / "one")
    ]
    assert (two / "two" / "log.txt").read_text().count("finished after 8 steps") == 1
