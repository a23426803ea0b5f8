"""Schedule-free optimizers: the authors' numbers, and a mean that is measured without disturbing training."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import schedulefree
import torch
from safetensors.torch import load_file
from torch import nn
from toy_run import Run, left, load_toy

from vidcore.engine.assembly import assemble, build_model, build_training
from vidcore.engine.feeding import bad_videos, training_batches
from vidcore.engine.loop import run_chunk, take_step
from vidcore.errors import ConfigError
from vidcore.testing import check_component
from vidcore_schedulefree.plugin import vidcore_components

KINDS = {"schedule-free-sgd": {"lr": 0.5, "momentum": 0.8}, "schedule-free-adamw": {"lr": 0.05, "beta1": 0.8}}


@pytest.mark.parametrize("component", vidcore_components(), ids=lambda component: component.name)
def test_contract(component) -> None:  # type: ignore[no-untyped-def]
    check_component(component)


def options(kind: str) -> dict[str, Any]:
    return {
        "optimizer": {"type": kind, **KINDS[kind], "weight_decay": 0.01, "no_decay_norm_bias": True},
        "schedule": {"type": "constant", "warmup_epochs": 1},
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 3, 4])
def test_a_run_that_is_interrupted_ends_with_the_same_bytes(run_toy: Run, kind: str, step: int) -> None:
    whole = run_toy("whole", engine__checkpoint__keep=99, **options(kind)).folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    for path in (part / "checkpoints").iterdir():
        if int(path.name[-8:]) > step:
            shutil.rmtree(path)
    (part / "result.json").unlink()
    run_toy("part", engine__checkpoint__keep=99, **options(kind))
    assert left(part) == left(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_how_often_a_run_is_measured_and_saved_changes_no_bit_of_training(run_toy: Run, kind: str) -> None:
    often = run_toy("often", **options(kind)).folder
    seldom = {"engine__evaluate": {"start": 4}, "engine__checkpoint": {"every": 4, "every_steps": 99}}
    rarely = run_toy("rarely", **options(kind), **seldom).folder
    for name in ("model", "optimizer"):
        path = f"checkpoints/step-00000008/{name}.safetensors"
        assert (often / path).read_bytes() == (rarely / path).read_bytes()


@pytest.mark.parametrize(
    ("kind", "cls"),
    [("schedule-free-sgd", schedulefree.SGDScheduleFree), ("schedule-free-adamw", schedulefree.AdamWScheduleFree)],
)
def test_the_mean_is_where_the_authors_swap_moves_to(tmp_path: Path, toy_plugin: None, kind: str, cls: Any) -> None:
    experiment = load_toy(tmp_path, {**options(kind), "schedule": "constant", "engine.clip_grad": {"norm": 1e9}})
    parts = assemble(experiment)
    training = build_training(parts, build_model(parts), steps_per_epoch=2)
    theirs = copy.deepcopy(training.model)
    arguments = dict(KINDS[kind])
    if "beta1" in arguments:
        arguments["betas"] = (arguments.pop("beta1"), 0.999)  # type: ignore[assignment]
    by_name = dict(theirs.named_parameters())
    groups = [
        {"params": [by_name[name] for name in group["names"]], "weight_decay": group["weight_decay"]}
        for group in training.optimizer.param_groups
    ]
    optimizer = cls(groups, **arguments)
    optimizer.train()
    twin = build_training(parts, theirs, steps_per_epoch=2)
    with training_batches(parts, 0, bad_videos(parts, "train")) as batches:
        for step in range(4):
            chunks = [next(batches) for _ in range(2)]
            take_step(training, step, iter(chunks))
            theirs.train()
            for number, chunk in enumerate(chunks):
                run_chunk(twin, chunk, step, number)
            optimizer.step()
            optimizer.zero_grad()
    optimizer.eval()
    averaged = training.techniques["optimizer"].weights(training.model, 4, thorough=True)
    for name, value in averaged.named_parameters():
        torch.testing.assert_close(value, dict(theirs.named_parameters())[name], rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, dict(training.model.named_parameters())[name])


def test_the_mean_is_what_is_kept(run_toy: Run, tmp_path: Path) -> None:
    load_toy(tmp_path, {})
    toml = (tmp_path / "toy.toml").read_text()
    (tmp_path / "toy.toml").write_text(toml.replace("ema = { decay = 0.5 }\n", ""))
    folder = run_toy(**options("schedule-free-adamw")).folder
    kept = load_file(folder / "weights" / "last.safetensors")
    trained = load_file(folder / "checkpoints" / "step-00000008" / "model.safetensors")
    base = load_file(folder / "checkpoints" / "step-00000008" / "optimizer.safetensors")
    expected = torch.lerp(trained["head.weight"], base["head.weight/z"], 1 - 1 / 0.8)
    assert torch.equal(kept["head.weight"], expected)
    assert "add the technique precise-bn" in (folder / "log.txt").read_text()


def test_a_schedule_is_refused(run_toy: Run) -> None:
    with pytest.raises(ConfigError, match="a schedule-free optimizer takes none"):
        run_toy(**{**options("schedule-free-sgd"), "schedule": "cosine"})
    changing = {"momentum": {"type": "momentum", "schedule": "cosine"}}
    with pytest.raises(ConfigError, match="the momentum of a schedule-free optimizer may not change"):
        run_toy(**options("schedule-free-sgd"), engine__techniques=changing)


def test_a_model_before_its_first_step_is_its_own_mean(tmp_path: Path, toy_plugin: None) -> None:
    parts = assemble(load_toy(tmp_path, options("schedule-free-sgd")))
    training = build_training(parts, build_model(parts), steps_per_epoch=2)
    averaged = training.techniques["optimizer"].weights(training.model, 0, thorough=True)
    assert isinstance(averaged, nn.Module) and averaged is not training.model
    assert all(torch.equal(a, b) for a, b in zip(averaged.parameters(), training.model.parameters(), strict=True))
