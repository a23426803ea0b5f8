"""The end of a test session: one line a part, then what was not tested and why."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reports import read_report
from workspace import ROOT

NO_TESTS = 5  # pytest's exit status when no test ran
SESSIONS = {"slow": "`nox -s slow` runs it", "gpu": "`nox -s gpu` runs it", "deselected": "by -m or -k"}


def summary(parts: Iterable[str], reports: Path) -> tuple[str, list[str]]:
    """The table, and the parts that failed."""
    found = {part: read_report(reports / f"{part}.json") for part in parts}
    failed = [part for part, report in found.items() if not _passed(report)]
    return "\n".join([*_counts(found), "", *_untested(found)]), failed


def _passed(report: dict[str, Any]) -> bool:
    nothing_to_run = report["exitstatus"] == NO_TESTS and report["left_out"]  # all of them belong to another session
    return report["exitstatus"] == 0 or bool(nothing_to_run)


def _counts(found: dict[str, dict[str, Any]]) -> list[str]:
    width = max(map(len, [*found, "part"]))
    lines = [f"{'part':{width}}  passed  failed  skipped  left out  seconds"]
    for part, report in found.items():
        counts = [report["passed"], *(len(report[key]) for key in ("failed", "skipped", "left_out"))]
        lines.append("{:{}}  {:6d}  {:6d}  {:7d}  {:8d}  {:7.1f}".format(part, width, *counts, report["seconds"]))
    return lines


def _untested(found: dict[str, dict[str, Any]]) -> list[str]:
    reasons: Counter[tuple[str, str]] = Counter()
    for report in found.values():
        reasons.update((marker, SESSIONS[marker]) for _, marker in report["left_out"])
        reasons.update((reason, why) for _, reason, why in report["skipped"])
        reasons.update((f"known failure: {reason}", "xfail, strict") for _, reason in report["known_failures"])
    lines = ["What was not tested, and why", "tests  what: why"]
    lines += [f"{count:5d}  {what}: {why}" for (what, why), count in reasons.most_common()]
    never = tomllib.loads((ROOT / "tests" / "skips.toml").read_text(encoding="utf-8"))["untested"]
    return [*lines, *(f"{'-':>5}  {entry['what']}: {entry['why']}" for entry in never)]
