"""Images and videos in the same batches.

Route: `images_and_videos` builds both -> `Blocks` numbers their samples -> `ImagesAndVideosDataset` says which of them
an epoch has and reads them. What an epoch has no room for comes in the next ones: each of both is an endless sequence
of passes, so it depends on seed and epoch alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from vidcore.data.clips import DataContext
from vidcore.data.loader import where
from vidcore.data.transforms import PhotometricTransform
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import ChoosesSamples, Dataset, Finding
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore_frames.decoders import FramesDecoder
from vidcore_mixture.draws import shuffled_passes
from vidcore_omnisource.data_config import ImagesAndVideos

Indices = NDArray[np.int64]
Part = Literal["videos", "images"]
PARTS: tuple[Part, Part] = ("videos", "images")


@frozen
class Blocks:
    """Numbers for the samples of both: a batch of videos and images, another one, ..., then what is left of one.

    So the first samples are of both kinds, as in every batch. Example: 3 videos and 3 images, `counts` 1 and 2, are
    v0 i0 i1, then v1 v2 i2.
    """

    lengths: tuple[int, int]
    counts: tuple[int, int]  # in a batch

    @property
    def whole(self) -> int:
        """Batches that both fill."""
        return min(length // count for length, count in zip(self.lengths, self.counts, strict=True))

    def place(self, index: int) -> tuple[int, int]:
        """0 for a video or 1 for an image, and its number among them."""
        in_blocks = self.whole * sum(self.counts)
        if index < in_blocks:
            block, offset = divmod(index, sum(self.counts))
            part = int(offset >= self.counts[0])
            return part, block * self.counts[part] + offset - part * self.counts[0]
        offset, left = index - in_blocks, self.lengths[0] - self.whole * self.counts[0]
        part = int(offset >= left)
        return part, self.whole * self.counts[part] + offset - part * left

    def indices(self, part: int, numbers: Indices) -> Indices:
        """The other way round."""
        count, used = self.counts[part], self.whole * self.counts[part]
        before = (self.counts[0] if part else 0, self.lengths[0] - self.whole * self.counts[0] if part else 0)
        blocks, offsets = np.divmod(numbers, count)
        in_block = blocks * sum(self.counts) + before[0] + offsets
        left = self.whole * sum(self.counts) + before[1] + numbers - used
        return np.where(numbers < used, in_block, left)


class ImagesAndVideosDataset:
    """Samples of two data sets, each batch of which has as many of each as `counts` says.

    A video is a sample as its data set gives it. An image has the input `image` `[1, C, H, W]` in place of a clip, and
    the target `image_label`.

    Args:
        videos: Its classes are those of the whole.
        images: Gives clips of one frame, and one label each.
        counts: Videos and images in a batch.
        epoch: What an epoch goes through once; "shorter": what is through first.
    """

    def __init__(
        self,
        videos: Dataset,
        images: Dataset,
        counts: tuple[int, int],
        epoch: Literal["shorter", "videos", "images"] = "shorter",
    ) -> None:
        self._parts = (videos, images)
        self._blocks = Blocks((len(videos), len(images)), counts)
        batches = [-(-samples_of(part) // count) for part, count in zip(self._parts, counts, strict=True)]
        self._batches = min(batches) if epoch == "shorter" else batches[PARTS.index(epoch)]
        # videos and images spread over a batch, so that parts of a batch have both
        places = [(np.arange(count) + 0.5) / count for count in counts]
        self._spread = np.argsort(np.concatenate(places), kind="stable")

    @property
    def classes(self) -> Sequence[str]:
        return self._parts[0].classes

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def samples_per_epoch(self) -> int:
        """Of training: whole batches."""
        return self._batches * sum(self._blocks.counts)

    def order(self, seed: int, epoch: int) -> Indices:
        """Numbers of the samples of an epoch of training, batch by batch."""
        columns = []
        for number, (part, count) in enumerate(zip(self._parts, self._blocks.counts, strict=True)):
            drawn = draws(part, number, seed, epoch * self._batches * count, self._batches * count)
            columns.append(self._blocks.indices(number, drawn).reshape(self._batches, count))
        return np.concatenate(columns, axis=1)[:, self._spread].ravel()

    def where(self, index: int) -> str:
        """The sample as its data set calls it, for messages."""
        part, number = self._blocks.place(index)
        return f"{where(self._parts[part], number)} in '{PARTS[part]}'"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The video or the image at `ref.index`.

        Raises:
            DataError: It cannot be read, or an image has no single label.
        """
        part, number = self._blocks.place(ref.index)
        samples = self._parts[part].sample(evolve(ref, source=PARTS[part], index=number), rng)
        samples = [
            evolve(sample, ref=evolve(ref, repeat=sample.ref.repeat), meta={**sample.meta, "kind": PARTS[part][:-1]})
            for sample in samples
        ]
        return [_as_image(sample) for sample in samples] if part else samples

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """What the data set of each kind finds."""
        for name, part in zip(PARTS, self._parts, strict=True):
            yield from (evolve(found, text=f"'{name}': {found.text}") for found in part.check(deep))


