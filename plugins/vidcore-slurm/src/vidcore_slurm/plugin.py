"""What this plugin offers. Imports neither torch nor submitit."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore slurm`."""
    text = "Run experiments as Slurm jobs, which go on after pre-emption and time limits."
    return [Command(group="", name="slurm", help=text, target="vidcore_slurm.commands:slurm")]
