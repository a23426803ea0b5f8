"""A skip without a listed reason fails; what was left out is written down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reports
import untested

TOOLS = Path(untested.__file__).parent
PYPROJECT = """
[tool.pytest.ini_options]
addopts = ["-m", "not slow and not gpu"]
markers = ["slow", "gpu"]
"""


def run_tests(folder: Path, source: str, *options: str, **variables: str) -> tuple[dict[str, Any], str]:
    """The report and the output of a pytest run of its own."""
    (folder / "test_made.py").write_text("import pytest\n" + source)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    report = folder / "report.json"
    variables |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOOLS), "VIDCORE_TEST_REPORT": str(report)}
    command = [sys.executable, "-m", "pytest", "-p", "listed_skips", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120)
    return json.loads(report.read_text()), done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_an_unlisted_skip_is_a_failure(tmp_path: Path, options: tuple[str, ...]) -> None:
    report, output = run_tests(tmp_path, "def test_a():\n    pytest.skip('no mood')\n", *options)
    assert report["failed"] == ["test_made.py::test_a"]
    assert report["exitstatus"] == 1
    assert "skipped for a reason that skips.toml does not list: no mood" in output


def test_an_unlisted_skip_by_mark_is_a_failure(tmp_path: Path) -> None:
    report, _ = run_tests(tmp_path, "@pytest.mark.skip(reason='later')\ndef test_a():\n    assert 0\n")
    assert report["failed"] == ["test_made.py::test_a"]


def test_an_unlisted_skip_of_a_module_is_a_failure(tmp_path: Path) -> None:
    report, output = run_tests(tmp_path, "pytest.importorskip('no_such_package', reason='not here')\n")
    assert report["exitstatus"] != 0
    assert "does not list: not here" in output


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_listed_skip_is_written_down_with_why(tmp_path: Path, options: tuple[str, ...]) -> None:
    report, _ = run_tests(tmp_path, "def test_a():\n    pytest.skip('shared test data absent')\n", *options)
    ((test, reason, why),) = report["skipped"]
    assert (test, reason) == ("test_made.py::test_a", "shared test data absent")
    assert "VIDCORE_TEST_DATA" in why
    assert report["exitstatus"] == 0


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_what_a_marker_leaves_out_is_counted_once(tmp_path: Path, options: tuple[str, ...]) -> None:
    source = "".join(f"@pytest.mark.{mark}\ndef test_{mark}():\n    assert 1\n" for mark in ("slow", "gpu"))
    report, _ = run_tests(tmp_path, source + "def test_fast():\n    assert 1\n", *options)
    assert sorted(report["left_out"]) == [["test_made.py::test_gpu", "gpu"], ["test_made.py::test_slow", "slow"]]
    assert report["passed"] == 1


def test_a_known_failure_is_written_down(tmp_path: Path) -> None:
    report, _ = run_tests(tmp_path, "@pytest.mark.xfail(reason='rounding')\ndef test_a():\n    assert 0\n")
    assert report["known_failures"] == [["test_made.py::test_a", "rounding"]]
    assert report["skipped"] == report["failed"] == []


GPU_TEST = "@pytest.mark.gpu\ndef test_gpu():\n    assert 1\n"


def test_a_gpu_test_is_skipped_without_gpu_and_that_is_listed(tmp_path: Path) -> None:
    report, _ = run_tests(tmp_path, GPU_TEST, "-m", "gpu", CUDA_VISIBLE_DEVICES="")
    assert [reason for _, reason, _ in report["skipped"]] == ["no CUDA device"]
    assert report["exitstatus"] == 0


def test_a_gpu_test_without_gpu_fails_when_one_is_required(tmp_path: Path) -> None:
    report, output = run_tests(tmp_path, GPU_TEST, "-m", "gpu", CUDA_VISIBLE_DEVICES="", VIDCORE_REQUIRE_GPU="1")
    assert report["failed"] == ["test_made.py::test_gpu"]
    assert "VIDCORE_REQUIRE_GPU=1, but this test was skipped: no CUDA device" in output


# --- the table at the end of a session --------------------------------------------------------------------------


def write_report(folder: Path, part: str, **values: Any) -> None:
    reports.write_report(folder / f"{part}.json", **{"exitstatus": 0, "seconds": 1.5, "passed": 2, **values})


def test_the_table_counts_reasons_over_all_parts(tmp_path: Path) -> None:
    write_report(tmp_path, "core", left_out=[("a", "slow"), ("b", "slow")], skipped=[("c", "no data", "too large")])
    write_report(tmp_path, "plugin", left_out=[("d", "slow")])
    table, failed = untested.summary(["core", "plugin"], tmp_path)
    assert "    3  slow: `nox -s slow` runs it" in table
    assert "    1  no data: too large" in table
    assert failed == []


def test_a_part_without_report_failed(tmp_path: Path) -> None:
    write_report(tmp_path, "core")
    assert untested.summary(["core", "gone"], tmp_path)[1] == ["gone"]


@pytest.mark.parametrize(("left_out", "failed"), [([("a", "slow")], []), ([], ["core"])])
def test_a_part_where_no_test_ran_failed_unless_another_session_runs_them(
    tmp_path: Path, left_out: list[tuple[str, str]], failed: list[str]
) -> None:
    write_report(tmp_path, "core", exitstatus=5, passed=0, left_out=left_out)
    assert untested.summary(["core"], tmp_path)[1] == failed
