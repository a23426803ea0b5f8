"""Options: none. Keys and endpoints of a service come from where its own tools look for them."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Remote:
    """Whatever fsspec opens."""
