"""Options of the report. Imports no matplotlib."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class Report:
    """Pictures of a run in its folder: curves, confusions and predictions at evaluations, and a page at the end."""

    every: int = field(default=1, validator=ge(1))  # evaluations from one drawing to the next
    samples: int = field(default=12, validator=ge(0))  # videos shown with what was said of them; 0: no such picture
    max_classes: int = field(default=30, validator=ge(2))  # in the confusion picture; of more, those with most mistakes
