"""Who of the bodies in a sequence is a person.

Kinect takes furniture for people now and then, and gives somebody whom it lost a new identity. What the field does
about it, with the thresholds that it uses:

- Where there are several bodies, one that is seen in at most 11 frames is none.
- A person is taller than wide. A frame in which the joints spread further in x than 0.8 times in y is doubtful, and a
  body of which 69.754 % of the frames are doubtful is none. If that would leave nobody, this rule is not used.
- The rest are ranked by how much they move: the sum of the variances of x, y and z over joints and frames that are not
  doubtful. The first is the main person. A further one goes on where an earlier one is not seen, as the same person, if
  they share no frame; else it is the next person, while there is room.

Here the number of persons never depends on the action. Some conversions keep a second person for the actions of two
people only; whoever tests with these has told the network a part of the answer.

Letters: M persons, T frames, V joints.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vidcore_ntu.skeleton_files import JOINTS, Array, Body

_FEWEST_FRAMES = 11
_WIDEST = 0.8  # of the height
_MOST_DOUBTFUL = 0.69754  # of the frames


def cleaned(bodies: Sequence[Body], persons: int = 2) -> Array:
    """The people of a sequence, float32 `[M, T, V, 3]`; zeros where somebody is not seen.

    Frames in which none of them is seen are left out. M is the number of people found, at most `persons`, perhaps 0.
    """
    slots: list[list[Body]] = []
    for body in sorted(people_among(bodies), key=lambda one: -movement(one)):
        slot = next((slot for slot in slots if not _share_frames(slot, body)), None)
        if slot is not None:
            slot.append(body)
        elif len(slots) < persons:
            slots.append([body])
    used = np.unique(np.concatenate([body.frames for slot in slots for body in slot])) if slots else np.zeros(0)
    joints = np.zeros((len(slots), len(used), JOINTS, 3), np.float32)
    for index, slot in enumerate(slots):
        for body in slot:
            joints[index, np.searchsorted(used, body.frames)] = body.joints
    return joints


def people_among(bodies: Sequence[Body]) -> list[Body]:
    """Those that are not noise."""
    if len(bodies) < 2:
        return list(bodies)
    long = [body for body in bodies if len(body.frames) > _FEWEST_FRAMES]
    upright = [body for body in long if doubtful(body).mean() < _MOST_DOUBTFUL]
    return upright or long or list(bodies)


def doubtful(body: Body) -> Array:
    """Frames in which a body is too wide for a person, bool `[F]`."""
    width, height = (np.ptp(body.joints[..., axis], axis=1) for axis in (0, 1))
    wide: Array = width > _WIDEST * height
    return wide


def movement(body: Body) -> float:
    """How much a body moves, in square metres."""
    sure = body.joints[~doubtful(body)]
    joints = sure if len(sure) else body.joints
    return float(joints.reshape(-1, 3).var(axis=0).sum())


def _share_frames(slot: Sequence[Body], body: Body) -> bool:
    return any(np.isin(body.frames, one.frames, assume_unique=True).any() for one in slot)
