"""What each type of stage can be told."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class Train:
    """An experiment, as `vidcore run` trains it. The stage's other keys are the experiment's own tables."""


@frozen(kw_only=True)
class Predict:
    """Predictions of a trained stage or run, as `vidcore test --output` writes them."""

    run: str = field(validator=min_len(1))  # "stage:NAME" of a train stage, or a run folder
    weights: Literal["best", "last"] = "best"  # "best" is the last where nothing was measured
    splits: tuple[Literal["train", "val", "test"], ...] = field(default=("test",))

    @splits.validator
    def _splits_differ(self, attribute: Any, value: tuple[str, ...]) -> None:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"'splits' must name each split once, got {list(value)}")
