"""How the reference's inputs for BMN reach ours."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from weights_rule import rule_input


def outputs_of_bmn(model: nn.Module, spec: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Tensor]:
    """Confidences are compared cell by cell, for pooling would hide a map that lies the wrong way."""
    features = rule_input(spec)
    found = model(features=features)
    (base,) = model.features(features)
    return {"confidence_map": found["confidence"], "start": found["start"], "end": found["end"], "feat0": base}


KINDS = {"bmn": outputs_of_bmn}
