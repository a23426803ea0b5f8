"""Prove installed wheels: import every module of each, run `vidcore plugins list`, load every component.

Usage: python -P tools/check_wheels.py DISTRIBUTION...     in an environment that has them installed
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # last: what is tested comes first
from reports import write_report


def modules(distribution: str) -> list[str]:
    """Dotted names of all modules that a wheel installed."""
    files = [path for path in metadata.files(distribution) or [] if path.suffix == ".py"]
    return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files)


def import_modules(distribution: str) -> tuple[list[str], list[str]]:
    """Modules that were imported, and those that failed. `__main__` runs a program and is left out."""
    imported, failed = [], []
    for module in modules(distribution):
        if module.endswith("__main__"):
            continue
        try:
            importlib.import_module(module)
            imported.append(module)
        except Exception:
            traceback.print_exc()
            failed.append(module)
    return imported, failed


def components() -> Iterator[tuple[str, str | None]]:
    """Every component as one line, and what is wrong when its classes cannot be imported."""
    from vidcore.plugins import host, load_reference

    found = host()
    for component in found.components:
        error = None
        try:
            load_reference(component.config)
            load_reference(component.factory)
        except Exception as problem:
            error = str(problem)
        yield f"{component.kind} {component.name} ({found.distribution(component.plugin)})", error


def main(distributions: list[str]) -> int:
    """Check; print what was found; leave a report for the table at the end of the session."""
    started = time.monotonic()
    passed, failed = [], []
    for distribution in distributions:
        imported, broken = import_modules(distribution)
        print(
            f"{distribution} {metadata.version(distribution)}: {len(imported)} modules imported, {len(broken)} failed"
        )
        passed += imported
        failed += broken
    listing = subprocess.run([sys.executable, "-P", "-m", "vidcore", "plugins", "list"], check=False)
    (failed if listing.returncode else passed).append("vidcore plugins list")
    for line, error in components():
        print(f"  {line}{f': {error}' if error else ''}")
        (failed if error else passed).append(line)
    if target := os.environ.get("VIDCORE_TEST_REPORT"):
        seconds = time.monotonic() - started
        write_report(Path(target), exitstatus=int(bool(failed)), seconds=seconds, passed=len(passed), failed=failed)
    print(f"{len(passed)} checks passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
