"""What this plugin offers: two ways to train in several processes, and the command that starts them."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Ways of training in parallel."""
    return [
        Component(
            kind="parallel",
            name="ddp",
            config="vidcore_parallel.config:Ddp",
            factory="vidcore_parallel.ddp:open_ddp",
            summary="every process has the whole model, gradients are summed",
        ),
        Component(
            kind="parallel",
            name="fsdp",
            config="vidcore_parallel.config:Fsdp",
            factory="vidcore_parallel.fsdp:open_fsdp",
            summary="every process keeps a part of the weights and of the optimizer's state",
        ),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """The launcher."""
    text = "Start a vidcore command in several processes: what `run --nproc` does."
    return [Command(group="", name="launch", help=text, target="vidcore_parallel.launch:launch")]
