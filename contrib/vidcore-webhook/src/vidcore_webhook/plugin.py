"""What this plugin offers. Imports no torch."""

from __future__ import annotations

from vidcore.plugins import Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """One callback."""
    return [
        Component(
            kind="callback",
            name="webhook",
            config="vidcore_webhook.config:Webhook",
            factory="vidcore_webhook.callback:WebhookCallback",
            summary="posts evaluations and the end of a run to an address",
        )
    ]
