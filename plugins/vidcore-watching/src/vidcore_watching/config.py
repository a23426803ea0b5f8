"""Options of the profiler and of the terminal. Imports no torch."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt


@frozen(kw_only=True)
class Profiler:
    """Where the time of some steps goes: torch.profiler, a table and a trace in the run folder."""

    skip: int = field(default=5, validator=ge(1))  # steps before, of this attempt: caches fill, kernels are chosen
    steps: int = field(default=5, validator=ge(1))  # that are recorded
    rows: int = field(default=30, validator=ge(1))  # of the table
    memory: bool = False  # also what is allocated; slower
    shapes: bool = False  # tell operators apart by the shapes of their inputs; slower


@frozen(kw_only=True)
class Terminal:
    """One live line with loss, speed and what is left; a line an evaluation; a table at the end."""

    recent_steps: int = field(default=20, validator=ge(1))  # that the speed is a mean over
    plain_every: float = field(default=10.0, validator=gt(0.0))  # seconds between lines where there is no terminal
