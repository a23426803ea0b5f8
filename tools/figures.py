"""Keep docs/examples/figures.json, and the table that README.md makes of it: what the examples reached, seed by seed.

    python tools/figures.py runs/utd-0 runs/utd-1 ...    take up finished runs of examples, and write the table
    python tools/figures.py runs/a-0+runs/b-0 ...        the same for sums of the scores of two examples
    python tools/figures.py 2*runs/a-0+runs/b-0 ...      where one counts twice
    python tools/figures.py                              write the table

A figure belongs to one resolved experiment. Runs of an example that has changed since are dropped, and
tests/test_figures.py fails while README.md says anything that no recorded run of the example, as it is, has reached.
"""

from __future__ import annotations

import fnmatch
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vidcore.config import Experiment, load_experiment, to_table
from vidcore.config.loading import read_layers
from vidcore.engine.run_folder import FREE_KEYS
from vidcore.errors import ConfigError
from vidcore_recognition import fusing

ROOT = Path(__file__).parent.parent
EXAMPLES, README = ROOT / "docs/examples", ROOT / "README.md"
FILE = EXAMPLES / "figures.json"
FREE = (*FREE_KEYS, "seed", "model.num_classes", "engine.accumulate")  # what two runs of one example may differ in
_NO_DATA = {"data.root": "/absent"}  # examples resolve alike, whether their data is there or not
TABLE = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.DOTALL)

Recorded = dict[str, Any]


