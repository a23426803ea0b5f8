"""Options of what a box is brought together with before the classifier: components of kind `detection.fusion`."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, optional


@frozen(kw_only=True)
class ActorRelation:
    """Brings each actor together with every place of the frame, as the Actor-Centric Relation Network does."""

    channels: int | None = field(default=None, validator=optional(ge(1)))  # that come out; left out: as in the maps
