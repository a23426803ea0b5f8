"""What there is to draw: videos with all that was said of each, from a file of predictions or a trained model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from attrs import frozen
from torch import Tensor

from vidcore.config import load_experiment
from vidcore.config.experiment import Experiment
from vidcore.config.slots import DecoderSlot, TaskSlot
from vidcore.config.structure import structure
from vidcore.data.building import build_dataset
from vidcore.engine.predictions import Predictions, read_predictions
from vidcore.errors import DataError
from vidcore.inference import Predictor
from vidcore.interfaces import Decoder, Task
from vidcore.plugins import build, host
from vidcore.values import Prediction
from vidcore_visual.scenes import Layer

_NAME = re.compile(r"[^\w.-]+")  # what does not belong into the name of a file


@runtime_checkable
class ShowsSamples(Protocol):
    """A data set whose samples are no videos but can be seen."""

    def layer(self, index: int) -> Layer: ...


@runtime_checkable
class ShowsFiles(Protocol):
    """A reader of single files that are no videos but can be seen."""

    def layer_of(self, path: Path) -> Layer: ...


@runtime_checkable
class DrawsWhole(Protocol):
    """A task that has a better picture of a whole video than a sheet of painted frames."""

    def draw_whole(
        self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float], width: int
    ) -> Tensor:
        """RGB uint8 `[3, H, width]`; frames `[T, 3, H, W]` may be none."""


@frozen(kw_only=True, eq=False)
class Subject:
    """One video, and what was said of it. What costs time or may fail is done when it is asked for."""

    name: str  # what a file about it is called, without an ending
    predictions: Callable[[], Sequence[Prediction]]
    video: Callable[[], Path | None]
    layer: Callable[[], Layer | None]


@frozen(kw_only=True, eq=False)
class Subjects:
    """What there is to draw, the task that draws it, and the decoder of the videos."""

    task: Task
    decoder: Decoder
    found: Sequence[Subject]


class Videos:
    """Finds the video of a sample: at its own path, or below a folder by its name."""

    def __init__(self, folder: Path | None, decoder: Decoder) -> None:
        self._folder, self._decoder = folder, decoder
        self._files: dict[str, Path] | None = None

    def find(self, path: str, name: str = "") -> Path | None:
        """The video called `name`, or as the file at `path` without its ending; None where there is none."""
        own = Path(path)
        if self._folder is not None:
            found = next((self._below(one) for one in (own.name, own.stem, name) if one and self._below(one)), None)
            if found is not None or self._folder.is_file():
                return found or self._folder
        return own if own.is_file() and self._is_video(own) else None

    def _below(self, name: str) -> Path | None:
        """Listed once, in a folder and those in it."""
        if self._files is None:
            assert self._folder is not None
            files = sorted(file for file in self._folder.rglob("*") if file.is_file())
            self._files = {key: file for file in reversed(files) for key in (file.name, file.stem)}
        file = self._files.get(name)
        return file if file is not None and self._is_video(file) else None

    def _is_video(self, path: Path) -> bool:
        try:
            with self._decoder.open(path):
                return True
        except DataError:
            return False


@frozen(kw_only=True)
class _Said:
    """What is needed of a file's header and of the run that it is of."""

    task: TaskSlot
    decoder: DecoderSlot = "pyav"


def from_file(path: Path, run: Path | None, folder: Path | None) -> Subjects:
    """The videos of a file of predictions.

    Args:
        path: The file.
        run: The run that it is of, where its samples are no videos; left out, the run folder that the file lies in.
        folder: Where the videos lie, or the only one; None: where they lay.

    Raises:
        DataError: The file cannot be read, or holds nothing.
        ConfigError: The plugin of its task is not installed.
    """
    predictions = read_predictions(path)
    said, problems = structure({"task": predictions.task}, _Said, host())
    if said is None:
        raise DataError(f"{path}:1: {'; '.join(problem.text for problem in problems)}")
    by_video: dict[str, list[Prediction]] = {}
    for prediction, _ in predictions.samples:
        by_video.setdefault(_identity(prediction), []).append(prediction)
    if not by_video:
        raise DataError(f"{path} holds no prediction")
    experiment = _experiment(run or path.parent.parent)
    decoder: Decoder = build(experiment.data.decoder if experiment else said.decoder)
    videos, dataset = Videos(folder, decoder), _Samples(experiment, predictions)
    names = _different(_file_name(own[0]) for own in by_video.values())
    return Subjects(
        task=build(said.task, predictions.classes),
        decoder=decoder,
        found=[
            Subject(
                name=name,
                predictions=partial(_same, own),
                video=partial(videos.find, str(own[0].meta.get("path", "")), str(own[0].meta.get("video", ""))),
                layer=partial(dataset.layer, own[0].ref.index),
            )
            for name, own in zip(names, by_video.values(), strict=True)
        ],
    )


def from_model(predictor: Predictor, sources: Sequence[Path], folder: Path | None) -> Subjects:
    """Videos that a trained model looks at."""
    decoder: Decoder = build(predictor.promise.input.decoder)
    reader: object = None if predictor.promise.input.reader is None else build(predictor.promise.input.reader)
    videos = Videos(folder, decoder)
    names = _different(source.stem for source in sources)

    def subject(number: int, name: str, source: Path) -> Subject:
        def predictions() -> list[Prediction]:
            return [predictor.predict(source, number)]

        if isinstance(reader, ShowsFiles):
            shown, video = partial(reader.layer_of, source), partial(videos.find, str(source))
            return Subject(name=name, predictions=predictions, video=video, layer=shown)
        return Subject(name=name, predictions=predictions, video=lambda: source, layer=lambda: None)

    found = [subject(i, name, source) for i, (name, source) in enumerate(zip(names, sources, strict=True))]
    return Subjects(task=predictor.task, decoder=decoder, found=found)


class _Samples:
    """The data set that predictions were made on, built when one of its samples is to be seen."""

    def __init__(self, experiment: Experiment | None, predictions: Predictions) -> None:
        self._experiment, self._split = experiment, predictions.split
        self._dataset: object = None

    def layer(self, index: int) -> Layer | None:
        """What is seen of a sample; None where that is a video, or nothing is known of the data set."""
        if self._experiment is None:
            return None
        if self._dataset is None:
            self._dataset = build_dataset(self._experiment.data, self._split)
        return self._dataset.layer(index) if isinstance(self._dataset, ShowsSamples) else None


def _experiment(run: Path) -> Experiment | None:
    file = run / "experiment.toml"
    return load_experiment(file) if file.is_file() else None


def _same(predictions: Sequence[Prediction]) -> Sequence[Prediction]:
    return predictions


def _identity(prediction: Prediction) -> str:
    meta = prediction.meta
    return str(meta.get("path") or meta.get("video") or prediction.ref.key)


def _file_name(prediction: Prediction) -> str:
    meta: dict[str, Any] = prediction.meta
    name = str(meta.get("video") or Path(str(meta.get("path") or f"sample-{prediction.ref.key}")).name)
    return Path(name).stem if len(Path(name).suffix) <= 5 else name


def _different(names: Iterable[str]) -> Iterator[str]:
    """Names of files, none of them twice."""
    seen: dict[str, int] = {}
    for name in names:
        name = _NAME.sub("_", name).strip("._") or "sample"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"
