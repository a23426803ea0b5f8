"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """Both networks, how they learn, and the data between them, a stage that makes it among them."""
    return [
        _component("model", "tem", "config:Tem", "model:Tem", "curves of action, start and end"),
        _component("model", "pem", "config:Pem", "model:Pem", "how well a candidate fits an action"),
        _component(
            "localization.method",
            "boundary-probability",
            "config:BoundaryProbability",
            "methods:BoundaryProbability",
            "learns curves of action, start and end",
        ),
        _component(
            "localization.method",
            "proposal-evaluation",
            "config:ProposalEvaluation",
            "methods:ProposalEvaluation",
            "learns the fit of candidates and scores them",
        ),
        _component(
            "dataset",
            "candidate-features",
            "config:CandidateFeatures",
            "dataset:candidate_features",
            "candidates of each video and what describes them",
        ),
        _component("stage", "proposals", "config:ProposalStage", "stage:Proposals", "candidates of predicted curves"),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore data proposals`."""
    return [
        Command(
            group="data",
            section="5. Segments of long videos",
            name="proposals",
            help="Make candidate proposals of the curves that temporal evaluation predicts.",
            target="vidcore_bsn.commands:proposals",
        )
    ]


@hookimpl
def vidcore_recipes() -> str:
    """The published ActivityNet configurations."""
    return "vidcore_bsn:recipes"


@hookimpl
def vidcore_weights() -> str:
    """The published checkpoints."""
    return "vidcore_bsn:weights.toml"


def _component(kind: str, name: str, config: str, factory: str, summary: str) -> Component:
    return Component(
        kind=kind, name=name, config=f"vidcore_bsn.{config}", factory=f"vidcore_bsn.{factory}", summary=summary
    )
