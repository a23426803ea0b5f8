"""MMAction2's published BSN weights: the names are ours. Pure dict -> dict."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vidcore.errors import WeightsError


def tem_from_mmaction2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `tem`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return _checked(state, ("conv1", "conv2", "conv3"), "temporal evaluation")


def pem_from_mmaction2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `pem`.

    Raises:
        WeightsError: A key belongs to another architecture.
    """
    return _checked(state, ("fc1", "fc2"), "proposal evaluation")


def _checked(state: Mapping[str, Tensor], layers: tuple[str, ...], what: str) -> dict[str, Tensor]:
    names = {f"{layer}.{name}" for layer in layers for name in ("weight", "bias")}
    unknown = [key for key in state if key not in names]
    if unknown:
        raise WeightsError(f"key {unknown[0]!r} is not of a {what} module of MMAction2")
    return dict(state)
