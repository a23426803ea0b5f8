"""The engine, with real processes that are really killed."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vidcore.errors import ConfigError, DataError, RunError
from vidcore_prepare.engine import Item, Part, run, write_whole
from vidcore_prepare.workshop import claimed, made_with

# A program with a slow work that notes what it begins and makes; processes that it starts import it again.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from vidcore_prepare.engine import Item, Part, run

def slow(item, unfinished):
    note(f"begin {item.name} {os.getpid()}")
    unfinished.mkdir()
    for number in range(5):
        (unfinished / str(number)).write_text(item.name)
        while number == 2 and held():
            time.sleep(0.02)
    if item.name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    note(f"made {item.name} {os.getpid()}")
    return {"files": 5}

def held():
    # half done, until the test has ended it: however slow the machine is, it comes in time
    file = Path("hold")
    return file.exists() and Path("log.txt").read_text().count("made ") >= int(file.read_text())

def note(text):
    with open("log.txt", "a") as file:
        file.write(text + "\\n")

if __name__ == "__main__":
    names, workers, part = sys.argv[1].split(","), int(sys.argv[2]), Part.parse(sys.argv[3])
    items = [Item(name=name, output=Path("out") / name) for name in names]
    report = run(items, slow, Path("out"), workers=workers, part=part)
    print(report.made, report.there, len(report.failed), int(report.counts.get("files", 0)))
"""
NAMES = [f"item-{number:02}" for number in range(12)]


class Program:
    """The program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "program.py").write_text(PROGRAM)

    def start(
        self, names: list[str] = NAMES, workers: int = 2, part: str = "1/1", hold_after: int | None = None
    ) -> subprocess.Popen[str]:
        (self.folder / "hold").unlink(missing_ok=True)
        if hold_after is not None:
            (self.folder / "hold").write_text(str(hold_after))
        command = [sys.executable, "program.py", ",".join(names), str(workers), part]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)

    def run(self, names: list[str] = NAMES, workers: int = 2, part: str = "1/1") -> list[int]:
        """Made, there, failed, files."""
        with self.start(names, workers, part) as process:
            output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return [int(number) for number in output.split()]

    def log(self, what: str) -> list[list[str]]:
        file = self.folder / "log.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(what)]

    def wait_for(self, what: str, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.log(what)) < count and time.monotonic() < deadline:
            time.sleep(0.01)

    def outputs(self) -> dict[str, int]:
        return {path.name: len(list(path.iterdir())) for path in (self.folder / "out").iterdir() if path.name[0] != "."}

    def unfinished(self) -> list[Path]:
        return list((self.folder / "out" / ".vidcore").glob("*.unfinished*"))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def is_alive(process: int) -> bool:
    """A dead process that nobody has waited for counts as dead."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_and_makes_nothing_twice(program: Program, workers: int) -> None:
    with program.start(workers=workers, hold_after=3) as process:
        program.wait_for("made", 3)
        process.send_signal(signal.SIGKILL)
    before = program.outputs()
    assert 0 < len(before) < len(NAMES) and set(before.values()) == {5}
    assert program.unfinished(), "it was killed while something was unfinished"

    made, there, failed, files = program.run(workers=workers)
    assert (made + there, failed, files) == (len(NAMES), 0, 5 * made) and there >= len(before)
    assert program.outputs() == dict.fromkeys(NAMES, 5)
    assert program.unfinished() == []
    # What is noted as made just before the kill may lack its name; nothing else is made again.
    assert len(program.log("made")) <= len(NAMES) + workers
    assert program.run(workers=workers) == [0, len(NAMES), 0, 0]


def test_processes_end_with_the_run_that_started_them(program: Program) -> None:
    with program.start(hold_after=0) as process:
        program.wait_for("begin", 2)
        process.send_signal(signal.SIGKILL)
    workers = {int(pid) for _, pid in program.log("begin")}
    deadline = time.monotonic() + 10
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(workers) == 2 and not any(map(is_alive, workers))


def test_ctrl_c_leaves_nothing_unfinished(program: Program) -> None:
    with program.start(hold_after=2) as process:
        program.wait_for("made", 2)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert process.returncode != 0
    assert program.unfinished() == [] and set(program.outputs().values()) == {5}


