"""Options of the core's optimizers and learning-rate schedules. Imports no torch."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, deep_mapping, ge, gt, instance_of, le, lt, optional


@frozen(kw_only=True)
class GroupFactors:
    """How parameters whose names match a pattern differ from the rest. Several that match are multiplied."""

    lr_factor: float = field(default=1.0, validator=ge(0.0))  # times optimizer.lr
    weight_decay_factor: float = field(default=1.0, validator=ge(0.0))  # times optimizer.weight_decay


@frozen(kw_only=True)
class OptimizerConfig:
    """What every optimizer has. A plugin's own config class inherits this one."""

    lr: float = field(default=1e-3, validator=gt(0.0))  # before the schedule's factor
    weight_decay: float = field(default=0.0, validator=ge(0.0))
    no_decay_norm_bias: bool = False  # no weight decay for biases and the weights of norm layers
    # factor of the rate for each layer further from the head, where the model numbers its layers
    layer_decay: float = field(default=1.0, validator=and_(gt(0.0), le(1.0)))
    # [optimizer.groups."head.*"]: by shell pattern of parameter names, or the name of a module
    groups: dict[str, GroupFactors] = field(
        factory=dict, validator=deep_mapping(instance_of(str), instance_of(GroupFactors))
    )


@frozen(kw_only=True)
class TorchOptimizer(OptimizerConfig):
    """What the optimizers of `torch.optim` have."""

    kernels: Literal["auto", "fused", "foreach", "loop"] = "auto"  # for all parameters at once, or one by one


BETAS = deep_iterable(and_(ge(0.0), lt(1.0)))


@frozen(kw_only=True)
class Sgd(TorchOptimizer):
    """Stochastic gradient descent with momentum, as `torch.optim.SGD`."""

    lr: float = field(default=0.1, validator=gt(0.0))
    momentum: float = field(default=0.9, validator=and_(ge(0.0), lt(1.0)))
    dampening: float = field(default=0.0, validator=ge(0.0))  # share of the gradient kept out of the momentum
    nesterov: bool = False  # look ahead along the momentum

    def __attrs_post_init__(self) -> None:
        if self.nesterov and (self.momentum == 0.0 or self.dampening != 0.0):
            raise ValueError("nesterov needs a momentum above 0 and no dampening")


@frozen(kw_only=True)
class AdamW(TorchOptimizer):
    """Adam with decoupled weight decay, as `torch.optim.AdamW`."""

    weight_decay: float = field(default=0.01, validator=ge(0.0))
    betas: tuple[float, float] = field(default=(0.9, 0.999), validator=BETAS)  # decay of the mean and of the square
    eps: float = field(default=1e-8, validator=gt(0.0))


@frozen(kw_only=True)
class Warmup:
    """A learning rate that grows at the start of training; multiplied by the schedule proper.

    The factor grows linearly from `warmup_start` in the first step (or epoch) to 1 in the last one of the warm-up.
    """

    warmup_epochs: float = field(default=0.0, validator=ge(0.0))  # 0: none; 2.5 is two epochs and a half
    warmup_start: float = field(default=0.1, validator=and_(ge(0.0), le(1.0)))  # factor in the first step
    warmup_by: Literal["step", "epoch"] = "step"  # grow with every step, or once an epoch


@frozen(kw_only=True, slots=False)  # two slotted bases have no common lay-out
class Decay:
    """From where to where a falling curve goes."""

    begin: float | None = field(default=None, validator=optional(ge(0.0)))  # epoch; left out: the end of the warm-up
    length: float | None = field(default=None, validator=optional(gt(0.0)))  # epochs; left out: to the end of training
    by: Literal["step", "epoch"] = "step"  # fall with every step, or once an epoch
    final: float = field(default=0.0, validator=ge(0.0))  # factor at the end of the curve


@frozen(kw_only=True)
class Constant(Warmup):
    """The same learning rate from the warm-up to the end."""


@frozen(kw_only=True)
class Cosine(Warmup, Decay):
    """Half a cosine from 1 to `final`. `begin = 0` lets it fall during the warm-up already."""
