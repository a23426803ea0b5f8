"""Options of the callback. Imports no tensorboard."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import gt


@frozen(kw_only=True)
class TensorBoard:
    """Curves in TensorBoard, from files in the folder `tensorboard` of the run."""

    flush_seconds: float = field(default=10.0, validator=gt(0.0))  # from a value to its place in the file, at most
