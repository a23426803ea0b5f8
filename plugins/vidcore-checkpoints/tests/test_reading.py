from __future__ import annotations

import argparse
import io
import pickle
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidcore.errors import WeightsError
from vidcore.weights.saving import save_weights
from vidcore_checkpoints import read_checkpoint, read_torch_file, torch_files

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def save(value: object, path: Path, zipped: bool) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def tensors() -> dict[str, torch.Tensor]:
    base = torch.arange(24.0).reshape(2, 3, 4)
    return {
        "plain": base,
        "transposed": base.transpose(0, 2),
        "slice": base[1, 1:, ::2],
        "tied": base,
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(2, 0, 3),
        "expanded": torch.ones(1).expand(4),
        **{str(dtype): torch.ones(3, dtype=dtype) for dtype in (torch.float16, torch.bfloat16, torch.float64)},
        **{str(dtype): torch.ones(3, dtype=dtype) for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32)},
        "bool": torch.tensor([True, False]),
        "complex": torch.ones(2, dtype=torch.complex64),
        "uint16": torch.ones(2, dtype=torch.uint16),
    }


@FORMATS
def test_tensors_are_those_that_torch_reads(zipped: bool, tmp_path: Path) -> None:
    state = OrderedDict(tensors())
    path = save({"state_dict": state, "epoch": 3}, tmp_path / "c.pth", zipped)
    read = read_checkpoint(path).state_dict
    assert list(read) == list(state)
    for key, tensor in state.items():
        assert read[key].dtype == tensor.dtype
        assert torch.equal(read[key], tensor.detach())
        assert read[key].stride() == tensor.stride()
    assert read["tied"].data_ptr() == read["plain"].data_ptr()


def test_published_form_of_mmengine_is_read_without_mmengine(shared_data: Path) -> None:
    checkpoint = read_checkpoint(shared_data / "checkpoints/mmengine_0.10.7_tiny.pth")
    shapes = {key: tuple(tensor.shape) for key, tensor in checkpoint.state_dict.items()}
    assert shapes["backbone.0.weight"] == (16, 8)
    assert shapes["cls_head.weight"] == (2, 16)
    assert len(shapes) == 9
    assert checkpoint.state_dict["backbone.1.num_batches_tracked"].item() == 8
    assert checkpoint.meta["epoch"] == 2
    assert checkpoint.meta["mmengine_version"] == "0.10.7"
    assert checkpoint.unknown == {"mmengine.logging.history_buffer.HistoryBuffer", "builtins.getattr"}


class StandIn:
    """Takes the place of every class that the file names outside PyTorch, to satisfy torch's reader."""

    def __new__(cls, *args: object) -> Any:
        return object.__new__(cls)

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def test_published_tensors_equal_those_of_torchs_own_reader(shared_data: Path) -> None:
    path = shared_data / "checkpoints/mmengine_0.10.7_tiny.pth"
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    with torch.serialization.safe_globals([(type("StandIn", (StandIn,), {}), name) for name in names]):
        expected = torch.load(path, weights_only=True)["state_dict"]
    state = read_checkpoint(path).state_dict
    assert list(state) == list(expected)
    assert all(torch.equal(state[key], tensor) for key, tensor in expected.items())


@pytest.mark.parametrize(
    "key", ["state_dict", "model_state_dict", "model_state", "model", "module", "net", "model_ema"]
)
def test_state_dict_is_found_under_its_usual_names(key: str, tmp_path: Path) -> None:
    path = save({key: {"w": torch.ones(2)}, "lr": 0.1}, tmp_path / "c.pth", True)
    checkpoint = read_checkpoint(path)
    assert list(checkpoint.state_dict) == ["w"]
    assert checkpoint.meta == {"lr": 0.1}


def test_bare_and_nested_state_dicts_are_found(tmp_path: Path) -> None:
    state = {"w": torch.ones(2), "version": 3}
    assert list(read_checkpoint(save(state, tmp_path / "bare.pth", True)).state_dict) == ["w"]
    nested = {"model": {"state_dict": state}}
    assert list(read_checkpoint(save(nested, tmp_path / "nested.pth", True)).state_dict) == ["w"]


