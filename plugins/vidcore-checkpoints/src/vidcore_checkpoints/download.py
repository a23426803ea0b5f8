"""`fetch`: files from the web into a cache, once, whole and checked.

A broken download stays as `NAME.part`, and the next attempt asks the server for the rest. The file takes its name only
after its hash has been compared. A file that is in the cache needs no network.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import platformdirs
import requests
from attrs import frozen
from filelock import FileLock

from vidcore.errors import WeightsError
from vidcore.weights.sources import Progress
from vidcore_checkpoints.config import WebAddresses

CACHE_VARIABLE = "VIDCORE_CACHE"
ATTEMPTS = 4  # in a row without a new byte; one that brings bytes starts the count anew
FIRST_PAUSE_SECONDS = 0.5  # doubled after each attempt in vain
TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, between two bytes
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_CONNECTION_ERRORS = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_BLOCK = 1 << 14  # a broken connection loses the block that it is in
_HEX = set("0123456789abcdef")


class _BrokenOffError(Exception):
    """The connection ended early; asking again may help."""


class WebFetcher:
    """The fetcher that `vidcore.weights` asks about addresses. It has no options."""

    def __init__(self, config: WebAddresses) -> None:
        pass

    def accepts(self, address: str) -> bool:
        """Whether it is an http or https address."""
        return _is_web(address)

    def fetch(self, address: str, sha256: str = "", progress: Progress | None = None) -> Path:
        """See `fetch`."""
        return fetch(address, sha256, progress=progress)


@frozen
class _Place:
    """Where the file of one URL lies in the cache."""

    url: str
    sha256: str
    file: Path

    @property
    def part(self) -> Path:
        return self.file.with_name(self.file.name + ".part")

    @property
    def notes(self) -> Path:
        """What the server said of the file that `part` is the beginning of."""
        return self.file.with_name(self.file.name + ".part.json")

    @property
    def lock(self) -> Path:
        return self.file.with_name(self.file.name + ".lock")


def cache_folder() -> Path:
    """`$VIDCORE_CACHE`, or the user's cache folder of this system."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("vidcore", appauthor=False)


def cached_path(url: str, sha256: str = "", cache: Path | None = None) -> Path:
    """Where the file of `url` lies in the cache once it is fetched, and where to put it by hand.

    It keeps the name that it has on the server. Where that does not tell two files apart, a piece of hash is added.
    """
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    name = "".join(letter if letter.isalnum() or letter in "-_.+" else "_" for letter in name).lstrip(".") or "file"
    mark = sha256[:8].lower() or hashlib.sha256(url.encode()).hexdigest()[:8]
    if mark not in name.lower():
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem}-{mark}{dot}{suffix}" if stem else f"{name}-{mark}"
    return (cache or cache_folder()) / "weights" / name


def fetch(url: str, sha256: str = "", cache: Path | None = None, progress: Progress | None = None) -> Path:
    """The file of `url` in the cache, downloaded if it is not there yet.

    Args:
        url: http or https.
        sha256: The hash of the file, or its first digits; empty if nobody published it.
        cache: The folder to use; by default `cache_folder()`.
        progress: Told as the bytes come in.

    Raises:
        WeightsError: No connection and no copy in the cache, a wrong hash, a full disk, a refusal of the server.
    """
    sha256 = sha256.lower()
    if set(sha256) - _HEX or len(sha256) > 64:
        raise WeightsError(f"{sha256!r} is not the beginning of a SHA-256 hash (of {url})")
    if not _is_web(url):
        raise WeightsError(f"{url} is not an http or https address")
    place = _Place(url, sha256, cached_path(url, sha256, cache))
    if _is_right(place.file, sha256):
        return place.file
    try:
        place.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.lock):
            if not _is_right(place.file, sha256):  # another process may have fetched it while we waited
                _fetch_into(place, progress)
    except OSError as error:
        raise _storage_error(place, error) from error
    return place.file


