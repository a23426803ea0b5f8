"""The plugin host. Imports neither torch nor any plugin until it is asked for one."""

from vidcore.plugins.catalog import Command, Component, Recipe, WeightsEntry, load_reference
from vidcore.plugins.discovery import Host, build, host
from vidcore.plugins.hookspecs import API, hookimpl

__all__ = [
    "API",
    "Command",
    "Component",
    "Host",
    "Recipe",
    "WeightsEntry",
    "build",
    "hookimpl",
    "host",
    "load_reference",
]
