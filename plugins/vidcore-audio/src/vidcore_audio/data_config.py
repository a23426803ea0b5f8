"""Options of the data sets and of the sampling. Imports neither torch nor numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, gt, min_len, optional

from vidcore.config import DatasetConfig, Facts, Views
from vidcore.config.base import Shape
from vidcore.config.slots import SamplingSlot
from vidcore.data.sampling_config import SamplingConfig
from vidcore_audio.transform_config import SoundTransformConfig, SoundTransformSlot
from vidcore_videos.class_lists import classes_of

Column = Literal["path", "frames", "label"]


@frozen(kw_only=True)
class SoundWindow(SamplingConfig):
    """Windows of so many seconds: at random places in training, evenly from the first to the last in testing."""

    seconds: float = field(default=1.0, validator=gt(0.0))
    num_clips: int = field(default=1, validator=ge(1))  # in testing `views.clips` counts instead


@frozen(kw_only=True)
class SoundReader:
    """How a single sound is read: what weights tell of the data set that they were measured on."""

    features: bool = False  # `.npy` files instead of sounds
    rate: float = field(default=16_000.0, validator=gt(0.0))  # samples or rows a second
    unit: Literal["step", "video-frame"] = "step"  # as in the data set
    at_least: float = field(default=0.0, validator=ge(0.0))  # seconds
    length: int | None = field(default=None, validator=optional(ge(1)))  # steps
    sampling: SamplingSlot | None = None  # the windows
    transforms: tuple[SoundTransformSlot, ...] = ()  # in order
    views: Views = field(factory=Views)


@frozen(kw_only=True)
class _Sounds(DatasetConfig):
    """Sounds named by a list: text (`path label`), `.csv` with a header, or `.json`."""

    transforms: dict[str, SoundTransformSlot] = field(factory=dict)  # named, in order
    list: str = field(validator=min_len(1))  # below data.root
    folder: str = ""  # that the paths of the list are relative to, below data.root
    columns: tuple[Column, ...] = field(default=("path", "label"))  # of a text file; "frames": of the sound's video
    separator: str = ""  # between columns of a text file; "": blanks
    classes: str | tuple[str, ...] = ""  # file below data.root, or the names; "": labels are numbers
    multi_label: bool = False  # a sound may have several labels, or none
    at_least: float = field(default=0.0, validator=ge(0.0))  # seconds; silence fills shorter ones, in training around
    # what `sampling` counts. "step": what is read, samples of a waveform or rows of features. "video-frame": frames of
    # the sound's video (column "frames"); a view lasts from behind the first frame to the last one, as in MMAction2
    unit: Literal["step", "video-frame"] = "step"
    length: int | None = field(default=None, validator=optional(ge(1)))  # steps that a view is cut or padded to

    @columns.validator
    def _path_first_label_last(self, attribute: Any, value: tuple[str, ...]) -> None:
        if value[:1] != ("path",) or len(set(value)) < len(value) or "label" in value[:-1]:
            raise ValueError('\'columns\' starts with "path", ends with "label" where there is one, and repeats none')

    def __attrs_post_init__(self) -> None:
        if self.unit == "video-frame" and ("frames" not in self.columns or self.length is None):
            raise ValueError(
                "unit = \"video-frame\" needs \"frames\" among the 'columns', and a 'length' for the views"
            )

    def _facts(self, root: Path, view: Shape) -> Facts:
        for transform in self.transforms.values():
            if isinstance(transform, SoundTransformConfig):
                view = transform.out_shape(view)
        return Facts(classes=_known_classes(self.classes, root), inputs={"audio": (1, *view)})

    def is_there(self, root: Path) -> bool:
        """The list is."""
        return (root / self.list).exists()

    def _reader(self, features: bool, rate: float) -> SoundReader:
        return SoundReader(
            features=features,
            rate=rate,
            unit=self.unit,
            at_least=self.at_least,
            length=self.length,
            sampling=self.sampling,
            transforms=tuple(self.transforms.values()),
            views=self.views,
        )


@frozen(kw_only=True)
class AudioList(_Sounds):
    """Sounds, or the sound of videos, read as waveforms; transforms make spectrograms of them."""

    sample_rate: int = field(default=16_000, validator=ge(1))  # samples a second; other sounds are resampled
    # a file that is not there, or has no sound: unusable, or ten seconds of silence, as in MMAction2
    missing: Literal["fail", "silence"] = "fail"

    def facts(self, root: Path) -> Facts:
        """Classes from their file, and the shape of a view."""
        return self._facts(root, (self.length,))

    def sample_reader(self) -> SoundReader:
        """Reads sounds."""
        return self._reader(features=False, rate=float(self.sample_rate))


@frozen(kw_only=True)
class AudioFeatures(_Sounds):
    """Precomputed spectrograms: `.npy` files of floats, time first."""

    # rows a second, for samplings and lengths in seconds; the default is that of a step of 16 ms
    rate: float = field(default=62.5, validator=gt(0.0))

    def facts(self, root: Path) -> Facts:
        """Classes from their file, and the shape of a view."""
        return self._facts(root, (self.length, None))

    def sample_reader(self) -> SoundReader:
        """Reads `.npy` files."""
        return self._reader(features=True, rate=self.rate)


def _known_classes(classes: str | tuple[str, ...], root: Path) -> tuple[str, ...] | None:
    """The classes, or None while the data is not there; a class list that is there and wrong is an error."""
    if isinstance(classes, str) and classes and not (root / classes).exists():
        return None
    return classes_of(classes, root)
