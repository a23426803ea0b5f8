"""Which parameters are trained, and how fast: freezing, parameter groups, learning rates.

A pattern is a shell pattern of parameter names (`layer?.*.weight`), or the name of a module for all that is in it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import field, frozen
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from vidcore.engine.config import GroupFactors, OptimizerConfig
from vidcore.errors import ConfigError
from vidcore.wording import counted, nearest

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)


@frozen(eq=False)
class ParameterGroup:
    """Parameters that are trained alike."""

    factors: GroupFactors
    names: list[str] = field(factory=list)
    parameters: list[Tensor] = field(factory=list, repr=False)


def matching(pattern: str, names: Iterable[str], where: str) -> list[str]:
    """The names that a pattern means.

    Raises:
        ConfigError: None; names the nearest parameter or module.
    """
    names = list(names)
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")]
    if not found:
        modules = {
            ".".join(parts[:end]) for parts in (name.split(".") for name in names) for end in range(1, len(parts))
        }
        raise ConfigError(f"{where}: {pattern!r} matches no parameter{nearest(pattern, [*sorted(modules), *names])}")
    return found


def freeze(model: nn.Module, patterns: Iterable[str]) -> list[str]:
    """Take the matching parameters out of training; their names. `!pattern` takes back what stood before it.

    Raises:
        ConfigError: A pattern matches nothing or takes nothing back, or nothing is left to train.
    """
    parameters, patterns = dict(model.named_parameters()), list(patterns)
    for pattern in patterns:
        names, back = matching(pattern.removeprefix("!"), parameters, "engine.freeze"), pattern.startswith("!")
        if back and all(parameters[name].requires_grad for name in names):
            raise ConfigError(f'engine.freeze: {pattern!r} takes nothing back: no pattern before it froze it; "*" does')
        for name in names:
            parameters[name].requires_grad_(back)
    frozen_names = [name for name, parameter in parameters.items() if not parameter.requires_grad]
    if len(frozen_names) == len(parameters):
        where = "engine.freeze" if patterns else f"model: {type(model).__name__}"
        raise ConfigError(f"{where}: none of the {len(parameters)} parameters is left to train")
    return frozen_names


def set_training_mode(model: nn.Module, frozen_norm: bool) -> None:
    """Train mode, but batch norms keep their running statistics if asked to, or if all their parameters are frozen."""
    model.train()
    for module in model.modules():
        if isinstance(module, _NormBase):
            weights = list(module.parameters(recurse=False))
            if frozen_norm or (weights and not any(weight.requires_grad for weight in weights)):
                module.eval()


def parameter_groups(model: nn.Module, config: OptimizerConfig) -> list[ParameterGroup]:
    """All trained parameters, sorted into groups by their factors, in the order of the model.

    The factors of a parameter are those that the model gives it (`model.param_groups()`), times those of every pattern
    that matches it; norm weights and biases have no weight decay if the configuration says so. With `layer_decay` d,
    a parameter n layers away from the last has d ** n times the rate.

    Raises:
        ConfigError: A pattern matches nothing, or the model does not number its layers.
    """
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    lr_factors = dict.fromkeys(trained, 1.0)
    decay_factors = dict.fromkeys(trained, 1.0)

    def multiply(names: Iterable[str], lr_factor: float, decay_factor: float) -> None:
        for name in names:
            if name in trained:
                lr_factors[name] *= lr_factor
                decay_factors[name] *= decay_factor

    for group in declared_groups(model):
        multiply(group.names, group.factors.lr_factor, group.factors.weight_decay_factor)
    for name, depth in _depths(model, config.layer_decay).items():
        multiply([name], config.layer_decay**depth, 1.0)
    if config.no_decay_norm_bias:
        multiply(_norms_and_biases(model), 1.0, 0.0)
    every_name = [name for name, _ in model.named_parameters()]
    for pattern, factors in config.groups.items():
        names = matching(pattern, every_name, "optimizer.groups")
        multiply(names, factors.lr_factor, factors.weight_decay_factor)

    groups: dict[tuple[float, float], ParameterGroup] = {}
    for name, parameter in trained.items():
        key = (lr_factors[name], decay_factors[name])
        group = groups.setdefault(key, ParameterGroup(GroupFactors(lr_factor=key[0], weight_decay_factor=key[1])))
        group.names.append(name)
        group.parameters.append(parameter)
    return list(groups.values())


def declared_groups(model: nn.Module) -> Iterator[ParameterGroup]:
    """What the model's own `param_groups()` says: tables with `params`, `lr_factor`, `weight_decay_factor`."""
    declare = getattr(model, "param_groups", None)
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    for table in declare() if declare is not None else []:
        names = [name_of[id(parameter)] for parameter in table["params"]]
        factors = GroupFactors(**{key: value for key, value in table.items() if key != "params"})
        yield ParameterGroup(factors, names, list(table["params"]))


def for_torch(groups: Iterable[ParameterGroup], config: OptimizerConfig, scale: float = 1.0) -> list[dict[str, Any]]:
    """The groups as `torch.optim` takes them. `names` tells the parameters; `base_lr` is the rate at factor 1."""
    return [
        {
            "params": group.parameters,
            "lr": (base_lr := config.lr * scale * group.factors.lr_factor),
            "base_lr": base_lr,
            "weight_decay": config.weight_decay * group.factors.weight_decay_factor,
            "names": group.names,
        }
        for group in groups
    ]


def describe(groups: Iterable[ParameterGroup], config: OptimizerConfig, scale: float = 1.0) -> Iterator[str]:
    """One line a group, for people."""
    for group, table in ((group, for_torch([group], config, scale)[0]) for group in groups):
        count = sum(parameter.numel() for parameter in group.parameters)
        example = group.names[0] + (f" … {group.names[-1]}" if len(group.names) > 1 else "")
        yield (
            f"lr {table['base_lr']:g}, weight decay {table['weight_decay']:g}: "
            f"{counted(len(group.names), 'tensor')}, {counted(count, 'parameter')} ({example})"
        )


def scale_of(auto_scale_lr: int | None, samples_per_step: int) -> float:
    """The factor that fits a learning rate, meant for steps of `auto_scale_lr` samples, to the steps of this run."""
    return samples_per_step / auto_scale_lr if auto_scale_lr else 1.0


def _depths(model: nn.Module, layer_decay: float) -> dict[str, int]:
    """How many layers each parameter is away from the last one; nothing where that has no effect."""
    if layer_decay == 1.0:
        return {}
    number = getattr(model, "layer_ids", None)
    if number is None:
        raise ConfigError(f"optimizer.layer_decay: {type(model).__name__} does not number its layers; use groups")
    ids: dict[str, int] = number()
    return {name: max(ids.values()) - layer for name, layer in ids.items()}


def _norms_and_biases(model: nn.Module) -> Iterator[str]:
    for module_name, module in model.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            if isinstance(module, NORMS) or name == "bias":
                yield f"{module_name}.{name}" if module_name else name
