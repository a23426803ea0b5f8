"""Adjacency matrices of a layout. Letters: K matrices of a stack, V joints.

An edge (child, parent) stands at `A[parent, child]`. Checked entry by entry against recorded figures
(tests/ops_skeleton.py).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidcore_skeleton.layouts import Layout, Pairs

Matrix = NDArray[np.float64]
GraphMode = Literal["spatial", "stgcn-spatial", "binary"]


def adjacency(layout: Layout, mode: GraphMode, max_hop: int = 1) -> Matrix:
    """The stack of matrices that a graph convolution of this kind multiplies with, `[K, V, V]`.

    Args:
        layout: Joints and edges.
        mode: "spatial": joints themselves, edges inward, edges outward, so K = 3. "stgcn-spatial": neighbours of up to
            `max_hop` edges by their distance, those nearer to the centre apart from the others. "binary": 1 where an
            edge is, in either direction; K = 1.
        max_hop: Edges that "stgcn-spatial" reaches over.
    """
    if mode == "binary":
        return edge_matrix(both_ways(layout.edges), layout.joints)[None]
    if mode == "spatial":
        outward = tuple((parent, child) for child, parent in layout.edges)
        stack = [
            np.eye(layout.joints),
            normalized(edge_matrix(layout.edges, layout.joints)),
            normalized(edge_matrix(outward, layout.joints)),
        ]
        return np.stack(stack)
    return _by_distance(layout, max_hop)


def both_ways(edges: Pairs) -> Pairs:
    """Each edge, then each edge reversed."""
    return edges + tuple((parent, child) for child, parent in edges)


def edge_matrix(edges: Pairs, joints: int) -> Matrix:
    """1 at `[parent, child]` of each edge, `[V, V]`."""
    matrix = np.zeros((joints, joints))
    for child, parent in edges:
        matrix[parent, child] = 1
    return matrix


def normalized(matrix: Matrix) -> Matrix:
    """Columns that sum to one; empty ones stay empty."""
    degrees = matrix.sum(axis=0)
    result: Matrix = matrix / np.where(degrees == 0, 1, degrees)
    return result


def hop_distance(edges: Pairs, joints: int, max_hop: int) -> Matrix:
    """Edges on the shortest way between two joints, `[V, V]`; infinite beyond `max_hop`."""
    neighbours = edge_matrix(both_ways(edges), joints)
    distance = np.full((joints, joints), np.inf)
    for hop in range(max_hop, -1, -1):
        distance[np.linalg.matrix_power(neighbours, hop) > 0] = hop
    return distance


def k_adjacency(matrix: Any, k: int, with_self: bool = False, self_factor: float = 1.0) -> Matrix:
    """1 for pairs whose shortest way has exactly `k` edges, `[V, V]`; on the diagonal as well `with_self`."""
    joints = len(matrix)
    if k == 0:
        return np.eye(joints)
    reach = np.asarray(matrix) + np.eye(joints)
    near, nearer = (np.minimum(np.linalg.matrix_power(reach, power), 1) for power in (k, k - 1))
    found: Matrix = near - nearer + (self_factor * np.eye(joints) if with_self else 0)
    return found


def _by_distance(layout: Layout, max_hop: int) -> Matrix:
    """The partition of ST-GCN (Yan et al., AAAI 2018, section 3.3).

    As in the authors' release distances to the centre are counted up to `max_hop` only: joints further away all count
    as equally far.
    """
    distance = hop_distance(layout.edges, layout.joints, max_hop)
    weights = normalized((distance <= max_hop).astype(np.float64))
    to_centre = distance[:, layout.centre]
    outward = to_centre[:, None] >= to_centre[None, :]
    stack = []
    for hop in range(max_hop + 1):
        here = np.where(distance == hop, weights, 0)
        stack.append(np.where(outward, here, 0))
        if hop:
            stack.append(np.where(outward, 0, here))
    return np.stack(stack)
