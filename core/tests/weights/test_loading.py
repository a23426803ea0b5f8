from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from attrs import evolve
from safetensors.torch import save_file
from torch import Tensor, nn

from vidcore.errors import WeightsError
from vidcore.plugins import WeightsEntry, host
from vidcore.weights.loading import Mismatch, find_weights, load_weights
from vidcore.weights.saving import save_weights

HERE = __name__


class Model(nn.Module):
    """A body of two layers, a norm and a head for `num_classes`."""

    def __init__(self, num_classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 5)
        self.norm = nn.BatchNorm1d(5)
        self.head = nn.Linear(5, num_classes)


class OtherHead(Model):
    head_prefixes = ("classifier.", "aux.")

    def __init__(self, num_classes: int = 4) -> None:
        super().__init__()
        del self.head
        self.classifier = nn.Linear(5, num_classes)


def state(num_classes: int = 4) -> dict[str, Tensor]:
    torch.manual_seed(7)
    return Model(num_classes).state_dict()


def same(model: nn.Module, expected: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())


def theirs_to_ours(foreign: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix("backbone."): tensor for key, tensor in foreign.items()}


def inflated(foreign: dict[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {key: tensor.expand(shapes[key]) for key, tensor in foreign.items()}


def fails(foreign: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"stem.weight": foreign["not there"]}


def no_dict(foreign: dict[str, Tensor]) -> object:
    return list(foreign)


def test_state_dict_is_loaded_and_accounted_for() -> None:
    model, expected = Model(), state()
    report = load_weights(model, expected)
    assert same(model, expected)
    assert report.loaded == tuple(expected)
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert str(report) == "the state dict: 9 of 9 tensors fit"


def test_misfit_names_every_kind_and_loads_nothing() -> None:
    model, given = Model(), state()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    given["stem.weight"] = torch.ones(5, 4)
    given["extra"] = torch.ones(1)
    del given["norm.bias"]
    with pytest.raises(WeightsError) as caught:
        load_weights(model, given)
    assert str(caught.value) == (
        "the state dict: 7 of 9 tensors fit\n"
        "  missing (1): norm.bias\n"
        "  unexpected (1): extra\n"
        "  of another shape (1): stem.weight (file [5, 4], model [5, 3])\n"
        "The weights do not fit Model. Nothing was loaded."
    )
    assert same(model, before)


def test_long_lists_are_cut_and_counted() -> None:
    given = state() | {f"extra{index:02}": torch.ones(1) for index in range(30)}
    with pytest.raises(WeightsError, match=r"unexpected \(30\): extra00, .*, extra07, and 22 more"):
        load_weights(Model(), given)


def test_other_head_is_advised_and_then_accepted() -> None:
    model, given = Model(num_classes=9), state(num_classes=4)
    with pytest.raises(WeightsError, match=r'only the head differs: strict = "backbone" loads the rest'):
        load_weights(model, given)
    head = model.head.weight.clone()
    report = load_weights(model, given, strict="backbone")
    assert report.mismatched == (
        Mismatch("head.weight", (4, 5), (9, 5)),
        Mismatch("head.bias", (4,), (9,)),
    )
    assert torch.equal(model.stem.weight, given["stem.weight"])
    assert torch.equal(model.head.weight, head)


def test_backbone_of_a_model_with_its_own_head_names() -> None:
    given = {key.replace("head.", "aux.fc."): tensor for key, tensor in state().items()}
    report = load_weights(OtherHead(), given, strict="backbone")
    assert report.missing == ("classifier.weight", "classifier.bias")
    assert report.unexpected == ("aux.fc.bias", "aux.fc.weight")
    with pytest.raises(WeightsError, match=r"unexpected \(2\): head\.bias, head\.weight"):
        load_weights(OtherHead(), state(), strict="backbone")


def test_backbone_must_fit_wholly() -> None:
    given = state()
    del given["stem.bias"]
    with pytest.raises(WeightsError, match=r"missing \(1\): stem\.bias"):
        load_weights(Model(), given, strict="backbone")


def test_without_strictness_what_fits_is_loaded() -> None:
    model, given = Model(), state()
    del given["stem.bias"]
    report = load_weights(model, given | {"extra": torch.ones(1)}, strict=False)
    assert report.missing == ("stem.bias",)
    assert report.unexpected == ("extra",)
    assert torch.equal(model.head.weight, given["head.weight"])


@pytest.mark.parametrize("strict", [True, False, "backbone"])
def test_weights_of_which_nothing_fits_are_refused(strict: bool) -> None:
    with pytest.raises(WeightsError, match=r'0 of 8 tensors fit(.|\n)*format = "package\.module:function" names'):
        load_weights(Model(), {"layer9.weight": torch.ones(1)}, strict=strict)


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module.model._orig_mod."])
def test_prefixes_of_wrappers_are_taken_off(prefix: str) -> None:
    model, expected = Model(), state()
    load_weights(model, {prefix + key: tensor for key, tensor in expected.items()})
    assert same(model, expected)


def test_compiled_parts_and_wrapped_models_agree() -> None:
    expected = state()
    model = Model()
    load_weights(model, {key.replace("stem.", "stem._orig_mod."): tensor for key, tensor in expected.items()})
    assert same(model, expected)
    wrapped = nn.DataParallel(Model())
    load_weights(wrapped, expected)
    assert same(wrapped.module, expected)


def test_prefix_that_the_model_has_stays() -> None:
    inner = nn.ModuleDict({"model": Model()})
    expected = {f"model.{key}": tensor for key, tensor in state().items()}
    assert load_weights(inner, expected).loaded == tuple(expected)


def test_counter_of_batch_norm_may_be_missing() -> None:
    given = state()
    del given["norm.num_batches_tracked"]
    assert load_weights(Model(), given).missing == ()


def test_half_precision_weights_load_into_full_precision() -> None:
    model = Model()
    load_weights(
        model, {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in state().items()}
    )
    assert model.stem.weight.dtype == torch.float32
    assert torch.allclose(model.stem.weight, state()["stem.weight"], atol=1e-3)


def test_safetensors_of_others_are_loaded(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "c.safetensors", {"format": "pt"})
    model = Model()
    report = load_weights(model, tmp_path / "c.safetensors")
    assert same(model, state())
    assert report.source == str(tmp_path / "c.safetensors")
    assert report.contract is None


def test_our_file_brings_its_contract(tmp_path: Path) -> None:
    path = save_weights(tmp_path / "w.safetensors", state(), {"classes": ["a"]})
    assert load_weights(Model(), str(path)).contract == {"classes": ["a"]}


def test_converter_is_used(tmp_path: Path) -> None:
    foreign = {f"backbone.{key}": tensor for key, tensor in state().items()}
    model = Model()
    load_weights(model, foreign, format=f"{HERE}:theirs_to_ours")
    assert same(model, state())


def test_converter_may_ask_for_the_shapes_of_the_model() -> None:
    foreign = {key: tensor[:1] if tensor.ndim == 1 else tensor for key, tensor in state().items()}
    assert load_weights(Model(), foreign, format=f"{HERE}:inflated").missing == ()


@pytest.mark.parametrize(
    ("converter", "told"),
    [
        ("fails", r"the state dict is not what .*:fails converts \(KeyError: 'not there'\); its keys: stem\.weight"),
        ("no_dict", "must return a dict of tensors by key"),
        ("absent", "has no 'absent'"),
    ],
)
def test_wrong_converter_is_told(converter: str, told: str) -> None:
    with pytest.raises(WeightsError, match=told):
        load_weights(Model(), state(), format=f"{HERE}:{converter}")


def test_unknown_format_is_told() -> None:
    with pytest.raises(WeightsError, match=r'format: .*"auto", "plain" or the name of a function'):
        load_weights(Model(), state(), format="mmaction")


def entry_of(path: Path) -> WeightsEntry:
    return WeightsEntry(
        name="my-model-k7",
        url=f"http://127.0.0.1:9/dir/{path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8],
        format=f"{HERE}:theirs_to_ours",
    )


def publish(monkeypatch: pytest.MonkeyPatch, *entries: WeightsEntry) -> None:
    """Make these the weights that installed plugins publish."""
    monkeypatch.setattr(host(), "weights", {entry.name: entry for entry in entries})


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published_2022.safetensors"
    save_file({f"backbone.{key}": tensor for key, tensor in state().items()}, path)
    return path


def test_local_copy_of_registered_weights_is_converted_by_its_file_name(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()
    publish(monkeypatch, entry_of(published))
    load_weights(model, published)
    assert same(model, state())
    with pytest.raises(WeightsError, match="0 of 8 tensors fit"):
        load_weights(Model(), published, format="plain")


def test_file_that_is_published_in_two_forms_is_not_guessed_at(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry_of(published), evolve(entry_of(published), name="other", format=f"{HERE}:fails")]
    publish(monkeypatch, *entries)
    with pytest.raises(WeightsError, match="0 of 8 tensors fit"):
        load_weights(Model(), published)
    load_weights(Model(), published, format=f"{HERE}:theirs_to_ours")
    assert find_weights("other") == entries[1]


def test_our_file_is_never_converted(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entry_of(published)
    path = save_weights(published, state(), {})
    model = Model()
    publish(monkeypatch, entry)
    load_weights(model, path)
    assert same(model, state())


def test_unknown_name_is_told_with_the_nearest(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, entry_of(published))
    with pytest.raises(
        WeightsError, match=r"my-modl-k7: no such file, and no weights of that name; did you mean 'my-model"
    ):
        load_weights(Model(), "my-modl-k7")


def test_installed_plugins_are_asked_for_names() -> None:
    with pytest.raises(WeightsError, match="no-such-weights: no such file, and no weights of that name"):
        load_weights(Model(), "no-such-weights")
