"""Options of `[engine.parallel]`. Imports no torch."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import gt


@frozen(kw_only=True)
class Together:
    """How processes find each other and talk."""

    backend: Literal["auto", "nccl", "gloo"] = "auto"  # how gradients travel; "auto": nccl on CUDA devices, else gloo
    connect_seconds: float = field(
        default=120.0, validator=gt(0.0)
    )  # for the processes to find each other at the start
    timeout_minutes: float = field(default=30.0, validator=gt(0.0))  # for one to wait for another later on


@frozen(kw_only=True)
class Ddp(Together):
    """Every process has the whole model and runs its share of a step's chunks; gradients are summed over all."""

    find_unused: bool = False  # some parameters get no gradient in some steps; looking for them costs time
    static_graph: bool = False  # the same parameters are used in the same order in every step
    bucket_mb: float = field(default=25.0, validator=gt(0.0))  # gradients that travel together, in MiB
    sync_bn: bool = False  # batch norms see the batches of all processes at once; CUDA only


@frozen(kw_only=True)
class Fsdp(Together):
    """Every process keeps a part of the weights, gradients and optimizer state, and gathers weights block by block."""

    param_dtype: Literal["fp32", "bf16", "fp16"] = "fp32"  # in which weights are gathered and used; kept in fp32
    reduce_dtype: Literal["fp32", "bf16"] = "fp32"  # in which gradients are summed
    reshard: bool = True  # let go of a block's weights after its forward pass; false: more memory, less to gather
    async_save: bool = False  # training goes on while a checkpoint is written
