"""Options of the data set. Facts about it are told without torch and without opening a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from attrs import evolve, field, fields, frozen
from attrs.validators import deep_iterable, ge, gt

from vidcore.config import DatasetConfig, Facts
from vidcore.config.base import Shape
from vidcore.config.slots import DatasetSlot
from vidcore.data.sampling_config import Dense, SamplingConfig
from vidcore.errors import DataError

_OF_THE_WHOLE = ("batch_size", "views", "repeats")  # what neither the videos nor the images can have of their own


@frozen(kw_only=True)
class ImagesAndVideos(DatasetConfig):
    """Images and videos in every batch, for training. Each of the two may be a mixture of several sources."""

    needs_sampling: ClassVar[bool] = False  # the videos may have their own

    batch_size: int = field(default=8, validator=ge(2))  # videos and images together
    videos: DatasetSlot  # its sampling and transforms; left out: those of this table
    images: DatasetSlot  # each file of it gives one frame; transforms left out: those of this table
    # videos to images in every batch: [16, 85] are 16 and 85 of 101
    ratio: tuple[float, float] = field(default=(1.0, 1.0), validator=deep_iterable(gt(0.0)))
    # what an epoch goes through once; "shorter": what is through first. Of the other, the rest comes in the next epochs
    epoch: Literal["shorter", "videos", "images"] = "shorter"

    def __attrs_post_init__(self) -> None:
        if self.repeats > 1:
            raise ValueError("'repeats' is for videos alone; take it out")
        defaults = fields(DatasetConfig)
        for part, config in (("videos", self.videos), ("images", self.images)):
            for name in _OF_THE_WHOLE:
                default = getattr(defaults, name).default
                default = default.factory() if hasattr(default, "factory") else default
                if getattr(config, name) != default:
                    raise ValueError(f"'{part}.{name}': '{name}' belongs to the batches of both; take it out there")
        sampling = self.images.sampling
        if isinstance(sampling, SamplingConfig) and sampling.clip_length != 1:
            raise ValueError(f"'images.sampling': an image is one frame, not {sampling.clip_length}; take it out")

    @property
    def videos_in_batch(self) -> int:
        """At least one, and room for an image."""
        exact = self.batch_size * self.ratio[0] / sum(self.ratio)
        return min(max(round(exact), 1), self.batch_size - 1)

    @property
    def images_in_batch(self) -> int:
        """The rest."""
        return self.batch_size - self.videos_in_batch

    def whole(self, part: Literal["videos", "images"]) -> DatasetConfig:
        """The config of the videos or of the images, with what it takes from this table."""
        config: DatasetConfig = self.videos if part == "videos" else self.images
        of_images = config.sampling or Dense(num_frames=1, frame_interval=1)
        return evolve(
            config,
            sampling=of_images if part == "images" else config.sampling or self.sampling,
            transforms=config.transforms or self.transforms,
        )

    def facts(self, root: Path) -> Facts:
        """Classes of the videos, and inputs of both.

        There is one count of classes in facts; that of the images is told as the shape of `image_label`, one number a
        class.

        Raises:
            DataError: What is to be images are none.
        """
        videos, images = self.whole("videos").facts(root), self.whole("images").facts(root)
        labels = len(images.classes) if images.classes is not None else images.num_classes
        inputs: dict[str, Shape] = {"video": _frames_of(videos, "videos"), "image": _image(images)}
        if labels is not None:
            inputs["image_label"] = (labels,)
        return evolve(videos, inputs=inputs)

    def is_there(self, root: Path) -> bool:
        """Both are."""
        return bool(self.videos.is_there(root) and self.images.is_there(root))

    def inputs_of(self, index: int) -> tuple[str, ...]:
        """What the sample of this number in a batch has, for those that a dry run makes."""
        return ("video",) if index % self.batch_size < self.videos_in_batch else ("image",)


def _frames_of(facts: Facts, part: str) -> Shape:
    if "video" not in facts.inputs:
        raise DataError(f"'{part}' gives {', '.join(facts.inputs) or 'nothing'} and no frames; name another data set")
    return facts.inputs["video"]


def _image(facts: Facts) -> Shape:
    channels, frames, *size = _frames_of(facts, "images")
    if frames not in (None, 1):
        raise DataError(f"'images' gives clips of {frames} frames; take the sampling of its sources out")
    return channels, *size
