"""`Predictor`: a trained model and all that it needs to look at videos.

Route: weights or a run -> what they promise (`Promise`) -> task, model, data context -> one prediction a video.
Letters: C channels, T frames, H W pixels, K classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import asdict, evolve, field, frozen
from torch import Tensor, nn

from vidcore.config import load_experiment
from vidcore.config.base import Views
from vidcore.config.experiment import Experiment
from vidcore.config.places import place
from vidcore.config.slots import DecoderSlot, ModelSlot, SampleReaderSlot, SamplingSlot, TaskSlot, TransformSlot
from vidcore.config.structure import structure
from vidcore.data.building import build_context
from vidcore.data.clips import named, read_clips
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.engine.contract import weights_contract
from vidcore.engine.evaluation import Forward, predict_batches
from vidcore.engine.precision import choose_device, choose_precision, to_channels_last
from vidcore.errors import ConfigError, DataError, RunError, WeightsError
from vidcore.interfaces import Scaling, Task, VideoInfo, VideoReader
from vidcore.plugins import build, host
from vidcore.randomness import Purpose, generator
from vidcore.values import Prediction, Sample, SampleRef
from vidcore.weights.loading import find_weights, load_weights, locate
from vidcore.weights.reading import read_contract

Video = str | os.PathLike[str] | bytes | Tensor | np.ndarray[Any, Any]


@frozen(kw_only=True)
class InputPromise:
    """How a model wants to be fed: what `build_context` asks for, or a reader of its own for what is no video."""

    reader: SampleReaderSlot | None = None
    decoder: DecoderSlot = "pyav"
    sampling: SamplingSlot | None = None
    transforms: dict[str, TransformSlot] = field(factory=dict)
    views: Views = field(factory=Views)
    scaling: Scaling = "area"


@frozen(kw_only=True)
class Promise:
    """What weights say of themselves: their contract, as config objects."""

    classes: tuple[str, ...]
    task: TaskSlot
    model: ModelSlot
    input: InputPromise
    plugins: dict[str, str] = field(factory=dict)  # distribution -> version that they were made with
    licence: str = ""


class Predictor:
    """Tells what is in videos.

    Example:
        ```python
        predictor = Predictor(run="runs/x")
        for prediction in predictor("clip.mp4"):
            print(predictor.top_k(prediction, 3))  # [("run", 0.83), ("jump", 0.11), ("swim", 0.02)]
        ```

    Args:
        recipe: Recipe, alias or TOML file that says how the weights are used. Needed for weights without a contract
            whose recipe is not known; without `weights`, the published ones of the recipe are taken.
        run: A run folder; its best weights are taken, or the last ones where none are best.
        weights: A file, an address, or the name of published weights.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "fp32", "tf32", "bf16", "fp16".

    Raises:
        ConfigError: Not enough is given to know what to build.
        RunError: The folder holds no finished weights.
        WeightsError: The weights cannot be had, or do not fit.
    """

    def __init__(
        self,
        recipe: str | Path | None = None,
        *,
        run: str | os.PathLike[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        source, promise = _find(recipe, run, weights)
        if promise.input.sampling is None and promise.input.reader is None:
            raise ConfigError(f"{source} is for a model that does not look at videos: it has no sampling of frames")
        self.promise = promise
        self.classes = promise.classes
        self.task: Task = build(promise.task, promise.classes)
        self.device = choose_device(device)
        self.model: nn.Module = build(promise.model)
        load_weights(self.model, source)
        self.model.to(self.device).eval()
        to_channels_last(self.model)
        self._forward = Forward(
            task=self.task,
            device=self.device,
            precision=choose_precision(precision, self.device),
            max_per_forward=promise.input.views.max_per_forward,
        )
        self._reader = None if promise.input.reader is None else build(promise.input.reader)
        given = asdict(promise.input, recurse=False, filter=lambda entry, _: entry.name != "reader")
        self._context = build_context(root=Path.cwd(), **given)

    def __call__(self, videos: Video | Iterable[Video]) -> Iterator[Prediction]:
        """One prediction a video, in order, each made when it is asked for.

        Args:
            videos: A path or several; the bytes of a file; or frames in memory, RGB uint8 `[T, C, H, W]`.

        Raises:
            DataError: A video cannot be used; the message names it. To go on after a bad one, call `predict` for each.
        """
        several: Iterable[Video] = (
            [videos] if isinstance(videos, str | os.PathLike | bytes | Tensor | np.ndarray) else videos
        )
        for index, video in enumerate(several):
            yield self.predict(video, index)

    def predict(self, video: Video, index: int = 0) -> Prediction:
        """The prediction for one video. `index` is what its reference says."""
        batch = self.task.collate([self.read(video, index)])
        with self._forward.precision.matmul_settings():
            ((prediction, _),) = predict_batches(self.model, [batch], self._forward)
        return prediction

    def read(self, video: Video, index: int = 0) -> Sample:
        """The sample that the model would see of a video: every clip and crop, uint8 pixels.

        Raises:
            DataError: The video cannot be used; the message names it.
        """
        if self._reader is not None:
            sample: Sample = self._reader.read(video, SampleRef("", 0, index))
            return sample
        name = f"video {index}" if isinstance(video, bytes | Tensor | np.ndarray) else str(video)
        try:
            with self._opened(video, name) as reader:
                (reading,) = read_clips(reader, self._context, generator(0, Purpose.SAMPLE, index=index))
                info = reader.info
        except DataError as error:
            raise named(error, name) from error
        meta = {
            "path": name,
            "fps": info.fps,
            "num_frames": info.num_frames,
            "size": (info.height, info.width),
            "merge": self._context.views.merge,
            "frames": reading.frames.tolist(),
        }
        return Sample(ref=SampleRef("", 0, index), inputs={"video": reading.video}, target={}, meta=meta)

    def _opened(self, video: Video, name: str) -> VideoReader:
        if isinstance(video, Tensor | np.ndarray):
            return array_reader(video, name)
        return self._context.decoder.open(video if isinstance(video, bytes) else name)

    def top_k(self, prediction: Prediction, k: int = 5) -> list[tuple[str, float]]:
        """The k highest classes with their scores, best first; fewer where there are fewer classes.

        Raises:
            ConfigError: The task scores no classes.
        """
        scores = prediction.outputs.get("scores")
        if scores is None:
            raise ConfigError(f"the prediction has {', '.join(prediction.outputs)} but no scores of classes")
        scores = scores.mean(dim=0) if scores.ndim == 2 else scores  # views that are not merged
        best = scores.topk(min(k, len(self.classes)))
        return [(self.classes[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]


def array_reader(frames: Tensor | np.ndarray[Any, Any], name: str) -> WholeFrames:
    """Frames in memory, read like a video. Their frame rate is not known.

    Args:
        frames: RGB uint8 `[T, C, H, W]`.
        name: For messages.

    Raises:
        DataError: They have another type or shape, or there is none.
    """
    pixels = torch.as_tensor(frames)
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3 or not pixels.numel():
        last = pixels.ndim == 4 and pixels.shape[-1] == 3
        hint = "; these have channels last, so give frames.permute(0, 3, 1, 2)" if last else ""
        raise DataError(
            f"{name}: frames must be RGB uint8 [T, 3, H, W], at least one; got {pixels.dtype} {[*pixels.shape]}{hint}"
        )
    length, _, height, width = pixels.shape
    info = VideoInfo(num_frames=length, fps=0.0, width=width, height=height, timestamps=np.zeros(length))
    return WholeFrames(name, info, lambda numbers: pixels[numbers])


def _find(
    recipe: str | Path | None,
    run: str | os.PathLike[str] | None,
    weights: str | os.PathLike[str] | None,
) -> tuple[str, Promise]:
    """Where the weights are, and what they promise."""
    if run is not None:
        if recipe is not None or weights is not None:
            raise ConfigError("give either a run or weights, not both; the weights of a run say all that is needed")
        source = str(weights_of_run(Path(run)))
        return source, promise_of_contract(read_contract(source), source)
    if weights is None:
        if recipe is None:
            raise ConfigError("give a run, weights, or a recipe")
        return _published(recipe)
    source = os.fspath(weights)
    if recipe is not None:
        return source, promise_of_experiment(load_experiment(recipe))
    entry = find_weights(source)
    if entry is not None and entry.recipe:
        return source, promise_of_experiment(load_experiment(entry.recipe))
    source = str(locate(source))
    try:
        return source, promise_of_contract(read_contract(source), source)
    except WeightsError as error:
        raise WeightsError(f"{error} Or name a recipe that says how they are used.") from error


def promise_of_contract(contract: dict[str, Any], source: str) -> Promise:
    """The contract of weights as config objects.

    Raises:
        WeightsError: It names what is not installed, or does not fit the installed versions; tells every problem.
    """
    promise, problems = structure(_as_toml(contract), Promise, host())
    if promise is None:
        told = "\n".join(f"  {'.'.join(map(str, problem.path))}: {problem.text}" for problem in problems)
        made_with = ", ".join(f"{name} {version}" for name, version in contract.get("plugins", {}).items())
        raise WeightsError(
            f"{source} cannot be used here:\n{told}" + (f"\nIt was made with {made_with}." if made_with else "")
        )
    return promise


def promise_of_experiment(experiment: Experiment) -> Promise:
    """What an experiment says about using its model: that of its test data, else validation, else training."""
    shown = experiment.data.test or experiment.data.val or experiment.data.train
    if shown is None:
        raise ConfigError(f"{experiment.name}: the experiment has no data, so nothing says how videos are read")
    known = shown.facts(place(experiment.data.root))
    count = experiment.model.num_classes or known.num_classes
    classes = known.classes or (tuple(f"class {i}" for i in range(count)) if count else ())
    told = evolve(experiment, model=evolve(experiment.model, num_classes=count or len(classes)))
    return promise_of_contract(weights_contract(told, classes), experiment.name)


def _published(recipe: str | Path) -> tuple[str, Promise]:
    """The published weights of a recipe."""
    experiment = load_experiment(recipe)
    found = host().find_recipe(str(recipe))
    names = [entry.name for entry in host().weights.values() if found is not None and entry.recipe == found.name]
    if len(names) != 1:
        listed = ", ".join(names) or "none is known"
        raise ConfigError(f"which weights? Give `weights`; published ones of {recipe}: {listed}")
    return names[0], promise_of_experiment(experiment)


def weights_of_run(folder: Path) -> Path:
    """The best weights of a run, the last ones where none are best.

    Raises:
        RunError: There are none.
    """
    for name in ("best", "last"):
        path = folder / "weights" / f"{name}.safetensors"
        if path.is_file():
            return path
    reason = "holds no weights yet; start it with `vidcore run`" if folder.is_dir() else "does not exist"
    raise RunError(f"the run folder {folder} {reason}")


def _as_toml(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract as a table of TOML would be: transforms, which have an order, by name."""
    given = contract.get("input")
    if not (isinstance(given, dict) and isinstance(given.get("transforms"), list)):
        return contract
    pairs = [pair for pair in given["transforms"] if isinstance(pair, list) and len(pair) == 2]
    return {**contract, "input": {**given, "transforms": {str(name): transform for name, transform in pairs}}}
