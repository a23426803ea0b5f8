from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from vidcore_resnet.nonlocal3d import NonLocal3d

MODES = ["gaussian", "embedded_gaussian", "dot_product", "concatenation"]


def plain(block: NonLocal3d, x: torch.Tensor) -> torch.Tensor:
    """The paper's equation 1, pair by pair, with nothing rearranged."""
    pool = F.max_pool3d if not isinstance(block.pool, torch.nn.Identity) else lambda value, _: value
    g = pool(block.g(x), (1, 2, 2)).flatten(2)  # [N, D, M]
    query = block.theta(x).flatten(2)  # [N, D, L]
    key = pool(block.phi(x), (1, 2, 2)).flatten(2)  # [N, D, M]
    if block.mode == "concatenation":
        left = query[:, :, :, None].expand(-1, -1, -1, key.shape[2])
        right = key[:, :, None, :].expand(-1, -1, query.shape[2], -1)
        pairs = F.relu(torch.einsum("ndlm,d->nlm", torch.cat([left, right], 1), block.project.weight[0])) / key.shape[2]
    else:
        pairs = torch.einsum("ndl,ndm->nlm", query, key)
        pairs = pairs / key.shape[2] if block.mode == "dot_product" else (pairs * block.scale).softmax(dim=2)
    mixed = torch.einsum("nlm,ndm->ndl", pairs, g).reshape(x.shape[0], -1, *x.shape[2:])
    return x + block.norm(block.out(mixed))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sub_sample", [False, True])
def test_every_mode_computes_the_papers_equation(mode, sub_sample):
    block = NonLocal3d(8, mode=mode, sub_sample=sub_sample, inner_channels=8 if mode == "gaussian" else None).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(2, 8, 3, 4, 6)
    torch.testing.assert_close(block(x), plain(block, x), rtol=1e-5, atol=1e-5)


def test_scale_divides_by_the_root_of_the_inner_channels():
    assert NonLocal3d(8, use_scale=True).scale == pytest.approx(1 / math.sqrt(4))
    assert NonLocal3d(8).scale == 1.0


@pytest.mark.parametrize("mode", MODES)
def test_block_starts_as_the_identity(mode):
    block = NonLocal3d(4, mode=mode)
    x = torch.randn(2, 4, 2, 4, 4)
    assert torch.equal(block(x), x)
