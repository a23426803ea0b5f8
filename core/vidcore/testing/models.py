"""Contract checks for models: what a model must do so that the engine can train, save, compile and serve it.

Each check takes a `ModelCase` and raises AssertionError; `check_model` runs them all and tells every failure at once.
Letters: N samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from attrs import field, fields, frozen, has
from torch import Tensor, nn

from vidcore.config import ModelConfig
from vidcore.plugins import build

_SEED = 0
_CLOSE = 1e-4  # float32 sums in another order: relative to the largest value of an output


@frozen(eq=False)
class ModelCase:
    """A config, inputs for two samples (normalised floats `[2, ...]`), and what makes the model."""

    config: ModelConfig
    inputs: dict[str, Tensor] = field(repr=False)
    factory: Callable[[Any], nn.Module] = build

    @classmethod
    def of(
        cls,
        config: ModelConfig,
        inputs: dict[str, Tensor] | None = None,
        factory: Callable[[Any], nn.Module] = build,
    ) -> ModelCase:
        """Inputs that are left out are made from `config.example_inputs()`."""
        generator = torch.Generator().manual_seed(_SEED)
        made = {name: torch.randn(2, *shape, generator=generator) for name, shape in config.example_inputs().items()}
        return cls(config, made if inputs is None else inputs, factory)

    def model(self, *, seed: int = _SEED) -> nn.Module:
        """A new model in evaluation mode, no parameter of which is zero.

        Parameters that start as zero (the last norm of a residual branch) would hide what comes before them.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self.factory(self.config)
            with torch.no_grad():
                for parameter in model.parameters():
                    if not parameter.any():
                        parameter.normal_(std=0.1)
        return model.eval()


def check_model(
    config: ModelConfig, inputs: dict[str, Tensor] | None = None, factory: Callable[[Any], nn.Module] = build
) -> None:
    """Run every contract check on a model.

    Args:
        config: A small variant; the checks build it about fifteen times.
        inputs: Two samples of each input, floats as after normalisation. Left out: random, by `example_inputs()`.
        factory: Makes the model from the config. Left out: that of the installed component.

    Raises:
        AssertionError: Names every check that failed, and why.
    """
    case = ModelCase.of(config, inputs, factory)
    failures = []
    for name, check in MODEL_CHECKS.items():
        try:
            check(case)
        except Exception as error:  # any exception of the model is a finding
            failures.append(
                f"{name}: {error if isinstance(error, AssertionError) else f'{type(error).__name__}: {error}'}"
            )
    assert not failures, f"{type(config).__name__} breaks {len(failures)} contracts:\n" + "\n".join(failures)


def check_outputs(case: ModelCase) -> None:
    """Outputs are finite, have one row a sample, and as many columns as classes where they are logits."""
    outputs = _run(case.model(), case.inputs)
    for name, tensor in _tensors(outputs):
        assert torch.isfinite(tensor).all(), f"{name} is not finite"
    if isinstance(outputs, Tensor) and case.config.facts().num_classes is not None:
        wanted = (2, case.config.facts().num_classes)
        assert tuple(outputs.shape) == wanted, f"logits have shape {tuple(outputs.shape)}, not [N, K] = {wanted}"


def check_features(case: ModelCase) -> None:
    """`features(**inputs)` answers a tuple of maps."""
    method = getattr(case.model(), "features", None)
    assert callable(method), "the model has no method features(**inputs)"
    with torch.no_grad():
        maps = method(**case.inputs)
    assert isinstance(maps, tuple) and maps, f"features() must return a tuple of tensors, got {type(maps).__name__}"
    assert all(isinstance(one, Tensor) and len(one) == 2 for one in maps), "each map must be a tensor [N, ...]"


def check_train_and_eval_agree(case: ModelCase) -> None:
    """The same type and shapes come out in training and in evaluation."""
    model = case.model()
    evaluated = _run(model, case.inputs)
    trained = _run(model.train(), case.inputs)
    assert type(trained) is type(evaluated), (
        f"training gives {type(trained).__name__}, evaluation {type(evaluated).__name__}"
    )
    ours, theirs = _shapes(trained), _shapes(evaluated)
    assert ours == theirs, f"training gives shapes {ours}, evaluation {theirs}"


def check_gradients(case: ModelCase) -> None:
    """Every parameter that can be trained receives a finite gradient that is not zero everywhere."""
    model = case.model().train()
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d | nn.Dropout3d):
            module.eval()
    generator = torch.Generator().manual_seed(_SEED)
    total = torch.zeros(())
    for _, tensor in _tensors(model(**case.inputs)):
        total = total + (tensor * torch.randn(tensor.shape, generator=generator)).sum()
    total.backward()  # type: ignore[no-untyped-call]
    trainable = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.requires_grad}
    untouched = [name for name, gradient in trainable.items() if gradient is None or not gradient.any()]
    assert not untouched, f"no gradient reaches {_some(untouched)}; remove what is not used, or freeze it"
    broken = [name for name, gradient in trainable.items() if gradient is not None and not gradient.isfinite().all()]
    assert not broken, f"the gradient is not finite at {_some(broken)}"


