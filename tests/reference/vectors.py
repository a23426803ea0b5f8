"""Check vidcore against recorded inputs and outputs: `python tests/reference/vectors.py FOLDER`.

FOLDER holds pairs NAME.json + NAME.npz. Each case names an `op`; the functions that answer them are found in the files
`ops_*.py` beside this one and in each plugin's `tests/`. Such a file has one or both of the tables

    OPS    = {"op": function}   # function(params, inputs) -> what the case expects, as numbers, arrays, lists or dicts
    CHECKS = {"op": function}   # function(case) -> list of what is wrong; for bounds and other facts

A dict that is returned may have more keys than the case expects; arrays may come as numpy, torch or lists.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, field, frozen, mutable

from vidcore.errors import VidcoreError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
DEFAULT_TOLERANCE = 1e-6
Case = dict[str, Any]


@frozen(kw_only=True)
class Owner:
    """Who answers for a case: a plugin, or nobody yet."""

    op: str = "*"
    id: str = "*"
    plugin: str = ""
    later: str = ""  # why nobody does yet
    differs: str = ""  # why vidcore does something else on purpose; such a case is not run
    tolerance: float | None = None  # overrides that of the case
    because: str = ""  # why the tolerance differs

    def has(self, case: Case) -> bool:
        return fnmatch.fnmatchcase(case["op"], self.op) and fnmatch.fnmatchcase(case["id"], self.id)


@mutable
class Count:
    """Results of one file."""

    passed: int = 0
    failed: int = 0
    uncovered: int = 0
    later: int = 0
    differs: int = 0

    @property
    def holds(self) -> bool:
        return not (self.failed or self.uncovered)


@frozen(kw_only=True)
class Table:
    """The functions that answer ops."""

    ops: dict[str, Callable[[Any, Any], Any]] = field(factory=dict)
    checks: dict[str, Callable[[Case], list[str]]] = field(factory=dict)

    def covers(self, case: Case) -> bool:
        return case["op"] in self.ops or case["op"] in self.checks


def op_files() -> list[Path]:
    """Files with op tables: beside this one, and in the plugins' tests."""
    return sorted(HERE.glob("ops_*.py")) + sorted(REPOSITORY.glob("plugins/*/tests/ops_*.py"))


