"""The core alone reads safetensors only; plugins bring readers and fetchers, and the core names none of them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import nn

from vidcore.cli.main import cli
from vidcore.errors import WeightsError
from vidcore.plugins import WeightsEntry, asking, host
from vidcore.testing.made_plugins import write_plugin
from vidcore.weights.loading import load_weights
from vidcore.weights.saving import save_weights
from vidcore.weights.sources import fetch, read_checkpoint

PLUGIN = """
    from vidcore.plugins import Component, hookimpl
    api = 1
    @hookimpl
    def vidcore_components():
        return [Component(kind=kind, name="{name}", config="{package}.parts:Config", factory="{package}.parts:" + cls)
                for kind, cls in [("weights-reader", "Reader"), ("weights-fetcher", "Fetcher")]]
"""
PARTS = """
    from pathlib import Path
    from attrs import frozen

    @frozen
    class Config:
        pass

    class Reader:
        def __init__(self, config):
            assert isinstance(config, Config)

        def accepts(self, path):
            return path.read_bytes().startswith(b"{magic}")

        def read(self, path):
            import torch
            from vidcore.weights.reading import Checkpoint
            return Checkpoint(state_dict={{"weight": torch.full((1, 1), float(path.read_bytes().split()[1]))}},
                              meta={{"by": "{name}"}})

    class Fetcher:
        def __init__(self, config):
            pass

        def accepts(self, address):
            return address.startswith("made://")

        def fetch(self, address, sha256="", progress=None):
            if progress is not None:
                progress(1, 1)
            return Path(address.removeprefix("made://").partition("#")[0] + sha256)
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes the named plugins, and no others, the installed ones; a plugin reads files that start with its magic."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def made(**magic: str) -> None:
        for name, start in magic.items():
            package = f"vidcore_made_{name}"
            monkeypatch.delitem(sys.modules, f"{package}.parts", raising=False)
            monkeypatch.delitem(sys.modules, f"{package}.plugin", raising=False)
            files = {"plugin.py": PLUGIN.replace("{package}", package).replace("{name}", name)}
            write_plugin(
                tmp_path / "site",
                f"made-{name}",
                files | {"parts.py": PARTS.format(magic=start, name=name)},
                package=package,
            )
        importlib.invalidate_caches()
        monkeypatch.setenv("VIDCORE_PLUGINS", ",".join(f"made-{name}" for name in magic))
        host.cache_clear()

    monkeypatch.setattr(asking, "known_plugins", lambda: {"weights-reader:x": "dist-x", "weights-fetcher:y": "dist-y"})
    yield made
    host.cache_clear()


def file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_the_core_alone_reads_its_own_files_and_safetensors_of_others(tmp_path: Path, install: Install) -> None:
    install()
    path = save_weights(tmp_path / "own.safetensors", {"weight": torch.ones(1, 1)}, {"classes": ["a"]})
    assert load_weights(nn.Linear(1, 1, bias=False), path).contract == {"classes": ["a"]}
    save_file({"weight": torch.ones(1, 1)}, tmp_path / "other", {"format": "pt"})
    assert read_checkpoint(tmp_path / "other").meta == {"format": "pt"}


def test_a_foreign_file_says_which_plugin_would_read_it(tmp_path: Path, install: Install) -> None:
    install()
    torch.save({"weight": torch.ones(1, 1)}, tmp_path / "c.pth")
    with pytest.raises(WeightsError) as caught:
        load_weights(nn.Linear(1, 1), tmp_path / "c.pth")
    assert str(caught.value) == (
        f"{tmp_path}/c.pth is no weights file of vidcore; a plugin that reads foreign checkpoints is needed: "
        "pip install dist-x"
    )


def test_an_address_and_a_published_name_say_which_plugin_would_fetch_them(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    entry = WeightsEntry(name="published", url="https://example.org/w.pth")
    monkeypatch.setattr(host(), "weights", {"published": entry})
    for source in ("https://example.org/w.pth", "published"):
        with pytest.raises(WeightsError) as caught:
            load_weights(nn.Linear(1, 1), source)
        assert str(caught.value) == (
            "https://example.org/w.pth is not on this machine; a plugin that fetches it is needed: pip install dist-y"
        )


def test_a_broken_plugin_is_named_where_a_source_is_missing(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(tmp_path / "site", "made-bad", {"plugin.py": "import not_there_at_all"})
    install()
    monkeypatch.setenv("VIDCORE_PLUGINS", "made-bad")
    monkeypatch.delenv("VIDCORE_STRICT_PLUGINS", raising=False)
    with pytest.raises(WeightsError, match=r"pip install dist-x\nplugin 'made-bad' .*not_there_at_all"):
        read_checkpoint(file(tmp_path / "x", b"one 1"))


def test_readers_are_asked_in_order_of_name_and_the_first_that_accepts_reads(tmp_path: Path, install: Install) -> None:
    install(b="on", a="one", c="two")
    model = nn.Linear(1, 1, bias=False)
    load_weights(model, file(tmp_path / "x", b"one 5"))
    assert model.weight.item() == 5
    assert read_checkpoint(tmp_path / "x").meta == {"by": "a"}
    assert read_checkpoint(file(tmp_path / "y", b"two 5")).meta == {"by": "c"}
    assert read_checkpoint(file(tmp_path / "z", b"ontario 5")).meta == {"by": "b"}


def test_what_no_installed_reader_accepts_names_them(tmp_path: Path, install: Install) -> None:
    install(a="one", c="two")
    with pytest.raises(WeightsError, match=r"is needed, and of those installed \(a, c\) none accepts it"):
        read_checkpoint(file(tmp_path / "x", b"<html>"))
    with pytest.raises(WeightsError, match=r"ftp://x .* of those installed \(a, c\) none accepts it"):
        fetch("ftp://x")


def test_a_fetcher_brings_addresses_and_published_weights(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(a="one")
    path = file(tmp_path / "w", b"one 3")
    entry = WeightsEntry(name="published", url=f"made://{path}")
    monkeypatch.setattr(host(), "weights", {"published": entry})
    for source in ("published", f"made://{path}#again"):
        model = nn.Linear(1, 1, bias=False)
        load_weights(model, source)
        assert model.weight.item() == 3
    told: list[tuple[int, int | None]] = []
    assert fetch(entry.url, progress=lambda done, total: told.append((done, total))) == path
    assert told == [(1, 1)]


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pth cannot be read: No such file"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="cannot be read: Is a directory"):
        read_checkpoint(tmp_path)


def test_safetensors_cut_anywhere_are_told(tmp_path: Path, install: Install) -> None:
    install()
    path = save_weights(tmp_path / "w.safetensors", {"w": torch.randn(50)}, {"classes": 2})
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        path.write_bytes(whole[:end])
        with pytest.raises(WeightsError, match=r"w\.safetensors"):
            read_checkpoint(path)


def test_a_command_of_a_plugin_that_is_absent_says_what_to_install(install: Install) -> None:
    install()
    result = CliRunner().invoke(cli, ["weights", "download", "x"])
    assert result.exit_code == 2
    assert "no command 'download'; it comes with vidcore-checkpoints: pip install vidcore-checkpoints" in result.output


def test_names_of_weights_cost_no_torch() -> None:
    code = "import sys\nfrom vidcore.weights.sources import fetch, read_checkpoint\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
