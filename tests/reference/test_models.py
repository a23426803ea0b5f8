"""The runner of recorded models: our families hold, and what does not hold is seen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import models
import numpy as np
import pytest
import torch
import weights_rule
from attrs import frozen

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models"
SMALLEST = "slowonly_r50_4x16"


@frozen
class Done:
    """How a run of the runner ended, and what it printed."""

    returncode: int
    stdout: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def call(*arguments: str | Path) -> Done:
        code = models.main([str(argument) for argument in arguments])
        return Done(code, capsys.readouterr().out)

    return call


def lines(done: Done) -> dict[str, str]:
    """Outcome by name."""
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The smallest recorded model, in a folder of its own."""
    for suffix in (".json", ".npz"):
        shutil.copy(MODELS / f"{SMALLEST}{suffix}", tmp_path)
    return tmp_path


def edited(folder: Path, **changes: object) -> Path:
    path = folder / f"{SMALLEST}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def test_every_recorded_model_holds(run: Callable[..., Done]) -> None:
    done = run(MODELS, "--owned")
    names = {path.stem for path in MODELS.glob("*.json")}
    assert lines(done) == dict.fromkeys(names, "hold"), done.stdout
    assert len(names) >= 10
    assert done.returncode == 0


def test_other_weights_are_told_by_how_much(copied: Path, run: Callable[..., Done]) -> None:
    done = run(edited(copied, weight_salt="other"))
    assert done.returncode == 1
    assert f"FAILED    {SMALLEST} logits: relative error" in done.stdout
    assert "above 2e-05" in done.stdout


def test_an_array_that_no_model_gives_is_told(copied: Path, run: Callable[..., Done]) -> None:
    spec = json.loads((copied / f"{SMALLEST}.json").read_text())
    arrays = dict(np.load(copied / f"{SMALLEST}.npz"))
    np.savez(copied / f"{SMALLEST}.npz", **arrays, roi_feat0=arrays["feat0"])
    done = run(edited(copied, outputs=spec["outputs"] | {"roi_feat0": {"shape": [2, 2048]}}))
    assert done.returncode == 1
    assert f"FAILED    {SMALLEST} roi_feat0: no such output" in done.stdout


def test_a_key_that_the_converter_does_not_know_is_told(copied: Path, run: Callable[..., Done]) -> None:
    spec = json.loads((copied / f"{SMALLEST}.json").read_text())
    done = run(edited(copied, state_dict=[*spec["state_dict"], ["backbone.extra.weight", [3], "float32", "param"]]))
    assert done.returncode == 1
    assert "unknown keys (backbone.extra.weight)" in done.stdout


def test_a_model_without_recipe_is_uncovered_until_one_is_named(copied: Path, run: Callable[..., Done]) -> None:
    folder = edited(copied, source_config="recognition/slowonly/another.py")
    done = run(folder)
    assert (done.returncode, lines(done)) == (1, {SMALLEST: "uncovered"})
    assert "UNCOVERED slowonly_r50_4x16: no recipe 'mmaction2:another'" in done.stdout
    done = run(folder, "--recipe", "slowonly-r101-8x8-k400", "--set", "model.depth=50")
    assert (done.returncode, lines(done)) == (0, {SMALLEST: "hold"}), done.stdout


def test_an_input_that_no_function_feeds_is_uncovered(copied: Path, run: Callable[..., Done]) -> None:
    done = run(edited(copied, input={"kind": "smell", "shape": [1], "seed": 0}))
    assert (done.returncode, lines(done)) == (1, {SMALLEST: "uncovered"})
    assert "no function for inputs of kind 'smell'" in done.stdout


def test_a_file_without_owner_fails_and_one_for_later_is_left_out(
    copied: Path, tmp_path: Path, run: Callable[..., Done]
) -> None:
    owners = tmp_path / "owners.toml"
    owners.write_text("[models]\n")
    done = run(copied, "--owned", "--owners", owners)
    assert (done.returncode, lines(done)) == (1, {SMALLEST: "fail"})
    assert f"NO OWNER  {SMALLEST}" in done.stdout
    owners.write_text('[models]\n"slowonly_*" = { later = "soon" }\n')
    done = run(copied, "--owned", "--owners", owners)
    assert (done.returncode, lines(done)) == (0, {SMALLEST: "later"})


def test_the_runner_is_a_command(copied: Path) -> None:
    command = [sys.executable, models.__file__, copied, "--only", "nothing*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("no file fits\n")


def test_an_empty_folder_does_not_pass(tmp_path: Path, run: Callable[..., Done]) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert "no file fits" in done.stdout


def test_the_rule_gives_the_numbers_that_its_description_states() -> None:
    np.testing.assert_allclose(weights_rule.normal([3], 0), [0.125730, -0.132105, 0.640423], atol=1e-6)
    key = "backbone.conv1.conv.weight"
    made = weights_rule.rule_weight(key, [2, 3, 7, 7])
    scale = (3 * 7 * 7) ** 0.5
    np.testing.assert_allclose(made.flatten()[:3].numpy() * scale, [0.213641, -0.972216, 2.462897], atol=1e-5)


@pytest.mark.parametrize(
    ("key", "shape", "low", "high"),
    [
        ("bn.running_var", [50], 1.0, 1.5),
        ("bn.weight", [50], 0.5, 1.5),
        ("gcn.PA", [3, 5, 5], 0.5, 1.5),
        ("bn.bias", [50], -0.5, 0.5),
        ("cls_token", [1, 1, 50], -0.5, 0.5),
    ],
)
def test_each_kind_of_key_has_its_own_spread(key: str, shape: list[int], low: float, high: float) -> None:
    made = weights_rule.rule_weight(key, shape)
    assert low <= made.min() < made.max() <= high
    assert made.dtype == torch.float32


def test_factors_weaken_some_branches() -> None:
    plain, weak = (weights_rule.normal([8, 8], 0) / 8**0.5 * factor for factor in (1.0, 0.4))
    assert np.abs(weak).max() < np.abs(plain).max()
    made = weights_rule.rule_weight("layer1.0.non_local_block.g.conv.weight", [64, 64])
    assert made.std().item() == pytest.approx(0.4 / 8, rel=0.1)
