"""The loop against a bare PyTorch loop: the same weights, bit for bit, and nothing changed by a bad step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from attrs import evolve
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from vidcore_engine_toy import config as toy_config
from vidcore_engine_toy.config import CLASSES
from vidcore_engine_toy.parts import ToyClips, ToyNet, ToyTask, toy_batches

from vidcore.config.experiment import ClipGrad, Ema
from vidcore.engine.config import AdamW, Cosine, GroupFactors, Sgd
from vidcore.engine.groups import for_torch, parameter_groups
from vidcore.engine.loop import Policy, Progress, Training, train
from vidcore.engine.optimizers import adamw, sgd
from vidcore.engine.precision import Precision, to_channels_last
from vidcore.engine.schedules import cosine
from vidcore.engine.techniques import Average
from vidcore.errors import RunError
from vidcore.randomness import Purpose, generator, torch_seed

STEPS, SEED, BATCH = 50, 3, 4
CPU = torch.device("cpu")


def make_model(**options: Any) -> ToyNet:
    torch.manual_seed(SEED)
    return ToyNet(toy_config.ToyNet(num_classes=len(CLASSES), **options))


def make_task(mixup: float = 0.0) -> ToyTask:
    return ToyTask(toy_config.ToyTask(mixup=mixup), CLASSES)


def training(model: nn.Module, task: ToyTask, **options: Any) -> Training:
    config = options.pop("config", Sgd(lr=0.05, weight_decay=1e-4))
    make = {Sgd: sgd, AdamW: adamw}[type(config)]
    base: dict[str, Any] = {
        "model": model,
        "task": task,
        "optimizer": make(config, for_torch(parameter_groups(model, config), config)),  # type: ignore[operator]
        "learning_rate_factor": lambda step: 1.0,
        "precision": Precision("fp32", "cpu"),
        "device": CPU,
        "seed": SEED,
        "steps_per_epoch": 5,
        "epochs": STEPS // 5,
    }
    return Training(**{**base, **options})


def trained(training: Training, dataset: ToyClips | None = None, policy: Policy | None = None) -> Progress:
    progress = Progress()
    dataset = dataset or ToyClips(toy_config.ToyClips())
    batches = toy_batches(training.task, dataset, seed=SEED, batch_size=BATCH)
    train(training, progress, batches, policy or Policy())
    return progress


def bare(
    model: nn.Module,
    task: ToyTask,
    optimizer: torch.optim.Optimizer,
    *,
    accumulate: int = 1,
    before_step: Callable[[int], None] = lambda step: None,
    after_step: Callable[[], None] = lambda: None,
    autocast: torch.dtype | None = None,
) -> None:
    """What one writes without a framework."""
    batches = toy_batches(task, ToyClips(toy_config.ToyClips()), seed=SEED, batch_size=BATCH)
    model.train()
    for step in range(STEPS):
        optimizer.zero_grad()
        for chunk in range(accumulate):
            torch.manual_seed(torch_seed(SEED, Purpose.MODEL, step, chunk))
            batch = task.prepare(next(batches), generator(SEED, Purpose.DEVICE, step, chunk), training=True)
            with torch.autocast("cpu", autocast or torch.bfloat16, enabled=autocast is not None):
                loss = task.loss(model(batch.inputs["video"]), batch).total
            (loss / accumulate).backward()  # type: ignore[no-untyped-call]
        before_step(step)
        optimizer.step()
        after_step()


def bare_sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, fused=True)


def assert_same_bits(ours: nn.Module, theirs: nn.Module) -> None:
    state, expected = ours.state_dict(), theirs.state_dict()
    assert state.keys() == expected.keys()
    different = [name for name in state if not torch.equal(state[name], expected[name])]
    assert different == []


def test_fifty_steps_are_those_of_a_bare_loop() -> None:
    ours, theirs = make_model(), make_model()
    trained(training(ours, make_task()))
    bare(theirs, make_task(), bare_sgd(theirs))
    assert_same_bits(ours, theirs)


def test_mixing_accumulation_and_clipping_are_those_of_a_bare_loop() -> None:
    ours, theirs = make_model(), make_model()
    trained(training(ours, make_task(mixup=0.8), accumulate=3, clip=ClipGrad(norm=0.5)))
    bare(
        theirs,
        make_task(mixup=0.8),
        bare_sgd(theirs),
        accumulate=3,
        before_step=lambda step: nn.utils.clip_grad_norm_(theirs.parameters(), 0.5) and None,
    )
    assert_same_bits(ours, theirs)


def test_clipping_by_value_is_that_of_a_bare_loop() -> None:
    ours, theirs = make_model(), make_model()
    trained(training(ours, make_task(), clip=ClipGrad(value=0.01)))
    bare(
        theirs,
        make_task(),
        bare_sgd(theirs),
        before_step=lambda step: nn.utils.clip_grad_value_(theirs.parameters(), 0.01),
    )
    assert_same_bits(ours, theirs)


def test_average_and_schedule_are_those_of_a_bare_loop() -> None:
    ours, theirs, schedule = make_model(), make_model(), cosine(Cosine(warmup_epochs=2))
    ema = Average(Ema(decay=0.9))
    ema.begin(ours, None, 5)
    trained(
        training(
            ours, make_task(), techniques={"ema": ema}, learning_rate_factor=lambda step: schedule.factor(step, 5, 10)
        )
    )

    average = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)  # type: ignore[no-untyped-call]
    optimizer = bare_sgd(theirs)

    def set_rate(step: int) -> None:
        optimizer.param_groups[0]["lr"] = 0.05 * schedule.factor(step, 5, 10)

    bare(theirs, make_task(), optimizer, before_step=set_rate, after_step=lambda: average.update_parameters(theirs))
    assert_same_bits(ours, theirs)
    assert_same_bits(ema.average.module, average.module)


@pytest.mark.parametrize("kernels", ["fused", "foreach", "loop"])
def test_parameter_groups_and_kernels_are_those_of_a_bare_loop(kernels: Any) -> None:
    ours, theirs = make_model(), make_model()
    config = AdamW(
        lr=0.01,
        weight_decay=0.1,
        no_decay_norm_bias=True,
        groups={"head": GroupFactors(lr_factor=5.0)},
        kernels=kernels,
    )
    trained(training(ours, make_task(), config=config))
    groups = [
        {"params": [theirs.backbone[0].weight], "weight_decay": 0.1, "lr": 0.01},
        {"params": [theirs.backbone[0].bias, *theirs.backbone[1].parameters()], "weight_decay": 0.0, "lr": 0.01},
        {"params": [theirs.head.weight], "weight_decay": 0.1, "lr": 0.05},
        {"params": [theirs.head.bias], "weight_decay": 0.0, "lr": 0.05},
    ]
    bare(theirs, make_task(), torch.optim.AdamW(groups, fused=kernels == "fused", foreach=kernels == "foreach"))
    assert_same_bits(ours, theirs)


@pytest.mark.parametrize("config", [Sgd(lr=0.05, weight_decay=1e-4), AdamW(lr=0.01)], ids=["sgd", "adamw"])
@pytest.mark.parametrize("kernels", ["fused", "foreach", "auto"])
def test_kernels_change_hardly_a_value(config: Any, kernels: str) -> None:
    ours, plain = make_model(norm=False), make_model(norm=False)  # before a norm, a bias's gradient is rounding alone
    trained(training(ours, make_task(), config=evolve(config, kernels=kernels), epochs=2))
    trained(training(plain, make_task(), config=evolve(config, kernels="loop"), epochs=2))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-3, atol=1e-5)


def test_bf16_is_that_of_a_bare_loop() -> None:
    ours, theirs = make_model(), make_model()
    trained(training(ours, make_task(), precision=Precision("bf16", "cpu")))
    optimizer = bare_sgd(theirs)
    bare(theirs, make_task(), optimizer, autocast=torch.bfloat16)
    assert_same_bits(ours, theirs)


def test_fp16_with_its_scaler_follows_fp32() -> None:
    curves = {}
    for name in ("fp32", "fp16"):
        losses: list[float] = []
        policy = Policy(step_finished=lambda step, progress, losses=losses: losses.append(step.losses["loss"]))  # type: ignore[misc]
        run = training(make_model(), make_task(), precision=Precision(name, "cpu"), epochs=4)
        trained(run, policy=policy)
        curves[name] = losses
        assert run.scaler.is_enabled() == (name == "fp16")
    assert curves["fp16"] == pytest.approx(curves["fp32"], abs=0.02)
    assert curves["fp16"] != curves["fp32"]


def test_channels_last_changes_strides_and_hardly_a_value() -> None:
    plain, strided = make_model(), make_model()
    to_channels_last(strided)
    assert strided.backbone[0].weight.is_contiguous(memory_format=torch.channels_last_3d)  # type: ignore[operator]
    assert_same_bits(plain, strided)
    trained(training(plain, make_task(), epochs=1))
    trained(training(strided, make_task(), epochs=1, channels_last=True))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(strided.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_a_loss_that_is_not_finite_changes_nothing_and_names_its_samples(caplog: pytest.LogCaptureFixture) -> None:
    model = make_model()
    seen: list[tuple[bool, dict[str, torch.Tensor]]] = []
    policy = Policy(
        step_finished=lambda step, progress: seen.append(
            (step.bad, {name: value.clone() for name, value in model.state_dict().items()})
        )
    )
    dataset = ToyClips(toy_config.ToyClips(bad=(7,)))
    progress = trained(training(model, make_task(), epochs=2), dataset, policy)
    bad = [number for number, (is_bad, _) in enumerate(seen) if is_bad]
    assert progress.bad_steps == len(bad) > 0
    for number in bad:
        before, after = seen[number - 1][1], seen[number][1]
        assert all(torch.equal(before[name], after[name]) for name in before), "running statistics, too"
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert f"step {bad[0] + 1} was skipped: loss nan" in caplog.text
    assert "clip7.mp4" in caplog.text


def test_too_many_bad_steps_in_a_row_stop_the_run() -> None:
    dataset = ToyClips(toy_config.ToyClips(bad=tuple(range(22))))
    with pytest.raises(RunError, match="3 steps in a row were not finite, up to step 3"):
        trained(training(make_model(), make_task(), max_bad_steps=3), dataset)


@pytest.mark.parametrize("clip", [None, ClipGrad(norm=1.0), ClipGrad(value=0.5)])
def test_a_gradient_that_is_not_finite_skips_the_step(clip: ClipGrad | None) -> None:
    model = make_model(norm=False, dropout=0.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.head.weight.register_hook(lambda gradient: gradient * math.nan)
    progress = trained(training(model, make_task(), clip=clip, epochs=1, max_bad_steps=9))
    assert progress.bad_steps == 5
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_overflow_in_the_first_fp16_step_leaves_no_trace() -> None:
    models = {}
    for kernels in ("fused", "loop"):
        models[kernels] = model = make_model(dropout=0.0)
        hook = model.head.weight.register_hook(lambda gradient: gradient * math.inf)
        policy = Policy(step_finished=lambda step, progress, hook=hook: hook.remove())  # type: ignore[misc]
        config = Sgd(lr=0.05, kernels=kernels)  # type: ignore[arg-type]
        run = training(model, make_task(), config=config, precision=Precision("fp16", "cpu"), epochs=2)
        trained(run, policy=policy)
        assert run.scaler.get_scale() == 2.0**15
    for name, value in models["fused"].state_dict().items():
        torch.testing.assert_close(value, models["loop"].state_dict()[name], rtol=1e-3, atol=1e-4)


def test_gradients_that_no_scale_makes_finite_stop_an_fp16_run() -> None:
    model = make_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.head.weight.register_hook(lambda gradient: gradient * math.nan)
    run = training(model, make_task(), precision=Precision("fp16", "cpu"), max_bad_steps=3)
    with pytest.raises(RunError, match="3 steps in a row were not finite, up to step 20"):  # 17 halvings of 2 ** 16
        trained(run)
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())


def test_a_step_that_gets_no_batch_has_not_happened() -> None:
    model, task = make_model(), make_task()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def one_batch_then_failure() -> Any:
        yield next(toy_batches(task, ToyClips(toy_config.ToyClips()), seed=SEED, batch_size=BATCH))
        raise RuntimeError("a worker died")

    progress = Progress()
    with pytest.raises(RuntimeError, match="a worker died"):
        train(training(model, task, accumulate=2), progress, one_batch_then_failure(), Policy())
    assert progress.step == 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_frozen_norms_keep_their_running_statistics() -> None:
    model = make_model()
    before = model.backbone[1].running_mean.clone()  # type: ignore[union-attr, operator]
    trained(training(model, make_task(), epochs=1, frozen_norm=True))
    assert torch.equal(model.backbone[1].running_mean, before)  # type: ignore[union-attr, arg-type]
