"""Where files of frames lie: a folder, or an archive that is read in place.

Nothing is unpacked to a disk, so a name in an archive is only ever compared, whatever it says. Links in archives are
not followed.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

from vidcore.errors import DataError

_LARGEST = 2**28  # bytes of one picture; an archive may claim any size


class Store(Protocol):
    """Files by name."""

    def names(self) -> list[str]:
        """Every file in it, folders in archives with slashes."""

    def read(self, name: str) -> bytes:
        """All of a file."""

    def close(self) -> None: ...


class Folder:
    """The files of a folder, not those of folders in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """See `Store.names`."""
        return [entry.name for entry in self._path.iterdir()]

    def read(self, name: str) -> bytes:
        """See `Store.read`."""
        return (self._path / name).read_bytes()

    def close(self) -> None:
        """Nothing is open."""


class Zip:
    """The files of a zip archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._archive = file, zipfile.ZipFile(file)

    def names(self) -> list[str]:
        """See `Store.names`."""
        return [entry.filename for entry in self._archive.infolist() if not entry.is_dir()]

    def read(self, name: str) -> bytes:
        """See `Store.read`."""
        _check_size(name, self._archive.getinfo(name).file_size)
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            raise DataError(f"{name}: cannot be read from the archive: {error}. Make the archive again.") from error

    def close(self) -> None:
        """Give the file back."""
        self._archive.close()
        self._file.close()


class Tar:
    """The files of a tar archive that is not compressed as a whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        with tarfile.open(fileobj=file, mode="r:") as archive:
            self._places = {
                entry.name: (entry.offset_data, entry.size)
                for entry in archive
                if entry.isreg() and not entry.issparse()
            }

    def names(self) -> list[str]:
        """See `Store.names`."""
        return list(self._places)

    def read(self, name: str) -> bytes:
        """See `Store.read`."""
        start, size = self._places[name]
        _check_size(name, size)
        self._file.seek(start)
        content = self._file.read(size)
        if len(content) < size:
            raise DataError(f"{name}: the archive ends in the middle of it. Fetch it again or remove it from the list.")
        return content

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def open_store(path: Path) -> Store | None:
    """What lies at a path: a folder or an archive, by what is in it and not by its name. None for any other file.

    Raises:
        DataError: It is an archive that is damaged, or compressed as a whole.
        OSError: It cannot be read.
    """
    if path.is_dir():
        return Folder(path)
    file = path.open("rb")
    try:
        store = _archive(path, file)
    except BaseException:
        file.close()
        raise
    if store is None:
        file.close()
    return store


def _archive(path: Path, file: IO[bytes]) -> Store | None:
    start = file.read(512)
    file.seek(0)
    try:
        if start[:4] in (b"PK\3\4", b"PK\5\6"):
            return Zip(file)
        if start[257:262] == b"ustar":
            return Tar(file)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"{path}: is a damaged archive: {error}. Fetch it again or remove it from the list.") from error
    if (
        start[:2] == b"\x1f\x8b"
        or start[:3] == b"BZh"
        or start[:6] == b"\xfd7zXZ\0"
        or start[:4] == b"\x28\xb5\x2f\xfd"
    ):
        raise DataError(
            f"{path}: is compressed as a whole, so no frame can be read without all before it. Pictures are compressed "
            "already: use tar without compression, or zip."
        )
    return None


def _check_size(name: str, size: int) -> None:
    if size > _LARGEST:
        raise DataError(f"{name}: claims to be {size} bytes long; a picture has at most {_LARGEST}. Remove it.")
