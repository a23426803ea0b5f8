from __future__ import annotations

import collections
import io
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore.errors import DataError
from vidcore_checkpoints.inert_pickles import read_annotations

VALUES = [
    None,
    True,
    -1,
    2**70,
    -(2**31),
    1.5,
    float("inf"),
    2j,
    "text ü\n'\"\\",
    "\ud800",
    b"\x00\xff",
    b"",
    bytearray(b"abc"),
    [],
    (),
    (1,),
    (1, 2, 3, 4),
    [[1, [2]], {"a": {1, 2}, (1, "b"): frozenset([3])}],
    list(range(3000)),
    {str(i): i for i in range(3000)},
    set(range(2000)),
    np.arange(12.0).reshape(3, 4),
    np.asfortranarray(np.arange(12).reshape(3, 4)),
    np.arange(3, dtype=">i2"),
    np.array(["a", "bcd"]),
    np.array([b"a"]),
    np.zeros((0, 3), np.float16),
    np.array(5),
    np.array([[1, "a"], [None, [2, {"b": 3}]]], dtype=object),
    np.array([True, False]),
    np.float32(1.5),
    np.int64(7),
    np.bool_(True),
    "x" * 70000,
    b"y" * 70000,
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}")
def test_plain_value_reads_as_python_reads_it(value: object, protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "values.pkl"
    path.write_bytes(pickle.dumps([value, value], protocol))
    first, second = read_annotations(path)
    expected, _ = pickle.loads(path.read_bytes())
    assert type(first) is type(value)
    assert repr(first) == repr(expected)
    if isinstance(value, list | dict | set | np.ndarray):
        assert first is second
    if isinstance(value, np.ndarray):
        assert first.dtype == expected.dtype


def test_ordered_and_default_dicts_and_counters_become_dicts(tmp_path: Path) -> None:
    default = collections.defaultdict(list, {"a": [1]})
    value = [collections.OrderedDict(b=1, a=2), default, collections.Counter("aab")]
    path = tmp_path / "values.pkl"
    for protocol in range(6):
        path.write_bytes(pickle.dumps(value, protocol))
        read = read_annotations(path)
        assert read == [{"b": 1, "a": 2}, {"a": [1]}, {"a": 2, "b": 1}]
        assert [type(entry) for entry in read] == [dict, dict, dict]


def test_list_that_holds_itself_is_read(tmp_path: Path) -> None:
    value: list[object] = []
    value.append(value)
    (tmp_path / "cycle.pkl").write_bytes(pickle.dumps(value))
    read = read_annotations(tmp_path / "cycle.pkl")
    assert read[0] is read


def test_bytes_of_python_2_are_latin1_text(tmp_path: Path) -> None:
    (tmp_path / "old.pkl").write_bytes(b"\x80\x02]q\x00(U\x03a\xfcbT\x01\x00\x00\x00cS'd\\n'\ne.")
    assert read_annotations(tmp_path / "old.pkl") == ["aüb", "c", "d\n"]


NUMPY_ARRAY = (
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"  # shape, type, ... follow
)
FLOATS = b"\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R\x89C\x00tb."
OBJECTS = b"\x85cnumpy\ndtype\nU\x01OK\x00K\x01\x87R"
LARGE_TEXT = b"X\x00\x00\x10\x00" + b"a" * (1 << 20)
BOMBS = {
    "text of an exabyte": b"\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x10.",
    "bytes of an exabyte": b"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x10.",
    "bytearray of a terabyte": b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
    "range made a set": b"\x80\x02cbuiltins\nset\ncbuiltins\nrange\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R\x85R.",
    "number of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "key that overflows the stack when hashed": b"\x80\x02})" + b"\x85" * 1_000_000 + b"Ns.",
    "array in an array of objects": b"\x80\x02" + (NUMPY_ARRAY + b"K\x01" + OBJECTS + b"\x89]") * 2 + b"Natbatb.",
    "array of a petabyte without bytes": b"\x80\x02" + NUMPY_ARRAY + b"\x8a\x07\x00\x00\x00\x00\x00\x00\x04" + FLOATS,
    "negative shape": b"\x80\x02" + NUMPY_ARRAY + b"J\xff\xff\xff\xff" + FLOATS,
    "pointers as numbers": b"\x80\x02cnumpy.core.multiarray\nscalar\n" + OBJECTS[1:] + b"C\x08AAAAAAAA\x86R.",
    "copies of a large text": b"\x80\x02" + LARGE_TEXT + b"q\x01" + b"c_codecs\nencode\nh\x01\x85R" * 2000 + b".",
    "extension registry": b"\x80\x02\x82\x01.",
    "buffer beside the file": b"\x80\x05\x97.",
    "empty stack": b"\x80\x02.",
    "no end": b"\x80\x02K\x01",
    "no mark": b"\x80\x02e.",
    "unhashable key": b"\x80\x02}]Ns.",
    "reference to nothing": b"\x80\x02h\x07.",
    "append to a number": b"\x80\x02K\x01Na.",
    "not a pickle": b"hello",
    "empty": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_broken_or_greedy_pickle_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pkl"
    path.write_bytes(BOMBS[name])
    assert _read_in_little_memory(path).startswith(f"DataError {path} is not read: ")


