"""MMAction2's published weights under our names. Pure dict -> dict, for any depth and option.

backbone.gcn.4.gcn.conv.weight             ->  stages.4.graph.conv.weight
backbone.gcn.4.gcn.PA                      ->  stages.4.graph.edge_weights
backbone.gcn.4.tcn.branches.0.3.conv.bias  ->  stages.4.temporal.branches.0.3.bias
backbone.gcn.4.residual.bn.weight          ->  stages.4.shortcut.norm.weight
cls_head.fc.weight                         ->  head.weight
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from vidcore.errors import WeightsError

State = dict[str, Tensor]

_VALUE = r"weight|bias|running_mean|running_var|num_batches_tracked"
# pattern of a key within its place -> ours, for each kind of place
_RULES: tuple[tuple[str, str], ...] = (
    (rf"backbone\.data_bn\.({_VALUE})", r"data_norm.norm.\1"),
    (r"cls_head\.fc\.(weight|bias)", r"head.\1"),
    (r"backbone\.gcn\.(\d+)\.gcn\.A", r"stages.\1.graph.graph"),
    (r"backbone\.gcn\.(\d+)\.gcn\.PA", r"stages.\1.graph.edge_weights"),
    (r"backbone\.gcn\.(\d+)\.gcn\.alpha", r"stages.\1.graph.own_share"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv\.(weight|bias)", r"stages.\1.graph.conv.\2"),
    (rf"backbone\.gcn\.(\d+)\.gcn\.bn\.({_VALUE})", r"stages.\1.graph.norm.\2"),
    (rf"backbone\.gcn\.(\d+)\.gcn\.down\.([01])\.({_VALUE})", r"stages.\1.graph.shortcut.\2.\3"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv_a\.(\d+)\.(weight|bias)", r"stages.\1.graph.asks.\2.\3"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv_b\.(\d+)\.(weight|bias)", r"stages.\1.graph.answers.\2.\3"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv_d\.(\d+)\.(weight|bias)", r"stages.\1.graph.convs.\2.\3"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv_sa\.(weight|bias)", r"stages.\1.graph.attention.joints.\2"),
    (r"backbone\.gcn\.(\d+)\.gcn\.conv_ta\.(weight|bias)", r"stages.\1.graph.attention.frames.\2"),
    (r"backbone\.gcn\.(\d+)\.gcn\.fc1c\.(weight|bias)", r"stages.\1.graph.attention.squeeze.\2"),
    (r"backbone\.gcn\.(\d+)\.gcn\.fc2c\.(weight|bias)", r"stages.\1.graph.attention.expand.\2"),
    (r"backbone\.gcn\.(\d+)\.tcn\.conv\.(weight|bias)", r"stages.\1.temporal.conv.\2"),
    (rf"backbone\.gcn\.(\d+)\.tcn\.bn\.({_VALUE})", r"stages.\1.temporal.norm.\2"),
    (rf"backbone\.gcn\.(\d+)\.tcn\.transform\.0\.({_VALUE})", r"stages.\1.temporal.joined_norm.\2"),
    (r"backbone\.gcn\.(\d+)\.tcn\.transform\.2\.(weight|bias)", r"stages.\1.temporal.mix.\2"),
    (r"backbone\.gcn\.(\d+)\.tcn\.branches\.(\d+)\.3\.conv\.(weight|bias)", r"stages.\1.temporal.branches.\2.3.\3"),
    (rf"backbone\.gcn\.(\d+)\.tcn\.branches\.(\d+)\.([01])\.({_VALUE})", r"stages.\1.temporal.branches.\2.\3.\4"),
    (r"backbone\.gcn\.(\d+)\.tcn\.branches\.(\d+)\.(weight|bias)", r"stages.\1.temporal.branches.\2.\3"),
    (r"backbone\.gcn\.(\d+)\.residual\.conv\.(weight|bias)", r"stages.\1.shortcut.conv.\2"),
    (rf"backbone\.gcn\.(\d+)\.residual\.bn\.({_VALUE})", r"stages.\1.shortcut.norm.\2"),
)
_PATTERNS = tuple((re.compile(pattern), ours) for pattern, ours in _RULES)
_UNUSED = "backbone.A"  # a copy of the graph that some networks carry beside their learned ones


def from_mmaction2(state: Mapping[str, Tensor]) -> State:
    """Weights for `stgcn` and `agcn`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return renamed(state, _renamed)


def renamed(state: Mapping[str, Tensor], rename: Callable[[str], str | None]) -> State:
    """The same tensors under our names; the published copy of the graph is left out.

    Args:
        state: As published.
        rename: From a published key to ours; None for one that the architecture does not have.

    Raises:
        WeightsError: There is such a key.
    """
    names = {key: rename(key) for key in state if key != _UNUSED}
    unknown = [key for key, ours in names.items() if ours is None]
    if unknown:
        some = ", ".join(unknown[:3]) + (", ..." if len(unknown) > 3 else "")
        raise WeightsError(f"{len(unknown)} unknown keys ({some}): the weights are of another architecture")
    return {ours: state[key] for key, ours in names.items() if ours is not None}


def _renamed(key: str) -> str | None:
    matches = ((pattern.fullmatch(key), ours) for pattern, ours in _PATTERNS)
    return next((match.expand(ours) for match, ours in matches if match), None)