def test_weights_are_preferred_to_their_average(tmp_path: Path) -> None:
    both = {"model_ema": {"w": torch.zeros(1)}, "state_dict": {"w": torch.ones(1)}}
    assert read_checkpoint(save(both, tmp_path / "c.pth", True)).state_dict["w"].item() == 1


def test_arrays_of_numpy_serve_as_tensors(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {"w": np.arange(4.0), "big": np.arange(2, dtype=">f4")}}))
    assert read_checkpoint(path).state_dict["w"].tolist() == [0, 1, 2, 3]
    assert read_checkpoint(path).state_dict["big"].tolist() == [0, 1]


@FORMATS
def test_meta_keeps_plain_values_and_drops_the_rest(zipped: bool, tmp_path: Path) -> None:
    meta = {
        "classes": ("a", "b"),
        "epoch": np.int64(3),
        "args": argparse.Namespace(lr=1),
        "nested": {"x": [1, {"y": None}]},
        "tensor": torch.ones(2),
    }
    path = save({"state_dict": {"w": torch.ones(1)}, "meta": meta}, tmp_path / "c.pth", zipped)
    checkpoint = read_checkpoint(path)
    assert checkpoint.meta == {"classes": ["a", "b"], "epoch": 3, "nested": {"x": [1, {"y": None}]}}
    assert checkpoint.unknown == {"argparse.Namespace"}


def test_meta_that_unfolds_without_end_stays_small(tmp_path: Path) -> None:
    laughs: list[Any] = ["ha"] * 10
    for _ in range(30):
        laughs = [laughs] * 10
    path = save({"state_dict": {"w": torch.ones(1)}, "meta": {"laughs": laughs}}, tmp_path / "c.pth", True)
    assert len(repr(read_checkpoint(path).meta)) < 1_000_000


def test_optimizer_state_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = torch_files._read_storage
    monkeypatch.setattr(torch_files, "_read_storage", lambda file, size: (read.append(size), real(file, size))[1])
    content = {"state_dict": {"w": torch.ones(10)}, "optimizer": {"momentum": torch.ones(1000)}}
    read_checkpoint(save(content, tmp_path / "c.pth", True))
    assert read == [40]


def test_whole_pickled_model_is_refused_with_advice(tmp_path: Path) -> None:
    for value in (torch.nn.Linear(2, 2), {"model": torch.nn.Linear(2, 2)}):
        with pytest.raises(
            WeightsError, match=r"pickled object of torch\.nn\.modules\.linear\.Linear; save its state_dict"
        ):
            read_checkpoint(save(value, tmp_path / "c.pth", True))


def test_script_archive_is_refused_with_advice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl"):
            archive.writestr(f"script/{name}", pickle.dumps({}, 2))
    with pytest.raises(WeightsError, match=r"TorchScript archive; load it with torch\.jit"):
        read_checkpoint(tmp_path / "script.pt")


def test_file_without_tensors_tells_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no state dict, only: epoch, optimizer"):
        read_checkpoint(save({"epoch": 3, "optimizer": {}}, tmp_path / "c.pth", True))
    with pytest.raises(WeightsError, match="holds a list and no state dict"):
        read_checkpoint(save([1], tmp_path / "c.pth", True))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "broken, or no checkpoint"),
        (b"<html>404</html>", r"starts with b'<html>404</html>': neither safetensors nor a checkpoint of PyTorch"),
        (b"PK\x03\x04" + b"\0" * 50, "broken, or no checkpoint"),
        (b"\x80\x02", "broken at byte 2"),
        (b'\xff\xff\xff\xff\xff\xff\xff\x7f{"', "neither safetensors nor"),
        (b'\xff\x00\x00\x00\x00\x00\x00\x00{"a":', "broken"),
    ],
)
def test_file_that_is_no_checkpoint_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"x\.pth .*{told}"):
        read_checkpoint(tmp_path / "x.pth")


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pth cannot be read: No such file"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="cannot be read: Is a directory"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth", "ours.safetensors"])
def test_file_cut_anywhere_is_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.startswith("ours"):
        save_weights(path, {"w": torch.randn(50)}, {"classes": 2})
    else:
        save({"state_dict": {"w": torch.randn(50)}}, path, name.startswith("zip"))
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        path.write_bytes(whole[:end])
        with pytest.raises(WeightsError, match=name):
            read_checkpoint(path)


