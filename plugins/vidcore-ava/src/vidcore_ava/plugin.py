"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data set, in every edition; feature banks, and made videos, as stages."""
    return [
        Component(
            kind="dataset",
            name="ava",
            config="vidcore_ava.config:Ava",
            factory="vidcore_ava.dataset:ava",
            summary="AVA 2.1 and 2.2, AVA-Kinetics, and anything annotated in their format",
        ),
        Component(
            kind="stage",
            name="feature-bank",
            config="vidcore_ava.config:BankStage",
            factory="vidcore_ava.bank_stage:Banks",
            summary="what a detector sees of every person, for a model that looks at a bank",
        ),
        Component(
            kind="stage",
            name="moving-actors",
            config="vidcore_ava.config:ActorStage",
            factory="vidcore_ava.actors:Actors",
            summary="made videos of actors that walk, hop, glow and wave, annotated in AVA's format",
        ),
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published detection configurations."""
    return "vidcore_ava:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints, and those that they started from."""
    return "vidcore_ava:weights.toml"


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore ava results` and `vidcore ava evaluate`."""
    text = "Results as the official evaluation of AVA reads them, and that evaluation."
    return [Command(group="", name="ava", help=text, target="vidcore_ava.commands:ava")]


@hookimpl
def vidcore_downloads() -> str:
    """Where annotations and films are, for `vidcore data fetch`."""
    return "vidcore_ava:downloads.toml"
