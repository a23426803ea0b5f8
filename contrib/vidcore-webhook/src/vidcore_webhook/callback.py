"""Posts what happens to a run. Delivery may fail: the engine logs that and the run goes on."""

from __future__ import annotations

import json
import math
import os
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vidcore.errors import ConfigError
from vidcore.plugins import hookimpl
from vidcore_webhook.config import VARIABLE, Event, Webhook

if TYPE_CHECKING:
    from vidcore.engine.events import RunInfo


class WebhookCallback:
    """Listens to a run and posts.

    Raises:
        ConfigError: There is no address, neither in the config nor in the environment.
    """

    def __init__(self, config: Webhook) -> None:
        self.config = config
        self._url = config.url or os.environ.get(VARIABLE, "")
        if not self._url.startswith(("http://", "https://")):
            raise ConfigError(f"webhook: no address; set `url` or the variable {VARIABLE} to one that starts with http")

    @hookimpl
    def evaluation_finished(
        self, run: RunInfo, split: str, step: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Tell the figures."""
        text = f"{run.name}: {split} after epoch {epoch}: {_told(metrics)}"
        self._post("evaluation", run, text, split=split, step=step, epoch=epoch, metrics=_plain(metrics))

    @hookimpl
    def run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Tell that it is done."""
        self._post("finished", run, f"{run.name} is done: {_told(metrics)}", metrics=_plain(metrics))

    @hookimpl
    def run_stopped(self, run: RunInfo, step: int, reason: str) -> None:
        """Tell that it ended early, and why."""
        self._post("stopped", run, f"{run.name} stopped at step {step}: {reason}", step=step, reason=reason)

    def _post(self, event: Event, run: RunInfo, text: str, **values: Any) -> None:
        if event not in self.config.events:
            return
        message = {"event": event, "run": run.name, **values, "text": text}
        request = urllib.request.Request(
            self._url, json.dumps(message, allow_nan=False).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=self.config.timeout_seconds):
            pass  # an answer that is no success raises HTTPError


def _told(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()) or "no metrics"


def _plain(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no nan."""
    return {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
