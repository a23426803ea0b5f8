"""Options of the data set. Facts about it are told without torch and without opening a video."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, le, min_len

from vidcore.config import DatasetConfig, Facts
from vidcore.data.clip_shape import clip_shape
from vidcore_ava.label_maps import classes_of
from vidcore_videos.config import VIDEO_SUFFIXES


@frozen(kw_only=True)
class Ava(DatasetConfig):
    """Key frames of videos, with boxes of persons and what each of them does."""

    annotations: str = field(validator=min_len(1))  # CSV below data.root: video, second, x1, y1, x2, y2, label, person
    folder: str = ""  # of the videos, below data.root; they lie in it, or in folders in it, named by their id
    label_map: str = ""  # pbtxt, or `number: name` a line; "": the 80 actions of AVA, of which 60 are evaluated
    # numbers of the label map that count, in this order; the others are left out, and boxes with none of them
    only: tuple[int, ...] = field(default=(), validator=deep_iterable(ge(1)))
    exclude: str = ""  # CSV below data.root with `video,second` of key frames that do not count
    # boxes of a person detector, pickle, JSON or CSV; "": the annotated boxes are looked at in testing too
    proposals: str = ""
    min_person_score: float = field(default=0.9, validator=and_(ge(0.0), le(1.0)))  # of proposals
    max_proposals: int = field(default=1000, validator=ge(1))  # of a key frame, the first of the file
    start_seconds: float = field(
        default=900.0, validator=ge(0.0)
    )  # annotated second that files start at; 0: whole films
    start_in_name: bool = False  # files called ID_000010_000020 start at the first of these seconds (AVA-Kinetics)
    keyframes: str = ""  # CSV with a header video,timestamp,frame_index: the very frame of each second
    # features of persons by video and second, below data.root, for a model that looks at a feature bank; `vidcore ava
    # bank` writes one
    bank: str = ""
    bank_window: int = field(default=60, validator=ge(1))  # seconds around a key frame
    bank_features: int = field(default=5, validator=ge(1))  # persons of a second at most
    missing: Literal["skip", "fail"] = "skip"  # videos that are not on the disk: left out and counted, or an error
    bad_rows: Literal["skip", "fail"] = (
        "fail"  # rows and proposals that make no sense: left out and counted, or an error
    )
    suffixes: tuple[str, ...] = field(default=VIDEO_SUFFIXES, validator=min_len(1))

    def facts(self, root: Path) -> Facts:
        """Classes of the label map, and the shape of a clip."""
        shape = {"video": clip_shape(self)}
        if self.label_map and not (root / self.label_map).exists():
            return Facts(inputs=shape)
        names = classes_of(self.label_map, self.only, root).names
        return Facts(classes=names, num_classes=len(names), inputs=shape)

    def is_there(self, root: Path) -> bool:
        """The annotation is."""
        return (root / self.annotations).exists()


@frozen(kw_only=True)
class BankStage:
    """Long-term feature banks as a stage, what `vidcore ava bank` does: one for each of its `splits`."""

    run: str = field(validator=min_len(1))  # "stage:NAME" of a train stage, or a run folder, whose detector looks
    splits: tuple[Literal["train", "val", "test"], ...] = ("train", "val")
    half: bool = True  # float16; float32 else


@frozen(kw_only=True)
class ActorStage:
    """Made videos of moving actors, annotated in AVA's format, as a stage: a data set for trying action detection."""

    num_train: int = field(default=60, validator=ge(1))  # videos; three key frames and two actors in each
    num_val: int = field(default=20, validator=ge(1))
    made_with_seed: int = field(default=0, validator=ge(0))  # other seed, other videos; not the seed of the run
