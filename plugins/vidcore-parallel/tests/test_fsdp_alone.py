"""Cut weights, in a group of one process: copies, checkpoints, and what cannot work."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from vidcore.engine.checkpoints import Checkpoints, optimizer_tensors, read_checkpoint
from vidcore.errors import ConfigError, RunError
from vidcore_parallel import sharded_files
from vidcore_parallel.config import Fsdp
from vidcore_parallel.fsdp import Alone, ShardedParallel, open_fsdp

CPU = torch.device("cpu")


class Net(nn.Module):
    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.stages = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.norm = nn.BatchNorm1d(4) if norm else nn.Identity()

    def blocks(self) -> list[nn.Module]:
        return list(self.stages)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.stem(x))
        for stage in self.stages:
            x = stage(x).relu()
        return x


def step(parallel: ShardedParallel, called: nn.Module, optimizer: torch.optim.Optimizer, inputs: torch.Tensor) -> None:
    for chunk in range(2):
        parallel.chunk(lambda chunk=chunk: called(inputs[chunk]).sum().backward(), last=chunk == 1)
    optimizer.step()
    optimizer.zero_grad()


def named_adam(model: nn.Module) -> torch.optim.Optimizer:
    names, parameters = zip(*model.named_parameters(), strict=True)
    return torch.optim.Adam([{"params": list(parameters), "names": list(names)}], lr=0.01, fused=True)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_steps_are_those_of_a_plain_loop_and_whole_puts_the_model_together(alone: None, device: str) -> None:
    plain, inputs = Net().to(device), torch.randn(2, 5, 3, device=device)
    cut = copy.deepcopy(plain)
    with ShardedParallel(Fsdp(), torch.device(device)) as parallel:
        parallel.shard(cut)
        assert all(isinstance(one, DTensor) for one in cut.parameters())
        optimizer, plainly = named_adam(cut), named_adam(plain)
        called = parallel.wrap(cut)
        for _ in range(2):
            step(parallel, called, optimizer, inputs)
            for chunk in inputs:
                plain(chunk).sum().backward()
            plainly.step()
            plainly.zero_grad()
        whole = parallel.whole(cut)
        torch.testing.assert_close(whole.state_dict(), plain.state_dict())
        assert parallel.whole(whole) is whole
        assert not any(isinstance(one, DTensor) for one in whole.parameters())
        torch.testing.assert_close(whole.eval()(inputs[0]), plain.eval()(inputs[0]))


def test_a_copy_for_an_average_stays_cut_and_stays_behind(alone: None) -> None:
    with ShardedParallel(Fsdp(reshard=False, reduce_dtype="bf16"), CPU) as parallel:
        model = Net()
        parallel.shard(model)
        copied, before = copy.deepcopy(model), parallel.whole(model).state_dict()
        step(parallel, parallel.wrap(model), named_adam(model), torch.randn(2, 5, 3))
        assert all(isinstance(one, DTensor) for one in copied.parameters())
        torch.testing.assert_close(parallel.whole(copied).state_dict(), before, rtol=0, atol=0)
        assert not torch.equal(parallel.whole(model).state_dict()["stem.weight"], before["stem.weight"])


@pytest.mark.parametrize("later", [False, True], ids=["at once", "meanwhile"])
def test_a_checkpoint_holds_what_was_there_when_it_was_asked_for(alone: None, tmp_path: Path, later: bool) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    with ShardedParallel(Fsdp(async_save=later), CPU) as parallel:
        model = Net()
        parallel.shard(model)
        optimizer, called, inputs = named_adam(model), parallel.wrap(model), torch.randn(2, 5, 3)
        step(parallel, called, optimizer, inputs)
        parts = {"model": model.state_dict(), "optimizer": optimizer_tensors(optimizer)[0]}
        expected = parallel.whole(model).state_dict()
        saved = parallel.save(checkpoints, 1, parts, {"a": 1})
        assert (saved is None) == later
        step(parallel, called, optimizer, inputs)
        parallel.on_first(lambda: None)  # waits
        checkpoint = read_checkpoint(checkpoints.path(1))
        assert checkpoint.state == {"a": 1}
        back = parallel.read(checkpoint, "model")
        assert isinstance(back["stem.weight"], DTensor)
        model.load_state_dict(dict(back))
        torch.testing.assert_close(parallel.whole(model).state_dict(), expected, rtol=0, atol=0)
        assert isinstance(parallel.read(checkpoint, "optimizer")["stem.weight/exp_avg"], DTensor)
        assert parallel.read(checkpoint, "technique-x") == {}
    torch.testing.assert_close(dict(Alone(CPU).read(checkpoint, "model")), dict(expected), rtol=0, atol=0)


def test_what_one_process_has_saved_is_cut_when_several_go_on(alone: None, tmp_path: Path) -> None:
    plain = Net()
    Checkpoints(tmp_path, keep=1).save(3, {"model": plain.state_dict()}, {})
    with ShardedParallel(Fsdp(), CPU) as parallel:
        model = Net()
        parallel.shard(model)
        model.load_state_dict(dict(parallel.read(read_checkpoint(tmp_path / "step-00000003"), "model")))
        torch.testing.assert_close(parallel.whole(model).state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_a_checkpoint_that_cannot_be_written_is_told_at_the_next_moment(alone: None, tmp_path: Path) -> None:
    with ShardedParallel(Fsdp(async_save=True), CPU) as parallel:
        model = Net()
        parallel.shard(model)
        checkpoints = Checkpoints(tmp_path, keep=2)
        begin = checkpoints.begin

        def begin_and_lose(step: int) -> Path:
            folder = begin(step)
            folder.rmdir()
            folder.write_text("in the way")  # of the files that will be written into it
            return folder

        checkpoints.begin = begin_and_lose  # type: ignore[method-assign]
        assert parallel.save(checkpoints, 1, {"model": model.state_dict()}, {}) is None
        with pytest.raises(RunError, match=r"checkpoint of step 1 could not be saved: process 0: "):
            parallel.on_first(lambda: None)


def test_narrow_weights_do_not_go_with_batch_norms_but_with_others(alone: None) -> None:
    with ShardedParallel(Fsdp(param_dtype="bf16"), CPU) as parallel:
        with pytest.raises(ConfigError, match='param_dtype = "bf16": the model has batch norms'):
            parallel.shard(Net())
        model = Net(norm=False)
        parallel.shard(model)
        assert parallel.wrap(model)(torch.randn(5, 3)).dtype == torch.bfloat16
        assert next(parallel.whole(model).parameters()).dtype == torch.float32


def test_replaced_modules_are_refused(alone: None) -> None:
    with ShardedParallel(Fsdp(), CPU) as parallel:
        model = Net()
        parallel.shard(model)
        model.norm = nn.BatchNorm1d(4)
        with pytest.raises(ConfigError, match=r'one of them replaces modules .* use "ddp"'):
            parallel.wrap(model)


def test_an_index_that_would_run_something_is_not_read(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("run",)

    (tmp_path / ".metadata").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(RunError, match=r"holds builtins.print, which does not belong there"):
        sharded_files.sizes(tmp_path, "model")


def test_by_itself_a_process_needs_no_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with open_fsdp(Fsdp(), CPU) as parallel:
        assert (type(parallel), parallel.sharded) == (Alone, False)
