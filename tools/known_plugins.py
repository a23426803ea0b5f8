"""Write core/vidcore/known_plugins.toml: which distribution of this workspace brings what.

The core reads it as data, so that "no model named 'x'" can say what to install. Run where every plugin is installed:
python tools/known_plugins.py
"""

from __future__ import annotations

from pathlib import Path

import tomlkit

from vidcore.plugins import host

FILE = Path(__file__).parent.parent / "core/vidcore/known_plugins.toml"
FOLDERS = ("plugins", "contrib")


def text() -> str:
    """The file as it should be for the plugins that are installed and belong to this workspace."""
    ours = {folder.name for parent in FOLDERS for folder in (FILE.parents[2] / parent).glob("vidcore-*")}
    owners = {record.name: record.distribution.split()[0] for record in host().records.values() if not record.error}
    components = {
        f"{component.kind}:{component.name}": owners[component.plugin]
        for component in host().components
        if owners[component.plugin] in ours
    }
    commands = {
        f"{command.group} {command.name}".strip(): owners[command.plugin]
        for command in host().commands
        if owners[command.plugin] in ours
    }
    document = tomlkit.document()
    document.add(
        tomlkit.comment("Made by tools/known_plugins.py: the distribution that brings a component or command.")
    )
    for name, found in (("components", components), ("commands", commands)):
        table = tomlkit.table()
        for key, owner in sorted(found.items()):
            table.add(key, owner)
        document.add(name, table)
    return tomlkit.dumps(document)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}")
