"""How the runner of recorded models (tests/reference/models.py) feeds the networks of this plugin."""

from __future__ import annotations

from typing import Any

from models import Outputs, maps_and_logits, merge_views, named_maps
from torch import nn
from weights_rule import rule_input


def outputs_of_sounds(model: nn.Module, spec: dict[str, Any], arrays: dict[str, Any]) -> Outputs:
    """Spectrograms `[batch, views, C, T, F]`, each view a sample of its own."""
    audio = rule_input(spec)
    maps, logits = maps_and_logits(model, audio=audio.flatten(0, 1))
    scores = merge_views(logits.unflatten(0, audio.shape[:2]), spec["average_clips"])
    return {"logits": logits, "scores": scores} | named_maps(maps, arrays)


KINDS = {"audio": outputs_of_sounds}
