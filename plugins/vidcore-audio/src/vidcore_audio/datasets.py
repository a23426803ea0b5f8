"""The data sets: sounds read as waveforms, and precomputed spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve

from vidcore.data.clips import DataContext, named
from vidcore.errors import DataError
from vidcore.interfaces import Finding
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore_audio.data_config import AudioFeatures, AudioList
from vidcore_audio.reading import FeatureReader, WaveformReader
from vidcore_audio.sound import Sound
from vidcore_audio.views import SoundViews
from vidcore_videos.class_lists import classes_of
from vidcore_videos.index_table import IndexTable
from vidcore_videos.lists import read_list


class SoundDataset:
    """Sounds with class labels. `inputs["audio"]` is float32 `[V, 1, T, F]`, or `[V, 1, samples]` of a waveform.

    Args:
        config: Options.
        context: What samples are read with.
        read: From a path to its sound.

    Raises:
        DataError: With every problem of the list.
    """

    def __init__(self, config: AudioList | AudioFeatures, context: DataContext, read: Callable[[Path], Sound]) -> None:
        self.config, self.context, self._read = config, context, read
        assert context.sampling is not None, "the core asks for one"
        self._views = SoundViews(
            sampling=context.sampling,
            transforms=list(context.transforms.values()),  # type: ignore[arg-type]
            shortest=config.at_least,
            length=config.length,
            by_video_frames=config.unit == "video-frame",
        )
        classes = classes_of(config.classes, context.root)
        self._table: IndexTable = read_list(
            context.root / config.list,
            columns=config.columns,
            separator=config.separator,
            classes=classes,
            multi_label=config.multi_label,
        )
        self._classes = classes or tuple(str(label) for label in range(self._table.num_labels))

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    def __len__(self) -> int:
        return len(self._table)

    def path(self, index: int) -> Path:
        """The file at this index."""
        return self.context.root / self.config.folder / self._table.path(index)

    def where(self, index: int) -> str:
        """The file and where it is listed, for messages."""
        return f"{self.path(index)} ({self._table.where(index)})"

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat, from one reading.

        Raises:
            DataError: The file cannot be used; the message names it.
        """
        path, context = self.path(ref.index), self.context
        try:
            sound = self._read(path)
            if not len(sound):
                raise DataError("it has no sample of sound")
            draws = rng if context.training else None
            clips = None if context.training else context.views.clips
            num_frames = self._table.part(ref.index)[1]
            repeats = range(context.repeats if context.training else 1)
            inputs = [self._views.of(sound, draws, clips, num_frames) for _ in repeats]
        except DataError as error:
            raise named(error, path) from error
        meta = {"path": str(path), "seconds": len(sound) / sound.rate, "merge": context.views.merge}
        return [
            Sample(
                ref=evolve(ref, repeat=ref.repeat + repeat),
                inputs={"audio": views},
                target=self._target(ref.index),
                meta=meta,
            )
            for repeat, views in enumerate(inputs)
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """Odd rows and missing files; `deep` reads each sample once."""
        yield from self._table.findings
        for index in range(len(self)):
            path, where = self.path(index), self._table.where(index)
            if not path.is_file() and not getattr(self._read, "silence", False):
                yield Finding("error", where, f"{path} is not there; mend the list or data.root")
            elif deep:
                try:
                    self.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE, index=index))
                except DataError as error:
                    yield Finding("error", where, str(error))

    def _target(self, index: int) -> dict[str, Any]:
        if "label" not in self.config.columns:
            return {}
        labels = self._table.labels(index)
        if not self.config.multi_label:
            return {"label": labels[0]}
        target = torch.zeros(len(self._classes))
        target[labels] = 1.0
        return {"labels": target}


def audio_list(config: AudioList, context: DataContext) -> SoundDataset:
    """The data set of kind `audio-list`."""
    return SoundDataset(config, context, WaveformReader(config.sample_rate, config.missing == "silence"))


def audio_features(config: AudioFeatures, context: DataContext) -> SoundDataset:
    """The data set of kind `audio-features`."""
    return SoundDataset(config, context, FeatureReader(config.rate))
