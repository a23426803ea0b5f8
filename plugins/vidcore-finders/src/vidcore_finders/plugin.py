"""What this plugin offers: commands."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1

# group, name, help, target
_COMMANDS = [
    ("", "find", "Find a learning rate, a batch size.", "find"),
    ("find", "lr", "Find a learning rate to begin with.", "find_lr"),
    ("find", "batch-size", "Find a batch size that keeps the device busy.", "find_batch_size"),
    ("show", "schedule", "Learning rate and momentum over a run.", "show_schedule"),
    ("show", "groups", "Which parameters are trained, and how fast.", "show_groups"),
]


@hookimpl
def vidcore_commands() -> list[Command]:
    """One line for each."""
    return [
        Command(group=group, name=name, help=text, target=f"vidcore_finders.commands:{target}")
        for group, name, text, target in _COMMANDS
    ]
