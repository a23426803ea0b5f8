"""Options of the callback. Imports no wandb."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class Wandb:
    """Curves in Weights & Biases."""

    project: str = field(default="vidcore", validator=min_len(1))
    entity: str = ""  # user or team; empty: your default
    group: str = ""  # under which runs are shown together, such as a sweep's name
    tags: tuple[str, ...] = ()
    mode: Literal["online", "offline"] = "online"  # "offline": files that `wandb sync` sends later
