"""The plugin host. Imports neither torch nor any plugin until it is asked for one."""

from vidcore.plugins.catalog import Command, Component, Recipe, WeightsEntry
from vidcore.plugins.hookspecs import API, hookimpl

__all__ = ["API", "Command", "Component", "Recipe", "WeightsEntry", "hookimpl"]
