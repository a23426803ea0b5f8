"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore data poses`."""
    return [
        Command(
            group="data",
            section="4. Sound, people, features instead of videos",
            name="poses",
            help="Find the people in videos and write their key points.",
            target="vidcore_poses.commands:poses",
        )
    ]
