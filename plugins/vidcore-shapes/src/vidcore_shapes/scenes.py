"""Pictures of a scene: a pinwheel of two colours over a still, textured background with a still distractor.

Everything that could be learned by heart varies from scene to scene: background, shape, colours, size, where it
begins, which other shape stands about, brightness and noise. Noise and brightness also change from picture to picture.
Letters: T pictures, H W pixels. Coordinates are pixels, y downwards; the frame is a torus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen

from vidcore_shapes.motions import Loops, draw_loops, phases

Array = np.ndarray[Any, np.dtype[Any]]

SHAPE_RADIUS, DISTRACTOR_RADIUS = (0.28, 0.36), (0.16, 0.24)  # lowest and highest, shares of the frame's side


@frozen(kw_only=True, eq=False)
class Look:
    """How one shape looks; lengths are fractions of the frame's side."""

    outline: Array  # corners of a polygon in units of the radius [P, 2]
    symmetry: int  # turned by 1 / symmetry of a whole turn it looks the same; so many sectors of each colour
    radius: float
    colours: Array  # of its sectors by turns, 0 to 255 [2, 3]
    angle: float  # radians, clockwise as seen on the screen
    x: float
    y: float


@frozen(kw_only=True, eq=False)
class Scene:
    """All that is random about a video, except its class."""

    background: Array  # RGB 0 to 255 [H, W, 3]
    shape: Look
    distractor: Look
    loops: Loops
    brightness: Array  # factor of each picture [T]
    noise: Array  # added to each picture [T, H, W, 1]


def draw_scene(rng: np.random.Generator, size: int) -> Scene:
    """A scene with frames of `size` x `size` pixels."""
    background = _texture(rng, size)
    loops = draw_loops(rng)
    num_frames = sum(loops.lengths)
    shape = _draw_look(rng, background.mean(axis=(0, 1)), SHAPE_RADIUS)
    away = rng.uniform(0.3, 0.7, size=2)  # the distractor stands where the shape does not begin
    distractor = _draw_look(
        rng, background.mean(axis=(0, 1)), DISTRACTOR_RADIUS, ((shape.x + away[0]) % 1, (shape.y + away[1]) % 1)
    )
    return Scene(
        background=background,
        shape=shape,
        distractor=distractor,
        loops=loops,
        brightness=rng.uniform(0.85, 1.0) * rng.uniform(0.96, 1.04, num_frames),
        noise=rng.uniform(1.0, 6.0) * rng.standard_normal((num_frames, size, size, 1), dtype=np.float32),
    )


def paint(scene: Scene) -> Array:
    """All pictures of a scene, every loop run forwards: uint8 `[T, H, W, 3]`."""
    size = scene.background.shape[0]
    across, down, turn = phases(scene.loops).T
    still = _over(scene.background[None], scene.distractor, size, np.zeros(1), np.zeros(1), np.zeros(1))
    pictures = _over(np.repeat(still, len(turn), axis=0), scene.shape, size, across, down, turn)
    pictures = pictures * scene.brightness[:, None, None, None].astype(np.float32) + scene.noise
    shown: Array = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
    return shown


def _over(pictures: Array, look: Look, size: int, across: Array, down: Array, turn: Array) -> Array:
    """`pictures` with a shape painted over them, moved by fractions of the frame, turned by fractions of a loop."""
    pixel = (np.arange(size) + 0.5) / size
    radius = look.radius
    dx = (pixel - (look.x + across)[:, None] + 0.5) % 1.0 - 0.5  # the shortest way around the torus [T, W]
    dy = (pixel - (look.y + down)[:, None] + 0.5) % 1.0 - 0.5
    dx, dy = dx[:, None, :].astype(np.float32), dy[:, :, None].astype(np.float32)
    angle = (look.angle + 2 * np.pi * turn / look.symmetry)[:, None, None].astype(np.float32)
    u = (np.cos(angle) * dx + np.sin(angle) * dy) / radius  # the shape's own axes [T, H, W]
    v = (np.cos(angle) * dy - np.sin(angle) * dx) / radius
    softness = radius * size  # from units of the radius to pixels: edges are one pixel wide
    inside = np.clip(0.5 - _distance(u, v, look.outline) * softness, 0.0, 1.0)[..., None]
    sector = np.clip(0.5 + _sectors(u, v, look.symmetry) * softness, 0.0, 1.0)[..., None]
    first, second = look.colours.astype(np.float32)
    painted: Array = pictures + inside * (first * sector + second * (1 - sector) - pictures)
    return painted


