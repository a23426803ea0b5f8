"""What this plugin offers. Imports neither torch nor Pillow."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore draw`."""
    text = "Paint predictions over their videos, as MP4, GIF or PNG."
    return [Command(group="", name="draw", help=text, target="vidcore_visual.commands:draw")]
