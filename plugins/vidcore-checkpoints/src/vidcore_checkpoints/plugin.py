"""What this plugin offers: a reader of PyTorch's files, a fetcher of web addresses, and commands. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """What `vidcore.weights` asks about files and addresses that are not its own."""
    return [
        Component(
            kind="weights-reader",
            name="torch",
            config="vidcore_checkpoints.config:TorchFiles",
            factory="vidcore_checkpoints.reading:TorchReader",
            summary="PyTorch's zip files, its files from before 1.6, and pickles; nothing in them is executed",
        ),
        Component(
            kind="weights-fetcher",
            name="http",
            config="vidcore_checkpoints.config:WebAddresses",
            factory="vidcore_checkpoints.download:WebFetcher",
            summary="http and https, into a cache, with hashes checked and broken downloads continued",
        ),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore weights ...`."""
    commands = {
        "info": "What a weights file or name holds.",
        "download": "Fetch published weights into the cache.",
        "convert": "Turn a foreign checkpoint into vidcore's own form.",
        "verify": "Measure a published figure again on your copy of the data.",
    }
    return [
        Command(group="weights", name=name, help=help_text, target=f"vidcore_checkpoints.commands:{name}")
        for name, help_text in commands.items()
    ]
