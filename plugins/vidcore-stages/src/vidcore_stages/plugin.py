"""What this plugin offers: two types of stage, and the command that runs a file of stages."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Training and predicting; other plugins bring other types."""
    return [
        Component(
            kind="stage",
            name=name,
            config=f"vidcore_stages.config:{cls}",
            factory=f"vidcore_stages.kinds:{cls}Stage",
            summary=summary,
        )
        for name, cls, summary in (
            ("train", "Train", "train an experiment"),
            ("predict", "Predict", "write the predictions of a trained stage"),
        )
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """The overview of a file of stages; `vidcore run` runs them."""
    listing, running = (
        "List the stages of a file: their order, what each reads, what is done.",
        "What `run` does with them.",
    )
    return [
        Command(group="", name="stages", help=listing, target="vidcore_stages.command:stages"),
        Command(group="run", name="stages", help=running, target="vidcore_stages.command:run_stages"),
    ]
