"""Options of the webhook."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import gt

VARIABLE = "VIDCORE_WEBHOOK_URL"
Event = Literal["evaluation", "finished", "stopped"]


def _http(instance: object, attribute: Any, value: str) -> None:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError(f"{attribute.name!r} must start with http:// or https://, got {value!r}")


@frozen(kw_only=True)
class Webhook:
    """Post a JSON message when a model was measured, and when a run ends."""

    url: str = field(default="", validator=_http)  # empty: read from the environment, so that no run folder keeps it
    events: tuple[Event, ...] = ("evaluation", "finished", "stopped")
    timeout_seconds: float = field(default=5.0, validator=gt(0.0))  # how long a run waits for an answer
