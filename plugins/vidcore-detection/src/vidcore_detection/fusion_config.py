"""Options of what a box is brought together with before the classifier: components of kind `detection.fusion`."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, lt, optional


@frozen(kw_only=True)
class ActorRelation:
    """Brings each actor together with every place of the frame, as the Actor-Centric Relation Network does."""

    channels: int | None = field(default=None, validator=optional(ge(1)))  # that come out; left out: as in the maps
    convolutions: int = field(default=1, validator=ge(1))  # 3x3, over the relations of actor and places


@frozen(kw_only=True)
class FeatureBank:
    """Brings each actor together with persons seen half a minute before and after: a long-term feature bank.

    The model then has a further input `bank`: for each clip, features of the persons around it.
    """

    operator: Literal["non-local", "avg", "max"] = "non-local"  # attention of the actor, or a mean or maximum for all
    bank_channels: int = field(default=2048, validator=ge(1))  # of the features in the bank
    latent_channels: int = field(default=512, validator=ge(1))  # that attention works with
    layers: int = field(default=2, validator=ge(1))  # of attention
    short_dropout: float = field(default=0.2, validator=and_(ge(0.0), lt(1.0)))  # of the actor, before attention
    long_dropout: float = field(default=0.2, validator=and_(ge(0.0), lt(1.0)))  # of the bank, before attention
