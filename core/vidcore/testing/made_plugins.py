"""Plugins written into a folder as an installer would leave them, to test a host with."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


def write_plugin(
    site: Path, name: str, files: dict[str, str], *, version: str = "1.0", module: str = "plugin", package: str = ""
) -> None:
    """Write an installed distribution into `site`: package, metadata and entry point, without any installer.

    Args:
        site: A folder that is, or will be, on `sys.path`.
        name: Of the entry point; the distribution is called `vidcore-NAME`.
        files: Text by path inside the package, such as `{"plugin.py": ...}`.
        version: Of the distribution.
        module: Inside the package, what the entry point names.
        package: Import package; `vidcore_NAME` when empty.
    """
    package = package or f"vidcore_{name.replace('-', '_')}"
    for path, text in {"__init__.py": "", **files}.items():
        file = site / package / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    info = site / f"vidcore_{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: vidcore-{name}\nVersion: {version}\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[vidcore]\n{name} = {package}.{module}\n", encoding="utf-8")
