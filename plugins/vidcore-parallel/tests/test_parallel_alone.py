"""One process by itself: every option, and what cannot work is told in words before it can hang."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from vidcore.errors import ConfigError, RunError
from vidcore_parallel.config import Ddp, Fsdp
from vidcore_parallel.connection import Place, connect, own_device, preflight, read_place
from vidcore_parallel.ddp import DataParallel, unused_parameters
from vidcore_parallel.fsdp import ShardedParallel
from vidcore_parallel.processes import LeftWithFirstError, Processes

CPU = torch.device("cpu")


class HalfUsed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.head, self.norm = nn.Linear(2, 1), nn.Linear(2, 1), nn.BatchNorm1d(2)
        self.both = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        return self.used(x) + self.head(x) if self.both else self.used(x)


def test_parameters_without_gradient_are_named_with_the_way_out(alone: None) -> None:
    with DataParallel(Ddp(), CPU) as parallel:
        model = parallel.wrap(HalfUsed())
        with pytest.raises(ConfigError) as caught:
            parallel.chunk(lambda: model(torch.randn(3, 2)).sum().backward(), last=True)
    assert "2 parameters get no gradient in training: head.bias, head.weight." in str(caught.value)
    assert 'engine.freeze = ["head"]' in str(caught.value)
    assert "engine.parallel.find_unused = true" in str(caught.value)


def test_find_unused_lets_them_pass_and_the_rehearsal_leaves_no_trace(alone: None) -> None:
    inputs, plain = torch.randn(3, 2), HalfUsed()
    copied = HalfUsed()
    copied.load_state_dict(plain.state_dict())
    with DataParallel(Ddp(find_unused=True), CPU) as parallel:
        model = parallel.wrap(copied)
        parallel.chunk(lambda: model(inputs).sum().backward(), last=True)
    plain(inputs).sum().backward()
    assert copied.head.weight.grad is None
    torch.testing.assert_close(copied.used.weight.grad, plain.used.weight.grad, rtol=0, atol=0)
    torch.testing.assert_close(copied.state_dict(), plain.state_dict())


@pytest.mark.parametrize(
    "config",
    [
        Ddp(static_graph=True),
        Ddp(backend="gloo", bucket_mb=1e-5, timeout_minutes=1.0),
        pytest.param(Ddp(backend="nccl", sync_bn=True), marks=pytest.mark.gpu),
    ],
    ids=str,
)
def test_two_chunks_give_the_gradients_and_statistics_of_a_plain_loop(alone: None, config: Ddp) -> None:
    device = torch.device("cuda" if config.backend == "nccl" else "cpu")
    plain = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1)).to(device)
    inputs, copied = torch.randn(2, 3, 2, device=device), copy.deepcopy(plain)
    with DataParallel(config, device) as parallel:
        model = parallel.wrap(copied)
        for step in range(2):
            for chunk in range(2):
                parallel.chunk(lambda chunk=chunk: model(inputs[chunk]).sum().backward(), last=chunk == 1)
                plain(inputs[chunk]).sum().backward()
            grads = [[one.grad for one in each.parameters()] for each in (copied, plain)]
            torch.testing.assert_close(*grads, msg=lambda text, step=step: f"step {step}: {text}")
            torch.testing.assert_close(copied.state_dict(), plain.state_dict())


def test_kernels_of_one_element_with_channels_last_bring_no_warning(alone: None) -> None:
    video = torch.randn(2, 16, 4, 6, 6).contiguous(memory_format=torch.channels_last_3d)
    with DataParallel(Ddp(), CPU) as parallel:
        model = parallel.wrap(nn.Conv3d(16, 32, 1, bias=False))

        def work() -> None:
            with torch.autocast("cpu", torch.bfloat16):
                model(video).sum().backward()

        parallel.chunk(work, last=True)
        assert model.module.weight.grad.stride() == model.module.weight.stride()


def test_parameters_that_lose_their_gradient_later_are_named_too(alone: None) -> None:
    inputs, halves = torch.randn(3, 2), HalfUsed()
    with DataParallel(Ddp(), CPU) as parallel:
        model = parallel.wrap(halves)
        halves.both = True
        parallel.chunk(lambda: model(inputs).sum().backward(), last=True)
        halves.both = False
        parallel.chunk(lambda: model(inputs).sum().backward(), last=True)
        with pytest.raises(RunError, match=r"got none: head.weight, head.bias\. .*find_unused = true"):
            parallel.chunk(lambda: model(inputs).sum().backward(), last=True)


def test_many_names_are_cut_short() -> None:
    assert "block.3.7 and 4 more" in unused_parameters([f"block.{i % 4}.{i}" for i in range(12)])


def test_a_process_without_company_says_where_it_looked(alone: None) -> None:
    with pytest.raises(RunError, match=r"process 0 of 3 .* did not reach the others at 127.0.0.1:\d+ in 1 s") as caught:
        connect(Place(0, 3, 0, 0), CPU, 1.0)
    assert "processes 1, 2 did not answer. Is each of them running, with the same versions, and does a firewall" in str(
        caught.value
    )
    assert "GLOO_SOCKET_IFNAME" in str(caught.value)


def test_a_first_all_reduce_that_fails_is_told_with_who_is_silent_and_what_differs(alone: None) -> None:
    place = Place(0, 1, 0, 0)
    store = connect(place, CPU, 10.0)
    try:
        preflight(dist.group.WORLD, store, place, CPU, 10.0)
        two = Place(0, 2, 0, 0)
        store.set("here/1", "torch 1.0, nccl none")
        with pytest.raises(
            RunError, match=r"a first all-reduce over gloo failed: process 1 did not get that"
        ) as silent:
            preflight(dist.group.WORLD, store, two, CPU, 0.2)
        assert "They have other versions: process 0: torch 2." in str(silent.value)
        assert "process 1: torch 1.0, nccl none. NCCL_DEBUG=INFO tells more" in str(silent.value)
        store.set("before the first all-reduce/1", "")
        with pytest.raises(RunError, match=r"failed: the sum over all processes is 1, not 3\. Is each of them running"):
            preflight(dist.group.WORLD, store, two, CPU, 10.0)
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize("make", [lambda: DataParallel(Ddp(), CPU), lambda: ShardedParallel(Fsdp(), CPU)])
def test_a_group_that_nobody_needs_any_more_ends_with_its_threads(alone: None, make: Callable[[], Processes]) -> None:
    before = gloo_threads()  # of groups that tests before this one left to the collector
    with make() as parallel:
        assert gloo_threads() > before
    assert gloo_threads() <= before, f"{parallel} still holds a group"


def gloo_threads() -> int:
    """Threads of this process that carry out what groups over gloo are asked for."""
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    return sum(name.startswith("pt_gloo_runloop") for name in names)


def test_half_an_environment_is_told(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK")
    with pytest.raises(RunError, match=r"WORLD_SIZE is 1, but RANK .*vidcore run --nproc N"):
        read_place()


def test_more_processes_than_gpus_and_one_gpu_for_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert own_device(torch.device("cuda"), Place(5, 8, 1, 0)) == torch.device("cuda:1")
    with pytest.raises(RunError, match="process 3 of this machine has no GPU, there are 2; start 2"):
        own_device(torch.device("cuda"), Place(2, 4, 2, 0))
    with pytest.raises(ConfigError, match='engine.device = "cuda:1" is one GPU for 2 processes; set it to "cuda"'):
        own_device(torch.device("cuda:1"), Place(0, 2, 0, 0))


def test_a_process_that_is_shown_one_gpu_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert own_device(torch.device("cuda"), Place(3, 4, 3, 0)) == torch.device("cuda:0")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "together")  # its processes see the same GPU
    with pytest.raises(RunError, match="process 4 of this machine has no GPU, there are 1; start 1"):
        own_device(torch.device("cuda"), Place(3, 4, 3, 0))


def test_synchronised_norms_need_a_gpu(alone: None) -> None:
    with DataParallel(Ddp(sync_bn=True), CPU) as parallel, pytest.raises(ConfigError, match="not on cpu"):
        parallel.wrap(HalfUsed())


def test_nccl_without_a_gpu_is_refused_before_anybody_waits(alone: None) -> None:
    with pytest.raises(ConfigError, match='"nccl" works on CUDA devices only, not on cpu; leave it out'):
        DataParallel(Ddp(backend="nccl"), CPU)


def test_the_others_leave_with_the_exit_code_of_the_first() -> None:
    assert LeftWithFirstError(2).exit_code == 2
