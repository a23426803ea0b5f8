"""What this plugin offers. Imports neither av nor numpy."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1

# section of the help, then in the order of a first acquaintance: name, help, target
_COMMANDS = {
    "1. Get videos and look at them": [
        ("fetch", "Download a data set: annotations, and videos where that is allowed.", "source_commands:fetch"),
        ("stats", "What a folder of videos is like, as a table and a picture.", "statistics_command:stats"),
    ],
    "2. Make of videos what trains fast": [
        ("resize", "Videos -> smaller videos that are fast to jump into.", "media_commands:resize"),
        ("cut", "Cut pieces out of videos, as a CSV of yours says.", "source_commands:cut"),
        ("trim", "Cut the clips of a data set out of whole videos, as its annotation says.", "source_commands:trim"),
        ("frames", "Videos -> a folder of pictures for each.", "media_commands:frames"),
        ("encode", "Folders of pictures -> videos.", "media_commands:encode"),
        ("flow", "Videos -> pictures of how pixels move from frame to frame.", "media_commands:flow"),
        ("audio", "Videos -> their sound as .wav files.", "media_commands:audio"),
    ],
    "3. Say what is trained on": [
        ("filelist", "Folders or official splits -> lists for training and validation.", "list_commands:filelist"),
        ("convert", "A list as text, CSV or JSON -> another of these.", "list_commands:convert"),
        ("check", "Find broken videos, wrong labels, shared videos before a GPU is busy.", "check_command:check"),
    ],
}


@hookimpl
def vidcore_components() -> list[Component]:
    """Flow as a stage."""
    return [
        Component(
            kind="stage",
            name="flow",
            config="vidcore_prepare.config:FlowStage",
            factory="vidcore_prepare.flow_stage:Flow",
            summary="optical flow of videos, for a model that looks at movement",
        )
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """Commands under `vidcore data`."""
    return [
        Command(group="data", section=section, name=name, help=text, target=f"vidcore_prepare.{target}")
        for section, commands in _COMMANDS.items()
        for name, text, target in commands
    ]


@hookimpl
def vidcore_downloads() -> str:
    """Data sets that have no plugin of their own."""
    return "vidcore_prepare:downloads.toml"