def images_and_videos(config: ImagesAndVideos, context: DataContext) -> ImagesAndVideosDataset:
    """The data set of kind `images-and-videos`.

    Raises:
        ConfigError: It stands elsewhere than in data.train, or its options do not fit together.
        DataError: The videos, the images or both cannot be used, or there are none.
    """
    if not context.training:
        raise ConfigError(
            f"data.{context.split}: images and videos are read together in training only; name the data set of the "
            "videos here"
        )
    built, wrong = {}, []
    for part in PARTS:  # what is wrong with both is told at once
        try:
            built[part] = _build(config, part, context)
        except DataError as error:
            wrong.append(f"data.train.{part}: {error}")
    if wrong:
        raise DataError("\n".join(wrong))
    counts = config.videos_in_batch, config.images_in_batch
    return ImagesAndVideosDataset(built["videos"], built["images"], counts, config.epoch)


def samples_of(part: Dataset) -> int:
    """Samples of one pass."""
    return part.samples_per_epoch if isinstance(part, ChoosesSamples) else len(part)


def draws(part: Dataset, number: int, seed: int, first: int, count: int) -> Indices:
    """Draws `first` ... `first + count - 1` of the endless passes over a data set, in its own numbers."""
    if not isinstance(part, ChoosesSamples):
        return shuffled_passes(lambda block: generator(seed, Purpose.SOURCES, block, number), len(part), first, count)
    length = part.samples_per_epoch
    passes = range(first // length, -(-(first + count) // length))
    return np.concatenate([part.order(seed, one) for one in passes])[first % length :][:count]


def _build(config: ImagesAndVideos, part: Part, context: DataContext) -> Dataset:
    whole = config.whole(part)
    if whole.sampling is None and whole.needs_sampling:
        raise ConfigError("the videos of data.train have no sampling; add [data.train.sampling] with a `type`")
    own = evolve(
        context,
        sampling=build(whole.sampling) if whole.sampling is not None else None,
        transforms={name: build(transform) for name, transform in whole.transforms.items()},
        decoder=FramesDecoder() if part == "images" else context.decoder,
    )
    dataset: Dataset = build(whole, own)
    if not len(dataset):
        raise DataError("it is empty; `vidcore data check` tells what was looked for")
    given: Mapping[str, Any] = getattr(dataset, "transforms", {})
    on_batches = [name for name, transform in given.items() if isinstance(transform, PhotometricTransform)]
    if on_batches:
        raise ConfigError(
            f"data.train.{part}: the transform '{on_batches[0]}' is applied to whole batches of videos, but these have "
            "images, too; take it out"
        )
    return dataset


def _as_image(sample: Sample) -> Sample:
    """A clip of one frame `[1, C, 1, H, W]` as an image."""
    label = sample.target.get("label")
    if label is None:
        found = ", ".join(sample.target) or "none"
        raise DataError(f"{sample.meta.get('path', sample.ref.key)}: an image needs one label, here is {found}")
    clip = sample.inputs["video"]
    return evolve(sample, inputs={"image": clip[:, :, 0].contiguous()}, target={"image_label": int(label)})
