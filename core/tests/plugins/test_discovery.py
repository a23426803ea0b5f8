from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from vidcore.errors import PluginError
from vidcore.plugins import Host
from vidcore.testing.made_plugins import write_plugin

ONE_MODEL = """
    from vidcore.plugins import Component, hookimpl
    api = 1
    @hookimpl
    def vidcore_components():
        config, factory = "{package}.config:Config", "{package}.model:Model"
        return [Component(kind="model", name="{name}", config=config, factory=factory)]
"""


def one_model(name: str, package: str) -> dict[str, str]:
    return {"plugin.py": ONE_MODEL.format(name=name, package=package)}


class Site:
    """A folder of made plugins and the host that sees only them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> None:
        write_plugin(self.path, name, {"plugin.py": text})

    def host(self, **options: object) -> Host:
        points = [
            point
            for distribution in importlib.metadata.distributions(path=[str(self.path)])
            for point in distribution.entry_points
        ]
        return Host(points, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("vidcore_made")]:
        monkeypatch.delitem(sys.modules, name)
    return Site(tmp_path)


def test_components_are_listed_without_importing_their_code(site: Site) -> None:
    write_plugin(site.path, "made-one", one_model("net", "vidcore_made_one"))
    host = site.host()
    component = host.components.find("model", "net")
    assert component is not None and component.plugin == "made-one"
    assert not {"vidcore_made_one.config", "vidcore_made_one.model"} & set(sys.modules)


def test_a_plugin_that_fails_to_import_is_told_and_the_others_work(site: Site) -> None:
    site.write("made-broken", "import a_package_that_nobody_has")
    write_plugin(site.path, "made-one", one_model("net", "vidcore_made_one"))
    host = site.host()
    (record,) = host.broken
    expected = (
        "plugin 'made-broken' (vidcore-made-broken 1.0) could not be loaded: "
        "ModuleNotFoundError: No module named 'a_package_that_nobody_has'"
    )
    assert host.explain(record) == expected
    assert host.components.find("model", "net")


def test_what_a_broken_plugin_might_have_offered_names_it_first(site: Site) -> None:
    site.write("made-broken", "1 / 0")
    assert (
        site.host()
        .missing("model", "net")
        .startswith(
            "plugin 'made-broken' (vidcore-made-broken 1.0) could not be loaded: ZeroDivisionError: division by zero. "
            "Perhaps therefore no model named 'net'"
        )
    )


def test_a_broken_plugin_is_fatal_where_that_is_asked_for(site: Site) -> None:
    site.write("made-broken", "1 / 0")
    with pytest.raises(PluginError, match=r"made-broken.*division by zero"):
        site.host(strict=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("api = 2", "it speaks plugin api 2, this vidcore speaks 1: update vidcore"),
        ("api = 0", "it speaks plugin api 0, this vidcore speaks 1: update the plugin"),
        ("", "it speaks plugin api None, this vidcore speaks 1: update the plugin"),
    ],
)
def test_another_api_is_one_line(site: Site, text: str, error: str) -> None:
    site.write("made-old", text)
    assert [record.error for record in site.host().broken] == [error]


def test_a_hook_that_does_not_exist_makes_the_plugin_broken(site: Site) -> None:
    site.write(
        "made-typo",
        """
        from vidcore.plugins import hookimpl
        api = 1
        @hookimpl
        def vidcore_componets():
            return []
        """,
    )
    (record,) = site.host().broken
    assert "vidcore_componets" in record.error


def test_a_hook_that_raises_or_answers_nonsense_makes_the_plugin_broken(site: Site) -> None:
    text = """
        from vidcore.plugins import hookimpl
        api = 1
        @hookimpl
        def vidcore_components():
            return {answer}
        """
    site.write("made-raises", text.format(answer="1 / 0"))
    site.write("made-nonsense", text.format(answer="['a model']"))
    host = site.host()
    assert len(host.components.names("model")) == 0
    errors = {record.name: record.error for record in host.broken}
    assert errors["made-raises"] == "vidcore_components() failed: ZeroDivisionError: division by zero"
    assert "must return a list of Component, and returned ['a model']" in errors["made-nonsense"]


def test_the_same_name_from_two_distributions_is_refused_and_both_are_named(site: Site) -> None:
    write_plugin(site.path, "made-one", one_model("net", "vidcore_made_one"))
    write_plugin(site.path, "made-two", one_model("net", "vidcore_made_two"))
    host = site.host()
    assert host.components.find("model", "net") is None
    assert host.missing("model", "net") == (
        "model 'net' is offered by vidcore-made-one 1.0 and vidcore-made-two 1.0; "
        "uninstall one, or leave it out with --no-plugin made-two"
    )
    assert site.host(without=frozenset({"made-two"})).components.find("model", "net")


def test_only_the_plugins_asked_for_are_loaded(site: Site) -> None:
    write_plugin(site.path, "made-one", one_model("one", "vidcore_made_one"))
    write_plugin(site.path, "made-two", one_model("two", "vidcore_made_two"))
    assert site.host(only=frozenset({"made-two"})).components.names("model")[-1:] == ["two"]
    with pytest.raises(PluginError, match="no plugin 'made-tow' is installed; did you mean 'made-two'"):
        site.host(only=frozenset({"made-tow"}))


def test_recipes_and_weights_are_read_from_the_package(site: Site) -> None:
    plugin = """
        from vidcore.plugins import hookimpl
        api = 1
        @hookimpl
        def vidcore_recipes():
            return "vidcore_made_recipes:recipes"
        @hookimpl
        def vidcore_weights():
            return "vidcore_made_recipes:weights.toml"
    """
    base = """
        [task]
        type = "made-task"
        [variants."net-small".about]
        alias = ["elsewhere:small"]
        [variants."net-large".about]
        summary = "more of it"
    """
    weights = '["net-small"]\nurl = "https://example.org/net.pth"\nsha256 = "0a1b"\n'
    write_plugin(
        site.path,
        "made-recipes",
        {"plugin.py": plugin, "recipes/net.toml": base, "recipes/plain.toml": "seed = 1", "weights.toml": weights},
    )
    host = site.host()
    assert {"net-small", "net-large", "plain"} <= set(host.recipes)
    assert host.find_recipe("elsewhere:small") is host.recipes["net-small"]
    assert host.weights["net-small"].url == "https://example.org/net.pth"


def test_where_data_sets_come_from_is_told_with_the_plugin(site: Site) -> None:
    plugin = """
        from vidcore.plugins import hookimpl
        api = 1
        @hookimpl
        def vidcore_downloads():
            return "vidcore_made_data:downloads.toml"
    """
    write_plugin(site.path, "made-data", {"plugin.py": plugin, "downloads.toml": '[made]\nhome = "here"\n'})
    ((name, file),) = site.host().downloads
    assert (name, file.read_text(encoding="utf-8")) == ("made-data", '[made]\nhome = "here"\n')


def test_commands_of_a_plugin_are_gathered(site: Site) -> None:
    site.write(
        "made-command",
        """
        from vidcore.plugins import Command, hookimpl
        api = 1
        @hookimpl
        def vidcore_commands():
            return [Command(group="show", name="made", help="Made.", target="vidcore_made_command.cli:made")]
        """,
    )
    (command,) = site.host().commands
    assert (command.group, command.name, command.plugin) == ("show", "made", "made-command")


def test_discovery_and_configuration_leave_torch_alone() -> None:
    code = (
        "import sys, vidcore.plugins, vidcore.config.loading;"
        "vidcore.plugins.host().components; vidcore.plugins.host().recipes;"
        "assert not {'torch', 'rich', 'numpy', 'av'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
