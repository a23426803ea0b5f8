"""Which joints a skeleton has and how they hang together. Imports neither torch nor numpy: configs name layouts.

Letters: V joints.
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from attrs.validators import ge

Pairs = tuple[tuple[int, int], ...]


@frozen(kw_only=True)
class Layout:
    """Joints and bones of a skeleton that has no name here."""

    joints: int = field(validator=ge(1))  # V
    edges: Pairs = ()  # [child, parent] of each bone, as neighbours in the graph; the parent is nearer to the centre
    centre: int = field(default=0, validator=ge(0))  # joint that the others hang from
    parents: tuple[
        int, ...
    ] = ()  # where the bone vector of each joint starts; left out: by `edges`, the centre its own
    left: tuple[int, ...] = ()  # joints of the left side
    right: tuple[int, ...] = ()  # their counterparts, in the same order
    upwards: bool = False  # y of joints in space grows upwards, as in metres, not downwards as in an image

    def __attrs_post_init__(self) -> None:
        named = [*sum(self.edges, ()), self.centre, *self.parents, *self.left, *self.right]
        if wrong := sorted({joint for joint in named if not 0 <= joint < self.joints}):
            raise ValueError(f"joints {wrong} are named, but there are only 0 ... {self.joints - 1}")
        if self.parents and len(self.parents) != self.joints:
            raise ValueError(f"'parents' has {len(self.parents)} entries for {self.joints} joints; give one a joint")
        if len(self.left) != len(self.right):
            raise ValueError(f"'left' has {len(self.left)} joints and 'right' {len(self.right)}; give as many of each")

    def bone_starts(self) -> tuple[int, ...]:
        """For each joint the one that its bone starts at; itself where it has none, so that the bone is zero."""
        if self.parents:
            return self.parents
        parents = dict(self.edges)
        return tuple(parents.get(joint, joint) for joint in range(self.joints))


def _edges(text: str) -> Pairs:
    """`"3-2 2-1"` as pairs: child-parent."""
    return tuple((int(child), int(parent)) for child, _, parent in (edge.partition("-") for edge in text.split()))


LAYOUTS = {
    # 0 nose, 1/2 eyes, 3/4 ears, 5/6 shoulders, 7/8 elbows, 9/10 wrists, 11/12 hips, 13/14 knees, 15/16 ankles
    "coco": Layout(
        joints=17,
        edges=_edges("15-13 13-11 16-14 14-12 11-5 12-6 9-7 7-5 10-8 8-6 5-0 6-0 1-0 3-1 2-0 4-2"),
        parents=(0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 13, 14),
        left=(1, 3, 5, 7, 9, 11, 13, 15),
        right=(2, 4, 6, 8, 10, 12, 14, 16),
    ),
    # 0 nose, 1 neck, 2-4 right arm, 5-7 left arm, 8-10 right leg, 11-13 left leg, 14/15 eyes, 16/17 ears
    "openpose": Layout(
        joints=18,
        edges=_edges("4-3 3-2 7-6 6-5 13-12 12-11 10-9 9-8 11-5 8-2 5-1 2-1 0-1 15-0 14-0 17-15 16-14"),
        centre=1,
        parents=(0, 0, 1, 2, 3, 1, 5, 6, 2, 8, 9, 5, 11, 12, 0, 0, 14, 15),
        left=(5, 6, 7, 11, 12, 13, 15, 17),
        right=(2, 3, 4, 8, 9, 10, 14, 16),
    ),
    # 0 nose, 1 neck, 2-4 and 5-7 arms, 8 hips, 9-11 and 12-14 legs, 15/16 eyes, 17/18 ears, 19-24 feet
    "openpose-25": Layout(
        joints=25,
        edges=_edges(
            "4-3 3-2 7-6 6-5 23-22 22-11 24-11 11-10 10-9 9-8 20-19 19-14 "
            "21-14 14-13 13-12 12-8 8-1 5-1 2-1 0-1 15-0 16-0 17-15 18-16"
        ),
        centre=1,
        left=(5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21),
        right=(2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24),
    ),
    # Kinect v2: 0 hips, 1 spine, 2 neck, 3 head, 4-7 and 8-11 arms, 12-15 and 16-19 legs, 20 chest, 21-24 hands
    "nturgb+d": Layout(
        joints=25,
        edges=_edges(
            "0-1 1-20 2-20 3-2 4-20 5-4 6-5 7-6 8-20 9-8 10-9 11-10 "
            "12-0 13-12 14-13 15-14 16-0 17-16 18-17 19-18 21-7 22-7 23-11 24-11"
        ),
        centre=20,
        parents=(1, 20, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 20, 22, 7, 24, 11),
        left=(4, 5, 6, 7, 12, 13, 14, 15, 21, 22),
        right=(8, 9, 10, 11, 16, 17, 18, 19, 23, 24),
        upwards=True,
    ),
    # Kinect v1: 0 head, 1 neck, 2 spine, 3 hips, 4-7 and 8-11 arms, 12-15 and 16-19 legs
    "kinect-20": Layout(
        joints=20,
        edges=_edges("0-1 2-1 3-2 4-1 5-4 6-5 7-6 8-1 9-8 10-9 11-10 12-3 13-12 14-13 15-14 16-3 17-16 18-17 19-18"),
        centre=1,
        left=(4, 5, 6, 7, 12, 13, 14, 15),
        right=(8, 9, 10, 11, 16, 17, 18, 19),
        upwards=True,
    ),
    # 0 neck, 1 belly, 2 face, then right and left of shoulders, hips, elbows, knees, wrists, ankles
    "jhmdb": Layout(
        joints=15,
        edges=_edges("1-0 2-0 3-0 4-0 5-1 6-1 7-3 8-4 9-5 10-6 11-7 12-8 13-9 14-10"),
        left=(4, 6, 8, 10, 12, 14),
        right=(3, 5, 7, 9, 11, 13),
    ),
}


def known_layout(instance: object, attribute: Any, value: str | Layout) -> None:
    """Validator of options that name a layout."""
    if isinstance(value, str) and value not in LAYOUTS:
        raise ValueError(f"{attribute.name!r} is {value!r}; known are {', '.join(LAYOUTS)}, or give a table of joints")


def layout_of(value: str | Layout) -> Layout:
    """The layout that an option names or is."""
    return LAYOUTS[value] if isinstance(value, str) else value
