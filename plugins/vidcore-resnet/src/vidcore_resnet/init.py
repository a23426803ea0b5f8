"""How the weights of a ResNet start, and which units of it can be compiled, sharded or checkpointed."""

from __future__ import annotations

from torch import nn

from vidcore_resnet.blocks2d import BasicBlock2d, Bottleneck2d
from vidcore_resnet.blocks3d import BasicBlock3d, Bottleneck3d
from vidcore_resnet.nonlocal3d import NonLocal3d

RESIDUAL_BLOCKS = (BasicBlock2d, Bottleneck2d, BasicBlock3d, Bottleneck3d)


def init_resnet(module: nn.Module, *, zero_init_residual: bool = True) -> None:
    """He initialisation of every convolution (fan out), norms at 1 and 0; non-local blocks keep their own.

    With `zero_init_residual` the last norm of each block starts at 0, so that each block starts as its shortcut
    (Goyal et al., arXiv:1706.02677, section 5.1).
    """
    if isinstance(module, NonLocal3d):
        module.init_weights()
        return
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm) and module.affine:
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
    for child in module.children():
        init_resnet(child, zero_init_residual=zero_init_residual)
    if zero_init_residual and isinstance(module, RESIDUAL_BLOCKS):
        last_weight = module.last_norm.weight
        assert isinstance(last_weight, nn.Parameter)
        nn.init.zeros_(last_weight)
