"""Features of raw videos, from any recognition model: what it sees around each of evenly spaced moments.

Route: video -> a clip around each moment -> the model's last maps, pooled -> one row a moment.
Letters: T moments, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidcore.config.base import Views
from vidcore.data.building import build_context
from vidcore.data.clips import named, read_clips
from vidcore.data.sampling_config import Dense
from vidcore.errors import ConfigError, DataError
from vidcore.inference import Predictor
from vidcore.interfaces import VideoReader
from vidcore.randomness import Purpose, generator
from vidcore.values import Batch, Sample, SampleRef
from vidcore_localization.feature_config import Extraction
from vidcore_localization.features import CLASS_NAMES
from vidcore_localization.segments import Array


class FeatureExtractor:
    """Extracts features of videos with a model that looks at them.

    Args:
        predictor: The model and how it is fed; several clips and crops are for scoring and count as one here.
        options: What is extracted.

    Raises:
        ConfigError: The window is not known: the sampling does not tell how far a clip reaches.
    """

    def __init__(self, predictor: Predictor, options: Extraction) -> None:
        self._predictor, self._options = predictor, options
        given = predictor.promise.input
        self._context = build_context(
            root=Path.cwd(),
            decoder=given.decoder,
            sampling=given.sampling,
            transforms=given.transforms,
            views=Views(),
            scaling=given.scaling,
        )
        self._window = options.window or _reach(given.sampling)

    @property
    def classes(self) -> tuple[str, ...]:
        """What the columns of scores are; none where features are extracted."""
        return tuple(self._predictor.classes) if self._options.what == "scores" else ()

    def is_video(self, folder: Path) -> bool:
        """Whether a folder is one video, of frames or of flow, for the decoder that the model was trained with."""
        try:
            with self._context.decoder.open(folder):
                return True
        except (DataError, OSError):
            return False

    def video(self, path: Path) -> Array:
        """Features of a video, float32 `[T, C]`: a row for each `interval` frames, the last one for what is left.

        Raises:
            DataError: The video cannot be read.
        """
        try:
            with self._context.decoder.open(path) as reader:
                rows = [self._rows(batch).cpu() for batch in self._batches(reader, path)]
        except DataError as error:
            raise named(error, path) from error
        joined: Array = torch.cat(rows).float().numpy()
        return joined

    def _batches(self, reader: VideoReader, path: Path) -> Iterator[Batch]:
        task, total, samples = self._predictor.task, reader.info.num_frames, []
        for index, start in enumerate(range(0, total, self._options.interval)):
            centre = (start + min(start + self._options.interval, total)) // 2
            first = max(0, min(centre - self._window // 2, total - self._window))
            part = first, min(self._window, total - first)
            (reading,) = read_clips(reader, self._context, generator(0, Purpose.SAMPLE, index=index), part)
            ref, meta = SampleRef("", 0, index), {"path": str(path), "merge": "prob"}
            samples.append(Sample(ref=ref, inputs={"video": reading.video}, target={}, meta=meta))
            if len(samples) == self._options.batch:
                yield task.collate(samples)
                samples = []
        if samples:
            yield task.collate(samples)

    def _rows(self, batch: Batch) -> Tensor:
        """A row for each moment, `[N, C]`."""
        predictor = self._predictor
        device = predictor.device
        batch = predictor.task.prepare(batch.to(device), generator(0, Purpose.DEVICE), training=False)
        with torch.no_grad():
            if self._options.what == "scores":
                found = predictor.task.predict(predictor.task.forward(predictor.model, batch), batch)
                return torch.stack([prediction.outputs["scores"] for prediction in found])
            maps = predictor.model.features(**batch.inputs)  # type: ignore[operator]
            return torch.cat([one.flatten(2).mean(dim=2) for one in maps[-self._options.maps :]], dim=1)


def write_features(folder: Path, name: str, features: Array) -> Path:
    """Write the features of a video, whole or not at all; an interrupted run goes on with the next one."""
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / f"{name}.npy", folder / f".{name}.tmp.npy"
    np.save(partial, features)
    partial.replace(path)
    return path


def _reach(sampling: object) -> int:
    """Frames from the first to the last of a clip."""
    if isinstance(sampling, Dense):
        return (sampling.num_frames - 1) * sampling.frame_interval + 1
    raise ConfigError("how many frames around a moment should the model see? Give --window; its sampling does not tell")


def extract_files(
    extractor: FeatureExtractor, files: Sequence[Path], out: Path, say: Callable[[str], None]
) -> list[Path]:
    """Write `NAME.npy` of every video that has none yet, for scores with the names of their classes beside them.

    Returns:
        The videos that could not be read.
    """
    broken = []
    if extractor.classes:
        out.mkdir(parents=True, exist_ok=True)
        (out / CLASS_NAMES).write_text("".join(f"{name}\n" for name in extractor.classes), encoding="utf-8")
    for path in files:
        if (out / f"{name_of(path)}.npy").exists():
            say(f"{path.name}: is there")
            continue
        try:
            found = extractor.video(path)
        except DataError as error:
            say(str(error))
            broken.append(path)
            continue
        write_features(out, name_of(path), found)
        say(f"{path.name}: {found.shape[0]} moments of {found.shape[1]} channels")
    return broken


def videos_of(paths: Sequence[Path], is_video: Callable[[Path], bool]) -> list[Path]:
    """The videos themselves, and those in folders at any depth, which must differ in name; hidden ones are none.

    Args:
        paths: Videos, and folders of them.
        is_video: Whether a folder is one: of frames, or of flow.

    Raises:
        DataError: There is none, two have the same name, or a folder cannot be listed.
    """
    videos = [video for path in paths for video in _inside(path, is_video)]
    names: dict[str, Path] = {}
    for video in videos:
        name = name_of(video)
        if name in names:
            raise DataError(f"{video} and {names[name]} would both be written to {name}.npy; rename one")
        names[name] = video
    if not videos:
        raise DataError(f"there is no video in {', '.join(map(str, paths))}")
    return videos


def name_of(video: Path) -> str:
    """Of its features: a folder's name whole, a file's without its suffix."""
    return video.name if video.is_dir() else video.stem


def _inside(path: Path, is_video: Callable[[Path], bool]) -> Iterator[Path]:
    if not path.is_dir() or is_video(path):
        yield path
        return
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise DataError(f"{path} cannot be listed: {error.strerror or error}") from error
    for entry in entries:
        if not entry.name.startswith("."):
            yield from _inside(entry, is_video)
