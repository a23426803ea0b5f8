"""What the documentation names exists: commands with their options, components, recipes. Also where it is not run."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from vidcore.cli.main import cli
from vidcore.plugins import host

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(
        path
        for pattern in ("docs/**/*.md", "plugins/*/README.md", "contrib/*/README.md")
        for path in ROOT.glob(pattern)
    ),
]
COMMAND = re.compile(r"(?:\$ |`)vidcore (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)(?P<rest>[^`\n]*)")
COMPONENT = re.compile(r'\btype = "(?P<name>[a-z0-9-]+)"')
RECIPE = re.compile(
    r"extends = \"([a-z0-9][a-z0-9-]*)\"|--recipe ([a-z0-9-]+)|vidcore run ([a-z0-9][a-z0-9-]+)(?![\w./-])"
)
MADE_UP = {"my-model", "tiny-net", "show my-plot"}  # what a reader would write


def find(words: str) -> tuple[click.Command, bool] | None:
    """The command that words name, and whether all of them were needed to find it; None where there is none."""
    group, context, first, *second = cli, click.Context(cli), *words.split()
    found = group.get_command(context, first)
    if isinstance(found, click.Group) and second:
        inner = found.get_command(click.Context(found, parent=context), second[0])
        return None if inner is None else (inner, True)
    return None if found is None else (found, False)


def unknown(text: str) -> list[str]:
    """What a page names that is not there."""
    missing = []
    for match in COMMAND.finditer(text):
        found = find(match["words"])
        if found is None:
            missing += [] if match["words"] in MADE_UP else [f"vidcore {match['words']}"]
            continue
        known = {name for option in found[0].params for name in (*option.opts, *option.secondary_opts)}
        options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", match["rest"].partition("#")[0].partition(" -- ")[0])
        missing += [f"vidcore {match['words']} {name}" for name in options if name not in known | {"--help"}]
    components = {component.name for component in host().components} | MADE_UP
    missing += [f'type = "{name}"' for name in COMPONENT.findall(text) if name not in components]
    recipes = {name for recipe in host().recipes.values() for name in (recipe.name, *recipe.alias)}
    named = [next(filter(None, groups)) for groups in RECIPE.findall(text)]
    return missing + [f"recipe {name}" for name in named if name not in recipes]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page: Path) -> None:
    assert unknown(page.read_text(encoding="utf-8")) == []


def test_what_does_not_exist_is_found() -> None:
    text = """`vidcore dta check`, `vidcore data chekc`, `vidcore run mine.toml --nprocs 2`
    type = "slowfst"
    extends = "no-such-recipe"
    """
    names = ["vidcore dta check", "vidcore data chekc", "vidcore run mine --nprocs", 'type = "slowfst"']
    assert unknown(text) == [*names, "recipe no-such-recipe"]
