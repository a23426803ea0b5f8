"""Heatmaps of key points and limbs, made for a whole batch on the device that it lies on.

Paper: Duan et al., CVPR 2022, arXiv:2104.13586, section 3.2. Checked against recorded figures (tests/ops_heatmaps.py).
Letters: R rows (clips), M persons, T frames, V joints, L limbs, H W pixels of a map.
Route: Gaussian bumps are cut off three sigmas away; a point's is the product of one along x and one along y; a limb's
follows the distance to the nearest point of a line. Of several persons the highest value counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_LOWEST_SCORE = 1e-4  # what is less sure leaves no mark
_REACH = 3  # sigmas
_SHORTEST = 1.0  # squared length of a limb, in pixels; a shorter one is a point at its start


def point_maps(points: Tensor, scores: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """A bump as high as its score at each key point, float32 `[R, V, T, H, W]`.

    Args:
        points: x, y in pixels of the map, float32 `[R, M, T, V, 2]`; pixel centres are whole numbers.
        scores: Confidence of each, float32 `[R, M, T, V]`; 0 for one that is missing.
        size: H, W.
        sigma: Of the bumps, in pixels.
    """
    heights = torch.where(scores < _LOWEST_SCORE, 0.0, scores)
    maps = points.new_zeros(*points.shape[:1], *points.shape[2:4], *size)  # [R, T, V, H, W]
    for person in range(points.shape[1]):
        x, y = points[:, person].unbind(-1)  # [R, T, V]
        along_x = _bump(x, size[1], sigma) * heights[:, person, ..., None]
        along_y = _bump(y, size[0], sigma)
        maps = torch.maximum(maps, along_y.unsqueeze(-1) * along_x.unsqueeze(-2))
    return maps.transpose(1, 2)


def limb_maps(
    points: Tensor, scores: Tensor, limbs: Sequence[tuple[int, int]], size: tuple[int, int], sigma: float
) -> Tensor:
    """A ridge as high as the lower score of its ends along each limb, float32 `[R, L, T, H, W]`.

    One limb is made at a time: the distance of every pixel to it is needed, which a bump at a point is spared.
    """
    maps = [_ridge(points[..., list(limb), :], scores[..., list(limb)], size, sigma) for limb in limbs]
    return torch.stack(maps, dim=1)


def _bump(centre: Tensor, length: int, sigma: float) -> Tensor:
    """A Gaussian along one axis, zero outside its window: `[...]` -> `[..., length]`."""
    pixels = torch.arange(length, device=centre.device, dtype=centre.dtype)
    inside = _window(centre, centre, length, sigma)
    return torch.where(inside, torch.exp(-((pixels - centre.unsqueeze(-1)) ** 2) / (2 * sigma**2)), 0.0)


def _window(lowest: Tensor, highest: Tensor, length: int, sigma: float) -> Tensor:
    """Which pixels of an axis lie within three sigmas of a stretch: `[...]` -> bool `[..., length]`."""
    pixels = torch.arange(length, device=lowest.device, dtype=lowest.dtype)
    first, last = (lowest - _REACH * sigma).trunc(), (highest + _REACH * sigma).trunc()
    return (pixels >= first.unsqueeze(-1)) & (pixels <= last.unsqueeze(-1))


def _ridge(ends: Tensor, scores: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """One limb of every row, `[R, M, T, 2, 2]` -> `[R, T, H, W]`, the highest over persons."""
    height = scores.amin(dim=-1)  # [R, M, T]
    start, end = ends.unbind(-2)  # [R, M, T, 2]
    along = end - start
    squared = (along**2).sum(dim=-1)
    is_point = squared < _SHORTEST
    # a short limb is a point at its start, and as sure as this one
    height = torch.where(is_point, torch.where(height < _LOWEST_SCORE, 0.0, scores[..., 0]), height)
    end = torch.where(is_point.unsqueeze(-1), start, end)
    inside_x, inside_y = (
        _window(
            torch.minimum(start[..., i], end[..., i]), torch.maximum(start[..., i], end[..., i]), size[1 - i], sigma
        )
        for i in (0, 1)
    )
    x, y = (torch.arange(length, device=ends.device, dtype=ends.dtype) for length in (size[1], size[0]))
    from_x = x - start[..., 0, None]  # [R, M, T, W]
    from_y = y - start[..., 1, None]  # [R, M, T, H]
    share = from_x.unsqueeze(-2) * along[..., 0, None, None] + from_y.unsqueeze(-1) * along[..., 1, None, None]
    share = (share / squared.clamp(min=_SHORTEST)[..., None, None]).clamp(0.0, 1.0)  # of the limb, where it is nearest
    share = torch.where(is_point[..., None, None], 0.0, share)
    away_x = from_x.unsqueeze(-2) - share * along[..., 0, None, None]
    away_y = from_y.unsqueeze(-1) - share * along[..., 1, None, None]
    ridge = torch.exp(-(away_x**2 + away_y**2) / (2 * sigma**2)) * height[..., None, None]
    seen = inside_y.unsqueeze(-1) & inside_x.unsqueeze(-2) & (height >= _LOWEST_SCORE)[..., None, None]
    return torch.where(seen, ridge, 0.0).amax(dim=1)
