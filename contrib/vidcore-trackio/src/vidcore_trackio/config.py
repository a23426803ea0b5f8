"""Options of the callback. Imports no trackio."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class Trackio:
    """Curves in trackio, on this machine."""

    project: str = field(default="vidcore", validator=min_len(1))
    group: str = ""  # under which runs are shown together, such as a sweep's name
