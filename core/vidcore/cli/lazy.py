"""Command groups that import a command when it is called, so that `--help` costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from attrs import frozen

from vidcore.errors import PluginError
from vidcore.plugins import load_reference
from vidcore.plugins.discovery import known_plugins
from vidcore.wording import nearest


@frozen
class Lazy:
    """A command that is not imported yet."""

    target: str  # "module:command"
    help: str  # one line for lists
    section: str = ""  # heading in lists


class LazyGroup(click.Group):
    """A click group over `Lazy` entries.

    Args:
        entries: Commands by name, in the order in which help shows them.
        more: Called when help or an unknown name needs further entries, such as those of plugins.
    """

    def __init__(
        self,
        *args: Any,
        entries: Mapping[str, Lazy],
        more: Callable[[], Mapping[str, Lazy]] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self._entries = entries
        self._more = more

    def _all(self) -> dict[str, Lazy]:
        more = self._more() if self._more else {}
        return {**self._entries, **{name: entry for name, entry in more.items() if name not in self._entries}}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._all())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name) or self._all().get(cmd_name)
        if entry is None:
            return None
        command = load_reference(entry.target)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        everything = self._all()
        for section in sorted({entry.section for entry in everything.values()} or {""}):
            entries = [(name, entry.help) for name, entry in everything.items() if entry.section == section]
            with formatter.section(section or "Commands"):
                formatter.write_dl(entries or [("", "none; plugins that are not installed bring them")])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            name = args[0] if args else ""
            group_name = self.name or "" if ctx.parent else ""
            hint = _bringer(group_name, name) or nearest(name, self._all())
            raise click.UsageError(f"no command {name!r}{hint}", ctx) from error


def plugin_commands(group: str) -> Callable[[], dict[str, Lazy]]:
    """Entries that plugins add to `vidcore GROUP`, or to the top level when `group` is empty."""

    def more() -> dict[str, Lazy]:
        from vidcore.plugins import host

        return {
            command.name: Lazy(command.target, command.help, command.section)
            for command in host().commands
            if command.group == group
        }

    return more


def find_command(group_name: str, name: str) -> click.Command:
    """A command that a plugin brings.

    Raises:
        PluginError: No installed plugin does; says which would.
    """
    entry = plugin_commands(group_name)().get(name)
    if entry is None:
        hint = _bringer(group_name, name) or "; `vidcore plugins list` shows what is installed"
        raise PluginError(f"there is no command {name!r} here{hint}")
    command: click.Command = load_reference(entry.target)
    return command


def _bringer(group_name: str, name: str) -> str:
    """Which plugin that is not installed would bring a command, or nothing."""
    known = known_plugins("commands").get(f"{group_name} {name}".strip())
    return f"; it comes with {known}: pip install {known}" if known else ""


def group(name: str, help_text: str, entries: Mapping[str, Lazy], short_help: str | None = None) -> LazyGroup:
    """A group that plugins may add commands to. `short_help` stands for it in lists; left out: its first sentence."""
    more = plugin_commands(name)
    return LazyGroup(name=name, help=help_text, short_help=short_help, entries=entries, more=more, no_args_is_help=True)
