"""The components' options: none so far."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class TorchFiles:
    """Files of PyTorch, and pickles with tensors or arrays."""


@frozen(kw_only=True)
class WebAddresses:
    """Files behind http and https addresses."""
