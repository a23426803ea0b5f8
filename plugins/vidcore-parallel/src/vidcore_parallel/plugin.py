"""What this plugin offers: DistributedDataParallel, and the command that starts several processes."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One way of training in parallel."""
    return [
        Component(
            kind="parallel",
            name="ddp",
            config="vidcore_parallel.config:Ddp",
            factory="vidcore_parallel.ddp:DataParallel",
            summary="every process has the whole model, gradients are summed",
        )
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """The launcher."""
    text = "Start a vidcore command in several processes: what `run --nproc` does."
    return [Command(group="", name="launch", help=text, target="vidcore_parallel.launch:launch")]
