"""Options of the profiler. Imports no torch."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class Profiler:
    """Where the time of some steps goes: torch.profiler, a table and a trace in the run folder."""

    skip: int = field(default=5, validator=ge(1))  # steps before, of this attempt: caches fill, kernels are chosen
    steps: int = field(default=5, validator=ge(1))  # that are recorded
    rows: int = field(default=30, validator=ge(1))  # of the table
    memory: bool = False  # also what is allocated; slower
    shapes: bool = False  # tell operators apart by the shapes of their inputs; slower
