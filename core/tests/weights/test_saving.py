from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vidcore.errors import WeightsError
from vidcore.weights.reading import read_contract
from vidcore.weights.saving import save_weights
from vidcore.weights.sources import read_checkpoint

CONTRACT = {
    "classes": ["läuft", "springt"],
    "views": {"clips": 10, "crops": 3},
    "licence": "Apache-2.0",
    "mean": [0.45],
}

WRITE = """
import sys, torch
from vidcore.weights.saving import save_weights
torch.manual_seed(0)
names = list({"stem.w", "stem.b", "blocks.0.w", "head.w", "n"})  # in an order that changes with the hash seed
print(names, file=sys.stderr)
values = {name: torch.full((3, 2), float(len(name))) for name in sorted(names)}
contract = {key: key.upper() for key in {"classes", "licence", "plugins", "sampling", "views", "scaling", "source"}}
save_weights(sys.argv[1], {name: values[name] for name in names}, contract)
"""


def test_equal_content_gives_equal_bytes_from_two_processes(tmp_path: Path) -> None:
    hashes, orders = set(), set()
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.safetensors"
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", WRITE, str(path)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        orders.add(done.stderr)
        hashes.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(orders) > 1, "the processes did the same by chance; choose other seeds"
    assert len(hashes) == 1


def test_tensors_and_contract_come_back(tmp_path: Path) -> None:
    state = {
        "strided": torch.arange(6.0).reshape(2, 3).t(),
        "channels last": torch.randn(2, 3, 4, 5, 6).contiguous(memory_format=torch.channels_last_3d),
        "view": torch.arange(10)[3:5],
        "bfloat16": torch.randn(3).bfloat16(),
        "scalar": torch.tensor(3),
        "bool": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(torch.randn(2)),
    }
    path = save_weights(tmp_path / "w.safetensors", state, CONTRACT)
    checkpoint = read_checkpoint(path)
    assert checkpoint.contract == CONTRACT == read_contract(path)
    assert checkpoint.state_dict.keys() == state.keys()
    for key, tensor in state.items():
        assert checkpoint.state_dict[key].dtype == tensor.dtype
        assert torch.equal(checkpoint.state_dict[key], tensor)


def test_tied_tensors_are_written_under_each_name(tmp_path: Path) -> None:
    weight = torch.randn(4, 4)
    path = save_weights(tmp_path / "w.safetensors", {"a": weight, "b": weight, "first row": weight[0]}, {})
    state = read_checkpoint(path).state_dict
    assert torch.equal(state["a"], weight) and torch.equal(state["b"], weight)
    assert torch.equal(state["first row"], weight[0])


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_weights(tmp_path / "w.safetensors", {"a": torch.ones(2)}, {})

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(WeightsError, match=r"w\.safetensors is not written: .*No space left"):
        save_weights(path, {"a": torch.zeros(2)}, {})
    assert read_checkpoint(path).state_dict["a"].tolist() == [1, 1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.safetensors"]


def test_full_disk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(WeightsError, match=r"w\.safetensors is not written: .*File too large"):
            save_weights(path, {"a": torch.zeros(10_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("contract", [{"a": object()}, {"a": float("nan")}, {"a": {1, 2}}])
def test_contract_that_is_not_plain_is_refused(contract: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its contract is not plain values"):
        save_weights(tmp_path / "w.safetensors", {"a": torch.ones(1)}, contract)


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none/w\.safetensors is not written"):
        save_weights(tmp_path / "none" / "w.safetensors", {"a": torch.ones(1)}, {})


def test_file_of_others_has_no_contract(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "other.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"other\.safetensors has no contract: it was not saved by vidcore"):
        read_contract(tmp_path / "other.safetensors")
    assert read_checkpoint(tmp_path / "other.safetensors").meta == {"format": "pt"}
    torch.save({"a": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="has no contract"):
        read_contract(tmp_path / "other.pth")


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is not JSON"), ("[1]", "is a list and not a table"), ("[" * 100_000, "is not JSON")]
)
def test_broken_contract_is_told(text: str, told: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "w.safetensors", {"vidcore": text})
    with pytest.raises(WeightsError, match=told):
        read_contract(tmp_path / "w.safetensors")
