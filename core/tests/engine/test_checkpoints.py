"""Checkpoints: whole or not at all, believed only when verified, restored to the same bits."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from vidcore.engine.checkpoints import (
    Checkpoints,
    DamagedError,
    optimizer_tensors,
    read_checkpoint,
    restore_module,
    restore_optimizer,
)
from vidcore.errors import RunError


def save(checkpoints: Checkpoints, step: int) -> Path:
    return checkpoints.save(step, {"model": {"weight": torch.full((8, 8), float(step))}}, {"progress": {"step": step}})


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", keep=2)


def test_what_was_saved_comes_back(checkpoints: Checkpoints) -> None:
    path = save(checkpoints, 7)
    found, damaged = checkpoints.newest()
    assert found is not None
    assert (found.path, found.step, found.state) == (path, 7, {"progress": {"step": 7}})
    assert torch.equal(found.tensors("model")["weight"], torch.full((8, 8), 7.0))
    assert found.tensors("ema") == {}
    assert damaged == []


def test_only_tensors_and_json_are_on_the_disk(checkpoints: Checkpoints) -> None:
    path = save(checkpoints, 1)
    assert sorted(file.name for file in path.iterdir()) == ["manifest.json", "model.safetensors", "state.json"]


def test_the_newest_are_kept(checkpoints: Checkpoints) -> None:
    for step in (1, 2, 30, 4):
        save(checkpoints, step)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["step-00000004", "step-00000030"]


def test_nothing_saved_is_no_error(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest() == (None, [])


@pytest.mark.parametrize("file", ["model.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("harm", ["truncate", "flip", "remove"])
def test_a_damaged_checkpoint_is_found_and_the_one_before_is_used(
    checkpoints: Checkpoints, file: str, harm: str
) -> None:
    save(checkpoints, 1)
    target = save(checkpoints, 2) / file
    content = bytearray(target.read_bytes())
    if harm == "truncate":
        target.write_bytes(content[:-1])
    elif harm == "flip":
        content[len(content) // 2] ^= 1
        target.write_bytes(content)
    else:
        target.unlink()
    found, damaged = checkpoints.newest()
    assert found is not None
    assert found.step == 1
    assert len(damaged) == 1
    assert damaged[0].startswith("checkpoint step-00000002 is damaged: ")
    assert damaged[0].endswith("; the one before is used")


@pytest.mark.parametrize("bit", [1, 4, 16, 32])
@pytest.mark.parametrize("file", ["state.json", "manifest.json"])
def test_a_bit_that_has_flipped_anywhere_is_found(checkpoints: Checkpoints, file: str, bit: int) -> None:
    target = save(checkpoints, 2) / file
    content = target.read_bytes()
    for place in range(len(content)):
        target.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        with pytest.raises(DamagedError, match=r"^checkpoint step-00000002 is damaged: "):
            read_checkpoint(target.parent)


def test_when_none_is_whole_the_run_does_not_silently_begin_anew(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        (save(checkpoints, step) / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match=r"(?s)no checkpoint .* step-00000002 .*step-00000001 .*--fresh"):
        checkpoints.newest()


def test_what_is_damaged_is_set_aside_and_what_is_unfinished_deleted(checkpoints: Checkpoints) -> None:
    save(checkpoints, 1)
    (save(checkpoints, 2) / "state.json").write_text("{}")
    (checkpoints.folder / "step-00000003.tmp").mkdir()
    found, _ = checkpoints.newest()
    checkpoints.set_aside_damaged(found)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["step-00000001", "step-00000002.damaged"]
    save(checkpoints, 2)
    assert checkpoints.newest()[0].step == 2  # type: ignore[union-attr]


def test_the_same_step_can_be_saved_again(checkpoints: Checkpoints) -> None:
    save(checkpoints, 2)
    checkpoints.save(2, {"model": {"weight": torch.zeros(1)}}, {})
    found, _ = checkpoints.newest()
    assert found is not None
    assert found.tensors("model")["weight"].tolist() == [0.0]


def test_tied_and_strided_tensors_are_saved_whole(checkpoints: Checkpoints) -> None:
    shared = torch.arange(24.0).reshape(2, 3, 4)
    strided = torch.randn(2, 3, 2, 2, 2).contiguous(memory_format=torch.channels_last_3d)
    table = {"a": shared, "b": shared, "c": shared[:, 1], "d": strided, "e": torch.tensor(3)}
    checkpoints.save(1, {"model": table}, {})
    found, _ = checkpoints.newest()
    assert found is not None
    assert all(torch.equal(found.tensors("model")[name], value) for name, value in table.items())


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    script = """
        import pathlib, resource, sys, torch
        from vidcore.engine.checkpoints import Checkpoints
        from vidcore.errors import RunError
        checkpoints = Checkpoints(pathlib.Path(sys.argv[1]), 2)
        checkpoints.save(1, {"model": {"w": torch.ones(3)}}, {})
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
        try:
            checkpoints.save(2, {"model": {"w": torch.zeros(10**6)}}, {})
        except RunError as error:
            print(error)
    """
    told = run_script(script, tmp_path / "checkpoints").stdout
    assert "the checkpoint of step 2 could not be saved: [Errno 27] File too large" in told
    assert "The checkpoint of step 1 is intact; make room and run the same command again." in told
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


def run_script(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", dedent(script), *map(str, arguments)], capture_output=True, text=True, check=True
    )


def test_optimizer_state_comes_back_by_name_in_the_memory_format_of_its_parameter() -> None:
    def make() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv3d(2, 4, 3), nn.Flatten(), nn.Linear(4, 2))
        model[0].weight.data = model[0].weight.data.contiguous(memory_format=torch.channels_last_3d)
        names = [name for name, _ in model.named_parameters()]
        return model, torch.optim.AdamW([{"params": list(model.parameters()), "names": names, "base_lr": 0.1}], lr=0.1)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> None:
        torch.manual_seed(number)
        model(torch.randn(3, 2, 3, 3, 3)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    model, optimizer = make()
    for number in range(3):
        step(model, optimizer, number)
    optimizer.param_groups[0]["lr"] = 0.05
    tensors, groups = optimizer_tensors(optimizer)
    assert "0.weight/exp_avg" in tensors
    tensors = {name: value.contiguous().clone() for name, value in tensors.items()}
    groups = json.loads(json.dumps(groups))

    again, other = make()
    restore_module(again, {name: value.clone() for name, value in model.state_dict().items()})
    restore_optimizer(other, tensors, groups)
    state = other.state[again[0].weight]  # type: ignore[index]
    assert state["exp_avg"].is_contiguous(memory_format=torch.channels_last_3d)
    assert other.param_groups[0]["lr"] == 0.05
    for number in range(3, 6):
        step(model, optimizer, number)
        step(again, other, number)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_model_that_has_changed_is_refused() -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD([{"params": list(model.parameters()), "names": ["weight", "bias"]}], lr=0.1)
    with pytest.raises(RunError, match="parameter groups are not those of the checkpoint"):
        restore_optimizer(optimizer, {}, [{"names": ["weight"], "options": {}, "state": {}}])
    with pytest.raises(RunError, match=r"(?s)does not fit the model.*bias"):
        restore_module(model, {"weight": torch.zeros(2, 2)})


def test_limits_of_this_process_are_untouched() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_kill_in_the_midst_of_a_save_leaves_the_previous_checkpoint(tmp_path: Path, moment: int) -> None:
    script = """
        import os, pathlib, sys, torch
        from vidcore.engine import checkpoints as module
        folder, moment = pathlib.Path(sys.argv[1]), int(sys.argv[2])
        checkpoints = module.Checkpoints(folder, 2)
        checkpoints.save(1, {"model": {"w": torch.ones(3)}}, {})
        write, calls = module.write_flushed, [0]
        def write_or_die(path, content):
            calls[0] += 1
            if calls[0] == moment:
                path.write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), 9)
            write(path, content)
        module.write_flushed = write_or_die
        if moment == 4:
            module.flush_to_disk = lambda folder: os.kill(os.getpid(), 9)
        checkpoints.save(2, {"model": {"w": torch.zeros(3)}}, {})
    """
    folder = tmp_path / "checkpoints"
    command = [sys.executable, "-c", dedent(script), str(folder), str(moment)]
    assert subprocess.run(command, check=False).returncode == -9
    assert (folder / "step-00000002.tmp").is_dir()
    checkpoints = Checkpoints(folder, 2)
    found, damaged = checkpoints.newest()
    assert found is not None
    assert (found.step, damaged) == (1, [])
    checkpoints.set_aside_damaged(found)
    assert [path.name for path in folder.iterdir()] == ["step-00000001"]
