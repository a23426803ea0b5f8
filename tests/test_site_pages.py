"""The site's made pages show every option of every component, and every command."""

from __future__ import annotations

import click
import pytest

import site_pages
from vidcore.cli.main import cli
from vidcore.plugins import Component, host, load_reference
from vidcore_tools.describe import keys_of

COMPONENTS = list(host().components)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return site_pages.pages(host())


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: f"{one.kind}-{one.name}")
def test_every_option_stands_on_its_plugins_page(component: Component, pages: dict[str, str]) -> None:
    name = site_pages.owner(component.plugin, host())
    _, _, rest = pages[f"plugins/{name}.md"].partition(f"## {component.kind}: `{component.name}`")
    assert rest, f"no heading for {component.kind} {component.name} on the page of {name}"
    section = rest.partition("\n## ")[0]
    assert [key.name for key in keys_of(load_reference(component.config)) if f"| `{key.name}` |" not in section] == []


def test_every_command_stands_on_the_page_of_commands(pages: dict[str, str]) -> None:
    context = click.Context(cli, info_name="vidcore")
    headings = [line.lstrip("# ") for line in pages["commands.md"].splitlines() if line.startswith("##")]
    assert [name for name in cli.list_commands(context) if f"vidcore {name}" not in headings] == []
    assert "vidcore config check" in headings


def test_the_zoo_lists_all_weights_and_says_whose_the_figures_are(pages: dict[str, str]) -> None:
    assert [name for name in host().weights if f"| [`{name}`](" not in pages["zoo.md"]] == []
    assert "proven on generated weights" in pages["zoo.md"] and "The figures are their authors'" in pages["zoo.md"]


def test_commands_stand_on_their_plugins_page(pages: dict[str, str]) -> None:
    assert "| `vidcore config explain` |" in pages["plugins/vidcore-tools.md"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), ("a", '"a"'), ((1, 2.5), "[1, 2.5]"), ([], "[]"), ({}, "{}"), (3, "3")],
)
def test_a_default_is_shown_as_toml_has_it(value: object, text: str) -> None:
    assert site_pages.toml_form(value) == text


def test_help_keeps_the_lines_of_its_examples() -> None:
    for path, text in site_pages.commands(cli, "vidcore"):
        assert "\\b" not in text, f"{path}: click wants the character, not a raw string"
        for line in text.splitlines():
            assert line.count("vidcore ") <= 1 or not line.startswith("    "), f"{path}: examples run together: {line}"
