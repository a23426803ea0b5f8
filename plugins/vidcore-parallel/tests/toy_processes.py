"""Runs of the toy experiment in several processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent

Signal = tuple[int, str, int]  # rank, its name, after which step
Runs = list[tuple[str, Mapping[str, Any], Signal | None]]  # name, overrides by dotted key


class Processes:
    """Runs one after the other, each in all of `world` processes that live as long as this."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def run(self, world: int, runs: Runs, expect: int | list[int] = 0) -> list[str]:
        """What each process printed; each ends with the code that is expected of all, or of it."""
        started = [self.start(rank, world, runs) for rank in range(world)]
        try:
            texts = [process.communicate(timeout=200)[0] for process in started]
        finally:
            for process in started:
                process.kill()
        codes = expect if isinstance(expect, list) else [expect] * world
        assert [process.returncode for process in started] == codes, "\n".join(texts)
        assert not [text for text in texts if "THREADS LEFT" in text]
        return texts

    def start(self, rank: int, world: int, runs: Runs) -> subprocess.Popen[str]:
        if rank == 0:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._port = free.getsockname()[1]
        place = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(self._port),
            "RANK": str(rank),
            "WORLD_SIZE": str(world),
        }
        return subprocess.Popen(
            [sys.executable, str(TESTS / "toy_ranks.py"), str(self.folder), json.dumps(runs)],
            env={**self.environment, **(place if world > 1 else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