def check_bf16(case: ModelCase) -> None:
    """Outputs stay finite under bfloat16 autocast."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = _run(case.model(), case.inputs)
    for name, tensor in _tensors(outputs):
        assert torch.isfinite(tensor.float()).all(), f"{name} is not finite under bfloat16 autocast"


def check_channels_last(case: ModelCase) -> None:
    """5-D inputs in channels-last memory give the same outputs."""
    if not any(value.ndim == 5 for value in case.inputs.values()):
        return
    model = case.model()
    expected = _run(model, case.inputs)
    moved = {name: _channels_last(value) for name, value in case.inputs.items()}
    for parameter in model.parameters():  # only 5-D ones: a 2D network may look at the frames of a video
        parameter.data = _channels_last(parameter.data)
    _assert_close(_run(model, moved), expected, "channels_last_3d")


def check_state_dict(case: ModelCase) -> None:
    """State loads strictly into another instance, which then answers the same bits; no two entries share memory."""
    first, second = case.model(), case.model(seed=_SEED + 1)
    state = first.state_dict()
    second.load_state_dict(state, strict=True)
    _assert_same(_run(second, case.inputs), _run(first, case.inputs), "a loaded copy")
    owners: dict[int, str] = {}
    for name, tensor in state.items():
        if tensor.numel():
            shared = owners.setdefault(tensor.untyped_storage().data_ptr(), name)
            assert shared == name, f"{name} and {shared} share memory, which safetensors cannot write"


def check_deep_copy(case: ModelCase) -> None:
    """A deep copy answers the same bits: what the moving average of weights is."""
    model = case.model()
    _assert_same(_run(copy.deepcopy(model), case.inputs), _run(model, case.inputs), "a deep copy")


def check_repeatable(case: ModelCase) -> None:
    """The same inputs give the same bits twice in evaluation, and inputs are left as they were."""
    model = case.model()
    before = {name: value.clone() for name, value in case.inputs.items()}
    _assert_same(_run(model, case.inputs), _run(model, case.inputs), "the second time")
    changed = [name for name, value in case.inputs.items() if not torch.equal(value, before[name])]
    assert not changed, f"the model changes its input {_some(changed)}"


def check_samples_apart(case: ModelCase) -> None:
    """In evaluation a sample's outputs do not depend on its neighbours, so views may be pushed through in any parts."""
    model = case.model()
    both = _run(model, case.inputs)
    if not isinstance(both, Tensor):
        return
    alone = torch.cat([_run(model, {name: value[i : i + 1] for name, value in case.inputs.items()}) for i in range(2)])
    _assert_close(alone, both, "one sample at a time")


def check_export(case: ModelCase) -> None:
    """torch.export can trace the model, and what it makes answers the same."""
    model = case.model()
    exported = torch.export.export(model, (), kwargs=dict(case.inputs), strict=False).module()
    _assert_close(_run(exported, case.inputs), _run(model, case.inputs), "the exported program")


def check_optional_methods(case: ModelCase) -> None:
    """What a model may offer (`head_prefixes`, `blocks`, `layer_ids`, `param_groups`) fits its parameters."""
    model = case.model()
    names = {name for name, _ in model.named_parameters()}
    for prefix in getattr(model, "head_prefixes", ()):
        assert any(name.startswith(prefix) for name in names), f"no parameter starts with head prefix {prefix!r}"
    if callable(blocks := getattr(model, "blocks", None)):
        inside = {id(module) for module in model.modules()}
        assert all(id(block) in inside for block in blocks()), "blocks() names a module that is not part of the model"
    if callable(layer_ids := getattr(model, "layer_ids", None)):
        unnumbered, unknown = sorted(names - layer_ids().keys()), sorted(layer_ids().keys() - names)
        assert not unnumbered and not unknown, f"layer_ids() leaves out {unnumbered} and names unknown {unknown}"
    if callable(param_groups := getattr(model, "param_groups", None)):
        grouped = [id(parameter) for group in param_groups() for parameter in group["params"]]
        assert len(grouped) == len(set(grouped)), "param_groups() names a parameter twice"
        assert set(grouped) == {id(parameter) for parameter in model.parameters()}, "param_groups() leaves some out"


MODEL_CHECKS: dict[str, Callable[[ModelCase], None]] = {
    "outputs": check_outputs,
    "features": check_features,
    "train and eval agree": check_train_and_eval_agree,
    "gradients": check_gradients,
    "bf16": check_bf16,
    "channels_last_3d": check_channels_last,
    "state dict": check_state_dict,
    "deep copy": check_deep_copy,
    "same result twice": check_repeatable,
    "samples apart": check_samples_apart,
    "export": check_export,
    "optional methods": check_optional_methods,
}


def _run(model: nn.Module, inputs: dict[str, Tensor]) -> Any:
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return model(**inputs)


def _tensors(outputs: Any, name: str = "output") -> Iterator[tuple[str, Tensor]]:
    """Every floating tensor of outputs of any type, with a name for messages."""
    if isinstance(outputs, Tensor):
        if outputs.is_floating_point():
            yield name, outputs
        return
    if has(type(outputs)):
        outputs = {entry.name: getattr(outputs, entry.name) for entry in fields(type(outputs))}
    if isinstance(outputs, dict):
        for key, value in outputs.items():
            yield from _tensors(value, f"{name}.{key}")
    elif isinstance(outputs, list | tuple):
        for i, value in enumerate(outputs):
            yield from _tensors(value, f"{name}[{i}]")


def _shapes(outputs: Any) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in _tensors(outputs)}


def _channels_last(value: Tensor) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last_3d) if value.ndim == 5 else value


def _assert_same(ours: Any, theirs: Any, what: str) -> None:
    for (name, left), (_, right) in zip(_tensors(ours), _tensors(theirs), strict=True):
        assert torch.equal(left, right), f"{what} gives another {name}"


def _assert_close(ours: Any, theirs: Any, what: str) -> None:
    for (name, left), (_, right) in zip(_tensors(ours), _tensors(theirs), strict=True):
        assert left.shape == right.shape, f"{what}: {name} is {list(left.shape)}, not {list(right.shape)}"
        apart = float((left - right).abs().max() / right.abs().max().clamp_min(1e-12))
        assert apart <= _CLOSE, f"{what}: {name} differs by {apart:.1e} of its largest value"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