@FORMATS
def test_flipped_bytes_end_in_a_result_or_a_clear_error(zipped: bool, tmp_path: Path) -> None:
    path = save({"state_dict": tensors(), "meta": {"epoch": 3}}, tmp_path / "c.pth", zipped)
    whole = path.read_bytes()
    chance = random.Random(0)
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(3):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read_checkpoint(path)
        except WeightsError:
            refused += 1
    assert refused > 20


def tensor_pickle(numel: int, offset: object, size: object, stride: object, key: str = "0") -> bytes:
    """A state dict with one tensor that claims whatever it likes."""

    class Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
        def persistent_id(self, value: object) -> object:
            return ("storage", torch.FloatStorage, key, "cpu", numel) if value == "STORAGE" else None

    class Tensor:
        def __reduce__(self) -> Any:
            return torch._utils._rebuild_tensor_v2, ("STORAGE", offset, size, stride, False, OrderedDict())

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({"w": Tensor()})
    return buffer.getvalue()


CLAIMS = {
    "more elements than the storage": (4, 0, (5,), (1,)),
    "an offset beyond the end": (4, 4, (1,), (1,)),
    "a stride beyond the end": (4, 0, (2, 2), (4, 1)),
    "a negative offset": (4, -1, (1,), (1,)),
    "a negative stride": (4, 3, (4,), (-1,)),
    "a negative size": (4, 0, (-4,), (1,)),
    "sizes whose product overflows": (4, 0, (2**32, 2**32), (0, 0)),
    "sizes of no integers": (4, 0, (2.0,), (1,)),
    "sizes of truth values": (4, 0, (True,), (1,)),
    "a size beyond 64 bits": (4, 0, (2**70, 0), (1, 1)),
    "an offset beyond 64 bits": (4, 2**70, (0,), (1,)),
    "more sizes than strides": (4, 0, (2, 2), (1,)),
    "a hundred dimensions": (4, 0, (1,) * 100, (1,) * 100),
    "a terabyte by repetition": (4, 0, (2**38,), (0,)),
    "a storage larger than its file": (2**40, 0, (2**40,), (1,)),
    "a storage of negative size": (-4, 0, (1,), (1,)),
    "text for sizes": (4, 0, "ab", "cd"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_tensor_that_reaches_outside_its_storage_is_refused(claim: str, tmp_path: Path) -> None:
    program = tensor_pickle(*CLAIMS[claim])
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("a/data.pkl", program)
        archive.writestr("a/data/0", b"\0" * 16)
    head = io.BytesIO()
    torch.save(1, head, _use_new_zipfile_serialization=False)
    start = head.getvalue()[: head.getvalue().rindex(b"\x80\x02K\x01.")]
    count = min(max(CLAIMS[claim][0], -(2**62)), 2**62)
    tail = pickle.dumps(["0"], 2) + count.to_bytes(8, "little", signed=True) + b"\0" * 16
    (tmp_path / "legacy.pth").write_bytes(start + program + tail)
    for path in (tmp_path / "zip.pth", tmp_path / "legacy.pth"):
        with pytest.raises(WeightsError, match=path.name):
            read_checkpoint(path)


def zip_with(path: Path, **changes: Any) -> None:
    with zipfile.ZipFile(path, "w", changes.get("compression", zipfile.ZIP_STORED)) as archive:
        archive.writestr("a/data.pkl", tensor_pickle(4, 0, (4,), (1,), changes.get("key", "0")))
        archive.writestr("a/byteorder", changes.get("byteorder", "little"))
        for name in changes.get("entries", ["a/data/0"]):
            archive.writestr(name, b"\0" * changes.get("size", 16))


def test_made_archive_is_read_before_it_is_spoiled(tmp_path: Path) -> None:
    zip_with(tmp_path / "a.pth")
    assert read_checkpoint(tmp_path / "a.pth").state_dict["w"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"compression": zipfile.ZIP_DEFLATED, "size": 10_000_000}, "compressed or encrypted"),
        ({"entries": ["a/data/0", "b/data.pkl"]}, "not one that torch.save wrote"),
        ({"entries": []}, "storage '0' is missing"),
        ({"key": "../../etc/passwd"}, "storage '../../etc/passwd' is missing"),
        ({"size": 15}, "smaller than its tensors say"),
        ({"byteorder": "big"}, "big-endian"),
    ],
)
def test_archive_that_pytorch_does_not_write_is_refused(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    zip_with(tmp_path / "a.pth", **changes)
    with pytest.raises(WeightsError, match=told):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive_with_two_entries_of_one_name_is_refused(tmp_path: Path) -> None:
    zip_with(tmp_path / "a.pth", entries=["a/data/0", "a/data/0"])
    with pytest.raises(WeightsError, match="two entries of one name"):
        read_checkpoint(tmp_path / "a.pth")


def test_archive_whose_entries_overlap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    zip_with(path, size=4096, entries=["a/data/0", *(f"a/data/{index}" for index in range(1, 9))])
    content = path.read_bytes()
    first = content.index(b"a/data/0") - 30
    with zipfile.ZipFile(path) as archive:  # every entry says that it starts where the first one does
        entries = [entry for entry in archive.infolist() if entry.filename.startswith("a/data/")]
    spoiled = bytearray(content[: first + 30 + 8 + 4096])
    directory = bytearray(content[content.index(b"PK\x01\x02") :])
    shift = len(content) - len(directory) - len(spoiled)
    for entry in entries[1:]:
        old = entry.header_offset.to_bytes(4, "little")
        directory = directory.replace(old, first.to_bytes(4, "little"))
    place = directory.rindex(b"PK\x05\x06") + 16
    start = int.from_bytes(directory[place : place + 4], "little") - shift
    directory[place : place + 4] = start.to_bytes(4, "little")
    path.write_bytes(spoiled + directory)
    with pytest.raises(WeightsError, match=r"larger than the file|broken"):
        read_checkpoint(path)


def test_changed_contents_are_noticed_by_their_checksum(tmp_path: Path) -> None:
    zip_with(tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    (tmp_path / "a.pth").write_bytes(content.replace(b"\0" * 16, b"\1" * 16, 1))
    with pytest.raises(WeightsError, match=r"Bad CRC-32"):
        read_checkpoint(tmp_path / "a.pth")


def test_files_nested_in_files_end_somewhere(tmp_path: Path) -> None:
    class Inside:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def __reduce__(self) -> Any:
            return torch.storage._load_from_bytes, (self.content,)

    content = b"\x80\x02K\x01."
    for _ in range(10):
        content = pickle.dumps(Inside(content), 2)
    (tmp_path / "deep.pkl").write_bytes(content)
    with pytest.raises(WeightsError, match="nested in it more than four deep"):
        read_torch_file(tmp_path / "deep.pkl")


def test_dumped_scores_and_feature_banks_are_read_whole(shared_data: Path) -> None:
    scores = read_torch_file(shared_data / "fuse/joint.pkl")
    assert len(scores) == 60
    assert scores[0]["pred_scores"]["item"].ndim == 1
    assert abs(scores[0]["pred_scores"]["item"].sum().item() - 1) < 1e-4
    bank = read_torch_file(shared_data / "lfb/lfb_unittest.pkl")
    assert list(bank) == ["video_1"]


def test_pickled_tensors_keep_their_values(tmp_path: Path) -> None:
    value = [{"score": torch.randn(5), "boxes": [torch.randn(2, 4)]}, (torch.tensor(3),)]
    (tmp_path / "scores.pkl").write_bytes(pickle.dumps(value))
    read = read_torch_file(tmp_path / "scores.pkl")
    assert torch.equal(read[0]["score"], value[0]["score"])  # type: ignore[call-overload, index]
    assert torch.equal(read[0]["boxes"][0], value[0]["boxes"][0])  # type: ignore[call-overload, index]
    assert read[1][0].item() == 3