def essence(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A resolved experiment as `dotted key -> value`, without what two runs of it may differ in."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= essence(value, f"{prefix}{key}.")
        elif not any(fnmatch.fnmatchcase(prefix + key, pattern) for pattern in FREE):
            flat[prefix + key] = value
    plain: dict[str, Any] = json.loads(json.dumps(flat))
    return plain


def same(before: dict[str, Any], name: str) -> bool:
    """Whether an example is the experiment that was recorded: options that have come since are at their defaults."""
    if "+" in name:
        names = {part for _, part in weighted(name)}
        return before.keys() == names and all(same(part, key) for key, part in before.items())
    experiment = _example(name)
    now, said = essence(to_table(experiment)), essence(to_table(experiment, whole=False))
    if not said.keys() <= before.keys() <= now.keys():
        return False
    return all(now[key] == value or str(now[key]).startswith("stage:") for key, value in before.items())


def _example(name: str) -> Experiment:
    stem, mark, stage = name.partition("#")
    source = f"{EXAMPLES / stem}.toml{mark}{stage}"
    try:
        return load_experiment(source, _NO_DATA)
    except ConfigError:  # a class list that is not here: the number of classes is one that runs may differ in
        key = f"stage.{stage}.model.num_classes" if stage else "model.num_classes"
        return load_experiment(source, _NO_DATA | {key: 1})


def weighted(group: str) -> list[tuple[float, str]]:
    """`2*A+B` as the weight and name of each part."""
    parts = [part.rpartition("*") for part in group.split("+")]
    return [(float(weight or 1), name) for weight, _, name in parts]


def all_names() -> list[str]:
    """Every example: the stem of its file, or of each stage that trains `STEM#STAGE`."""
    names = []
    for path in sorted(EXAMPLES.glob("*.toml")):
        stages = read_layers(path).table.get("stage", {})
        names += [f"{path.stem}#{name}" for name, table in stages.items() if table.get("type", "train") == "train"]
        names += [] if stages else [path.stem]
    return names


def recorded() -> dict[str, Recorded]:
    """What figures.json holds."""
    found: dict[str, Recorded] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return found


def take_up(groups: Iterable[str], figures: dict[str, Recorded]) -> None:
    """Add finished runs to the figures; a run of the same example and seed is replaced.

    Raises:
        SystemExit: A folder holds no finished run of an example as it is now.
    """
    names_of_all = all_names()
    for group in groups:
        weights, folders = zip(*((weight, Path(folder)) for weight, folder in weighted(group)), strict=True)
        tables = [tomllib.loads((folder / "experiment.toml").read_text(encoding="utf-8")) for folder in folders]
        found = [essence(table) for table in tables]
        names = [next((name for name in names_of_all if same(one, name)), "") for one in found]
        if "" in names or len({table["seed"] for table in tables}) > 1:
            raise SystemExit(f"{group}: not runs of files of {EXAMPLES} as they are now, with one seed")
        if not all((folder / "result.json").exists() for folder in folders):
            raise SystemExit(f"{group}: not finished")
        name = "+".join(times(weight, one, "*") for weight, one in zip(weights, names, strict=True))
        experiment = found[0] if len(found) == 1 else dict(zip(names, found, strict=True))
        entry = figures.get(name, {})
        runs = entry["runs"] if entry and same(entry["experiment"], name) else []
        metric, value = group_figure(folders, weights)
        new = {"seed": tables[0]["seed"], "value": round(value, 4), "cpu_minutes": sum(map(cpu_minutes, folders))}
        runs = sorted([*(run for run in runs if run["seed"] != new["seed"]), new], key=lambda run: int(run["seed"]))
        figures[name] = {"experiment": experiment, "metric": metric, "runs": runs}


def times(weight: float, name: str, sign: str) -> str:
    """A name with its weight, where that is not 1."""
    return name if weight == 1 else f"{weight:g}{sign}{name}"


def group_figure(folders: Sequence[Path], weights: Sequence[float]) -> tuple[str, float]:
    """The main metric of a run, the one that its best weights are chosen by; top-1 of the summed scores of several."""
    if len(folders) > 1:
        fused = fusing.fuse([fusing.read_stream(folder) for folder in folders], weights)
        return "top1", fusing.figures(fused)["top1"]
    result = json.loads((folders[0] / "result.json").read_text(encoding="utf-8"))
    metric = str(result["best_metric"])
    return metric, float(result["metrics"][metric])


def cpu_minutes(folder: Path) -> int:
    """What a run took."""
    lines = (folder / "timings.jsonl").read_text(encoding="utf-8").splitlines()
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    seconds: float = sum(json.loads(line)["seconds"] for line in lines)
    minutes: int = round(seconds * environment["threads"] / 60)
    return minutes


def mean_value(entry: Recorded) -> float:
    """Of the main metric, over the seeds."""
    return float(sum(run["value"] for run in entry["runs"])) / len(entry["runs"])


def rows(figures: dict[str, Recorded]) -> Iterator[str]:
    """The table, a line an example."""
    yield "| experiment | metric | mean of seeds | each seed | CPU minutes a run |"
    yield "| --- | --- | ---: | --- | ---: |"
    for name, entry in sorted(figures.items()):
        seeds = ", ".join(f"{run['value']:.3f}" for run in entry["runs"])
        minutes = max(run["cpu_minutes"] for run in entry["runs"])
        yield f"| {title(name, figures)} | {entry['metric']} | {mean_value(entry):.2f} | {seeds} | {minutes} |"


def title(name: str, among: Iterable[str] = ()) -> str:
    """What was measured, with links; several stages of one file, here or `among` others, are told by their names."""
    parts = weighted(name)
    stems = {part.partition("#")[0] for _, part in parts}
    others = {other for other in among if other.partition("#")[0] in stems}
    if len(stems) == 1 and max(len(parts), len(others)) > 1:
        stages = " + ".join(times(weight, part.partition("#")[2], " ") for weight, part in parts)
        return f"{linked(parts[0][1])}: {stages}"
    return " + ".join(times(weight, linked(part), " ") for weight, part in parts)


def linked(name: str) -> str:
    """The summary of an example, as a link to its file."""
    stem = name.partition("#")[0]
    about = tomllib.loads((EXAMPLES / f"{stem}.toml").read_text(encoding="utf-8"))["about"]
    return f"[{about['summary']}](docs/examples/{stem}.toml)"


def readme(figures: dict[str, Recorded]) -> str:
    """README.md with the table of these figures."""
    table = "\n".join(rows(figures))
    text = README.read_text(encoding="utf-8")
    return TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def main() -> None:
    """Take up the run folders that were named, and write figures.json and README.md."""
    figures = recorded()
    take_up(sys.argv[1:], figures)
    FILE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    README.write_text(readme(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
