"""What this plugin offers: commands."""

from __future__ import annotations

from vidcore.plugins import Command, hookimpl

api = 1

# group, name, help, target
_COMMANDS = [
    ("", "test", "Evaluate the weights of a run or a file.", "measuring:test"),
    ("", "predict", "What is in these videos?", "predicting:predict"),
    ("config", "show", "Print an experiment whole, as it would run.", "experiments:show"),
    ("config", "diff", "What differs between two experiments.", "experiments:diff"),
    ("config", "schema", "A JSON schema with which editors complete experiment files.", "experiments:schema"),
    ("config", "explain", "What a key means, its default and its limits.", "experiments:explain"),
    ("config", "init", "Print the TOML of a new experiment that starts from a recipe.", "experiments:init"),
    ("recipes", "list", "Every recipe of the installed plugins.", "recipes:list_recipes"),
    ("recipes", "show", "What a recipe is: model, data, weights, published figures.", "recipes:show_recipe"),
    ("plugins", "doctor", "Import everything that plugins offer and tell what fails.", "authoring:doctor"),
    ("plugins", "new", "Write a new plugin that passes its own tests.", "authoring:new"),
    ("plugins", "check", "Run the contract checks on a plugin's components.", "authoring:check"),
    ("run", "dry-run", "Use everything of an experiment once: what `run --dry-run` does.", "experiments:rehearse"),
]


@hookimpl
def vidcore_commands() -> list[Command]:
    """Commands around experiments, trained models and plugins."""
    return [
        Command(group=group, name=name, help=text, target=f"vidcore_tools.{target}")
        for group, name, text, target in _COMMANDS
    ]
