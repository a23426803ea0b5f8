"""What only a GPU can show. `nox -s gpu` runs these; elsewhere they are left out."""

from __future__ import annotations

import math
import shutil
from typing import Any

import pytest
import torch
from torch import nn
from toy_run import Run, left
from vidcore_engine_toy import config as toy_config
from vidcore_engine_toy.config import CLASSES
from vidcore_engine_toy.parts import ToyClips, ToyNet, ToyTask, toy_batches

from vidcore.data.bad_videos import BadVideos
from vidcore.data.loader import load_batches
from vidcore.data.plan import TrainingPlan
from vidcore.engine.config import AdamW, Sgd
from vidcore.engine.groups import for_torch, parameter_groups
from vidcore.engine.loop import Policy, Progress, Training, train
from vidcore.engine.optimizers import adamw, sgd
from vidcore.engine.precision import Precision, choose_precision, to_channels_last
from vidcore.engine.session import memory_bytes

pytestmark = pytest.mark.gpu
CUDA = torch.device("cuda")
SEED, EPOCHS, PER_EPOCH = 3, 4, 5


def toy(device: str, precision: str = "fp32", **options: Any) -> Training:
    """The same weights on any device, and nothing drawn there."""
    torch.manual_seed(SEED)
    model = ToyNet(toy_config.ToyNet(num_classes=len(CLASSES), dropout=0.0)).to(device)
    to_channels_last(model)
    config = Sgd(lr=0.05)
    return Training(
        model=model,
        task=ToyTask(toy_config.ToyTask(), CLASSES),
        optimizer=sgd(config, for_torch(parameter_groups(model, config), config)),
        learning_rate_factor=lambda step: 1.0,
        precision=Precision(precision, device),
        device=torch.device(device),
        seed=SEED,
        steps_per_epoch=PER_EPOCH,
        epochs=EPOCHS,
        channels_last=True,
        **options,
    )


def losses(training: Training) -> list[float]:
    """Of every step of a training."""
    seen: list[float] = []
    policy = Policy(step_finished=lambda step, progress: seen.append(step.losses["loss"]))
    batches = toy_batches(training.task, ToyClips(toy_config.ToyClips()), seed=SEED, batch_size=4)
    with training.precision.matmul_settings():
        train(training, Progress(), batches, policy)
    return seen


@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-3), ("tf32", 0.02), ("bf16", 0.1), ("fp16", 0.02)])
def test_losses_on_a_gpu_follow_those_of_a_cpu(precision: str, apart: float) -> None:
    training = toy("cuda", precision)
    assert losses(training) == pytest.approx(losses(toy("cpu")), abs=apart)
    assert {value.device.type for value in training.model.state_dict().values()} == {"cuda"}
    assert {value.dtype for value in training.model.parameters()} == {torch.float32}


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_products_on_a_gpu_are_computed_in_the_chosen_format(precision: str, dtype: torch.dtype) -> None:
    layer, x = nn.Linear(8, 8).to(CUDA), torch.ones(8, 8, device=CUDA)
    with choose_precision(precision, CUDA).autocast():
        assert layer(x).dtype == dtype


def test_fp32_means_fp32_and_tf32_rounds() -> None:
    one, two = torch.rand(512, 512, dtype=torch.float64), torch.rand(512, 512, dtype=torch.float64)
    wrong = {}
    for name in ("fp32", "tf32"):
        with choose_precision(name, CUDA).matmul_settings():
            found = (one.float().to(CUDA) @ two.float().to(CUDA)).cpu().double()
        wrong[name] = float((found - one @ two).abs().max() / (one @ two).max())
    assert wrong["fp32"] < 1e-5 < wrong["tf32"] < 2e-3


def test_an_overflow_in_fp16_skips_the_step_and_halves_the_scale() -> None:
    training = toy("cuda", "fp16")
    head: Any = training.model.head
    before = head.weight.detach().clone()
    hook = head.weight.register_hook(lambda gradient: gradient * math.inf)
    batches = toy_batches(training.task, ToyClips(toy_config.ToyClips()), seed=SEED, batch_size=4)

    def step_finished(step: Any, progress: Progress) -> None:
        if progress.step == 1:
            assert torch.equal(head.weight, before)
            assert training.scaler.get_scale() == 2.0**15
            hook.remove()

    train(training, progress := Progress(), batches, Policy(step_finished=step_finished))
    assert not torch.equal(head.weight, before)
    assert training.scaler.get_scale() == 2.0**15
    assert progress.bad_steps == 0  # the scaler's own business


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_pinned_and_arrive_whole(workers: int) -> None:
    task, dataset = ToyTask(toy_config.ToyTask(), CLASSES), ToyClips(toy_config.ToyClips())

    def read(pin_memory: bool) -> Any:
        bad = BadVideos(action="fail", num_samples=len(dataset), max_fraction=0.0)
        plan = TrainingPlan(num_samples=len(dataset), batch_size=4, seed=SEED)
        batches = load_batches(dataset, task, plan, bad, seed=SEED, workers=workers, pin_memory=pin_memory)
        batch = next(batches)
        batches.close()
        return batch

    plain, pinned = read(False), read(True)
    assert pinned.inputs["video"].is_pinned() and pinned.target["label"].is_pinned()
    moved = pinned.to(CUDA)
    assert moved.inputs["video"].device.type == moved.target["label"].device.type == "cuda"
    assert torch.equal(moved.inputs["video"].cpu(), plain.inputs["video"])


@pytest.mark.parametrize("kernels", ["fused", "foreach", "auto"])
@pytest.mark.parametrize(("make", "config"), [(sgd, Sgd), (adamw, AdamW)])
def test_kernels_for_all_parameters_do_what_the_loop_does(make: Any, config: Any, kernels: Any) -> None:
    models = []
    for how in ("loop", kernels):
        torch.manual_seed(SEED)
        model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 8)).to(CUDA)
        options = config(lr=0.01, weight_decay=0.01, kernels=how)
        optimizer = make(options, for_torch(parameter_groups(model, options), options))
        x = torch.randn(16, 64, device=CUDA)
        for _ in range(5):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
        models.append(model)
    for one, two in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_on_a_gpu_that_is_interrupted_ends_with_the_same_bytes(run_toy: Run, precision: str) -> None:
    options = {
        "engine__device": "cuda",
        "engine__precision": precision,
        "engine__deterministic": True,
        "engine__checkpoint__keep": 99,
    }
    whole = run_toy("whole", **options).folder
    part = whole.with_name("part")
    shutil.copytree(whole, part)
    for path in (part / "checkpoints").iterdir():
        if int(path.name[-8:]) > 3:
            shutil.rmtree(path)
    (part / "result.json").unlink()
    run_toy("part", **options)
    assert left(part) == left(whole)
    assert f"on cuda in {precision}" in (whole / "log.txt").read_text()


def test_memory_is_that_of_the_gpu() -> None:
    torch.cuda.reset_peak_memory_stats(CUDA)
    held = torch.zeros(2**26, dtype=torch.uint8, device=CUDA)
    assert memory_bytes(CUDA) == torch.cuda.max_memory_allocated(CUDA) >= held.numel()
