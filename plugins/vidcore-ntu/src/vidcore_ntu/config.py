"""Options of the data sets. Imports neither torch nor numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, min_len

from vidcore.config import Facts
from vidcore.wording import nearest
from vidcore_ntu.sets import SETS, class_names
from vidcore_skeleton.config import SkeletonData, SkeletonPickle, known_classes


@frozen(kw_only=True)
class SkeletonSet(SkeletonPickle):
    """A published annotation file, of which classes and splits are known before it is there.

    See `skeleton-pickle` for its form. Raw files of NTU RGB+D become such a file by `vidcore data ntu`.
    """

    set: Literal["ntu60", "ntu120", "finegym", "ucf101", "hmdb51", "diving48", "babel60", "babel120"]

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        known = SETS[self.set].splits
        if self.split and known and self.split not in known:
            told = ", ".join(known)
            raise ValueError(f"{self.set} has no split {self.split!r}{nearest(self.split, known)}; its splits: {told}")

    def facts(self, root: Path) -> Facts:
        """Classes of the set, unless others are given, and the shape of a clip."""
        classes = known_classes(self.classes, root) if self.classes else class_names(self.set)
        return Facts(classes=classes, inputs={"pose": self.pose_shape()})


@frozen(kw_only=True)
class PackedSkeletons(SkeletonData):
    """Skeletons as they are published of Kinetics-400: one annotation file, and a pickle for each video.

    The annotation file tells of each video `frame_dir`, `label`, `total_frames`, `frame_inds` (the frame of each person
    in the pickle), `box_score` and `valid` or `valid@0.5`, ...; the pickle has `keypoint [people, V, 3]`.
    """

    annotations: str = field(validator=min_len(1))  # file below data.root
    split: str = ""  # its list of names in the file; "": all annotations
    folder: str = ""  # of the pickles, below data.root
    form: Literal["pixels", "shares"] = "pixels"  # of x and y; shares of the picture are what OpenPose's files have
    box_score: float = field(
        default=0.0, validator=in_((0.0, 0.5, 0.6, 0.7, 0.8, 0.9))
    )  # less certain people do not count
    valid: float = field(default=0.0, validator=and_(ge(0.0), le(1.0)))  # of the frames must have such a person
    squeeze: bool = True  # leave out frames without anybody
    weights: Literal["equal", "parts"] = "parts"  # who is kept of too many: by confidence of all joints, or by part
    # of the joints of face, torso (with shoulders and hips), limbs
    part_weights: tuple[float, float, float] = field(default=(1.0, 2.0, 3.0), validator=deep_iterable(ge(0.0)))

    def facts(self, root: Path) -> Facts:
        """Classes of Kinetics-400, unless others are given, and the shape of a clip."""
        classes = known_classes(self.classes, root) if self.classes else class_names("kinetics400")
        return Facts(classes=classes, inputs={"pose": self.pose_shape()})

    def is_there(self, root: Path) -> bool:
        """The file is."""
        return (root / self.annotations).exists()


@frozen(kw_only=True)
class KineticsSkeleton(SkeletonData):
    """Skeletons of Kinetics-400 as the authors of ST-GCN published them: a JSON file for each video, by OpenPose.

    18 joints (layout `openpose`) in a picture of 340x256; people of a frame are put in the order of their confidence.
    """

    labels: str = field(validator=min_len(1))  # file below data.root, such as kinetics_train_label.json
    folder: str = field(validator=min_len(1))  # of the JSON files, below data.root, such as kinetics_train
    squeeze: bool = False  # leave out frames without anybody

    def facts(self, root: Path) -> Facts:
        """Classes of Kinetics-400, unless others are given, and the shape of a clip."""
        classes = known_classes(self.classes, root) if self.classes else class_names("kinetics400")
        return Facts(classes=classes, inputs={"pose": self.pose_shape()})

    def is_there(self, root: Path) -> bool:
        """The labels are."""
        return (root / self.labels).exists()


@frozen(kw_only=True)
class SkeletonArray(SkeletonData):
    """Skeletons of a whole set in one array, `.npy` of [sequences, coordinates, frames, joints, persons].

    A pickle tells `(names, labels)`, or as BABEL's `(names, (labels, ...))`; nothing that it names is executed.
    """

    array: str = field(validator=min_len(1))  # file below data.root, such as train_ntu_sk_60.npy
    labels: str = field(validator=min_len(1))  # file below data.root, such as train_label_60.pkl
    set: Literal["", "ntu60", "ntu120", "kinetics400", "babel60", "babel120"] = (
        ""  # whose classes; "": labels are numbers
    )

    def facts(self, root: Path) -> Facts:
        """Classes of the set, unless others are given, and the shape of a clip."""
        classes = class_names(self.set) if self.set and not self.classes else known_classes(self.classes, root)
        return Facts(classes=classes, inputs={"pose": self.pose_shape()})

    def is_there(self, root: Path) -> bool:
        """The array is."""
        return (root / self.array).exists()