def test_memo_index_of_four_billion_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pkl"
    path.write_bytes(b"\x80\x02Nr\xff\xff\xff\xff.")
    assert _read_in_little_memory(path) == "read\n"


def _read_in_little_memory(path: Path) -> str:
    """In a process of its own, so that a crash or an allotment of gigabytes is a failure of the test."""
    code = (
        "import resource, sys\nfrom vidcore_checkpoints.inert_pickles import DataError, read_annotations\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))\n"
        "try: read_annotations(sys.argv[1]); print('read')\nexcept DataError as error: print('DataError', error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def test_deep_nesting_neither_crashes_nor_runs_out_of_stack(tmp_path: Path) -> None:
    (tmp_path / "deep.pkl").write_bytes(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert isinstance(read_annotations(tmp_path / "deep.pkl"), list)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_never_end_in_anything_but_a_clear_refusal(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    content = bytearray(pickle.dumps(VALUES[-14:-2], seed % 6))
    for _ in range(4):
        content[chance.randrange(len(content))] = chance.randrange(256)
    (tmp_path / "flipped.pkl").write_bytes(content)
    try:
        read = read_annotations(tmp_path / "flipped.pkl")
    except DataError as error:
        read = str(error).partition(" is not read: ")[2]
    assert read is not None


def test_structured_and_date_arrays_are_refused_by_type(tmp_path: Path) -> None:
    for array, named in [(np.zeros(2, "i4,f8"), "structured|'V12'"), (np.zeros(2, "M8[s]"), "'M8'")]:
        (tmp_path / "array.pkl").write_bytes(pickle.dumps(array))
        with pytest.raises(DataError, match=named):
            read_annotations(tmp_path / "array.pkl")


def test_checkpoint_is_told_from_an_annotation_file(tmp_path: Path) -> None:
    for zipped in (True, False):
        torch.save({"a": 1}, tmp_path / "model.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(DataError, match="PyTorch checkpoint"):
            read_annotations(tmp_path / "model.pth")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pkl cannot be read: No such file"):
        read_annotations(tmp_path / "none.pkl")


def test_shared_annotations_read_as_python_reads_them(shared_data: Path) -> None:
    torch_files = {"bone.pkl", "joint.pkl", "lfb_unittest.pkl"}
    paths = [path for path in shared_data.rglob("*.pkl") if path.name not in torch_files]
    assert len(paths) >= 8
    for path in paths:
        expected = pickle.load(io.BytesIO(path.read_bytes()), encoding="latin1")
        with np.printoptions(threshold=sys.maxsize):
            assert repr(read_annotations(path)) == repr(expected), path
