"""In which number format a step is computed, and in which memory format.

`auto` is bf16 where the hardware multiplies it natively (a CUDA device of compute capability 8, a CPU with AMX) and
fp32 elsewhere. AVX512-BF16 alone can be twice as fast, but there the gradient of a 3x3x3 kernel over a map two frames
deep is partly memory that nobody wrote (oneDNN of torch 2.15): huge, or not finite, and different each time. Where such
a CPU computes in bf16 because it was asked to, models should have no such map. Weights, optimizer state and losses stay
fp32; bf16 and fp16 go through `torch.amp`.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import torch
from attrs import frozen
from torch import Tensor, nn

from vidcore.errors import ConfigError

log = logging.getLogger(__name__)


@frozen
class Precision:
    """A number format on a kind of device."""

    name: str  # fp32, tf32, bf16, fp16
    device_type: str  # cpu, cuda, mps

    @property
    def dtype(self) -> torch.dtype | None:
        """What matrix products and convolutions are computed in; None: as their inputs are."""
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.name)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context for a forward pass."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device_type, self.dtype)

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small gradients from vanishing in fp16; passes everything through in the other formats."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "fp16")

    @contextlib.contextmanager
    def matmul_settings(self) -> Iterator[None]:
        """fp32 means fp32, tf32 allows TF32; torch by itself allows it in convolutions only. Restored afterwards."""
        if self.device_type != "cuda":
            yield
            return
        allowed = self.name != "fp32"
        before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def choose_precision(name: str, device: torch.device) -> Precision:
    """The precision that `engine.precision` means on this device.

    Raises:
        ConfigError: The device cannot compute in it.
    """
    if name == "auto":
        return Precision("bf16" if bf16_is_fast(device) else "fp32", device.type)
    if name == "tf32" and device.type != "cuda":
        raise ConfigError(f'engine.precision: tf32 is a format of CUDA devices, not of {device.type!r}; use "fp32"')
    if name == "bf16" and device.type == "cuda" and not bf16_is_fast(device):
        raise ConfigError(f'engine.precision: {torch.cuda.get_device_name(device)} has no bf16; use "fp16" or "fp32"')
    if name == "bf16" and device.type == "cpu" and not bf16_is_fast(device):
        log.warning("this CPU has no AMX: bf16 gradients of 3x3x3 kernels over maps two frames deep may be wrong")
    return Precision(name, device.type)


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 natively."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # of this device: those of a machine may differ
    if device.type == "cpu":
        # torch has no public question for it; where the private one is gone, fp32 is the safe answer
        ask = getattr(torch.cpu, "_is_amx_tile_supported", None)
        return bool(ask()) if ask is not None else False
    return False


def choose_device(name: str) -> torch.device:
    """The device that `engine.device` means.

    Raises:
        ConfigError: There is no such device here; names those that there are.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    known += ["mps"] if torch.backends.mps.is_available() else []
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"engine.device: {name!r} is no device; this machine has: {', '.join(known)}") from None
    if str(device) not in known and not (str(device) == "cuda" and "cuda:0" in known):
        raise ConfigError(f"engine.device: there is no {name!r} here; this machine has: {', '.join(known)}")
    return device


def to_channels_last(model: nn.Module) -> None:
    """Store the kernels of 3D convolutions with channels last, in place. Values, names and results stay the same."""
    for parameter in model.parameters():
        if parameter.dim() == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)


def inputs_channels_last(inputs: dict[str, Any]) -> dict[str, Any]:
    """The same inputs, 5-D floating tensors `[N, C, T, H, W]` stored with channels last."""
    return {
        name: value.contiguous(memory_format=torch.channels_last_3d)
        if isinstance(value, Tensor) and value.dim() == 5 and value.is_floating_point()
        else value
        for name, value in inputs.items()
    }


@contextlib.contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Refuse kernels whose sums depend on timing, for as long as the context lasts.

    Raises:
        ConfigError: Something in it has no other kernel; torch names it.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        told = str(error).partition(", ")[0]
        raise ConfigError(f"engine.deterministic: {told}; use another layer or device, or set it to false") from error
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
