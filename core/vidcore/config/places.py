"""Where data lies: on this machine, or behind an address such as s3:// or https://.

A plugin offers a component of kind `place` for addresses: made from its config, it has `accepts(address) -> bool` and
`path(address)`, which gives an object with the methods of `pathlib.Path` that reading needs: `/`, `name`, `suffix`,
`stem`, `parent`, `absolute`, `exists`, `is_dir`, `is_file`, `stat`, `iterdir`, `open`, `read_bytes`, `read_text`. What
goes wrong it raises as OSError.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from vidcore.errors import DataError
from vidcore.plugins.asking import first_that_accepts, what_to_install


def is_address(name: object) -> bool:
    """Whether it names a place by a scheme."""
    return isinstance(name, str) and "://" in name


def is_local(path: object) -> bool:
    """Whether a path is one of this machine, and not of an address."""
    return isinstance(path, os.PathLike)


def place(name: str | os.PathLike[str]) -> Path:
    """The path of that name. Those of addresses are no `os.PathLike`; what is a path already stays as it is.

    Raises:
        DataError: No installed plugin opens such addresses.
    """
    if not is_address(name):
        return Path(name) if isinstance(name, str) else cast("Path", name)
    opener = first_that_accepts("place", name)
    if opener is None:
        raise DataError(f"{name} is not on this machine; a plugin that opens it is needed{what_to_install('place')}")
    found: Path = opener.path(name)
    return found
