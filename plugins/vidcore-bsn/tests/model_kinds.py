"""How the reference's inputs for BSN's networks reach ours."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from weights_rule import rule_input

Table = dict[str, Any]


def outputs_of_tem(model: nn.Module, spec: Table, arrays: Table) -> dict[str, Tensor]:
    features = rule_input(spec)
    found = model(features=features)
    curves = torch.stack([found["action"], found["start"], found["end"]], dim=1)
    return {"tem_output": curves, "conv3_out": model.conv3(model.features(features)[0])}


def outputs_of_pem(model: nn.Module, spec: Table, arrays: Table) -> dict[str, Tensor]:
    candidates = rule_input(spec)
    found = model(candidates=candidates)
    return {"pem_output": found["iou"][:, None], "fc2_out": model.fc2(model.features(candidates)[0])}


KINDS = {"tem": outputs_of_tem, "pem": outputs_of_pem}
