"""The runner of recorded figures: ours hold, and what does not hold is seen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vectors

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "vectors"
Run = Callable[..., tuple[int, str]]
# these name files of the shared data
NEEDS_DATA = {"audio", "metrics_ava", "parsing", "parsing_main", "localization", "metrics_temporal"}


@pytest.fixture(scope="module")
def table() -> vectors.Table:
    return vectors.collect(vectors.op_files())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_recorded_figures_hold(path: Path, table: vectors.Table, request: pytest.FixtureRequest) -> None:
    if path.stem in NEEDS_DATA:
        request.getfixturevalue("shared_data")
    owners = vectors.read_owners(HERE / "owners.toml")[path.stem]
    count, lines = vectors.check_file(path, table, owners, only="", owned=True)
    assert lines == []
    assert count.holds and count.passed


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and output of the runner."""

    def run(folder: Path, *options: str | Path) -> tuple[int, str]:
        code = vectors.main([str(folder), *map(str, options)])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The recorded transforms alone, to be spoilt."""
    for suffix in (".json", ".npz"):
        shutil.copy(FOLDER / f"transforms{suffix}", tmp_path)
    return tmp_path


def edit(folder: Path, case_id: str, **changes: Any) -> None:
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    next(case for case in content["cases"] if case["id"] == case_id).update(changes)
    path.write_text(json.dumps(content))


def test_runner_counts_by_file_and_exits_with_zero_when_all_hold(copied: Path) -> None:
    command = [sys.executable, HERE / "vectors.py", copied, "--owned"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "transforms" in done.stdout and "FAILED" not in done.stdout


def test_wrong_figure_is_a_failing_line(run: Run, copied: Path) -> None:
    edit(copied, "flip_label_0", expected={"label": 7})
    code, told = run(copied, "--owned")
    assert code == 1
    assert "FAILED    transforms flip_label_0 (Flip.label): label is 1, not 7" in told


def test_case_that_should_raise_and_does_not_is_a_failing_line(run: Run, copied: Path) -> None:
    edit(copied, "flip_label_0", expected={"raises": "ValueError"})
    code, told = run(copied, "--only", "flip_label_*")
    assert code == 1
    assert "should raise ValueError" in told


def test_op_without_counterpart_is_a_failing_line(run: Run, copied: Path) -> None:
    edit(copied, "flip_label_0", op="Unheard")
    code, told = run(copied, "--only", "flip_label_0")
    assert code == 1
    assert "UNCOVERED transforms flip_label_0 (Unheard)" in told


def test_file_without_owner_fails_when_owners_are_asked_for(run: Run, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "owners.toml").write_text("[vectors]\n")
    assert run(copied, "--only", "flip_label_0", "--owners", tmp_path / "owners.toml")[0] == 0
    code, told = run(copied, "--owned", "--only", "flip_label_0", "--owners", tmp_path / "owners.toml")
    assert code == 1
    assert "NO OWNER  transforms flip_label_0" in told


def test_folder_without_a_fitting_case_fails(run: Run, tmp_path: Path) -> None:
    code, told = run(tmp_path)
    assert code == 1 and "no case fits" in told


@pytest.mark.parametrize(
    ("answer", "expected", "tolerance", "same"),
    [
        ([1, 2], [1, 2], None, True),
        ([1, 3], [1, 2], None, False),
        ([1.0, float("nan")], [1.0, float("nan")], None, True),
        ([1.0, float("inf")], [1.0, float("inf")], None, True),
        ([1.0, 2.0], [1.0, float("nan")], None, False),
        ([1.0 + 5e-7], [1.0], None, True),
        ([1.0 + 5e-6], [1.0], None, False),
        ([3], [1], 2, True),
        ([[1]], [1], None, False),
        ({"a": 1, "more": 2}, {"a": 1}, None, True),
        ({"b": 1}, {"a": 1}, None, False),
        ("x", "y", None, False),
        (None, {"a": 1}, None, False),
        ([{"a": 1}], [{"a": 1}, {"a": 2}], None, False),
        (True, True, None, True),
        ("no number", 3.0, None, False),
    ],
)
def test_comparison(answer: Any, expected: Any, tolerance: float | None, same: bool) -> None:
    assert (not list(vectors.differences(answer, expected, tolerance))) == same


@pytest.mark.parametrize(("tol", "number"), [("2 grey levels (0 for nearest)", 2.0), (1e-4, 1e-4), (None, None)])
def test_tolerances_in_words_are_understood(tol: Any, number: float | None) -> None:
    assert vectors._tolerance({"tol": tol} if tol is not None else {}) == number
