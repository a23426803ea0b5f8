"""The finders end with a picture and a value; schedules and groups are those of training."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from toy_run import Run, load_toy

from vidcore.engine.assembly import build_model
from vidcore.engine.journal import read_journal
from vidcore.engine.parts import Parts
from vidcore.errors import ConfigError, RunError
from vidcore.plugins import build
from vidcore.values import Batch
from vidcore_finders.batch_size import Measured, try_sizes
from vidcore_finders.batch_size import conclude as conclude_size
from vidcore_finders.commands import find_batch_size, find_lr, show_groups, show_schedule
from vidcore_finders.learning_rate import conclude, range_test, smooth
from vidcore_finders.pictures import draw_range_test, draw_schedule
from vidcore_finders.schedule import Point, points, spread

MOMENTUM = {"type": "momentum", "schedule": {"type": "one-cycle", "start": 0.0, "final": 0.0}}


def call(command, folder: Path, *arguments: str) -> Result:  # type: ignore[no-untyped-def]
    load_toy(folder, {})
    result = CliRunner().invoke(command, [str(folder / "toy.toml"), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_find_lr_ends_with_a_picture_and_a_value(tmp_path: Path, toy_plugin: None) -> None:
    picture = tmp_path / "lr.png"
    result = call(find_lr, tmp_path, "--from", "1e-4", "--to", "10", "--steps", "20", "--output", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    name, value = result.stdout.splitlines()[-1].split(" = ")
    assert name == "optimizer.lr"
    assert 1e-4 <= float(value) <= 10


def test_the_value_is_where_the_loss_falls_fastest() -> None:
    rates = [10 ** (-6 + 6 * place / 119) for place in range(120)]
    falling = [3 - 2 / (1 + math.exp(-3 * (math.log10(rate) + 3))) for rate in rates]
    losses = [loss + max(math.log10(rate) + 1.5, 0) ** 2 for loss, rate in zip(falling, rates, strict=True)]
    found = conclude(rates, losses)
    assert 3e-4 < found.steepest < 1e-2  # the running mean is a little late
    assert found.steepest < found.lowest
    assert smooth([1.0, 1.0, 1.0]) == pytest.approx([1.0, 1.0, 1.0])


def test_a_range_that_begins_too_high_is_told(tmp_path: Path, toy_plugin: None) -> None:
    with pytest.raises(RunError, match="begin with a lower --from"):
        range_test(load_toy(tmp_path, {}), 1e20, 1e30, 10, lambda step, rate, loss: None)
    with pytest.raises(ConfigError, match="must be below --to"):
        call(find_lr, tmp_path, "--from", "1", "--to", "0.1")


def test_the_value_is_that_of_the_key_whatever_groups_and_steps_make_of_it(tmp_path: Path, toy_plugin: None) -> None:
    seen: list[tuple[float, float]] = []

    class Watched(torch.optim.SGD):
        def step(self, closure: object = None) -> None:
            seen.append((self.param_groups[0]["lr"], self.param_groups[-1]["lr"]))

    experiment = load_toy(
        tmp_path, {"engine.auto_scale_lr": 16, "optimizer.groups": {"backbone.0": {"lr_factor": 0.1}}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "vidcore.engine.assembly.build",
            lambda config, *context: Watched(*context) if config is experiment.optimizer else build(config, *context),
        )
        found = range_test(experiment, 1e-3, 1e-1, 10, lambda step, rate, loss: None)
    assert seen[0] == pytest.approx((0.1 * 0.5 * 1e-3, 0.5 * 1e-3))  # steps of 8 clips
    assert found.rates[0] == 1e-3
    frozen = load_toy(tmp_path, {"optimizer.groups": {"backbone.0": {"lr_factor": 0.0}}})
    assert range_test(frozen, 1e-3, 1e-1, 10, lambda step, rate, loss: None).rates[0] == 1e-3


def test_a_loss_that_never_falls_gives_a_picture_and_no_value(tmp_path: Path, toy_plugin: None) -> None:
    rates = [10.0**place for place in range(-9, 1)]
    for losses in ([2.0] * 10, [2.0 + place for place in range(10)], [0.0] * 10):
        found = conclude(rates, losses)
        assert found.steepest is None
        draw_range_test(found)


def test_where_a_picture_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidcore_finders.learning_rate.range_test", None)
    monkeypatch.setattr("vidcore_finders.batch_size.try_sizes", None)
    (tmp_path / "file").touch()
    for command in (find_lr, find_batch_size, show_schedule):
        with pytest.raises(RunError, match="file/x.png cannot be written: .*give another -o"):
            call(command, tmp_path, "--output", str(tmp_path / "file" / "x.png"))


def test_a_batch_is_not_larger_than_the_data(tmp_path: Path, toy_plugin: None) -> None:
    picture = tmp_path / "new" / "sizes.png"
    result = call(find_batch_size, tmp_path, "--set", "data.train.samples=5", "--output", str(picture))
    assert "ended at 4: data.train has 5 samples" in result.stdout
    assert picture.exists()


def test_a_norm_that_needs_two_clips_is_told_and_begins_with_two(
    tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def normed(parts: Parts) -> torch.nn.Module:
        model = build_model(parts)
        model.head = torch.nn.Sequential(torch.nn.BatchNorm1d(8), model.head)
        return model

    monkeypatch.setattr("vidcore_finders.batch_size.build_model", normed)
    found, _ = try_sizes(load_toy(tmp_path, {}), 4, 10.0, lambda one: None)
    assert [one.size for one in found] == [2, 4]
    with pytest.raises(RunError, match="more than 1 value per channel .*: give batch norms more: larger batches"):
        try_sizes(load_toy(tmp_path, {}), 1, 10.0, lambda one: None)


def test_find_batch_size_ends_with_a_picture_and_a_value(tmp_path: Path, toy_plugin: None) -> None:
    picture = tmp_path / "sizes.png"
    result = call(find_batch_size, tmp_path, "--max", "16", "--output", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "ended at 16: --max is 16" in result.stdout
    assert result.stdout.splitlines()[-1] in [f"data.train.batch_size = {size}" for size in (1, 2, 4, 8, 16)]


def test_the_size_is_the_smallest_that_is_fast_enough() -> None:
    speeds = {1: 10.0, 2: 18.0, 4: 29.0, 8: 30.0, 16: 29.5}
    found = [Measured(size=size, clips_per_second=speed, memory_bytes=size) for size, speed in speeds.items()]
    assert conclude_size(found) == 4


def test_what_would_not_fit_is_not_tried(tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from vidcore_finders import batch_size

    monkeypatch.setattr(batch_size, "_memory_of", lambda device: 1000)
    monkeypatch.setattr(
        batch_size,
        "_measure",
        lambda parts, batch: (Measured(size=len(batch), clips_per_second=1.0, memory_bytes=100 * len(batch)), 0.1),
    )
    found, why = try_sizes(load_toy(tmp_path, {}), 64, 10.0, lambda one: None)
    assert [one.size for one in found] == [1, 2, 4, 8]
    assert why.startswith("16 clips would need about")


def test_a_size_that_does_not_fit_ends_the_search(
    tmp_path: Path, toy_plugin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidcore_finders import batch_size

    def measure(parts: object, batch: Batch) -> tuple[Measured, float]:
        if len(batch) > fits:
            raise torch.OutOfMemoryError
        return Measured(size=len(batch), clips_per_second=1.0, memory_bytes=1), 0.1

    monkeypatch.setattr(batch_size, "_measure", measure)
    fits = 3
    found, why = try_sizes(load_toy(tmp_path, {}), 64, 10.0, lambda one: None)
    assert ([one.size for one in found], why) == ([1, 2], "4 clips do not fit")
    fits = 0
    with pytest.raises(RunError, match="not even one clip fits; use smaller clips"):
        try_sizes(load_toy(tmp_path, {}), 64, 10.0, lambda one: None)


def test_the_schedule_shown_is_the_one_that_is_trained_by(run_toy: Run, tmp_path: Path) -> None:
    techniques = {"momentum": MOMENTUM, "swa": {"type": "swa", "start": 0.5, "lr_factor": 0.3}}
    folder = run_toy(engine__techniques=techniques, engine__log_every=1, engine__auto_scale_lr=16).folder
    rates = [row["lr"] for row in read_journal(folder / "metrics.jsonl") if row["split"] == "train"]
    overrides = {"engine.techniques": techniques, "engine.auto_scale_lr": 16}
    found = points(load_toy(tmp_path, overrides), 2, range(8))
    assert [point.learning_rate for point in found] == rates
    assert rates[4:] == pytest.approx([0.1 * 0.5 * 0.3] * 4)
    assert min(point.momentum for point in found if point.momentum) == pytest.approx(0.85, abs=0.03)


def test_show_schedule_ends_with_a_picture_and_a_table(tmp_path: Path, toy_plugin: None) -> None:
    picture = tmp_path / "schedule.png"
    lines = call(show_schedule, tmp_path, "--rows", "4", "--output", str(picture)).stdout.splitlines()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert lines[0].split() == ["step", "epoch", "lr", "momentum"]
    assert [line.split()[0] for line in lines[1:5]] == ["0", "2", "5", "7"]
    assert lines[1].split()[1:] == ["0.00", "0.01", "0.9000"]
    assert lines[5].startswith("8 steps, 2 an epoch")
    assert spread(5, 9) == [0, 1, 2, 3, 4]


def test_a_run_of_one_step_is_seen_in_the_picture() -> None:
    picture = draw_schedule([Point(step=0, learning_rate=0.1, momentum=0.9)], 1)
    assert all(panel.lines[0].get_marker() == "o" for panel in picture.axes)


def test_a_schedule_that_the_run_refuses_is_not_shown(tmp_path: Path, toy_plugin: None) -> None:
    arguments = ["--set", 'optimizer={type="schedule-free-sgd"}', "--output", str(tmp_path / "x.png")]
    with pytest.raises(ConfigError, match="a schedule-free optimizer takes none"):
        call(show_schedule, tmp_path, *arguments)


def test_steps_that_the_data_does_not_tell_are_asked_for(tmp_path: Path, toy_plugin: None) -> None:
    arguments = ["--set", 'data.train.sampling="segments"', "--set", "data.train.views.clips=2"]
    with pytest.raises(ConfigError, match="give --steps-per-epoch"):
        call(show_schedule, tmp_path, *arguments, "--output", str(tmp_path / "x.png"))


def test_groups_are_shown_on_request(tmp_path: Path, toy_plugin: None) -> None:
    arguments = ["--set", "model.num_classes=4", "--set", "optimizer.groups={head={lr_factor=5.0}}"]
    lines = call(show_groups, tmp_path, *arguments, "--set", 'engine.freeze=["backbone.0"]').stdout.splitlines()
    assert lines[-1] == "frozen: 2 tensors, 656 parameters (backbone.0.weight … backbone.0.bias)"
    assert any(line.startswith("lr 0.5, weight decay 0.01: 1 tensor, 32 parameters (head.weight)") for line in lines)
