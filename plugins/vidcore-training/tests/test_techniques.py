"""What takes part in training does what it says, and a run that is interrupted ends with the same bytes."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from grid_toy import Blocky, BlockyNet
from torch import nn
from toy_run import Run, left, load_toy

from vidcore.engine.assembly import assemble, build_model, build_training
from vidcore.engine.feeding import training_batches
from vidcore.engine.journal import read_journal
from vidcore.engine.loop import Training, run_chunk, take_step
from vidcore.errors import ConfigError
from vidcore.weights.loading import load_weights
from vidcore_training.averaging import StochasticAverage
from vidcore_training.config import Momentum, Swa
from vidcore_training.momentum import MomentumSchedule
from vidcore_training.multigrid import MultigridTraining
from vidcore_training.stopping import without_progress

SWA = {"type": "swa", "start": 0.25, "lr_factor": 0.5}
GRID: dict[str, Any] = {
    "data__train": {
        "type": "grid-clips",
        "batch_size": 4,
        "sampling": {"type": "dense", "num_frames": 4, "frame_interval": 2},
        "transforms": {"crop": {"type": "random-crop", "size": 16}},
    },
    "engine__techniques": {"grid": {"type": "multigrid", "ends": [2.0, 3.0]}},
}
BLOCKS = {"model__type": "blocky-net", "engine__techniques": {"less": "recompute"}}
STOP = {"callbacks": {"stop": {"type": "early-stopping", "metric": "top2", "patience": 2, "min_delta": 0.5}}}
WAYS: dict[str, dict[str, Any]] = {
    "swa": {"engine__techniques": {"swa": SWA}, "engine__ema": None},
    "swa, precise-bn": {"engine__techniques": {"swa": SWA, "bn": {"type": "precise-bn", "batches": 3}}},
    "momentum": {"engine__techniques": {"momentum": {"type": "momentum", "schedule": "one-cycle", "at_zero": 0.5}}},
    "recompute": BLOCKS,
    "multigrid": GRID,
    "early-stopping": STOP,
    "step": {"schedule": {"type": "step", "every": 1.5}},
}


def start(folder: Path, **overrides: Any) -> tuple[Any, Training]:
    """An assembled toy, ready to take steps."""
    parts = assemble(load_toy(folder, {key.replace("__", "."): value for key, value in overrides.items()}))
    return parts, build_training(parts, build_model(parts), steps_per_epoch=2)


@pytest.mark.parametrize("step", [3, 4])
@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_is_interrupted_ends_with_the_same_bytes(run_toy: Run, way: str, step: int) -> None:
    options = {"engine__checkpoint__keep": 99, **{key: value for key, value in WAYS[way].items() if value is not None}}
    whole = run_toy("whole", **options).folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    for path in (part / "checkpoints").iterdir():
        if int(path.name[-8:]) > step:
            shutil.rmtree(path)
    (part / "result.json").unlink()
    run_toy("part", **options)
    assert left(part) == left(whole)


def test_the_mean_is_that_of_the_weights_at_the_ends_of_epochs() -> None:
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    mean = StochasticAverage(Swa(start=0.5, lr_factor=0.5))
    mean.begin(model, _Four(), 2)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD([{"params": model.parameters(), "lr": 1.0, "base_lr": 1.0}])
    for step in range(8):
        optimizer.param_groups[0]["lr"] = 1.0
        mean.before_step(optimizer, step)
        assert optimizer.param_groups[0]["lr"] == (0.5 if step >= 4 else 1.0)
        assert (mean.weights(model, step, thorough=True) is model) == (step < 6)
        model[0].weight.data.fill_(step)
        model[1].num_batches_tracked.fill_(step)
        mean.after_step(model, step)
    averaged = mean.weights(model, 8, thorough=True)
    assert averaged[0].weight.item() == (5 + 7) / 2  # type: ignore[index]
    assert averaged[1].num_batches_tracked.item() == 7  # type: ignore[index]


def test_a_mean_of_a_run_that_is_extended_is_of_its_last_epochs() -> None:
    model = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD([{"params": model.parameters(), "lr": 1.0, "base_lr": 1.0}])
    short, long = StochasticAverage(Swa(start=0.25)), StochasticAverage(Swa(start=0.75))
    for mean in (short, long):
        mean.begin(model, _Four(), 1)  # type: ignore[arg-type]
    for step in range(4):
        if step == 2:
            long.load(short.tensors())
        assert (long.weights(model, step, thorough=True) is model) == (step <= 3)
        model.weight.data.fill_(step)
        for mean in (short, long):
            mean.before_step(optimizer, step)
            mean.after_step(model, step)
    assert short.weights(model, 4, thorough=True).weight.item() == (1 + 2 + 3) / 3
    assert long.weights(model, 4, thorough=True).weight.item() == 3


def test_the_mean_begins_at_its_share_of_the_epochs() -> None:
    parts: Any = SimpleNamespace(experiment=SimpleNamespace(engine=SimpleNamespace(epochs=100)))
    mean = StochasticAverage(Swa(start=0.29))
    mean.begin(nn.Linear(1, 1), parts, 3)
    assert mean.first == 29 * 3


class _Four:
    class experiment:
        class engine:
            epochs = 4


def test_precise_statistics_are_those_of_the_batches_to_come_under_the_weights(
    tmp_path: Path, toy_plugin: None
) -> None:
    parts, training = start(tmp_path, engine__techniques={"bn": {"type": "precise-bn", "batches": 3}})
    technique = training.techniques["bn"]
    before = copy.deepcopy(training.model.state_dict())
    model = technique.weights(training.model, 2, thorough=True)
    assert technique.weights(training.model, 3, thorough=False) is training.model
    assert all(torch.equal(value, before[name]) for name, value in training.model.state_dict().items())
    seen: list[torch.Tensor] = []
    with training_batches(parts, 2, _bad(parts)) as batches:
        for number, batch in zip(range(3), batches, strict=False):
            prepared = parts.task.prepare(batch, _rng(parts, number), training=True)
            seen.append(training.model.backbone[0](prepared.inputs["video"]))  # type: ignore[operator, union-attr, index]
    norm = model.backbone[1]  # type: ignore[union-attr, index]
    torch.testing.assert_close(norm.running_mean, torch.stack([one.mean(dim=(0, 2, 3, 4)) for one in seen]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([one.var(dim=(0, 2, 3, 4)) for one in seen]).mean(0))


def test_frozen_norms_are_not_measured(tmp_path: Path, toy_plugin: None) -> None:
    from vidcore.engine.groups import set_training_mode

    _, training = start(tmp_path, engine__techniques={"bn": "precise-bn"}, engine__frozen_norm=True)
    set_training_mode(training.model, frozen_norm=True)
    assert training.techniques["bn"].weights(training.model, 2, thorough=True) is training.model


def _bad(parts: Any) -> Any:
    from vidcore.engine.feeding import bad_videos

    return bad_videos(parts, "train")


def _rng(parts: Any, number: int) -> Any:
    from vidcore.randomness import Purpose, generator

    return generator(parts.experiment.seed, Purpose.DEVICE, 2, number)


def test_momentum_is_that_of_torchs_one_cycle(tmp_path: Path, toy_plugin: None) -> None:
    parameter = nn.Parameter(torch.zeros(1))
    theirs = torch.optim.SGD([parameter], lr=1.0, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(theirs, max_lr=1.0, total_steps=8, base_momentum=0.8, max_momentum=0.95)
    schedule = load_toy(tmp_path, {"schedule": {"type": "one-cycle", "start": 0.0, "final": 0.0}}).schedule
    ours = MomentumSchedule(Momentum(schedule=schedule, at_one=0.8, at_zero=0.95))
    ours.begin(nn.Linear(1, 1), _Four(), 2)  # type: ignore[arg-type]
    adam = torch.optim.Adam([parameter], betas=(0.9, 0.99))
    for step in range(8):
        ours.before_step(adam, step)
        assert adam.param_groups[0]["betas"] == (pytest.approx(theirs.param_groups[0]["momentum"]), 0.99)
        theirs.step()
        cycle.step()
    with pytest.raises(ConfigError, match="Adagrad has neither a momentum nor betas"):
        ours.before_step(torch.optim.Adagrad([parameter]), 0)


def test_forgetting_changes_no_bit_and_keeps_less(run_toy: Run, tmp_path: Path) -> None:
    plain = run_toy("plain", model__type="blocky-net", engine__epochs=2).folder
    again = run_toy("again", **BLOCKS, engine__epochs=2).folder
    for name in ("metrics.jsonl", "checkpoints/step-00000004/model.safetensors"):
        assert (plain / name).read_bytes() == (again / name).read_bytes()
    kept = {}
    for name, overrides in (("plain", {"model__type": "blocky-net"}), ("again", BLOCKS)):
        parts, training = start(tmp_path, **overrides)
        with training_batches(parts, 0, _bad(parts)) as batches:
            kept[name] = _bytes_kept(training, next(batches))
    assert kept["again"] < 0.5 * kept["plain"]


def _bytes_kept(training: Training, batch: Any) -> int:
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run_chunk(training, batch, 0, 0)
    return sum(kept.values())


def test_a_copy_of_a_forgetting_model_is_its_own(tmp_path: Path, toy_plugin: None) -> None:
    _, training = start(tmp_path, **BLOCKS)
    copied = copy.deepcopy(training.model)
    video = torch.randn(2, 3, 4, 8, 8)
    nn.init.zeros_(training.model.backbone[0].weight)  # type: ignore[union-attr, index, arg-type]
    assert not torch.equal(copied.eval()(video), training.model.eval()(video))


def test_a_model_without_blocks_is_told(tmp_path: Path, run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("vidcore_engine_toy.parts.ToyNet.blocks", raising=False)
    with pytest.raises(ConfigError, match=re.escape("ToyNet declares no blocks() to compute again")):
        start(tmp_path, engine__techniques={"less": "recompute"})


def test_training_ends_where_nothing_becomes_better(run_toy: Run) -> None:
    result = run_toy(**STOP)
    assert result.steps == 6
    assert "ended early: callback 'stop': top2 has not become better in 2 evaluations" in result.remarks


@pytest.mark.parametrize(
    ("values", "higher", "waited"),
    [
        ([], True, 0),
        ([0.1, 0.2, 0.3], True, 0),
        ([0.3, 0.2, 0.25], True, 2),
        ([0.3, 0.34], True, 1),  # less than min_delta
        ([0.3, 0.2], False, 0),
        ([float("nan"), 0.2, float("nan")], True, 1),
    ],
)
def test_progress_is_more_than_min_delta(values: list[float], higher: bool, waited: int) -> None:
    assert without_progress(values, 0.05, higher=higher) == waited


def test_a_run_without_evaluations_cannot_stop_early(run_toy: Run) -> None:
    from vidcore.errors import RunError

    with pytest.raises(RunError, match=r"early-stopping: nothing is measured .* give \[data.val\]"):
        run_toy(callbacks={"stop": {"type": "early-stopping", "metric": "top1"}}, unset=["data.val"])


def test_a_figure_that_does_not_exist_is_told(run_toy: Run) -> None:
    from vidcore.errors import RunError

    with pytest.raises(RunError, match="no metric gives 'topp'; there are: top1, top2"):
        run_toy(callbacks={"stop": {"type": "early-stopping", "metric": "topp"}})


def test_steps_of_a_multigrid_run_have_its_shapes_and_rates(run_toy: Run) -> None:
    folder = run_toy(**GRID, engine__log_every=1, engine__accumulate=1, schedule="constant").folder
    rates = [row["lr"] for row in read_journal(folder / "metrics.jsonl") if row["split"] == "train"]
    # 5 steps an epoch: the first cycle has 10 steps, the second 5, then 5 of fine-tuning
    expected = [8, 8, 8, 4, 4, 2, 2, 2, 1, 1, 8, 8, 4, 2, 1, 1, 1, 1, 1, 1]
    assert rates == pytest.approx([0.1 * rate for rate in expected])
    state = json.loads((folder / "result.json").read_text())
    assert (state["steps"], state["bad_steps"]) == (20, 0)
    load_weights(Blocky(BlockyNet(num_classes=4)), folder / "weights" / "last.safetensors")


def test_a_step_of_each_shape_costs_about_the_same(tmp_path: Path, toy_plugin: None) -> None:
    parts, training = start(tmp_path, **GRID, engine__accumulate=1)
    full = 4 * 4 * 16 * 16
    with training_batches(parts, 0, _bad(parts)) as batches:
        for step in range(6):
            batch = next(batches)
            clips, _, frames, height, width = batch.inputs["video"].shape
            assert clips * frames * height * width == pytest.approx(full, rel=0.1)
            taken = take_step(training, step, iter([batch]))
            assert not taken.bad


def test_norms_see_as_many_parts_as_the_long_cycles_batch_is_larger(tmp_path: Path, toy_plugin: None) -> None:
    _, training = start(tmp_path, **GRID)  # 2 steps an epoch: the first cycle has 4 steps, the second 2
    grid = training.techniques["grid"]
    assert isinstance(grid, MultigridTraining)
    parts = []
    for step in range(8):
        grid.before_step(training.optimizer, step)
        parts.append({norm.parts for norm in grid.norms})
    assert parts == [{8}, {4}, {2}, {1}, {8}, {2}, {1}, {1}]
    assert grid.grid.shape(0).batch == 4 * 16  # the short cycle doubles it again
    grid.after_step(training.model, 0)
    assert {norm.parts for norm in grid.norms} == {1}


def test_multigrid_says_what_it_needs(tmp_path: Path, toy_plugin: None) -> None:
    with pytest.raises(ConfigError, match="nothing tells where its long cycles end"):
        start(tmp_path, **GRID | {"engine__techniques": {"grid": "multigrid"}})
    with pytest.raises(ConfigError, match="has to know the size of the clips"):
        start(tmp_path, engine__techniques=GRID["engine__techniques"])
