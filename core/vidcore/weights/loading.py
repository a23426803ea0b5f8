"""`load_weights`: from a file, an address or a name into any `nn.Module`, and an account of what fitted."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from torch import Tensor, nn

from vidcore.errors import PluginError, WeightsError
from vidcore.plugins import host
from vidcore.plugins.catalog import WeightsEntry, load_reference
from vidcore.weights.reading import Checkpoint
from vidcore.weights.sources import fetch, is_address, read_checkpoint
from vidcore.wording import nearest

Source = str | Path | Mapping[str, Tensor]
Strict = bool | Literal["backbone"]

_WRAPPERS = ("module", "model", "_orig_mod")  # parts of keys that DataParallel, trainers and torch.compile put in
_HEAD_PREFIXES = ("head.",)
_SHOWN = 8


@frozen
class Mismatch:
    """A tensor whose shape differs."""

    key: str
    found: tuple[int, ...]  # in the file
    expected: tuple[int, ...]  # in the model

    def __str__(self) -> str:
        return f"{self.key} (file {list(self.found)}, model {list(self.expected)})"


@frozen(kw_only=True)
class WeightsReport:
    """What fitted and what did not. Keys are the model's; unexpected ones are the file's."""

    source: str
    loaded: tuple[str, ...] = field(repr=False)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()
    contract: dict[str, Any] | None = field(default=None, repr=False)  # of a file that vidcore saved

    def __str__(self) -> str:
        lists = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": self.mismatched}
        lines = [f"  {what} ({len(items)}): {_some(items)}" for what, items in lists.items() if items]
        total = len(self.loaded) + len(self.missing) + len(self.mismatched)
        return "\n".join([f"{self.source}: {len(self.loaded)} of {total} tensors fit", *lines])


def load_weights(model: nn.Module, source: Source, *, format: str = "auto", strict: Strict = True) -> WeightsReport:
    """Copy weights into `model`. Where they do not fit as `strict` asks, the model stays as it was.

    Args:
        model: Any module. Its attribute `head_prefixes` says which keys belong to the head; by default `("head.",)`.
        source: A path, an address, the name of published weights, or a state dict. What is no local safetensors file
            needs a plugin that reads or fetches it.
        format: "auto", "plain" (keys are the model's), or a converter `"package.module:function"`: a pure function from
            dict to dict, or from dict and the model's shapes by key. Auto is plain for what vidcore saved; else the
            converter of the published weights of that name or file name; else plain.
        strict: True: every key fits. "backbone": all but those of the head. False: what fits is loaded, the rest told.

    Raises:
        WeightsError: There is no such source, it is broken, or it does not fit; the message shows what does not.
    """
    name, checkpoint, converter = _open(source, format)
    state = dict(checkpoint.state_dict)
    expected = model.state_dict()
    if converter:
        state = _convert(state, converter, name, expected)
    state = _in_names_of(state, expected)
    mismatched = tuple(
        Mismatch(key, tuple(state[key].shape), tuple(tensor.shape))
        for key, tensor in expected.items()
        if key in state and state[key].shape != tensor.shape
    )
    fitting = {key: state[key] for key in expected if key in state and state[key].shape == expected[key].shape}
    report = WeightsReport(
        source=name,
        loaded=tuple(fitting),
        # a counter that BatchNorm had not before PyTorch 0.4.1, and that only momentum = None reads
        missing=tuple(key for key in expected if key not in state and not key.endswith("num_batches_tracked")),
        unexpected=tuple(sorted(key for key in state if key not in expected)),
        mismatched=mismatched,
        contract=checkpoint.contract,
    )
    _check(report, model, strict, converter)
    model.load_state_dict(fitting, strict=False)
    return report


def find_weights(name: str) -> WeightsEntry | None:
    """The weights that an installed plugin published under that name, or whose file has the name of the path `name`.

    None where several are made of one such file in different ways: what is meant must be said then.
    """
    published = host().weights
    if name in published:
        return published[name]
    found = [entry for entry in published.values() if entry.url.rpartition("/")[2] == Path(name).name]
    return found[0] if len({entry.format for entry in found}) == 1 else None


def locate(source: str) -> Path:
    """The local file of a path, an address, or the name of published weights; fetched where it must be.

    Raises:
        WeightsError: There is no such source, or it cannot be had.
    """
    entry = find_weights(source)
    if is_address(source):
        return fetch(source, entry.sha256 if entry else "")
    if Path(source).is_file():
        return Path(source)
    if entry is not None and entry.name == source:
        return fetch(entry.url, entry.sha256)
    hint = nearest(source, host().weights)
    raise WeightsError(f"{source}: no such file, and no weights of that name{hint}. `vidcore weights info` lists them.")


def _open(source: Source, format_: str) -> tuple[str, Checkpoint, str]:
    """The name of the source for messages, its contents, and its converter (empty for none)."""
    chosen = "" if format_ in ("auto", "plain") else format_
    if isinstance(source, Mapping):
        return "the state dict", Checkpoint(state_dict=dict(source), meta={}), chosen
    checkpoint = read_checkpoint(locate(str(source)))
    entry = find_weights(str(source))
    if format_ == "auto" and entry is not None and checkpoint.contract is None:
        chosen = entry.format
    return str(source), checkpoint, chosen


def _convert(state: dict[str, Tensor], converter: str, name: str, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        function = load_reference(converter)
    except PluginError as error:
        raise WeightsError(f'format: {error}. It is "auto", "plain" or the name of a function.') from error
    try:
        if len(inspect.signature(function).parameters) == 2:  # image weights inflated in time depend on the model
            converted = function(state, {key: tuple(tensor.shape) for key, tensor in expected.items()})
        else:
            converted = function(state)
    except (KeyError, ValueError, IndexError, RuntimeError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise WeightsError(f"{name} is not what {converter} converts ({what}); its keys: {_some(state)}") from error
    if not isinstance(converted, dict) or not all(isinstance(tensor, Tensor) for tensor in converted.values()):
        raise WeightsError(f"{converter} must return a dict of tensors by key")
    return converted


def _in_names_of(state: dict[str, Tensor], expected: Collection[str]) -> dict[str, Tensor]:
    """`state` without the prefixes of wrappers, or with the model's own, if more keys agree so."""
    plain_names = {_unwrapped(key): key for key in expected}
    renamed = {plain_names.get(_unwrapped(key), _unwrapped(key)): tensor for key, tensor in state.items()}
    as_it_is = len(state.keys() & set(expected))
    better = len(renamed) == len(state) and len(plain_names) == len(expected)
    return renamed if better and len(renamed.keys() & set(expected)) > as_it_is else state


def _unwrapped(key: str) -> str:
    parts = key.split(".")
    while len(parts) > 1 and parts[0] in _WRAPPERS:
        parts = parts[1:]
    return ".".join(part for part in parts if part != "_orig_mod")


def _check(report: WeightsReport, model: nn.Module, strict: Strict, converter: str) -> None:
    heads = tuple(getattr(model, "head_prefixes", _HEAD_PREFIXES))
    wrong = [*report.missing, *report.unexpected, *(mismatch.key for mismatch in report.mismatched)]
    in_body = [key for key in wrong if not _unwrapped(key).startswith(heads)]
    if report.loaded and (strict is False or not wrong or (strict == "backbone" and not in_body)):
        return
    hint = ""
    if not report.loaded and not converter:
        hint = '; if they come from elsewhere, format = "package.module:function" names a converter'
    elif report.loaded and not in_body:
        hint = '; only the head differs: strict = "backbone" loads the rest'
    raise WeightsError(f"{report}\nThe weights do not fit {type(model).__name__}{hint}. Nothing was loaded.")


def _some(items: Iterable[object]) -> str:
    texts = [str(item) for item in items]
    more = f", and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
