"""MMAction2's CTR-GCN weights under our names. Pure dict -> dict, for any depth and option.

backbone.net.4.gcn1.convs.0.conv1.weight           ->  stages.4.graph.subsets.0.ask.weight
backbone.net.4.tcn1.branches.0.3.conv.weight       ->  stages.4.temporal.branches.0.3.0.weight
backbone.net.4.residual.bn.bias                    ->  stages.4.shortcut.norm.bias
cls_head.fc.weight                                 ->  head.weight
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_stgcn.weights import renamed

_STAGE = re.compile(r"backbone\.net\.(\d+)\.(gcn1|tcn1|residual)\.(.+)")
# the rest of a key within its part of a stage -> ours
_RULES = {
    "gcn1": (
        (r"A", "graph.graph"),
        (r"alpha", "graph.own_share"),
        (r"convs\.(\d+)\.conv1\.(\w+)", r"graph.subsets.\1.ask.\2"),
        (r"convs\.(\d+)\.conv2\.(\w+)", r"graph.subsets.\1.answer.\2"),
        (r"convs\.(\d+)\.conv3\.(\w+)", r"graph.subsets.\1.speak.\2"),
        (r"convs\.(\d+)\.conv4\.(\w+)", r"graph.subsets.\1.refine.\2"),
        (r"down\.([01])\.(\w+)", r"graph.shortcut.\1.\2"),
        (r"bn\.(\w+)", r"graph.norm.\1"),
    ),
    "tcn1": (
        (r"branches\.(\d+)\.3\.conv\.(\w+)", r"temporal.branches.\1.3.0.\2"),
        (r"branches\.(\d+)\.3\.bn\.(\w+)", r"temporal.branches.\1.3.1.\2"),
        (r"branches\.(\d+)\.([014])\.(\w+)", r"temporal.branches.\1.\2.\3"),
    ),
    "residual": ((r"conv\.(\w+)", r"shortcut.conv.\1"), (r"bn\.(\w+)", r"shortcut.norm.\1")),
}


def from_mmaction2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `ctrgcn`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return renamed(state, _renamed)


def outer_name(key: str) -> str | None:
    """Our name of what stands before the first block or after the last; both families have the same there."""
    for theirs, ours in (("backbone.data_bn.", "data_norm.norm."), ("cls_head.fc.", "head.")):
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return None


def _renamed(key: str) -> str | None:
    if (ours := outer_name(key)) is not None:
        return ours
    stage = _STAGE.fullmatch(key)
    if stage is None:
        return None
    for pattern, ours in _RULES[stage[2]]:
        match = re.fullmatch(pattern, stage[3])
        if match:
            return f"stages.{stage[1]}.{match.expand(ours)}"
    return None
