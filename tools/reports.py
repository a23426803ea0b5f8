"""The report that each part of a test session leaves: what passed, failed, was skipped, was left out. As JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_report(
    path: Path,
    *,
    exitstatus: int,
    seconds: float,
    passed: int,
    failed: Iterable[str] = (),
    skipped: Iterable[tuple[str, str, str]] = (),
    known_failures: Iterable[tuple[str, str]] = (),
    left_out: Iterable[tuple[str, str]] = (),
) -> None:
    """Write a report.

    Args:
        path: The file; its folder is made.
        exitstatus: 0 when all is well, else as pytest has them.
        seconds: How long it took.
        passed: How many tests passed.
        failed: Tests that failed.
        skipped: Test, reason, why that reason is accepted.
        known_failures: Test and reason of each strict xfail.
        left_out: Test and the marker that left it to another session.
    """
    lists = {"failed": failed, "skipped": skipped, "known_failures": known_failures, "left_out": left_out}
    counts = {"exitstatus": exitstatus, "seconds": round(seconds, 1), "passed": passed}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**counts, **{name: list(entries) for name, entries in lists.items()}}, indent=1))


def read_report(path: Path) -> dict[str, Any]:
    """A report; one that is missing means that its run broke off."""
    if not path.exists():
        broken = {"exitstatus": 3, "seconds": 0.0, "passed": 0, "failed": ["(broke off before its end)"]}
        return {**broken, "skipped": [], "known_failures": [], "left_out": []}
    report: dict[str, Any] = json.loads(path.read_text())
    return report