def file_sha256(path: Path) -> str:
    """The hash in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _is_right(path: Path, sha256: str) -> bool:
    return path.is_file() and (not sha256 or file_sha256(path).startswith(sha256))


def _fetch_into(place: _Place, progress: Progress | None) -> None:
    resumed = place.part.exists()
    _download(place, progress)
    found = file_sha256(place.part)
    if resumed and not found.startswith(place.sha256):
        # The beginning may be of an older file, which some servers do not tell. Once more, from the start.
        _forget(place)
        _download(place, progress)
        found = file_sha256(place.part)
    if not found.startswith(place.sha256):
        _forget(place)
        raise WeightsError(
            f"{place.url} has the SHA-256 {found[: len(place.sha256)]}, and {place.sha256} was expected: it changed "
            "on the server, or something between here and there replaced it. What was downloaded is removed."
        )
    os.replace(place.part, place.file)
    _forget(place)


def _forget(place: _Place) -> None:
    place.part.unlink(missing_ok=True)
    place.notes.unlink(missing_ok=True)


def _download(place: _Place, progress: Progress | None) -> None:
    """Complete `place.part`, with as many attempts as bring it forward and a few more."""
    in_vain = 0
    while True:
        before = _size(place.part)
        try:
            with requests.Session() as session:
                return _continue(session, place, progress)
        except (_BrokenOffError, *_CONNECTION_ERRORS) as error:
            in_vain = 0 if _size(place.part) > before else in_vain + 1
            if in_vain >= ATTEMPTS:
                raise _gave_up(place, error) from error
        except requests.RequestException as error:
            raise WeightsError(f"{place.url} cannot be fetched: {error}") from error
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** max(in_vain - 1, 0))


def _continue(session: requests.Session, place: _Place, progress: Progress | None) -> None:
    """One request: for the whole file, or for what is missing of it."""
    notes = _read_notes(place)
    checkable = notes is not None and (notes["version"] or place.sha256)
    start = _size(place.part) if checkable else 0
    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, so that they can be counted
    if start:
        headers["Range"] = f"bytes={start}-"
        if notes and notes["version"]:
            headers["If-Range"] = notes["version"]  # a changed file comes whole
    with session.get(place.url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == 416:
            _after_refused_range(place, response, start)
            return
        if response.status_code in _TRY_AGAIN:
            raise _BrokenOffError(f"the server answers {response.status_code} {response.reason}")
        if response.status_code not in (200, 206):
            raise WeightsError(
                f"{place.url}: the server answers {response.status_code} {response.reason}. {_by_hand(place)}"
            )
        total = _total(response)
        if response.status_code == 206 and not _continues(response, start, total, notes):
            _forget(place)
            raise _BrokenOffError("the file changed on the server")
        if response.status_code == 200:  # the server knows no ranges, or the file is new
            start = 0
        _write_notes(place, {"url": place.url, "version": _version(response), "total": total})
        _check_room(place, start, total)
        _receive(response, place, start, total, progress)


def _receive(
    response: requests.Response, place: _Place, start: int, total: int | None, progress: Progress | None
) -> None:
    done = start
    with place.part.open("r+b" if start else "wb") as file:
        file.seek(start)
        for block in response.iter_content(_BLOCK):
            file.write(block)
            done += len(block)
            if progress is not None:
                progress(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _BrokenOffError(f"the connection ended after {done} of {total} bytes")
    if total is not None and done > total:
        _forget(place)
        raise _BrokenOffError(f"the server sent {done} bytes and had announced {total}")


def _after_refused_range(place: _Place, response: requests.Response, start: int) -> None:
    """416: there is nothing behind `start`. Either nothing is missing, or what is here is of another file."""
    if response.headers.get("Content-Range", "").removeprefix("bytes */") == str(start) and start:
        return
    _forget(place)
    raise _BrokenOffError("the file on the server is shorter than the part that is here")


def _continues(response: requests.Response, start: int, total: int | None, notes: dict[str, Any] | None) -> bool:
    """Whether a partial answer is the rest of the very file whose beginning is here."""
    begins = response.headers.get("Content-Range", "").removeprefix("bytes ").startswith(f"{start}-")
    known = notes or {}
    same_size = known.get("total") is None or total is None or known["total"] == total
    same_version = not (known.get("version") and _version(response)) or known["version"] == _version(response)
    return begins and same_size and same_version


def _total(response: requests.Response) -> int | None:
    """Bytes of the whole file, if the server says so."""
    if response.status_code == 206:
        text = response.headers.get("Content-Range", "").rpartition("/")[2]
    elif response.headers.get("Content-Encoding", "identity") != "identity":
        return None  # the length of something else
    else:
        text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _version(response: requests.Response) -> str:
    """What tells one state of the file from another: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _read_notes(place: _Place) -> dict[str, Any] | None:
    """None where there is no part that could be continued."""
    try:
        notes = json.loads(place.notes.read_text())
    except (OSError, ValueError):
        return None
    return notes if isinstance(notes, dict) and notes.get("url") == place.url and "version" in notes else None


def _write_notes(place: _Place, notes: dict[str, Any]) -> None:
    place.notes.write_text(json.dumps(notes, sort_keys=True))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_room(place: _Place, start: int, total: int | None) -> None:
    free = shutil.disk_usage(place.part.parent).free + (0 if start else _size(place.part))
    if total is not None and total - start > free:
        raise OSError(errno.ENOSPC, f"{_mb(total - start)} are needed, {_mb(free)} are free")


def _storage_error(place: _Place, error: OSError) -> WeightsError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsError(
            f"{place.url} cannot be stored: no room in {place.file.parent} ({error.strerror}). "
            f"Free some, or set {CACHE_VARIABLE} to another folder; what is here of it is kept and continued."
        )
    return WeightsError(
        f"{place.url} cannot be stored in {place.file.parent}: {error.strerror or error}. "
        f"Set {CACHE_VARIABLE} to a folder that can be written."
    )


def _gave_up(place: _Place, error: Exception) -> WeightsError:
    kept = _size(place.part)
    so_far = f" {_mb(kept)} are here; the same command continues." if kept else ""
    why = f"after {ATTEMPTS} attempts in vain: {_in_words(error)}"
    return WeightsError(f"{place.url} cannot be fetched, {why}.{so_far} {_by_hand(place)}")


def _in_words(error: Exception) -> str:
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return str(getattr(error.args[0], "reason", error) if error.args else error)  # without the layers around the cause


def _by_hand(place: _Place) -> str:
    wrong = " (the file that lies there has another hash)" if place.file.exists() else ""
    return f"Without a connection: fetch it elsewhere and put it at {place.file}{wrong}"


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
