"""Files that are there whole or not at all, whoever reads them meanwhile and however the process ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Another name beside `path`, to write a file under: it becomes `path` when the context ends well.

    What an error leaves is removed. What a kill leaves has a name that ends in `.tmp`, so nobody takes it for the file.

    Example:
        `with written_whole(path) as partial: partial.write_bytes(content)`
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # several processes may write the same file
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):  # the error on its way says more
            partial.unlink(missing_ok=True)
