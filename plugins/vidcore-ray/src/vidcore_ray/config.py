"""Options of the pool. Imports no ray."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, optional


@frozen(kw_only=True)
class Ray:
    """Work done by Ray: the cluster that `RAY_ADDRESS` or this machine names, else a Ray of this machine alone."""

    workers: int | None = field(default=None, validator=optional(ge(1)))  # items at once; None: one a processor
