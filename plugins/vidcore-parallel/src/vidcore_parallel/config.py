"""Options of `[engine.parallel]`. Imports no torch."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import gt


@frozen(kw_only=True)
class Ddp:
    """Every process has the whole model and runs its share of a step's chunks; gradients are summed over all."""

    backend: Literal["auto", "nccl", "gloo"] = "auto"  # how gradients travel; "auto": nccl on CUDA devices, else gloo
    find_unused: bool = False  # some parameters get no gradient in some steps; looking for them costs time
    static_graph: bool = False  # the same parameters are used in the same order in every step
    bucket_mb: float = field(default=25.0, validator=gt(0.0))  # gradients that travel together, in MiB
    sync_bn: bool = False  # batch norms see the batches of all processes at once; CUDA only
    connect_seconds: float = field(
        default=120.0, validator=gt(0.0)
    )  # for the processes to find each other at the start
    timeout_minutes: float = field(default=30.0, validator=gt(0.0))  # for one to wait for another later on