def test_an_item_that_ends_its_process_is_named_and_the_others_are_made(program: Program) -> None:
    made, there, failed, _ = program.run(["one", "two", "deadly", "three"])
    assert (made, there, failed) == (3, 0, 1)
    assert (
        (program.folder / "out/failed.txt").read_text().startswith("deadly\tthe process that worked on it was killed")
    )


def test_parts_share_the_items_and_run_side_by_side(program: Program) -> None:
    with program.start(part="1/2", workers=1) as first:
        program.wait_for("made", 1)
        assert program.run(part="2/2", workers=1) == [6, 0, 0, 30]
        first.wait(timeout=60)
    assert first.returncode == 0 and program.outputs() == dict.fromkeys(NAMES, 5)
    assert sorted(name for name, _ in program.log("made")) == NAMES


def write(item: Item, unfinished: Path) -> dict[str, float]:
    if isinstance(item.source, Exception):
        unfinished.write_text("half")
        raise item.source
    unfinished.write_text(item.name)
    return {"letters": len(item.name)}


def items(folder: Path, **sources: object) -> list[Item]:
    return [Item(name=name, output=folder / "deep" / f"{name}.txt", source=source) for name, source in sources.items()]


def test_failures_are_listed_and_tried_again(tmp_path: Path) -> None:
    report = run(items(tmp_path, a=None, b=DataError("bad\nfile"), c=ZeroDivisionError("oh")), write, tmp_path)
    assert (report.made, report.failed, report.counts) == (
        1,
        {"b": "bad\nfile", "c": "ZeroDivisionError: oh"},
        {"letters": 1},
    )
    assert (tmp_path / "failed.txt").read_text() == "b\tbad file\nc\tZeroDivisionError: oh\n"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.txt"]
    report = run(items(tmp_path, a=None, b=None, c=None), write, tmp_path)
    assert (report.made, report.there, report.failed) == (2, 1, {})
    assert not (tmp_path / "failed.txt").exists()


def test_a_full_disk_stops_the_run(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(RunError, match=r"no room is left; .*run the same again"):
        run(items(tmp_path, a=None, b=full, c=None), write, tmp_path)
    assert not (tmp_path / "deep/c.txt").exists()


def test_a_full_disk_that_looks_like_a_bad_video_stops_the_run_too(tmp_path: Path) -> None:
    bad = DataError("a.mp4: cannot be read")
    bad.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(RunError, match=r"no room is left"):
        run(items(tmp_path, a=bad, b=None), write, tmp_path)


def test_a_list_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file/train\.txt cannot be written: .*choose another place"):
        write_whole(tmp_path / "file/train.txt", "a 0")


def test_two_runs_of_the_same_part_are_refused(tmp_path: Path) -> None:
    with claimed(tmp_path, "1-of-1"), pytest.raises(RunError, match=r"another process is making the same part"):
        run(items(tmp_path, a=None), write, tmp_path)


def test_what_is_unfinished_of_a_living_part_stays(tmp_path: Path) -> None:
    with claimed(tmp_path, "1-of-2") as living:
        dead = tmp_path / ".vidcore/3-of-7.unfinished"
        (dead / "x").mkdir(parents=True)
        run(items(tmp_path, a=None), write, tmp_path)
        assert living.exists() and not dead.exists()


def test_outputs_that_would_replace_each_other_are_refused(tmp_path: Path) -> None:
    twice = [Item(name=name, output=tmp_path / "x") for name in "ab"]
    with pytest.raises(DataError, match=r"b and a would both be written to .*x"):
        run(twice, write, tmp_path)
    with pytest.raises(DataError, match=r"which is not in"):
        run([Item(name="a", output=tmp_path.parent / "x")], write, tmp_path)


def test_a_folder_is_made_with_one_set_of_options(tmp_path: Path) -> None:
    made_with(tmp_path, {"size": 256, "fps": None})
    made_with(tmp_path, {"size": 256, "fps": None})
    with pytest.raises(DataError, match=r"made with other options: size 256 then, 320 now"):
        made_with(tmp_path, {"size": 320, "fps": None})


def test_every_item_is_in_one_part() -> None:
    all_items = [Item(name=str(number), output=Path(str(number))) for number in range(11)]
    parts = [Part.parse(f"{which}/4").of(all_items) for which in range(1, 5)]
    assert sorted((item for part in parts for item in part), key=lambda item: int(item.name)) == all_items
    for wrong in ("0/2", "3/2", "a/b", "2", "1/0"):
        with pytest.raises(ConfigError, match=r"form 2/5"):
            Part.parse(wrong)
