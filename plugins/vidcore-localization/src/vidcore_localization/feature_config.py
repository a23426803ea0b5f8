"""Options of features of raw videos. Imports no torch."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, min_len, optional


@frozen(kw_only=True)
class Extraction:
    """What is extracted, and where."""

    interval: int = field(default=16, validator=ge(1))  # frames from one moment to the next
    window: int | None = field(default=None, validator=optional(ge(1)))  # frames around a moment that are sampled from
    what: Literal["features", "scores"] = "features"  # pooled maps, or the scores of the classes
    maps: int = field(default=1, validator=ge(1))  # last maps that are pooled and joined; 2 for two pathways
    batch: int = field(default=8, validator=ge(1))  # moments through the model at once


@frozen(kw_only=True)
class FeatureStage(Extraction):
    """Features of raw videos as a stage, what `vidcore data features` does. It writes the folder `features`."""

    videos: tuple[str, ...] = field(validator=min_len(1))  # files or folders, relative to the experiment's file
    run: str = ""  # "stage:NAME" of a train stage, or a run folder, whose model looks at them
    weights: str = ""  # in place of `run`: a file, an address, or the name of published weights
    max_bad_fraction: float = field(default=0.1, validator=ge(0.0))  # more unreadable videos than this end the stage

    def __attrs_post_init__(self) -> None:
        if bool(self.weights) == bool(self.run):
            raise ValueError("give 'run' or 'weights', one of them")
