"""What a task, model, data set, metric and decoder are: small protocols that plugins fulfil.

Nothing here is inherited from. A plugin's class has these methods; `vidcore.testing` checks that it does.
Letters: N samples, V views, C channels, T frames, H W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from torch import Tensor, nn

from vidcore.values import Batch, Prediction, Sample, SampleRef

if TYPE_CHECKING:
    from pathlib import Path

Scaling = Literal["area", "bilinear", "reference"]


@frozen
class FrameView:
    """Which part of a frame, at which size.

    Coordinates are pixels of the frame as shown, that is after rotation metadata is applied.
    """

    crop: tuple[int, int, int, int] | None = None  # x, y, width, height; None: the whole frame
    size: tuple[int, int] | None = None  # height, width after scaling; None: as cropped
    scaling: Scaling = "area"  # "reference": all to RGB, then bilinear without antialiasing, as published figures had
    window: tuple[int, int, int, int] | None = None  # x, y, width, height of what is kept of the scaled picture


@frozen(kw_only=True, eq=False)
class VideoInfo:
    """What is known of a video without decoding it."""

    num_frames: int
    fps: float
    width: int  # as shown, after rotation
    height: int
    timestamps: np.ndarray[Any, np.dtype[np.float64]]  # seconds of each frame, ascending, [num_frames]
    codec: str = ""
    rotation: int = 0  # degrees clockwise that were applied: 0, 90, 180, 270
    channels: int = 3  # RGB
    # Channels are no colours but x and y of movements in turn, as optical flow stores them: 0 is far to the left or
    # upwards, 255 as far to the right or downwards. A mirrored frame moves the other way.
    moves: bool = False


class VideoReader(Protocol):
    """An open video, random access by frame index."""

    @property
    def info(self) -> VideoInfo: ...

    def frames(self, indices: Sequence[int], view: FrameView | None = None) -> Tensor:
        """Frames in the order asked for, duplicates allowed: RGB uint8 `[N, C, H, W]`.

        Raises:
            DataError: An index is outside the video, or the frame cannot be decoded.
        """

    def read(self, requests: Sequence[tuple[Sequence[int], FrameView | None]]) -> list[Tensor]:
        """`frames` of each request, with one decoding pass for all of them."""

    def close(self) -> None: ...

    def __enter__(self) -> VideoReader: ...

    def __exit__(self, *error: object) -> None: ...


class Decoder(Protocol):
    """Opens videos. One instance serves a whole data set and is pickled to its workers."""

    def open(self, path: str | Path | bytes) -> VideoReader:
        """Open a file, or the bytes of one. Raises DataError when it is missing, is no video, or holds no frame."""


@frozen
class Finding:
    """Something that `Dataset.check` noticed about the data on disk."""

    level: Literal["error", "warning"]
    where: str  # file, or file:row
    text: str  # what is wrong and how to mend it


@runtime_checkable
class Dataset(Protocol):
    """Samples by index. Holds no state that changes while it is read: everything random comes from `rng`."""

    @property
    def classes(self) -> Sequence[str]: ...

    def __len__(self) -> int: ...

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat; the repeats share one decoding pass.

        Raises:
            DataError: The file cannot be used. The loader then replaces or stops, as the experiment says.
        """

    def check(self, deep: bool = False) -> Iterable[Finding]:
        """Problems found by looking at lists and files; `deep` decodes what the sampler would ask for."""


@runtime_checkable
class ChoosesSamples(Dataset, Protocol):
    """A data set that says itself which of its samples an epoch of training has, and how often."""

    @property
    def samples_per_epoch(self) -> int: ...

    def order(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """Indices of the samples of an epoch, in their order: a function of these two alone."""


@runtime_checkable
class Model(Protocol):
    """An `nn.Module` that turns normalised inputs into logits or typed outputs, the same in train and eval mode.

    May also offer `blocks() -> list[nn.Module]` (units for compilation, sharding, checkpointing),
    `head_prefixes: tuple[str, ...]` (parameter names that depend on the classes),
    `param_groups() -> list[dict]` and `layer_ids() -> dict[str, int]`.
    """

    def features(self, **inputs: Tensor) -> tuple[Tensor, ...]:
        """Unpooled maps, coarse last."""

    def __call__(self, **inputs: Any) -> Any: ...


@frozen(kw_only=True, eq=False)
class Loss:
    """The scalar to minimise and the named parts that a person wants to see beside it."""

    total: Tensor
    parts: dict[str, Tensor] = field(factory=dict)


class Metric(Protocol):
    """Gathers predictions and answers fractions (0.79, not 79). Never hears of processes or batches.

    May also offer `lower_is_better: tuple[str, ...]`, the names of its figures that are errors: where one of them picks
    the best weights, the lowest value does. All others are the better the higher they are.
    """

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None: ...

    def compute(self) -> dict[str, float]: ...


class Task(Protocol):
    """What a batch is for this problem: how it is prepared, scored and turned into predictions."""

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples into a batch on the CPU, in a worker."""

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """On the device: normalise, apply draws, mix. `rng` is keyed by (seed, step, chunk)."""

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Call the model with the inputs that it wants."""

    def loss(self, outputs: Any, batch: Batch) -> Loss: ...

    def predict(self, outputs: Any, batch: Batch) -> list[Prediction]:
        """One prediction a sample, its views merged."""

    def targets(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """The target of each sample of the batch on its own, for metrics."""

    def draw(self, predictions: Sequence[Prediction], frames: Tensor, seconds: Sequence[float]) -> Tensor:
        """All that was said of one video, painted over frames of it that are shown at these seconds.

        Frames are uint8 `[T, C, H, W]`, in and out; which prediction belongs to which moment is the task's to know.
        """
