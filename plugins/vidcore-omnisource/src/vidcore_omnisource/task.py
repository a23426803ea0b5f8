"""Recognition of videos, with images beside them in training.

In a batch of both, samples of videos come first. The videos are the business of `RecognitionTask`, alone or not.
Letters: N videos, M images, C channels, H W pixels, K classes of videos, L classes of images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from attrs import evolve
from torch import Tensor, nn

from vidcore.errors import DataError
from vidcore.interfaces import Loss
from vidcore.plugins import build
from vidcore.values import Batch, Sample
from vidcore_omnisource.config import ImagesAndVideosRecognition
from vidcore_recognition.losses.config import CrossEntropy
from vidcore_recognition.task import RecognitionTask
from vidcore_tasks.batching import join_samples
from vidcore_tasks.pixels import Normalize


class ImagesAndVideosTask(RecognitionTask):
    """Recognition whose batches may have images, with classes of their own: `image [M, C, H, W]`, `image_label [M]`."""

    def __init__(self, config: ImagesAndVideosRecognition, classes: Sequence[str]) -> None:
        super().__init__(config, classes)
        self._weights = {"video": config.video_weight, "image": config.image_weight}
        self._image_criterion = build(config.image_loss or CrossEntropy())
        self._image_pixels = Normalize(config.mean, config.std)

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Videos, then images.

        Raises:
            DataError: Samples of a kind differ in the shape of an input, or a label of a video is outside the classes.
        """
        images = [sample for sample in samples if "image" in sample.inputs]
        videos = [sample for sample in samples if "image" not in sample.inputs]
        return together(super().collate(videos) if videos else None, _join_images(images) if images else None)

    def prepare(self, batch: Batch, rng: np.random.Generator, training: bool) -> Batch:
        """Pixels to normalised float32; in training also mixup and cutmix, of videos with videos."""
        videos, images = apart(batch)
        if images is not None:
            images = evolve(images, inputs=self._image_pixels.inputs(images.inputs))
        return together(super().prepare(videos, rng, training) if videos is not None else None, images)

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Logits of every view `[N, K]`; of a batch with images, `{"video": [N, K], "image": [M, L]}`."""
        return model(**batch.inputs)

    def loss(self, outputs: Any, batch: Batch) -> Loss:
        """Weighted sum of the losses of videos and images, each a mean over its own.

        Raises:
            DataError: An image has a class that the model does not know.
        """
        if isinstance(outputs, Tensor):
            if "kind" not in batch.meta[0]:  # not from data of both
                return super().loss(outputs, batch)
            outputs = {"video": outputs}
        videos, images = apart(batch)
        of_videos = super().loss(outputs["video"], videos) if videos is not None else None
        of_images = self._loss_of_images(outputs["image"], images) if images is not None else None
        losses = {"video": of_videos, "image": of_images}
        there = [self._weights[kind] * loss.total for kind, loss in losses.items() if loss is not None]
        total = torch.stack(there).sum()
        nothing = torch.zeros((), device=total.device)  # where no sample of a kind could be read
        figures = ("loss", "top1") if not self.config.multi_label else ("loss",)
        parts = {
            f"{kind}_{name}": loss.parts[name] if loss is not None else nothing
            for kind, loss in losses.items()
            for name in (figures if kind == "video" else ("loss", "top1"))
        }
        return Loss(total=total, parts={"loss": total.detach(), **parts})

    def made_target(self, index: int) -> dict[str, Any]:
        """A target for either kind of sample that a dry run makes."""
        return {**super().made_target(index), "image_label": 0}

    def _loss_of_images(self, logits: Tensor, images: Batch) -> Loss:
        known = logits.shape[1]
        for meta in images.meta:  # not on the device, which would have to be waited for
            if not 0 <= meta["image_label"] < known:
                raise DataError(
                    f"image {meta.get('path', '')} has label {meta['image_label']}; the classes of images are 0 ... "
                    f"{known - 1}: mend its label, or set model.image_classes"
                )
        target = images.target["image_label"]
        total = self._image_criterion(logits, target)
        top1 = (logits.detach().argmax(dim=1) == target).float().mean()
        return Loss(total=total, parts={"loss": total.detach(), "top1": top1})


def _join_images(images: Sequence[Sample]) -> Batch:
    """Images alone. Their labels stand in `meta`, too."""
    labels = [int(sample.target["image_label"]) for sample in images]
    batch = join_samples(images, {"image_label": torch.tensor(labels)})
    return evolve(batch, meta=[{**meta, "image_label": label} for meta, label in zip(batch.meta, labels, strict=True)])


def together(videos: Batch | None, images: Batch | None) -> Batch:
    """One batch of both; at least one is there."""
    if videos is None or images is None:
        one = videos if videos is not None else images
        assert one is not None, "a batch has samples"
        return one
    return Batch(
        refs=[*videos.refs, *images.refs],
        inputs=videos.inputs | images.inputs,
        target=videos.target | images.target,
        meta=[*videos.meta, *images.meta],
        views=[*videos.views, *images.views],
        draws=videos.draws,
    )


def apart(batch: Batch) -> tuple[Batch | None, Batch | None]:
    """The videos and the images of a batch; None where there is none."""
    if "image" not in batch.inputs:
        return batch, None
    count = len(batch) - len(batch.target["image_label"])
    images = evolve(
        batch,
        refs=batch.refs[count:],
        inputs={"image": batch.inputs["image"]},
        target={"image_label": batch.target["image_label"]},
        meta=batch.meta[count:],
        views=batch.views[count:],
        draws={},
    )
    if not count:
        return None, images
    videos = evolve(
        batch,
        refs=batch.refs[:count],
        inputs={name: value for name, value in batch.inputs.items() if name != "image"},
        target={name: value for name, value in batch.target.items() if name != "image_label"},
        meta=batch.meta[:count],
        views=batch.views[:count],
    )
    return videos, images
