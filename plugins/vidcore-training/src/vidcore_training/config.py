"""Options of what this plugin offers. Imports no torch."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, le, lt, min_len, optional

from vidcore.config.slots import ScheduleSlot
from vidcore.engine.config import BETAS, Decay, TorchOptimizer, Warmup

# --- optimizers -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Adam(TorchOptimizer):
    """Adam with weight decay added to the gradient, as `torch.optim.Adam`."""

    betas: tuple[float, float] = field(default=(0.9, 0.999), validator=BETAS)  # decay of the mean and of the square
    eps: float = field(default=1e-8, validator=gt(0.0))


# --- compilers --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class CompiledModel:
    """`engine.compile = "model"`: torch.compile over the whole model."""


@frozen(kw_only=True)
class CompiledBlocks:
    """`engine.compile = "blocks"`: torch.compile over the blocks that the model declares."""


# --- schedules --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Step(Warmup):
    """Times `gamma` after every so many epochs, or steps."""

    every: float = field(default=10.0, validator=gt(0.0))
    by: Literal["epoch", "step"] = "epoch"  # what `every` counts
    gamma: float = field(default=0.1, validator=gt(0.0))


@frozen(kw_only=True)
class MultiStep(Warmup):
    """Times `gamma` at each milestone."""

    milestones: tuple[float, ...] = field(validator=and_(min_len(1), deep_iterable(gt(0.0))))  # from the start
    by: Literal["epoch", "step"] = "epoch"  # what milestones count
    gamma: float = field(default=0.1, validator=gt(0.0))

    @milestones.validator
    def _ascend(self, attribute: Any, value: tuple[float, ...]) -> None:
        if list(value) != sorted(set(value)):
            raise ValueError(f"'milestones' must ascend, got {list(value)}")


@frozen(kw_only=True)
class Linear(Warmup, Decay):
    """A straight line from 1 to `final`."""


@frozen(kw_only=True)
class Poly(Warmup, Decay):
    """`(1 - t) ** power` from 1 to `final`."""

    power: float = field(default=0.9, validator=gt(0.0))


@frozen(kw_only=True)
class OneCycle:
    """Up from `start` to 1 and down to `final`, once: Smith and Topin, arXiv:1708.07120."""

    rise: float = field(default=0.3, validator=and_(gt(0.0), lt(1.0)))  # share of the steps on the way up
    by: Literal["step", "epoch"] = "step"  # change with every step, or once an epoch
    start: float = field(default=0.04, validator=and_(ge(0.0), le(1.0)))  # factor in the first step, or epoch
    final: float = field(default=4e-6, validator=and_(ge(0.0), le(1.0)))  # factor in the last step, or epoch
    shape: Literal["cosine", "linear"] = "cosine"


# --- techniques -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Swa:
    """The plain mean of the weights of the last epochs, at a rate that stays: Izmailov et al., arXiv:1803.05407.

    Running statistics are averaged, too; `precise-bn` after it measures them for the mean.
    """

    start: float = field(default=0.75, validator=and_(ge(0.0), lt(1.0)))  # share of the epochs before the first one
    every: int | None = field(default=None, validator=optional(ge(1)))  # steps between two weights; left out: an epoch
    # factor of every rate from `start` on; left out: the schedule goes on
    lr_factor: float | None = field(default=None, validator=optional(gt(0.0)))


@frozen(kw_only=True)
class PreciseBn:
    """Running statistics measured anew for the very weights that are evaluated, over batches of training.

    Each statistic is the mean over the batches, as Wu and Johnson (arXiv:2105.07576) recommend for video, where
    batches are small. Frozen norms keep theirs.
    """

    batches: int = field(default=200, validator=ge(1))  # of data.train.batch_size


@frozen(kw_only=True)
class Momentum:
    """A momentum (the first beta, where the optimizer has betas) that follows a schedule of its own.

    With `schedule = "one-cycle"` it falls while the rate of a `one-cycle` rises, and rises again.
    """

    schedule: ScheduleSlot
    at_one: float = field(default=0.85, validator=and_(ge(0.0), lt(1.0)))  # momentum where the schedule's factor is 1
    at_zero: float = field(default=0.95, validator=and_(ge(0.0), lt(1.0)))  # and where it is 0; between them a line


@frozen(kw_only=True)
class Recompute:
    """Less memory for more time: what the model's blocks computed is forgotten, and computed again going back.

    Chen et al., arXiv:1604.06174. Values stay the same, bit for bit. The model has to declare `blocks()`.
    """


@frozen(kw_only=True)
class Multigrid:
    """Batches of many small clips first, of few large ones later: Wu et al., arXiv:1912.00998.

    A step always costs about the same: batch size times frames times height times width is constant. The long cycle
    goes through 8x, 4x, 2x and 1x the batch size, once for each stretch of the schedule, with a rate as many times
    higher; the last stretch has the full shape only. The short cycle changes the frame's size from step to step.
    An epoch stays as many steps as without it, during which more clips are seen.
    """

    long_cycle: bool = True
    short_cycle: bool = True
    # epochs at which a long cycle ends; after the last comes fine-tuning. Left out: the schedule's milestones
    ends: tuple[float, ...] = field(default=(), validator=deep_iterable(gt(0.0)))
    # clips of the long cycle's batch that a batch norm normalises together; left out: data.train.batch_size
    sub_batch: int | None = field(default=None, validator=optional(ge(1)))

    @ends.validator
    def _ascend(self, attribute: Any, value: tuple[float, ...]) -> None:
        if list(value) != sorted(set(value)):
            raise ValueError(f"'ends' must ascend, got {list(value)}")


# --- callbacks --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class EarlyStopping:
    """Ends training when a figure of data.val has not become better for a while."""

    metric: str = field(validator=min_len(1))  # its name in metrics.jsonl, such as top1
    patience: int = field(default=10, validator=ge(1))  # evaluations without progress
    min_delta: float = field(default=0.0, validator=ge(0.0))  # less than this is no progress
    mode: Literal["max", "min"] = "max"  # which way is better
