"""The experiment: every table and key that a TOML file may have, with default, unit and limits.

Tables whose `type` names a component are slots; their other keys belong to the component's own config class.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le, lt, min_len, optional

from vidcore.config.slots import (
    CallbackSlot,
    DatasetSlot,
    DecoderSlot,
    MetricSlot,
    ModelSlot,
    OptimizerSlot,
    ParallelSlot,
    ScheduleSlot,
    TaskSlot,
    TechniqueSlot,
)


@frozen(kw_only=True)
class Data:
    """Where samples come from, and who reads them."""

    root: str = ""  # folder that list files and videos are relative to; itself relative to the file or VIDCORE_DATA
    decoder: DecoderSlot = "pyav"
    scaling: Literal["area", "bilinear", "reference"] = "area"  # "reference": step by step, as published figures had it
    workers: int | Literal["auto"] = field(default="auto")  # processes that decode; "auto": measured on this machine
    prefetch: int | Literal["auto"] = field(default="auto")  # batches each worker keeps ready; "auto": measured too
    on_bad_video: Literal["replace", "fail"] = "replace"  # what an unreadable video does to a run
    max_bad_fraction: float = field(default=0.1, validator=and_(ge(0.0), le(1.0)))  # more than this stops the run
    train: DatasetSlot | None = None
    val: DatasetSlot | None = None
    test: DatasetSlot | None = None  # left out: val is used

    @workers.validator
    @prefetch.validator
    def _enough(self, attribute: Any, value: int | str) -> None:
        least = 1 if attribute.name == "prefetch" else 0
        if isinstance(value, int) and value < least:
            raise ValueError(f'{attribute.name!r} must be >= {least} or "auto", got {value}')


@frozen(kw_only=True)
class ClipGrad:
    """Keeps gradients from growing beyond a size."""

    norm: float | None = field(default=None, validator=optional(gt(0.0)))  # largest 2-norm over all parameters
    value: float | None = field(default=None, validator=optional(gt(0.0)))  # largest absolute value of an entry

    def __attrs_post_init__(self) -> None:
        if self.norm is None and self.value is None:
            raise ValueError("give norm or value, or leave clip_grad out: without them nothing is clipped")


@frozen(kw_only=True)
class Ema:
    """An exponential moving average of the weights, evaluated and saved in place of them."""

    decay: float = field(default=0.999, validator=and_(gt(0.0), lt(1.0)))  # share of the old average in the new one


@frozen(kw_only=True)
class Evaluate:
    """When the model is measured on `data.val`."""

    every: int = field(default=1, validator=ge(1))  # epochs
    start: int = field(default=1, validator=ge(1))  # first epoch, counted from 1, that is followed by an evaluation
    final: Literal["best", "last", "none"] = "best"  # which weights are measured on `data.test` at the end


@frozen(kw_only=True)
class Checkpoint:
    """What is kept to continue from."""

    every: int = field(default=1, validator=ge(1))  # epochs
    every_steps: int | None = field(default=None, validator=optional(ge(1)))  # in addition, within long epochs
    keep: int = field(default=2, validator=ge(1))  # newest checkpoints kept
    best: str = ""  # metric that picks weights/best.safetensors; "": the first metric


@frozen(kw_only=True)
class Engine:
    """How training runs."""

    epochs: int = field(default=10, validator=ge(1))
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", "mps"
    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = "auto"  # "auto": bf16 where it is fast, else fp32
    channels_last: bool = True  # channels_last_3d for 5-D inputs: faster convolutions, same result up to rounding
    compile: Literal["none", "model", "blocks"] = "none"  # a component of kind `compiler`: torch.compile
    deterministic: bool = False  # refuse kernels whose sums depend on timing
    accumulate: int | None = field(
        default=None, validator=optional(ge(1))
    )  # batches whose gradients make one step, of all processes together; left out: one of each process
    auto_scale_lr: int | None = field(
        default=None, validator=optional(ge(1))
    )  # batch size that `optimizer.lr` is meant for
    freeze: tuple[str, ...] = ()  # shell patterns of parameter names that are not trained; "!pattern": but these are
    frozen_norm: bool = False  # batch norms keep their running statistics
    clip_grad: ClipGrad | None = None
    ema: Ema | None = None
    techniques: dict[str, TechniqueSlot] = field(factory=dict)  # what else takes part in training, in order
    max_bad_steps: int = field(
        default=10, validator=ge(1)
    )  # steps in a row with a loss that is not finite, before the run stops
    log_every: int = field(default=10, validator=ge(1))  # steps between two lines of metrics.jsonl
    parallel: ParallelSlot | None = None  # how several processes train together; left out: "ddp" with its defaults
    evaluate: Evaluate = field(factory=Evaluate)
    checkpoint: Checkpoint = field(factory=Checkpoint)


@frozen(kw_only=True)
class Published:
    """A figure that the authors of a recipe state."""

    metric: str = field(validator=min_len(1))
    value: float  # fraction
    source: str = ""  # where it stands
    note: str = ""


@frozen(kw_only=True)
class About:
    """What a person wants to know of a recipe. Has no effect on a run."""

    summary: str = ""
    paper: str = ""
    alias: tuple[str, ...] = ()  # other names, such as the config stem of another framework
    gpus: int | None = None  # devices the authors used; batch sizes are for each of them
    published: tuple[Published, ...] = ()


@frozen(kw_only=True)
class Experiment:
    """One experiment, whole."""

    name: str = ""  # of the run folder; left out: the name of the file
    seed: int = field(default=0, validator=ge(0))  # of every random choice
    about: About = field(factory=About)  # for people; no effect on a run
    task: TaskSlot  # what is asked of the videos: loss, normalisation, what a prediction is
    model: ModelSlot  # the network, and the weights it starts from
    data: Data = field(factory=Data)  # train, val, test: which videos, which frames of them, how they are changed
    optimizer: OptimizerSlot = "adamw"  # with its learning rate
    schedule: ScheduleSlot = "constant"  # of the learning rate
    engine: Engine = field(factory=Engine)  # how long and how it is trained, measured and saved
    metrics: dict[str, MetricSlot] = field(factory=dict)  # [metrics.NAME]: what is measured; the first picks the best
    callbacks: dict[str, CallbackSlot] = field(factory=dict)  # [callbacks.NAME]: who watches the run
