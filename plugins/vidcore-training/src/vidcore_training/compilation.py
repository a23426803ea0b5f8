"""torch.compile for the whole model or for the blocks that it declares, with a fallback that says why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from torch import nn

from vidcore.errors import ConfigError
from vidcore_training.config import CompiledBlocks, CompiledModel

log = logging.getLogger("vidcore.training")


Compile = Callable[[nn.Module], None]  # in place: modules, parameters and names in the state dict stay what they are


def compiled_model(config: CompiledModel) -> Compile:
    """The model as one. What cannot be compiled runs as it is, and the log says why."""
    return lambda model: _compile(model, type(model).__name__)


def compiled_blocks(config: CompiledBlocks) -> Compile:
    """The blocks that a model declares.

    That takes less time than compiling the whole, since equal blocks share their code, and is worth almost as much.
    """
    return _compile_blocks


def _compile_blocks(model: nn.Module) -> None:
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
            log.warning("engine.compile: %s runs uncompiled: %s", name, reason_of(error))
            return result

    module._compiled_call_impl = call


def reason_of(error: Exception) -> str:
    """What a person reads of a compiler's error: not that one failed, but what it said."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(" raised:")]  # by whom stands in a line of its own
    if not told:
        return type(error).__name__
    said = lines[lines.index("Output:") + 1 :] if "Output:" in lines else []  # of a C++ compiler
    return f"{told[0]}: {said[0]}" if said else told[0]