def collect(files: list[Path]) -> Table:
    """Gather the op tables. The same op in two files is an error."""
    table = Table()
    for path in files:
        spec = importlib.util.spec_from_file_location(f"reference_{path.parent.parent.name}_{path.stem}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # attrs and pickling look a class's module up
        spec.loader.exec_module(module)
        for known, name in ((table.ops, "OPS"), (table.checks, "CHECKS")):
            for op, function in vars(module).get(name, {}).items():
                if op in table.ops or op in table.checks:
                    raise SystemExit(f"{path}: op {op!r} is answered by another file already")
                known[op] = function
    return table


def read_cases(path: Path) -> list[Case]:
    """The cases of NAME.json, with arrays from NAME.npz in place; `case["arrays"]` has all of them."""
    arrays_path = path.with_suffix(".npz")
    arrays = dict(np.load(arrays_path, allow_pickle=False)) if arrays_path.exists() else {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return [_filled(case, arrays) | {"arrays": arrays} for case in content["cases"]]


def _filled(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if "__npz__" in value:
            return arrays[value["__npz__"]]
        if "__array__" in value:
            return np.array(value["__array__"], dtype=value["dtype"]).reshape(value["shape"])
        return {key: _filled(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, arrays) for entry in value]
    return value


def problems(case: Case, table: Table, tolerance: float | None = None) -> list[str]:
    """What is wrong with our answer to a case; nothing when it holds."""
    if case["op"] in table.checks:
        return table.checks[case["op"]](case)
    try:
        answer = table.ops[case["op"]](case.get("params", {}), case.get("inputs", {}))
    except Exception as error:  # whatever an op raises is the answer that is compared
        return _raised(error, case.get("expected"))
    return list(differences(answer, case["expected"], _tolerance(case) if tolerance is None else tolerance))


def _raised(error: Exception, expected: Any) -> list[str]:
    wanted = expected.get("raises") if isinstance(expected, dict) else None
    if wanted and (isinstance(error, VidcoreError) or type(error).__name__ == wanted):
        return []
    return [f"raises {type(error).__name__}: {error}" + (f", not {wanted}" if wanted else "")]


def _tolerance(case: Case) -> float | None:
    """The case's tolerance; its number stands first where it is told in words."""
    tolerance = case.get("tol")
    if isinstance(tolerance, str):
        number = re.search(r"[0-9.]+(?:e-?\d+)?", tolerance)
        return float(number.group()) if number else None
    return None if tolerance is None else float(tolerance)


def differences(answer: Any, expected: Any, tolerance: float | None, place: str = "") -> Iterator[str]:
    """Yield where `answer` is not what is expected."""
    if isinstance(expected, dict):
        if "raises" in expected:
            if isinstance(answer, dict) and "raises" in answer:
                return
            yield f"{place or 'result'} should raise {expected['raises']}"
        elif not isinstance(answer, dict):
            yield f"{place or 'result'} is {type(answer).__name__}, not a dict"
        else:
            for key, entry in expected.items():
                found = answer.get(key, answer.get(int(key)) if key.lstrip("-").isdigit() else None)
                yield from differences(found, entry, tolerance, f"{place}.{key}" if place else key)
    elif isinstance(expected, list) and not _is_numeric(expected):
        if not isinstance(answer, list | tuple) or len(answer) != len(expected):
            yield f"{place or 'result'} is {str(answer)[:80]}, not {len(expected)} entries"
        else:
            for i, (ours, theirs) in enumerate(zip(answer, expected, strict=True)):
                yield from differences(ours, theirs, tolerance, f"{place}[{i}]")
    elif isinstance(expected, str | bool | None):
        if answer != expected:
            yield f"{place or 'result'} is {answer!r}, not {expected!r}"
    else:
        yield from _numbers_differ(answer, expected, tolerance, place or "result")


def _is_numeric(value: list[Any]) -> bool:
    return all(isinstance(entry, int | float) or (isinstance(entry, list) and _is_numeric(entry)) for entry in value)


def _numbers_differ(answer: Any, expected: Any, tolerance: float | None, place: str) -> Iterator[str]:
    theirs = np.asarray(expected)
    try:
        ours = np.asarray(answer.detach().cpu() if hasattr(answer, "detach") else answer)
        different_shape = ours.shape != theirs.shape
        ours = ours.astype(np.float64)
    except (TypeError, ValueError):
        yield f"{place} is {answer!r}, not numbers"
        return
    if different_shape:
        yield f"{place} has shape {list(ours.shape)}, not {list(theirs.shape)}"
        return
    if theirs.size == 0:
        return
    if tolerance is None:
        tolerance = DEFAULT_TOLERANCE if theirs.dtype.kind == "f" else 0.0
    theirs = theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities may be expected
        apart = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0.0, np.abs(ours - theirs))
    wrong = ~(apart <= tolerance)
    if wrong.any():
        worst = np.unravel_index(np.argmax(np.where(np.isnan(apart), np.inf, apart)), apart.shape)
        at = f"[{', '.join(str(int(i)) for i in worst)}]" if worst else ""
        yield (
            f"{place}{at} is {ours[worst]:.9g}, not {theirs[worst]:.9g}; "
            f"{int(wrong.sum())} of {wrong.size} apart by more than {tolerance:g}"
        )


def read_owners(path: Path) -> dict[str, list[Owner]]:
    """The [vectors] table: file -> owner, or a list of owners of which the first that fits a case counts."""
    table = tomllib.loads(path.read_text(encoding="utf-8")).get("vectors", {}) if path.exists() else {}
    return {
        name: [Owner(**entry) for entry in (value if isinstance(value, list) else [value])]
        for name, value in table.items()
    }


def check_file(path: Path, table: Table, owners: list[Owner], only: str, owned: bool) -> tuple[Count, list[str]]:
    """Run the cases of one file. With `owned`, cases that are for later are left out, and each case needs an owner."""
    count, lines = Count(), []
    for case in read_cases(path):
        if not _wanted(path.stem, case, only):
            continue
        owner = next((owner for owner in owners if owner.has(case)), None)
        name = f"{path.stem} {case['id']} ({case['op']})"
        if owned and owner is None:
            count.failed += 1
            lines.append(f"NO OWNER  {name}: name one in owners.toml")
        elif owner is not None and owner.differs:
            count.differs += 1
        elif owned and owner is not None and owner.later:
            count.later += 1
        elif not table.covers(case):
            count.uncovered += 1
            lines.append(f"UNCOVERED {name}: no op table has it")
        elif found := problems(case, table, owner.tolerance if owner else None):
            count.failed += 1
            lines.extend(f"FAILED    {name}: {text}" for text in found)
        else:
            count.passed += 1
    return count, lines


def _wanted(stem: str, case: Case, only: str) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, only) for name in (stem, case["op"], case["id"]))


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print what fails and a count by file; 0 when all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="shell pattern of a file's name, an op or a case's id")
    parser.add_argument("--owned", action="store_true", help="leave out what owners.toml says is for later")
    parser.add_argument("--owners", type=Path, default=HERE / "owners.toml")
    options = parser.parse_args(arguments)
    table, owners = collect(op_files()), read_owners(options.owners)
    counts: dict[str, Count] = {}
    for path in sorted(options.folder.glob("*.json")):
        count, lines = check_file(path, table, owners.get(path.stem, []), options.only, options.owned)
        counts[path.stem] = count
        print(*lines, sep="\n", end="\n" if lines else "")
    return _summary({name: count for name, count in counts.items() if count != Count()})


def _summary(counts: dict[str, Count]) -> int:
    columns = ("passed", "failed", "uncovered", "later", "differs")
    rows = {name: asdict(count) for name, count in counts.items()}
    rows["all"] = {column: sum(row[column] for row in rows.values()) for column in columns}
    print(f"\n{'file':32}" + "".join(f" {column:>9}" for column in columns))
    for name, row in rows.items():
        print(f"{name:32}" + "".join(f" {row[column]:9}" for column in columns))
    if not counts:
        print("no case fits")
    return 0 if counts and all(count.holds for count in counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
