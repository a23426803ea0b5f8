"""A path behind an address, with the methods of `pathlib.Path` that reading needs."""

from __future__ import annotations

import contextlib
import io
import posixpath
import zlib
from collections.abc import Iterator
from typing import IO, Any

import fsspec
from attrs import field, frozen

from vidcore_remote.config import Remote

# Read ahead this much at a time. Frames of a clip lie close together; fsspec's own 5 MiB reads a short video whole.
_BLOCK = 1 << 20
# What services say of a file that changes when the file does.
_STAMPS = ("ETag", "etag", "Last-Modified", "LastModified", "last_modified", "mtime", "updated", "created", "md5")


class Places:
    """The component of kind `place`."""

    def __init__(self, config: Remote) -> None:
        pass

    def accepts(self, address: str) -> bool:
        """Any address: which schemes there are, fsspec knows."""
        return "://" in address

    def path(self, address: str) -> RemotePath:
        """The path of an address."""
        return RemotePath(address)


@frozen(kw_only=True)
class Status:
    """Size and, in place of a time, a number that changes when the file does."""

    st_size: int
    st_mtime_ns: int


def _without_slash(address: str) -> str:
    """An address without the slash at its end."""
    return address if address.endswith("://") else address.rstrip("/")


@frozen(order=True)
class RemotePath:
    """A file or folder by its address. What goes wrong is raised as OSError. Pickles, and survives a fork."""

    address: str = field(converter=_without_slash)

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: object) -> RemotePath:
        text = str(name).replace("\\", "/")
        if "://" in text:
            return RemotePath(text)
        if text in ("", "."):
            return self
        scheme, _, rest = self.address.partition("://")
        host, slash, folder = rest.partition("/")
        joined = posixpath.normpath(posixpath.join("/", folder, text))
        return RemotePath(f"{scheme}://{host}{joined}" if host or slash else f"{scheme}://{joined.lstrip('/')}")

    @property
    def name(self) -> str:
        """The last part."""
        return posixpath.basename(self.address.partition("://")[2])

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return posixpath.splitext(self.name)[0]

    @property
    def suffix(self) -> str:
        """The ending, such as .mp4."""
        return posixpath.splitext(self.name)[1]

    @property
    def parent(self) -> RemotePath:
        """The folder that it is in."""
        return self / ".."

    def absolute(self) -> RemotePath:
        """An address is."""
        return self

    def relative_to(self, folder: RemotePath) -> str:
        """The rest of the address after a folder's. Raises ValueError where it does not lie in it."""
        if not self.address.startswith(f"{folder.address}/"):
            raise ValueError(f"{self} is not in {folder}")
        return self.address[len(folder.address) + 1 :]

    def exists(self) -> bool:
        """Whether there is something."""
        return self._kind() != ""

    def is_dir(self) -> bool:
        """Whether it is a folder. Services without folders say that of what files lie below."""
        return self._kind() == "directory"

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self._kind() == "file"

    def stat(self) -> Status:
        """Raises FileNotFoundError where there is nothing."""
        with _told(self.address):
            system, path = self._system()
            info = system.info(path)
        stamp = repr(sorted((key, str(info[key])) for key in _STAMPS if key in info))
        return Status(st_size=int(info.get("size") or 0), st_mtime_ns=zlib.crc32(stamp.encode()))

    def iterdir(self) -> Iterator[RemotePath]:
        """What lies in a folder."""
        with _told(self.address):
            system, path = self._system()
            names = [posixpath.basename(str(name).rstrip("/")) for name in system.ls(path, detail=False)]
        return iter([self / name for name in sorted(names) if name])

    def rglob(self, pattern: str) -> Iterator[RemotePath]:
        """Every file below. Raises ValueError for another pattern than "*"."""
        if pattern != "*":
            raise ValueError(f"rglob({pattern!r}): only '*' is supported")
        with _told(self.address):
            system, path = self._system()
            root = str(path).rstrip("/")
            names = [str(name)[len(root) + 1 :] for name in system.find(path)]
        return iter([self / name for name in sorted(names)])

    def open(self, mode: str = "rb") -> IO[bytes]:
        """A file to read bytes from, at any place of it. Raises ValueError for another mode."""
        if mode != "rb":
            raise ValueError(f"{self.address} can be read as bytes only, not opened as {mode!r}")
        with _told(self.address):
            system, path = self._system()
            return io.BufferedReader(
                _RemoteFile(self.address, system.open(path, "rb", block_size=_BLOCK)), _BLOCK // 16
            )

    def read_bytes(self) -> bytes:
        """All of it."""
        with _told(self.address):
            system, path = self._system()
            content: bytes = system.cat_file(path)
            return content

    def read_text(self, encoding: str = "utf-8") -> str:
        """All of it as text."""
        return self.read_bytes().decode(encoding)

    def _kind(self) -> str:
        """What the service calls it; "" where there is nothing. Asked so, web servers send no file for an answer."""
        with contextlib.suppress(FileNotFoundError), _told(self.address):
            system, path = self._system()
            return str(system.info(path)["type"])
        return ""

    def _system(self) -> tuple[Any, str]:
        """The object of fsspec for the scheme, and what it calls the path. It keeps one for each process itself."""
        system, path = fsspec.core.url_to_fs(self.address)
        return system, path


class _RemoteFile(io.RawIOBase):
    """A file of fsspec as one of Python's, whose troubles are OSErrors that name the address."""

    def __init__(self, address: str, file: Any) -> None:
        self._address, self._file = address, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _told(self._address):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _told(self._address):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """Every service has errors of its own; those who read know OSError."""
    try:
        yield
    except FileNotFoundError as error:
        status = getattr(error.__cause__, "status", 404)  # fsspec calls missing whatever a web server refuses
        if status not in (404, 410):
            raise OSError(
                5, f"the server answers {status}: {getattr(error.__cause__, 'message', '')}", address
            ) from error
        raise FileNotFoundError(2, "No such file or folder", address) from error
    except Exception as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if "range requests" in told or "seek streaming" in told:
            told = "the server answers no requests for parts of a file (HTTP ranges), which reading frames needs"
        raise OSError(5, told, address) from error
