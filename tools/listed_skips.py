"""A pytest plugin: a skip is allowed when tests/skips.toml lists its reason; what was not tested is written down.

With VIDCORE_TEST_REPORT=FILE a run leaves its counts there as JSON, for the table at the end of `nox -s tests`.
With VIDCORE_REQUIRE_GPU=1 a test marked `gpu` may not be skipped at all.
"""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from reports import write_report

LIST = Path(__file__).resolve().parent.parent / "tests" / "skips.toml"
NO_GPU = "no CUDA device"


def read_list(path: Path = LIST) -> list[tuple[re.Pattern[str], str]]:
    """The reasons that are accepted, as patterns, and why each is."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["skip"]
    return [(re.compile(entry["pattern"]), entry["why"]) for entry in entries]


def why_accepted(reason: str, accepted: list[tuple[re.Pattern[str], str]]) -> str | None:
    """Why a reason is accepted, None when nothing lists it."""
    return next((why for pattern, why in accepted if pattern.search(reason)), None)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The text given to `pytest.skip`."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


class ListedSkips:
    """Turns an unlisted skip into a failure, and counts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.accepted = read_list()
        self.started = time.monotonic()
        self.passed = 0
        self.failed: list[str] = []
        self.skipped: list[tuple[str, str]] = []
        self.known_failures: list[tuple[str, str]] = []
        self.left_out: list[tuple[str, str]] = []

    @property
    def is_worker(self) -> bool:
        """Whether this is one of pytest-xdist's processes, which report to another."""
        return hasattr(self.config, "workerinput")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what needs a CUDA device where there is none."""
        if item.get_closest_marker("gpu"):
            import torch

            if not torch.cuda.is_available():
                pytest.skip(NO_GPU)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge a skip by its reason."""
        report = yield
        if report.skipped and not hasattr(report, "wasxfail"):
            self._judge(report)
            if item.get_closest_marker("gpu") and os.environ.get("VIDCORE_REQUIRE_GPU") == "1":
                _fail(report, f"VIDCORE_REQUIRE_GPU=1, but this test was skipped: {reason_of(report)}")
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """The same for a module that skips as a whole."""
        report = yield
        if report.skipped:
            self._judge(report)
        return report

    def _judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if why_accepted(reason_of(report), self.accepted) is None:
            _fail(report, f"skipped for a reason that {LIST.name} does not list: {reason_of(report)}")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count what `-m` and `-k` left out."""
        for item in items:
            marker = next((name for name in ("gpu", "slow") if item.get_closest_marker(name)), "deselected")
            self.left_out.append((item.nodeid, marker))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test."""
        if hasattr(report, "wasxfail") and report.skipped:
            self.known_failures.append((report.nodeid, report.wasxfail))
        elif report.skipped:
            self.skipped.append((report.nodeid, reason_of(report)))
        elif report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a module that skips or fails as a whole."""
        if report.skipped:
            self.skipped.append((report.nodeid, reason_of(report)))
        elif report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker left out; all workers leave out the same."""
        self.left_out = node.workeroutput.get("left_out", []) if hasattr(node, "workeroutput") else []

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the report."""
        if self.is_worker:
            self.config.workeroutput["left_out"] = self.left_out  # type: ignore[attr-defined]  # made by pytest-xdist
        elif target := os.environ.get("VIDCORE_TEST_REPORT"):
            write_report(
                Path(target),
                exitstatus=int(exitstatus),
                seconds=time.monotonic() - self.started,
                passed=self.passed,
                failed=sorted(set(self.failed)),
                skipped=[(test, reason, why_accepted(reason, self.accepted) or "") for test, reason in self.skipped],
                known_failures=self.known_failures,
                left_out=self.left_out,
            )


def _fail(report: pytest.TestReport | pytest.CollectReport, text: str) -> None:
    report.outcome = "failed"
    report.longrepr = text


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin."""
    config.pluginmanager.register(ListedSkips(config), "vidcore-listed-skips")
