"""torch.compile for the whole model or for the blocks that it declares, with a fallback that says why."""

from __future__ import annotations

import logging
from typing import Any, Literal

from torch import nn

from vidcore.errors import ConfigError

log = logging.getLogger(__name__)


def compile_model(model: nn.Module, how: Literal["none", "model", "blocks"]) -> None:
    """Compile in place: modules, parameters and names in the state dict stay what they are.

    What cannot be compiled runs as it is, and the log says why. Compiling the blocks takes less time than compiling the
    whole, since equal blocks share their code, and is worth almost as much.

    Raises:
        ConfigError: "blocks", and the model declares none.
    """
    if how == "none":
        return
    if how == "model":
        _compile(model, type(model).__name__)
        return
    declare = getattr(model, "blocks", None)
    blocks: list[nn.Module] = list(declare()) if callable(declare) else []
    if not blocks:
        raise ConfigError(
            f'engine.compile = "blocks": {type(model).__name__} declares no blocks(); use "model" or "none"'
        )
    for number, block in enumerate(blocks):
        _compile(block, f"block {number} ({type(block).__name__})")


def _compile(module: nn.Module, name: str) -> None:
    module.compile()
    compiled = module._compiled_call_impl
    assert compiled is not None

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return compiled(*args, **kwargs)
        except Exception as error:  # torch's compilers fail in many ways; the model's own errors come again below
            module._compiled_call_impl = None
            result = module(*args, **kwargs)
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            log.warning("engine.compile: %s runs uncompiled: %s", name, reason)
            return result

    module._compiled_call_impl = call
