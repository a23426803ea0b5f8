"""Options of losses that any task of classes may use. Imports no torch."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, gt, le


@frozen(kw_only=True)
class HardHinge:
    """Hinge loss of the hardest samples of a batch, as in structured segment networks (arXiv:1704.06228)."""

    share: float = field(default=0.5, validator=and_(gt(0.0), le(1.0)))  # of a batch that counts, the hardest first
    weight: float = field(default=1.0, validator=gt(0.0))  # factor on the whole loss
