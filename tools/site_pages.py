"""Pages of the site that are made from the code: one for each plugin, and the command tree. A hook of mkdocs.

Nothing here imports torch: config classes and commands are described without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from vidcore.cli.main import cli
from vidcore.plugins import Command, Component, Host, Recipe, WeightsEntry, host, load_reference
from vidcore_tools.describe import Key, keys_of

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

CORE = "vidcore"
ZOO = """Published checkpoints that vidcore loads by name, and the recipes they were trained with.

**What is proven here, and what is not.** The converters are proven on generated weights: every key of every
architecture converts, and outputs agree with those recorded from the framework that published the weights. The
published files themselves were not at hand. The figures are their authors'; nobody measured them again here. With the
data they are measured by

```text
vidcore weights verify RECIPE --data DIR
```"""


def on_config(config: MkDocsConfig) -> None:
    """Add the made pages to the navigation, under its headings `Plugins` and `Commands`."""
    plugins = [{name: f"plugins/{name}.md"} for name in distributions(host())]
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Plugins" in entry:
            entry["Plugins"] = [*_as_list(entry["Plugins"]), *plugins]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the made pages themselves."""
    from mkdocs.structure.files import File

    for name, text in pages(host()).items():
        files.append(File.generated(config, name, content=text))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def pages(found: Host) -> dict[str, str]:
    """All made pages by their path in docs/."""
    made = {f"plugins/{name}.md": plugin_page(name, found) for name in distributions(found)}
    return {**made, "commands.md": commands_page(), "zoo.md": zoo_page(found)}


def distributions(found: Host) -> list[str]:
    """Names of the distributions that offer something, the core first."""
    names = {owner(plugin, found) for plugin, record in found.records.items() if not record.error}
    return sorted(names, key=lambda name: (name != CORE, name))


def owner(plugin: str, found: Host) -> str:
    """Name of the distribution behind a plugin; the plugin's own where a source tree is used without installing it."""
    installed = found.records[plugin].dist
    return str(installed.metadata["Name"]) if installed else plugin


def _of(name: str, entries: Iterable[Any], found: Host) -> list[Any]:
    return [entry for entry in entries if owner(entry.plugin, found) == name]


def plugin_page(name: str, found: Host) -> str:
    """What a distribution offers: its components with every option, its recipes and weights."""
    installed = next((one.dist for plugin, one in found.records.items() if owner(plugin, found) == name), None)
    summary = installed.metadata["Summary"] if installed else ""
    lines = [f"# {name}", "", summary, "", "```console", f"$ pip install {name}", "```", ""]
    for component in _of(name, found.components, found):
        lines += _component(component)
    lines += _recipes(_of(name, found.recipes.values(), found))
    lines += _weights(_of(name, found.weights.values(), found))
    lines += _commands_of(_of(name, found.commands, found))
    return "\n".join(lines)


def _component(component: Component) -> Iterator[str]:
    cls = load_reference(component.config)
    yield f"## {component.kind}: `{component.name}` {{ #{component.kind.replace('.', '-')}-{component.name} }}"
    yield ""
    yield f"{component.summary[:1].upper()}{component.summary[1:]}." if component.summary else ""
    yield ""
    keys = keys_of(cls)
    if keys:
        yield from ("| key | type | default | limits | meaning |", "| --- | --- | --- | --- | --- |")
        yield from (_row(key) for key in keys)
    else:
        yield "It has no options."
    yield ""


def _row(key: Key) -> str:
    default = "*required*" if key.required else "" if key.default is None else f"`{toml_form(key.default)}`"
    cells = (f"`{key.name}`", key.kind, default, key.limits, key.note)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def toml_form(value: Any) -> str:
    """A default as it stands in a TOML file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_form, value))}]"
    return str(value) if isinstance(value, int | float) else "{}" if not value else type(value).__name__


def _recipes(recipes: list[Recipe]) -> Iterator[str]:
    if recipes:
        yield from ("## Recipes", "", "| recipe | what | also known as |", "| --- | --- | --- |")
        for recipe in recipes:
            yield f"| `{recipe.name}` | {recipe.summary} | {' '.join(f'`{alias}`' for alias in recipe.alias)} |"
        yield ""


def _weights(entries: list[WeightsEntry]) -> Iterator[str]:
    if entries:
        yield from ("## Published weights", "", "The figures are those of their authors.", "")
        yield from ("| weights | recipe | figures | licence |", "| --- | --- | --- | --- |")
        for entry in entries:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in entry.published.items())
            yield f"| [`{entry.name}`]({entry.url}) | `{entry.recipe}` | {figures} | {entry.licence} |"
        yield ""


def _commands_of(entries: list[Command]) -> Iterator[str]:
    if entries:
        yield from ("## Commands", "", "| command | what |", "| --- | --- |")
        yield from (f"| `vidcore {f'{entry.group} {entry.name}'.strip()}` | {entry.help} |" for entry in entries)
        yield ""


def zoo_page(found: Host) -> str:
    """All published weights, and what their figures are worth here."""
    lines = ["# Zoo", "", ZOO, "", "| weights | recipe | plugin | figures of the authors | licence |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for entry in found.weights.values():
        figures = ", ".join(f"{name} {value:.4g}" for name, value in entry.published.items())
        plugin = owner(entry.plugin, found)
        link = f"[{plugin}](plugins/{plugin}.md)"
        recipe = "the same" if entry.recipe == entry.name else f"`{entry.recipe}`" if entry.recipe else "none"
        lines.append(f"| [`{entry.name}`]({entry.url}) | {recipe} | {link} | {figures} | {entry.licence} |")
    return "\n".join([*lines, ""])


def commands_page() -> str:
    """The command tree, each command as `--help` prints it."""
    lines = ["# Commands", "", "`vidcore` and `python -m vidcore` are the same.", ""]
    for path, help_text in commands(cli, "vidcore"):
        lines += [f"{'#' * min(path.count(' ') + 2, 4)} {path}", "", "```text", help_text, "```", ""]
    return "\n".join(lines)


def commands(command: click.Command, path: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Every command below a group with its help, the group first."""
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent, max_content_width=100)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, f"{path} {name}", context)
