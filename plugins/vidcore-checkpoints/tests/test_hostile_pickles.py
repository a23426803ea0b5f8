"""Pickles that run code in Python's own reader. Each would create a marker file; none may."""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.errors import DataError, WeightsError
from vidcore_checkpoints.inert_pickles import Machine, Name, PickleRefusedError, Record, read_annotations
from vidcore_checkpoints.reading import read_checkpoint, read_torch_file

# What each object of `objects` tries, and the name that its pickle asks for.
OBJECTS = {
    "os.system": "posix.system",
    "eval": "builtins.eval",
    "exec": "builtins.exec",
    "open": "io.open",
    "subprocess": "(subprocess|commands).Popen",
    "torch.load": "torch.serialization.load",
    "nested": "posix.system",
    "in a reduce of a reduce": "posix.system",
    "as a key": "posix.system",
    "in a state": "posix.system",
}


class Call:
    """Pickles as a call of `function`, by the protocol of `__reduce__`."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.reduced


class NestedCalls(dict[str, Any]):
    """A dict that hides a call behind ordinary values."""

    def __init__(self, marker: Path) -> None:
        super().__init__(meta={"classes": ["a", {"b": (1, [Call(os.system, f"touch {marker}")])}]})


def objects(marker: Path) -> dict[str, Any]:
    """By what they try."""
    touch = f"touch {marker}"
    inner = marker.with_suffix(".inner.pth")
    torch.save(Call(os.system, touch), inner)
    return {
        "os.system": Call(os.system, touch),
        "eval": Call(eval, f"__import__('os').system({touch!r})"),
        "exec": Call(exec, f"__import__('os').system({touch!r})"),
        "open": Call(open, str(marker), "w"),
        "subprocess": Call(subprocess.Popen, ["touch", str(marker)]),
        "torch.load": Call(torch.load, str(inner)),
        "nested": NestedCalls(marker)["meta"],
        "in a reduce of a reduce": Call(dict, Call(list, Call(os.system, touch))),
        "as a key": {Call(os.system, touch): 1},
        "in a state": Call(set, [], state=Call(os.system, touch)),
    }


def programs(marker: Path) -> dict[str, bytes]:
    """Pickle programs written by hand, for opcodes that Python's writer does not use."""
    touch = f"touch {marker}".encode()
    text = b"X" + len(touch).to_bytes(4, "little") + touch
    return {
        "protocol 0": b"cos\nsystem\n(S'" + touch + b"'\ntR.",
        "posix": b"cposix\nsystem\n(S'" + touch + b"'\ntR.",
        "INST": b"(S'" + touch + b"'\nios\nsystem\n.",
        "OBJ": b"\x80\x02(cos\nsystem\n" + text + b"o.",
        "NEWOBJ": b"\x80\x02cos\nsystem\n" + text + b"\x85\x81.",
        "NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + text + b"\x85}\x92.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + text + b"\x85R.",
        "getattr": b"cbuiltins\ngetattr\n(cos\nenviron\nS'get'\ntR(S'HOME'\ntR.",
        "BUILD on an allowed class": b"\x80\x02ccollections\nOrderedDict\n}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb"
        + text
        + b"b.",
        "BUILD on a dict with a hook": b"\x80\x02}}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb" + text + b"b.",
        "BUILD with slots": b"\x80\x02cbuiltins\nset\n(N}X\x07\x00\x00\x00__new__cos\nsystem\nstb" + text + b"\x85R.",
        "REDUCE on text": b"\x80\x02X\x09\x00\x00\x00os.system" + text + b"\x85R.",
        "numpy's own loader": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncos\nsystem\n" + text + b"\x85N\x87R.",
        "dunder through a dotted name": b"\x80\x04\x8c\x08builtins\x8c\x0bset.__new__\x93" + text + b"\x85R.",
        "copyreg": b"ccopyreg\n_reconstructor\n(cos\n_wrap_close\ncbuiltins\nobject\nNtR.",
    }


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", OBJECTS)
def test_hostile_object_is_refused_by_name_and_never_run(name: str, protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle.dumps(objects(marker)[name], protocol))
    with pytest.raises(DataError, match=rf"hostile\.pkl is not read: .*{OBJECTS[name]}"):
        read_annotations(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", programs(Path("x")))
def test_hostile_program_is_refused_and_never_run(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    path = tmp_path / "hostile.pkl"
    path.write_bytes(programs(marker)[name])
    with pytest.raises(DataError, match="is not read"):
        read_annotations(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", programs(Path("x")))
def test_machine_that_keeps_unknown_names_runs_nothing(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    machine = Machine(programs(marker)[name], keep_unknown=True)
    try:
        value = machine.run()
    except PickleRefusedError:
        pass
    else:
        assert isinstance(value, Record | Name | dict | set | np.ndarray)
    assert not marker.exists()


def test_the_hostile_programs_do_run_in_pythons_own_reader(tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    pickle.loads(programs(marker)["INST"])
    assert marker.exists()


STATE = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3)}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", OBJECTS)
def test_checkpoint_with_a_hostile_object_gives_its_tensors_and_runs_nothing(
    name: str, zipped: bool, tmp_path: Path
) -> None:
    marker = tmp_path / "owned"
    path = tmp_path / "hostile.pth"
    content = {"state_dict": STATE, "message_hub": objects(marker)[name], "meta": {"epoch": 3}}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(path)
    assert checkpoint.meta == {"epoch": 3}
    assert {key: tensor.tolist() for key, tensor in checkpoint.state_dict.items()} == {
        key: tensor.tolist() for key, tensor in STATE.items()
    }
    assert any(re.search(OBJECTS[name], unknown) for unknown in checkpoint.unknown)
    read_torch_file(path)
    assert not marker.exists()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_hostile_object_among_the_tensors_is_named_and_refused(zipped: bool, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    path = tmp_path / "hostile.pth"
    content = {"state_dict": {**STATE, "evil": Call(os.system, f"touch {marker}")}}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        WeightsError, match=r"entry 'evil' of its state dict is an object of posix\.system and no tensor"
    ):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", programs(Path("x")))
def test_hostile_program_in_a_checkpoint_is_never_run(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    program = programs(marker)[name]
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("archive/data.pkl", program)
    legacy = io.BytesIO()
    torch.save(1, legacy, _use_new_zipfile_serialization=False)
    head = legacy.getvalue()
    (tmp_path / "legacy.pth").write_bytes(head[: head.rindex(b"\x80\x02K\x01.")] + program + pickle.dumps([], 2))
    (tmp_path / "plain.pkl").write_bytes(program)
    for path in (tmp_path / "zip.pth", tmp_path / "legacy.pth", tmp_path / "plain.pkl"):
        with pytest.raises(WeightsError, match=path.name):
            read_checkpoint(path)
    assert not marker.exists()


def test_hostile_bytes_inside_a_pickled_tensor_are_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    inner = io.BytesIO()
    torch.save(Call(os.system, f"touch {marker}"), inner, _use_new_zipfile_serialization=False)
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps([Call(torch.storage._load_from_bytes, inner.getvalue())]))
    assert isinstance(read_torch_file(path)[0], Record)
    assert not marker.exists()
