"""Check vidcore's models against recorded ones: `python tests/reference/models.py FOLDER`.

FOLDER holds pairs NAME.json + NAME.npz, one for each architecture, as the reference's README describes. The recipe is
found by the alias `mmaction2:STEM` of `source_config`, or told with --recipe; weights are made by the public rule under
the reference's names and converted by the function that the recipe's published weights name.

How a model is called depends on `input.kind`. Functions for kinds stand in the table KINDS of this file, and in the
same table of `model_kinds.py` in a plugin's `tests/`:

    KINDS = {"rec3d": function}   # function(model, spec, arrays) -> {"logits": [N, K], "feat0": map, ...}

Maps are given unpooled; pooling and sampling of them is done here. What the npz has as an input (`rois`) comes back as
it is.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import inspect
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve, field, frozen
from torch import Tensor, nn
from weights_rule import kept_weights, rule_input, rule_weights

import vidcore
from vidcore.config.loading import find_recipe, load
from vidcore.errors import VidcoreError
from vidcore.plugins import host
from vidcore.plugins.catalog import load_reference

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
TOLERANCE = 2e-5  # of the largest entry: a good ten times the noise of float32
LOOSE_TOLERANCE = 1e-4
LOOSE = ("agcn_nturgbd", "*mobileone*", "*_large*", "uniformerv2_l14*")  # the deepest: more noise
SAMPLES = 256
Spec = dict[str, Any]
Arrays = dict[str, Any]
Outputs = dict[str, Tensor]


@frozen(kw_only=True)
class Owner:
    """Who answers for a file, and what the runner cannot find out by itself."""

    plugin: str = ""
    later: str = ""  # why nobody does yet
    recipe: str = ""  # instead of the alias
    set: list[str] = field(factory=list)  # `key=value`, as --set
    format: str = ""  # converter instead of that of the recipe's weights


class UncoveredError(Exception):
    """Nothing in the project answers this file, with the reason."""


def outputs_of_clips(model: nn.Module, spec: Spec, arrays: Arrays) -> Outputs:
    """Recognition: clips `[batch, views, C, T, H, W]`, each view a sample of its own."""
    video = rule_input(spec)
    name = next(iter(inspect.signature(model.forward).parameters))  # heatmaps stand in the place of a video
    maps, logits = maps_and_logits(model, **{name: video.flatten(0, 1)})
    scores = merge_views(logits.unflatten(0, video.shape[:2]), spec["average_clips"])
    return {"logits": logits, "scores": scores} | named_maps(maps, arrays)


def maps_and_logits(model: nn.Module, **inputs: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """Both from one pass, where `forward` calls `features`; it halves the time of the deep ones."""
    seen: list[tuple[Tensor, ...]] = []
    features: Callable[..., tuple[Tensor, ...]] = model.features  # type: ignore[assignment]

    def remembering(*args: Tensor, **kwargs: Tensor) -> tuple[Tensor, ...]:
        seen.append(features(*args, **kwargs))
        return seen[-1]

    model.features = remembering  # type: ignore[assignment]
    logits: Tensor = model(**inputs)
    return (seen[0] if seen else features(**inputs)), logits


def merge_views(logits: Tensor, how: str | None) -> Tensor:
    """`[batch, views, K]` to `[batch, K]`: mean of probabilities or of logits."""
    return logits.softmax(dim=2).mean(dim=1) if how == "prob" else logits.mean(dim=1)


def named_maps(maps: tuple[Tensor, ...], arrays: Arrays, prefix: str = "feat") -> Outputs:
    """The last of `maps`, as many as the reference has, under the reference's names."""
    names = [name for name in arrays if name.startswith(prefix) and name.removeprefix(prefix).isdigit()]
    return {f"{prefix}{i}": x for i, x in enumerate(maps[len(maps) - len(names) :])}


KINDS: dict[str, Callable[[nn.Module, Spec, Arrays], Outputs]] = {"rec3d": outputs_of_clips}


