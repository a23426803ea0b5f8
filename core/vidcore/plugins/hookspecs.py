"""The hooks that a plugin may implement. They return descriptions; importing a plugin registers nothing.

A plugin is a module named by an entry point of the group `vidcore`, with `api = 1` and any of these functions
decorated with `vidcore.plugins.hookimpl`. It should import neither torch nor its own models.
"""

from __future__ import annotations

import pluggy

from vidcore.plugins.catalog import Command, Component

API = 1
PROJECT = "vidcore"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vidcore_components() -> list[Component]:
    """Components that experiments can name: models, data sets, metrics, and kinds of the plugin's own."""


@hookspec
def vidcore_recipes() -> str:
    """A folder of TOML recipes inside the package, as `"package:folder"`."""


@hookspec
def vidcore_weights() -> str:
    """A TOML file of published weights inside the package, as `"package:file.toml"`, one table for each name."""


@hookspec
def vidcore_commands() -> list[Command]:
    """Commands for the `vidcore` command line."""


@hookspec
def vidcore_downloads() -> str:
    """A TOML file inside the package, as `"package:file.toml"`: where data sets come from, one table for each."""
