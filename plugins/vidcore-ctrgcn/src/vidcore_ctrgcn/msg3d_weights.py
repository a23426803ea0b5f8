"""MMAction2's MS-G3D weights under our names. Pure dict -> dict, for any depth and option.

backbone.sgcn2.0.mlp.layers.0.weight               ->  stages.1.within.0.mix.weight
backbone.sgcn2.1.branches.4.0.weight               ->  stages.1.within.1.branches.branches.4.0.weight
backbone.gcn3d2.gcn3d.0.gcn3d.1.PA                 ->  stages.1.across.0.graph.learned
backbone.gcn3d2.gcn3d.0.out_conv.weight            ->  stages.1.across.0.join.weight
backbone.tcn2.branches.0.3.bn.bias                 ->  stages.1.temporal.branches.branches.0.3.1.bias
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidcore_ctrgcn.weights import outer_name
from vidcore_stgcn.weights import renamed

# where a part of a block is; its number becomes a place in our lists
_PLACES = (
    (re.compile(r"backbone\.sgcn(\d+)\.(\d+)\."), "stages.{}.within.{}."),
    (re.compile(r"backbone\.gcn3d(\d+)\.gcn3d\.(\d+)\.gcn3d\.1\."), "stages.{}.across.{}.graph."),
    (re.compile(r"backbone\.gcn3d(\d+)\.gcn3d\.(\d+)\.(?=out_)"), "stages.{}.across.{}."),
    (re.compile(r"backbone\.tcn(\d+)\."), "stages.{}.temporal."),
)
# the rest of a key -> ours
_RULES = (
    (re.compile(r"A"), "graphs"),
    (re.compile(r"PA"), "learned"),
    (re.compile(r"mlp\.layers\.0\.(\w+)"), r"mix.\1"),
    (re.compile(r"mlp\.layers\.1\.(\w+)"), r"norm.\1"),
    (re.compile(r"out_conv\.(\w+)"), r"join.\1"),
    (re.compile(r"out_bn\.(\w+)"), r"norm.\1"),
    (re.compile(r"branches\.(\d+)\.3\.conv\.(\w+)"), r"branches.branches.\1.3.0.\2"),
    (re.compile(r"branches\.(\d+)\.3\.bn\.(\w+)"), r"branches.branches.\1.3.1.\2"),
    (re.compile(r"branches\.(\d+)\.([014])\.(\w+)"), r"branches.branches.\1.\2.\3"),
    (re.compile(r"residual\.conv\.(\w+)"), r"shortcut.conv.\1"),
    (re.compile(r"residual\.bn\.(\w+)"), r"shortcut.norm.\1"),
)


def from_mmaction2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `msg3d`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return renamed(state, _renamed)


def _renamed(key: str) -> str | None:
    if (outer := outer_name(key)) is not None:
        return outer
    for place, ours in _PLACES:
        if match := place.match(key):
            block, *inside = match.groups()
            rest = _rest(key[match.end() :])
            return None if rest is None else ours.format(int(block) - 1, *inside) + rest
    return None


def _rest(rest: str) -> str | None:
    matches = ((pattern.fullmatch(rest), ours) for pattern, ours in _RULES)
    return next((match.expand(ours) for match, ours in matches if match), None)
