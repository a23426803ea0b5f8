"""Fetching over real HTTP on this machine, and through a program that stands for yt-dlp."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from vidcore_prepare.sources import installed_sources

Vidcore = Callable[..., Result]

NAMES = """
from pathlib import Path

def videos(folder):
    names = (folder / "annotations/list.txt").read_text().split()
    return [(f"videos/{name}.mp4", f"{(folder / 'annotations/server.txt').read_text()}/{name}.mp4") for name in names]

def from_youtube(folder):
    return [(f"videos/{name}.mp4", f"https://www.youtube.com/watch?v={name}") for name in ("good", "gone")]

def segments(annotation):
    return [("good", 0.0, 0.4, "good_000000_000001")]
"""
YT_DLP = """#!/bin/sh
for word; do last="$word"; done
while [ "$1" != --output ]; do shift; done
case "$last" in
  *good) cp "$YT_SOURCE" "$2";;
  *) echo "WARNING: slow" >&2; echo "ERROR: [youtube] gone: Video unavailable" >&2; exit 1;;
esac
"""


class Server:
    """Files by path, over HTTP on 127.0.0.1, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                content = server.files.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *parts: object) -> None: ...

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def table(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set `made` of a list, an archive and two videos, one of which has gone."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("split1/train.txt", "good 0\n")
    server.files = {
        "/list.txt": b"good gone\n",
        "/server.txt": server.address.encode(),
        "/splits.zip": archive.getvalue(),
        "/good.mp4": b"a video",
    }
    (tmp_path / "site").mkdir()
    (tmp_path / "site/made_sources_of_a_test.py").write_text(NAMES)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    file = tmp_path / "sets.toml"
    digest = hashlib.sha256(b"good gone\n").hexdigest()[:16]
    file.write_text(f"""
        [made]
        summary = "for a test"
        videos = "made_sources_of_a_test:videos"
        accept = "Only with permission."
        segments = "made_sources_of_a_test:segments"
        files."annotations/list.txt" = {{ url = "{server.address}/list.txt", sha256 = "{digest}" }}
        files."annotations/server.txt" = {{ url = "{server.address}/server.txt" }}
        files."splits" = {{ url = "{server.address}/splits.zip", unpack = true }}
        [by-hand]
        by_hand = "ask the authors"
        files."list.txt" = {{ url = "{server.address}/list.txt", sha256 = "0000" }}
        [tube]
        videos = "made_sources_of_a_test:from_youtube"
    """)
    return file


def test_annotations_come_once_and_whole(vidcore: Vidcore, table: Path, server: Server) -> None:
    vidcore("fetch made data --table sets.toml")
    assert Path("data/annotations/list.txt").read_text() == "good gone\n"
    assert Path("data/splits/split1/train.txt").read_text() == "good 0\n"
    vidcore("fetch made data --table sets.toml")
    assert len(server.asked) == 3


def test_a_file_with_another_hash_is_a_failure(vidcore: Vidcore, table: Path) -> None:
    vidcore("fetch by-hand data --table sets.toml", exit_code=1)
    assert "0000 was expected" in Path("data/failed.txt").read_text() and not Path("data/list.txt").exists()


def test_a_file_without_published_hash_must_stay_what_it_was(vidcore: Vidcore, table: Path, server: Server) -> None:
    told = vidcore("fetch made data --table sets.toml").output
    noted = dict(reversed(line.split("  ")) for line in Path("data/SHA256SUMS").read_text().splitlines())
    assert f"this one stands in SHA256SUMS now: {noted['annotations/server.txt']}" in told
    assert "nobody published" not in vidcore("fetch made data --table sets.toml").output
    Path("data/annotations/server.txt").unlink()
    server.files["/server.txt"] = b"something else"
    vidcore("fetch made data --table sets.toml", exit_code=1)
    assert "annotations/server.txt\t" in Path("data/failed.txt").read_text()


def test_videos_come_after_consent_and_those_that_are_gone_are_listed(vidcore: Vidcore, table: Path) -> None:
    refused = vidcore("fetch made data --table sets.toml --videos", exit_code=2)
    assert "Only with permission." in str(refused.exception) and not Path("data").exists()
    vidcore("fetch made data --table sets.toml --videos --accept-licence --workers 1", exit_code=1)
    assert Path("data/videos/good.mp4").read_bytes() == b"a video"
    failed = Path("data/failed.txt").read_text()
    assert failed.startswith("videos/gone.mp4\t") and "404" in failed and failed.count("\n") == 1


def test_videos_of_youtube_come_through_yt_dlp_and_are_cut(
    videos: Path, vidcore: Vidcore, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/yt-dlp"
    program.parent.mkdir()
    program.write_text(YT_DLP)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("YT_SOURCE", str(videos / "run/a.mp4"))
    vidcore("fetch tube data --table sets.toml --videos --workers 1", exit_code=1)
    assert Path("data/videos/good.mp4").read_bytes() == (videos / "run/a.mp4").read_bytes()
    assert "[youtube] gone: Video unavailable" in Path("data/failed.txt").read_text()
    vidcore("trim made sets.toml data/videos clips --table sets.toml --workers 1")
    assert Path("clips/good_000000_000001.mp4").exists()


def test_what_cannot_be_fetched_is_told_before_anything_starts(
    vidcore: Vidcore, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = vidcore("fetch by-hand data --table sets.toml --videos", exit_code=2)
    assert "cannot be fetched by a program: ask the authors" in str(by_hand.exception)
    unknown = vidcore("fetch mode data --table sets.toml", exit_code=2)
    assert "did you mean 'made'?" in str(unknown.exception)
    table.write_text('[made]\nhomepage = "x"\n')
    wrong = vidcore("fetch made data --table sets.toml", exit_code=1)
    assert "unknown key 'homepage'; did you mean 'home'?" in str(wrong.exception)
    table.write_text('[made]\nfiles."../x".url = "http://127.0.0.1/x"\n')
    outside = vidcore("fetch made data --table sets.toml", exit_code=1)
    assert "must lie inside the folder" in str(outside.exception)


def test_data_sets_of_installed_plugins_are_listed(vidcore: Vidcore) -> None:
    assert "ucf101" in vidcore("fetch").output
    assert installed_sources().find("ucf101").files[0].unpack