def _sectors(u: Array, v: Array, symmetry: int) -> Array:
    """About the signed distance to the nearest border between two sectors, in the units of `u` and `v`."""
    u2, v2 = u * u, v * v
    radius = np.sqrt(u2 + v2) + 1e-6
    # radius * cos(symmetry * angle), as polynomials: four times faster
    borders: Array = (u2 - v2) / radius if symmetry == 2 else u * (u2 - 3 * v2) / (radius * radius)
    return borders / symmetry


def _distance(u: Array, v: Array, outline: Array) -> Array:
    """Signed distance to a polygon, negative inside, in the units of `u` and `v`."""
    squared = np.full(u.shape, np.inf, dtype=np.float32)
    inside = np.zeros(u.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(outline.tolist(), np.roll(outline, -1, axis=0).tolist(), strict=True):
        ex, ey = bx - ax, by - ay
        wx, wy = u - ax, v - ay
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0.0, 1.0)
        squared = np.minimum(squared, (wx - ex * along) ** 2 + (wy - ey * along) ** 2)
        if ay != by:
            inside ^= ((ay <= v) != (by <= v)) & (wx < ex * wy / ey)
    return np.where(inside, -1.0, 1.0) * np.sqrt(squared)


def _draw_look(
    rng: np.random.Generator,
    background: Array,
    radius: tuple[float, float],
    place: tuple[float, float] | None = None,
) -> Look:
    while True:  # until both colours stand out from the background and from each other
        colours = rng.uniform(0, 255, (2, 3))
        gaps = [np.abs(colours[0] - background), np.abs(colours[1] - background), np.abs(colours[0] - colours[1])]
        if min(float(gap.sum()) for gap in gaps) > 180:
            break
    symmetry = int(rng.integers(2, 4))
    outlines = OUTLINES[symmetry]
    x, y = place if place is not None else rng.uniform(0, 1, 2)
    return Look(
        outline=outlines[int(rng.integers(len(outlines)))],
        symmetry=symmetry,
        radius=float(rng.uniform(*radius)),
        colours=colours,
        angle=float(rng.uniform(0, 2 * np.pi)),
        x=float(x),
        y=float(y),
    )


def _star(corners: int, inner: float) -> Array:
    angle = 2 * np.pi * np.arange(corners) / corners
    radius = np.where(np.arange(corners) % 2 == 0, 1.0, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _texture(rng: np.random.Generator, size: int) -> Array:
    """Smooth noise in two random colours, three octaves, `[H, W, 3]`."""
    height = np.zeros((size, size))
    for cells, weight in ((3, 1.0), (6, 0.6), (12, 0.35)):
        height += weight * _smooth_noise(rng, cells, size)
    height = (height - height.min()) / (height.max() - height.min())
    low = rng.uniform(20, 200, 3)
    high = np.clip(low + rng.uniform(-70, 70, 3), 0, 255)
    texture: Array = low + (high - low) * height[..., None]
    return texture.astype(np.float32)


def _smooth_noise(rng: np.random.Generator, cells: int, size: int) -> Array:
    """A random grid of `cells` x `cells` on the torus, interpolated to `size` x `size`."""
    grid = rng.normal(size=(cells, cells))
    at = np.arange(size) * cells / size
    low = at.astype(int)
    blend = (1 - np.cos(np.pi * (at - low))) / 2
    rows = grid[low] * (1 - blend)[:, None] + grid[(low + 1) % cells] * blend[:, None]
    smooth: Array = rows[:, low] * (1 - blend) + rows[:, (low + 1) % cells] * blend
    return smooth


_ARM = 0.36  # half the width of a cross's arms
_CORNERS = [(1.0, _ARM), (_ARM, _ARM), (_ARM, 1.0), (-_ARM, 1.0), (-_ARM, _ARM), (-1.0, _ARM)]
_CROSS = np.array(_CORNERS + [(-x, -y) for x, y in _CORNERS])
_BAR = np.array([(1.1, 0.5), (-1.1, 0.5), (-1.1, -0.5), (1.1, -0.5)])
_TRIANGLE, _SQUARE, _HEXAGON, _DISC = (_star(corners, inner=1.0) for corners in (3, 4, 6, 12))
_FOUR_POINTS, _SIX_POINTS = _star(8, inner=0.5), _star(12, inner=0.6)
OUTLINES = {  # by symmetry: of a half turn, of a third
    2: (_SQUARE, _HEXAGON, _DISC, _CROSS, _BAR, _FOUR_POINTS),
    3: (_TRIANGLE, _HEXAGON, _DISC, _SIX_POINTS),
}
