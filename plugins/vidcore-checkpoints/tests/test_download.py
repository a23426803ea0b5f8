from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from attrs import define, field

from vidcore.errors import WeightsError
from vidcore_checkpoints import download
from vidcore_checkpoints.download import cached_path, fetch

CONTENT = bytes(range(256)) * 8000  # 2 MB
HASH = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]
BLOCK = 1 << 14  # what is written at a time: a break inside a block loses the beginning of it
CUT = 40 * BLOCK


@define
class Behaviour:
    """What the server does wrong."""

    content: bytes = CONTENT
    cut_after: list[int] = field(factory=list)  # bytes of the body that each of the first answers brings
    status: list[int] = field(factory=list)  # of the first answers, instead of the file
    ranges: bool = True
    etag: str = '"one"'
    last_modified: str = ""
    length: bool = True
    if_range: bool = True  # whether it compares the version that the client has
    asked: list[str] = field(factory=list)  # the Range of each request


class Server(NamedTuple):
    url: str
    behaviour: Behaviour


@pytest.fixture
def server() -> Iterator[Server]:
    behaviour = Behaviour()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep the output of the tests clean."""

        def do_GET(self) -> None:
            answer(self, behaviour)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{httpd.server_port}/files/model-{HASH[:8]}.pth", behaviour)
        httpd.shutdown()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, behaviour: Behaviour) -> None:
    wanted = handler.headers.get("Range", "")
    behaviour.asked.append(wanted)
    if behaviour.status:
        handler.send_error(behaviour.status.pop(0))
        return
    content = behaviour.content
    version = behaviour.etag or behaviour.last_modified
    start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and behaviour.ranges else 0
    if behaviour.if_range and handler.headers.get("If-Range", version) != version:
        start = 0
    if start and start >= len(content):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(content)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    if behaviour.length:
        handler.send_header("Content-Length", str(len(content) - start))
    if behaviour.etag:
        handler.send_header("ETag", behaviour.etag)
    if behaviour.last_modified:
        handler.send_header("Last-Modified", behaviour.last_modified)
    handler.end_headers()
    count = behaviour.cut_after.pop(0) if behaviour.cut_after else len(content)
    handler.wfile.write(content[start : start + count])


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.001)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


def left_over(cache: Path) -> set[str]:
    return {path.name for path in (cache / "weights").iterdir() if not path.name.endswith(".lock")}


def test_file_is_fetched_once_and_then_taken_from_the_cache(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch(server.url, HASH[:8], tmp_path, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert path == cached_path(server.url, HASH[:8], tmp_path) == tmp_path / "weights" / f"model-{HASH[:8]}.pth"
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert fetch(server.url, HASH[:8], tmp_path) == path
    assert server.behaviour.asked == [""]
    assert left_over(tmp_path) == {path.name}


def test_cached_file_needs_neither_network_nor_a_writable_folder(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/model.pth"
    path = cached_path(url, HASH, tmp_path)
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    path.parent.chmod(0o500)
    try:
        assert fetch(url, HASH, tmp_path) == path
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    finally:
        path.parent.chmod(0o700)


def test_broken_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after = [CUT, 10 * BLOCK, BLOCK]
    seen: list[int] = []
    assert fetch(server.url, HASH, tmp_path, lambda done, total: seen.append(done)).read_bytes() == CONTENT
    assert server.behaviour.asked == ["", f"bytes={CUT}-", f"bytes={CUT + 10 * BLOCK}-", f"bytes={CUT + 11 * BLOCK}-"]
    assert seen == sorted(seen)


def test_next_command_continues_what_the_last_one_left(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after = [CUT, 0, 0, 0, 0]
    with pytest.raises(
        WeightsError,
        match=r"after 4 attempts in vain: the connection broke off\. 0\.7 MB are here; the same command continues",
    ):
        fetch(server.url, HASH, tmp_path)
    server.behaviour.asked.clear()
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [f"bytes={CUT}-"]


def test_killed_process_leaves_a_part_that_is_continued(server: Server, tmp_path: Path) -> None:
    server.behaviour.content = CONTENT * 20
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom vidcore_checkpoints.download import fetch\n"
        "fetch(sys.argv[1], '', Path(sys.argv[2]), lambda done, total: os._exit(9) if done > 5_000_000 else None)"
    )
    done = subprocess.run([sys.executable, "-c", code, server.url, str(tmp_path)])
    assert done.returncode == 9
    server.behaviour.asked.clear()
    assert fetch(server.url, "", tmp_path).read_bytes() == CONTENT * 20
    [asked] = server.behaviour.asked
    assert int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) > 4_000_000  # type: ignore[index]


def test_server_without_ranges_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.behaviour.ranges = False
    server.behaviour.cut_after = [CUT]
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == ["", f"bytes={CUT}-"]


def test_file_that_changes_between_two_parts_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    server.behaviour.content, server.behaviour.etag = OTHER, '"old"'
    server.behaviour.cut_after = [CUT, 0, 0, 0, 0]
    with pytest.raises(WeightsError, match="in vain"):
        fetch(server.url, HASH, tmp_path)
    server.behaviour.content, server.behaviour.etag = CONTENT, '"new"'
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ['"new"', "", 'W/"weak"'])
def test_changed_file_is_noticed_with_a_server_that_does_not_compare(etag: str, server: Server, tmp_path: Path) -> None:
    server.behaviour.content, server.behaviour.etag = OTHER, etag and '"old"'
    server.behaviour.cut_after = [CUT, 0, 0, 0, 0]
    with pytest.raises(WeightsError, match="in vain"):
        fetch(server.url, HASH, tmp_path)
    server.behaviour.content, server.behaviour.etag, server.behaviour.if_range = CONTENT, etag, False
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT


def test_date_serves_where_there_is_no_etag(server: Server, tmp_path: Path) -> None:
    server.behaviour.etag, server.behaviour.last_modified = "", "Wed, 21 Oct 2015 07:28:00 GMT"
    server.behaviour.cut_after = [CUT]
    assert fetch(server.url, "", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == ["", f"bytes={CUT}-"]


def test_part_that_nothing_can_prove_is_not_continued(server: Server, tmp_path: Path) -> None:
    server.behaviour.etag = ""
    server.behaviour.cut_after = [CUT]
    assert fetch(server.url, "", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == ["", ""]


def test_complete_part_is_taken_when_the_server_has_nothing_more(server: Server, tmp_path: Path) -> None:
    leave_part(server, tmp_path, CONTENT)
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [f"bytes={len(CONTENT)}-"]


def test_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    leave_part(server, tmp_path, CONTENT + b"more")
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [f"bytes={len(CONTENT) + 4}-", ""]


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"url": "http://elsewhere/", "version": "x", "total": 1}'])
def test_part_without_trustworthy_notes_is_not_continued(notes: str, server: Server, tmp_path: Path) -> None:
    part = leave_part(server, tmp_path, b"x" * 1000)
    part.with_name(part.name + ".json").write_text(notes)
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [""]


def leave_part(server: Server, cache: Path, content: bytes) -> Path:
    path = cached_path(server.url, HASH, cache)
    path.parent.mkdir()
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    notes = f'{{"url": "{server.url}", "version": "{server.behaviour.etag}", "total": {len(content)}}}'
    part.with_name(part.name + ".json").write_text(notes.replace('""one""', '"\\"one\\""'))
    return part


def test_wrong_hash_removes_the_file_and_names_both(server: Server, tmp_path: Path) -> None:
    server.behaviour.content = OTHER
    found = hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(WeightsError, match=f"{server.url} has the SHA-256 {found[:8]}, and {HASH[:8]} was expected"):
        fetch(server.url, HASH[:8], tmp_path)
    assert left_over(tmp_path) == set()
    assert server.behaviour.asked == [""]


def test_damaged_copy_in_the_cache_is_replaced(server: Server, tmp_path: Path) -> None:
    path = cached_path(server.url, HASH, tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT


def test_passing_trouble_of_the_server_is_waited_out(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = [500, 503, 429]
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    assert len(server.behaviour.asked) == 4


def test_lasting_trouble_of_the_server_is_told(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = [500] * 9
    with pytest.raises(WeightsError, match=r"after 4 attempts in vain: the server answers 500 Internal Server Error"):
        fetch(server.url, HASH, tmp_path)
    assert len(server.behaviour.asked) == 4


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refusal_is_told_at_once(status: int, server: Server, tmp_path: Path) -> None:
    server.behaviour.status = [status]
    with pytest.raises(WeightsError, match=rf"{server.url}: the server answers {status} \w+"):
        fetch(server.url, HASH, tmp_path)
    assert len(server.behaviour.asked) == 1
    assert left_over(tmp_path) == set()


def test_pauses_grow(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.5)
    server.behaviour.status = [500] * 9
    with pytest.raises(WeightsError):
        fetch(server.url, HASH, tmp_path)
    assert pauses == [0.5, 1.0, 2.0]


def test_without_connection_the_place_for_the_file_is_told(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/model.pth"
    place = cached_path(url, HASH, tmp_path)
    with pytest.raises(
        WeightsError, match=f"{url} cannot be fetched.*Connection refused.*fetch it elsewhere and put it at {place}$"
    ):
        fetch(url, HASH, tmp_path)
    place.write_bytes(b"wrong")
    with pytest.raises(WeightsError, match="the file that lies there has another hash"):
        fetch(url, HASH, tmp_path)
    place.write_bytes(CONTENT)
    assert fetch(url, HASH, tmp_path) == place


def test_answer_of_unknown_length_is_checked_by_its_hash(server: Server, tmp_path: Path) -> None:
    server.behaviour.length = False
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT
    server.behaviour.cut_after = [1000]
    with pytest.raises(WeightsError, match="was expected"):
        fetch(server.url, HASH, tmp_path / "other")


def test_full_disk_is_told_before_it_is_full(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match=r"no room in .*2\.0 MB are needed, 0\.0 MB are free.*set VIDCORE_CACHE"):
        fetch(server.url, HASH, tmp_path)


def test_disk_that_fills_up_is_told_and_the_part_is_continued(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WeightsError, match=r"no room in .*No space left on device"):
            fetch(server.url, HASH, tmp_path)
    assert fetch(server.url, HASH, tmp_path).read_bytes() == CONTENT


def test_cache_that_cannot_be_made_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"cannot be stored in .*Set VIDCORE_CACHE to a folder that can be written"):
        fetch(server.url, HASH, tmp_path / "file")


def test_two_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    server.behaviour.content = CONTENT * 20
    code = (
        "import sys\nfrom pathlib import Path\nfrom vidcore_checkpoints.download import fetch\n"
        "print(fetch(sys.argv[1], '', Path(sys.argv[2])).stat().st_size)"
    )
    command = [sys.executable, "-c", code, server.url, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sizes = [int(process.communicate()[0]) for process in processes]
    assert sizes == [len(CONTENT) * 20] * 3
    assert len(server.behaviour.asked) == 1


def test_names_in_the_cache_tell_files_apart_and_stay_inside(tmp_path: Path) -> None:
    def name(url: str, sha256: str = "") -> str:
        path = cached_path(url, sha256, tmp_path)
        assert path.parent == tmp_path / "weights"
        return path.name

    assert name("https://a.org/x/model-0123abcd.pth?token=1", "0123abcdef") == "model-0123abcd.pth"
    assert name("https://a.org/model.pth", "0123abcd") == "model-0123abcd.pth"
    assert name("https://a.org/model.pth") != name("https://b.org/model.pth")
    assert name("https://a.org/%2e%2e%2f%2e%2e%2fetc", "0123abcd") == "etc-0123abcd"
    assert name("https://a.org/", "0123abcd") == "file-0123abcd"


def test_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "mine"))
    assert download.cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("VIDCORE_CACHE", "")
    assert download.cache_folder().name == "vidcore"


@pytest.mark.parametrize(
    ("url", "sha256", "told"),
    [
        ("ftp://a.org/x", "", "not an http or https address"),
        ("http://a.org/x", "xyz", "'xyz' is not the beginning of a SHA-256"),
        ("http://", "", "cannot be fetched"),
    ],
)
def test_wrong_arguments_are_told(url: str, sha256: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=told):
        fetch(url, sha256, tmp_path)
