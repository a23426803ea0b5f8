"""With the plugin installed, `load_weights` and the predictor take anyone's files, addresses and published names."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vidcore.errors import WeightsError
from vidcore.plugins import WeightsEntry, build, host
from vidcore.weights.loading import load_weights
from vidcore.weights.sources import read_checkpoint
from vidcore_checkpoints import cached_path
from vidcore_checkpoints.config import TorchFiles, WebAddresses

HERE = __name__


def state() -> dict[str, Tensor]:
    torch.manual_seed(7)
    return nn.Linear(3, 4).state_dict()


def same(model: nn.Module, expected: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())


def theirs_to_ours(foreign: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix("backbone."): tensor for key, tensor in foreign.items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_foreign_file_is_loaded(zipped: bool, tmp_path: Path) -> None:
    torch.save({"state_dict": state()}, tmp_path / "c.pth", _use_new_zipfile_serialization=zipped)
    model = nn.Linear(3, 4)
    report = load_weights(model, tmp_path / "c.pth")
    assert same(model, state())
    assert report.source == str(tmp_path / "c.pth")
    assert report.contract is None


def test_registered_weights_are_taken_from_the_cache_and_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published_2022.pth"
    torch.save({"state_dict": {f"backbone.{key}": tensor for key, tensor in state().items()}}, published)
    entry = WeightsEntry(
        name="my-model-k7",
        url=f"http://127.0.0.1:9/dir/{published.name}",
        sha256=hashlib.sha256(published.read_bytes()).hexdigest()[:8],
        format=f"{HERE}:theirs_to_ours",
    )
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))
    place = cached_path(entry.url, entry.sha256)
    place.parent.mkdir(parents=True)
    place.write_bytes(published.read_bytes())
    monkeypatch.setattr(host(), "weights", {entry.name: entry})
    for source in ("my-model-k7", entry.url):
        model = nn.Linear(3, 4)
        load_weights(model, source)
        assert same(model, state())


@pytest.mark.parametrize(
    ("content", "accepted"),
    [(b"PK\x03\x04", True), (b"\x80\x02", True), (b"<html>", False), (b"", False), (b"cos\nsystem\n", False)],
)
def test_files_are_told_by_their_first_bytes(content: bytes, accepted: bool, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    assert build(TorchFiles()).accepts(tmp_path / "x.pth") is accepted


def test_a_file_that_is_no_checkpoint_is_told_wherever_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match=r"x\.pth is no weights file of vidcore"):
        read_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize(("address", "accepted"), [("https://a.org/x", True), ("http://a", True), ("s3://a", False)])
def test_addresses_are_told_by_their_scheme(address: str, accepted: bool) -> None:
    assert build(WebAddresses()).accepts(address) is accepted


@pytest.mark.parametrize("module", ["plugin", "config", "download", "commands"])
def test_downloads_and_commands_import_no_torch(module: str) -> None:
    code = f"import sys\nimport vidcore_checkpoints.{module}\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
