"""How long `vidcore --help` and `vidcore plugins list` take with 30 plugins of 6 components each.

Prints ratios to a bare interpreter that imports click, attrs, cattrs and pluggy; the aim is at most 3.
Absolute times mean nothing across machines. Run: python tests/benchmarks/startup.py [REPEATS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vidcore.testing.made_plugins import write_plugin

PLUGIN = """
    from vidcore.plugins import Component, hookimpl

    api = 1

    @hookimpl
    def vidcore_components():
        package = "vidcore_bench_{number}"
        return [Component(kind="model", name=f"bench-{number}-{{i}}", config=f"{{package}}.config:Config{{i}}",
                          factory=f"{{package}}.model:Model{{i}}", summary="a made model") for i in range(6)]
"""
CONFIG = "import vidcore_bench_config_must_not_be_imported\n"
BARE = "import click, attrs, cattrs, pluggy"
COMMANDS = {
    "bare interpreter": ["-c", BARE],
    "vidcore --help": ["-m", "vidcore", "--help"],
    "vidcore plugins list": ["-m", "vidcore", "plugins", "list"],
    "vidcore config check": ["-m", "vidcore", "config", "check", "experiment.toml"],
}
EXPERIMENT = """
task = "recognition"
model = {type = "bench-0-1"}
"""


def median_seconds(arguments: list[str], folder: Path, repeats: int) -> float:
    """Median wall time of `python ARGUMENTS`, the first run, which fills the caches, left out."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "VIDCORE_STRICT_PLUGINS": "0"}
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(30):
            write_plugin(folder, f"bench-{number}", {"plugin.py": PLUGIN.format(number=number), "config.py": CONFIG})
        (folder / "experiment.toml").write_text(EXPERIMENT)
        medians = {title: median_seconds(arguments, folder, repeats) for title, arguments in COMMANDS.items()}
    bare = medians["bare interpreter"]
    for title, seconds in medians.items():
        print(f"{title:24} {seconds / bare:5.2f} x")


if __name__ == "__main__":
    main()