def collect_kinds() -> dict[str, Callable[[nn.Module, Spec, Arrays], Outputs]]:
    """Ours and those of the plugins' tests. The same kind twice is an error."""
    kinds = dict(KINDS)
    for path in sorted(REPOSITORY.glob("plugins/*/tests/model_kinds.py")):
        spec = importlib.util.spec_from_file_location(f"model_kinds_{path.parents[1].name.replace('-', '_')}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        for kind, function in module.KINDS.items():
            if kind in kinds:
                raise SystemExit(f"{path}: kind {kind!r} is answered by another file already")
            kinds[kind] = function
    return kinds


def build_model(spec: Spec, recipe: str, sets: list[str]) -> nn.Module:
    """The recipe's model with as many classes as the reference's."""
    config = load(recipe, sets=sets).experiment.model
    classes = (spec["arch"].get("cls_head") or {}).get("num_classes")
    model: nn.Module = vidcore.build(evolve(config, num_classes=classes) if classes else config)
    return model.eval()


def converter_of(recipe: str) -> str:
    """The converter of the weights that were published for a recipe."""
    name = find_recipe(recipe).name
    formats = {entry.format for entry in host().weights.values() if entry.recipe == name and entry.format}
    if len(formats) != 1:
        raise UncoveredError(f"recipe {name!r} has weights with {len(formats)} converters, give one with --format")
    return formats.pop()


def load_rule_weights(model: nn.Module, spec: Spec, converter: str) -> Iterator[str]:
    """Fill `model`, and yield what does not fit. Entries that the rule leaves alone stay as the model made them.

    Which of our tensors those are is found by converting twice, with other values in them.
    """
    convert = load_reference(converter)
    made = rule_weights(spec)
    state, other = (convert(made | kept_weights(spec, fill)) for fill in (0, 1))
    own = {key for key, tensor in state.items() if not torch.equal(tensor, other[key])}
    state = {key: tensor for key, tensor in state.items() if key not in own}
    given, kept = sum(x.numel() for x in made.values()), sum(x.numel() for x in state.values())
    if kept < given:
        yield f"the converter drops {given - kept} of {given} numbers"
    expected = model.state_dict()
    if missing := sorted(expected.keys() - state.keys() - own):
        yield f"{len(missing)} tensors of the model get no weights, such as {missing[:3]}"
    if unknown := sorted((state.keys() | own) - expected.keys()):
        yield f"{len(unknown)} converted keys are not the model's, such as {unknown[:3]}"
    fitting = {key: x for key, x in state.items() if key in expected and x.shape == expected[key].shape}
    wrong = sorted(f"{key} {list(state[key].shape)}" for key in (state.keys() & expected.keys()) - fitting.keys())
    if wrong:
        yield f"{len(wrong)} tensors have another shape, such as {wrong[:3]}"
    model.load_state_dict(fitting, strict=False)


def array_of(name: str, outputs: Outputs, ndim: int) -> Tensor | None:
    """One array of the reference from our outputs: as it is, pooled to `ndim` dimensions, or 256 entries of it."""
    if name.endswith("_sample") and name.removesuffix("_sample") in outputs:
        flat = outputs[name.removesuffix("_sample")].flatten()
        return flat[(torch.arange(SAMPLES) * flat.numel()) // SAMPLES] if flat.numel() > SAMPLES else flat
    if name not in outputs:
        return None
    x = outputs[name]
    return x.mean(dim=tuple(range(ndim, x.ndim))) if x.ndim > ndim and not name.startswith(("logits", "scores")) else x


def differences(name: str, spec: Spec, arrays: Arrays, outputs: Outputs) -> Iterator[str]:
    """Yield which arrays differ, by how much, and which we do not have."""
    loose = any(fnmatch.fnmatchcase(name, pattern) for pattern in LOOSE)
    tolerance = LOOSE_TOLERANCE if loose else TOLERANCE
    for key in spec["outputs"]:
        ours, theirs = array_of(key, outputs, arrays[key].ndim), arrays[key]
        if ours is None:
            yield f"{key}: no such output"
        elif tuple(ours.shape) != theirs.shape:
            yield f"{key}: shape {list(ours.shape)}, not {list(theirs.shape)}"
        else:
            error = float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())
            if not error <= tolerance:
                yield f"{key}: relative error {error:.1e}, above {tolerance:.0e}"


def problems(path: Path, owner: Owner, kinds: dict[str, Callable[[nn.Module, Spec, Arrays], Outputs]]) -> list[str]:
    """What is wrong with our model of a file; nothing when it holds.

    Raises:
        UncoveredError: The project has no recipe or no way to call the model.
    """
    spec: Spec = json.loads(path.read_text(encoding="utf-8"))
    arrays: Arrays = dict(np.load(path.with_suffix(".npz"), allow_pickle=False))
    if spec["input"]["kind"] not in kinds:
        raise UncoveredError(f"no function for inputs of kind {spec['input']['kind']!r}")
    recipe = owner.recipe or alias_of(spec, owner)
    if host().find_recipe(recipe) is None:
        raise UncoveredError(f"no recipe {recipe!r}")
    try:
        model = build_model(spec, recipe, owner.set)
        found = list(load_rule_weights(model, spec, owner.format or converter_of(recipe)))
        with torch.no_grad():
            outputs = kinds[spec["input"]["kind"]](model, spec, arrays)
    except (VidcoreError, RuntimeError, ValueError) as error:
        return [f"{type(error).__name__}: {error}"]
    return found + list(differences(path.stem, spec, arrays, outputs))


def alias_of(spec: Spec, owner: Owner) -> str:
    """The alias that the recipe of a reference model carries."""
    source = spec["source_config"] or spec["based_on_config"]
    if spec["source_config"] is None and not owner.set:
        raise UncoveredError(
            f"it is {source} with {spec['changed']}: say so with --recipe and --set, or in owners.toml"
        )
    return f"mmaction2:{Path(source).stem}"


def read_owners(path: Path) -> dict[str, Owner]:
    """The [models] table: shell pattern of names -> owner, of which the first that fits counts."""
    table = tomllib.loads(path.read_text(encoding="utf-8")).get("models", {}) if path.exists() else {}
    return {pattern: Owner(**entry) for pattern, entry in table.items()}


def check(path: Path, owners: dict[str, Owner], told: Owner, owned: bool, kinds: Any) -> tuple[str, list[str]]:
    """One file: `hold`, `fail`, `uncovered` or `later`, and the lines to print."""
    owner = next((owner for pattern, owner in owners.items() if fnmatch.fnmatchcase(path.stem, pattern)), None)
    if owned and owner is None:
        return "fail", [f"NO OWNER  {path.stem}: name one in owners.toml"]
    if owned and owner is not None and owner.later:
        return "later", []
    owner = owner or Owner()
    changed = {key: getattr(told, key) for key in ("recipe", "set", "format") if getattr(told, key)}
    try:
        found = problems(path, evolve(owner, **changed), kinds)
    except UncoveredError as reason:
        return "uncovered", [f"UNCOVERED {path.stem}: {reason}"]
    return ("fail" if found else "hold"), [f"FAILED    {path.stem} {text}" for text in found]


def main(arguments: list[str] | None = None) -> int:
    """Check the files, print what fails and a count; 0 when all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="*", help="shell pattern of a file's name")
    parser.add_argument("--recipe", default="", help="name or alias of the recipe, for files that do not tell it")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="option to change")
    parser.add_argument("--format", default="", help="converter of the weights, package.module:function")
    parser.add_argument("--owned", action="store_true", help="leave out what owners.toml says is for later")
    parser.add_argument("--owners", type=Path, default=HERE / "owners.toml")
    options = parser.parse_args(arguments)
    told = Owner(recipe=options.recipe, set=options.set, format=options.format)
    owners, kinds = read_owners(options.owners), collect_kinds()
    results: dict[str, str] = {}
    for path in sorted(options.folder.glob("*.json")):
        if fnmatch.fnmatchcase(path.stem, options.only) and path.with_suffix(".npz").exists():
            results[path.stem], lines = check(path, owners, told, options.owned, kinds)
            print(f"{path.stem:52} {results[path.stem]}", *lines, sep="\n", flush=True)
    counts = {outcome: list(results.values()).count(outcome) for outcome in ("hold", "fail", "uncovered", "later")}
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    if not results:
        print("no file fits")
    return 0 if results and not (counts["fail"] or counts["uncovered"]) else 1


if __name__ == "__main__":
    sys.exit(main())
