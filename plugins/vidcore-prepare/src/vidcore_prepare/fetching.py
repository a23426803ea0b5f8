"""Files from the web: annotations, archives, videos; those of YouTube through yt-dlp, a program of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from attrs import evolve, frozen

from vidcore.errors import ConfigError, DataError, WeightsError
from vidcore_checkpoints.download import fetch, file_sha256
from vidcore_prepare.engine import Item, write_whole
from vidcore_prepare.sources import DataFile

HASHES = "SHA256SUMS"  # in the form that the program sha256sum checks
_YOUTUBE = ("youtube.com", "youtu.be")
_FORMAT = "bv*[ext=mp4][height<=720]+ba[ext=m4a]/b[ext=mp4]/b"
_LIMIT_SECONDS = 3600


@frozen(kw_only=True)
class FetchFile:
    """Fetches one file. A download that breaks off is continued, by the next run too."""

    cache: Path  # for what has not arrived whole

    def __call__(self, item: Item, unfinished: Path) -> dict[str, float]:
        """Raises DataError where it cannot be had, or its hash is wrong."""
        wanted: DataFile = item.source
        if is_youtube(wanted.url):
            _with_yt_dlp(wanted.url, unfinished)
            return {"bytes": unfinished.stat().st_size}
        try:
            arrived = fetch(wanted.url, wanted.sha256, cache=self.cache)
        except WeightsError as error:
            raise DataError(str(error)) from error
        size = arrived.stat().st_size
        if wanted.unpack:
            _unpack(arrived, unfinished, wanted.url)
            arrived.unlink()
        else:
            os.replace(arrived, unfinished)
        return {"bytes": size}


def items_to_fetch(files: Iterable[DataFile], target: Path) -> list[Item]:
    """An item for each; a file without a published hash must be what it was when it first came."""
    known = read_hashes(target)
    return [
        Item(
            name=file.path,
            output=target / file.path,
            source=evolve(file, sha256=file.sha256 or known.get(file.path, "")),
        )
        for file in files
    ]


def read_hashes(target: Path) -> dict[str, str]:
    """Path -> hash of files that were fetched before."""
    file = target / HASHES
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {path: value for value, _, path in (line.partition("  ") for line in lines)}


def note_hashes(items: Iterable[Item], target: Path) -> dict[str, str]:
    """Note the hash of every plain file that has come. Returns those that are new and that nobody published."""
    known, new = read_hashes(target), {}
    for item in items:
        if item.name not in known and item.output.is_file():
            known[item.name] = file_sha256(item.output)
            if not item.source.sha256:
                new[item.name] = known[item.name]
    if known:
        write_whole(target / HASHES, "".join(f"{value}  {path}\n" for path, value in sorted(known.items())))
    return new


def is_youtube(url: str) -> bool:
    """Whether yt-dlp is needed."""
    return any((urlsplit(url).hostname or "").endswith(name) for name in _YOUTUBE)


def require_yt_dlp() -> list[str]:
    """The command that starts yt-dlp.

    Raises:
        ConfigError: It is not installed.
    """
    found = shutil.which("yt-dlp")
    if found:
        return [found]
    if find_spec("yt_dlp"):
        return [sys.executable, "-m", "yt_dlp"]
    raise ConfigError("these videos come through yt-dlp, which is not installed: pip install yt-dlp")


def _with_yt_dlp(url: str, unfinished: Path) -> None:
    command = [*require_yt_dlp(), "--quiet", "--no-warnings", "--no-part", "--no-playlist", "--format", _FORMAT]
    command += ["--merge-output-format", "mp4", "--output", str(unfinished), "--", url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{url}: did not come within an hour") from error
    if done.returncode or not unfinished.exists():
        said = (done.stderr.strip() or "yt-dlp wrote nothing").splitlines()[-1]
        raise DataError(f"{url}: {said.removeprefix('ERROR: ')}")


def _unpack(archive: Path, folder: Path, url: str) -> None:
    """Unpack a zip or tar archive, nothing of it outside of the folder."""
    folder.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened_tar:
                opened_tar.extractall(folder, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"{url} is no zip or tar archive that can be unpacked: {error}") from error
