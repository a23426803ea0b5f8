from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from torch import Tensor, nn

from vidcore.errors import ConfigError, DataError
from vidcore.plugins import build
from vidcore.values import Batch, Prediction, Sample, SampleRef
from vidcore_recognition.config import Mix, Recognition
from vidcore_recognition.task import RecognitionTask

CLASSES = ["run", "jump", "swim"]
RNG = np.random.default_rng(0)


def sample(index: int, views: int = 1, size: int = 8, **changes: Any) -> Sample:
    video = torch.randint(0, 256, (views, 3, 4, size, size), dtype=torch.uint8)
    values: dict[str, Any] = {"inputs": {"video": video}, "target": {"label": index % 3}}
    return Sample(ref=SampleRef("", 0, index), **(values | changes))


def task(**options: Any) -> RecognitionTask:
    built: RecognitionTask = build(Recognition(**options), CLASSES)
    return built


class Mean(nn.Module):
    """Logits are the mean of each channel."""

    def forward(self, video: Tensor) -> Tensor:
        return video.mean(dim=(2, 3, 4))


def test_views_of_all_samples_stand_one_after_the_other() -> None:
    samples = [sample(0, views=2), sample(1, views=1), sample(2, views=3)]
    batch = task().collate(samples)
    assert batch.views == [2, 1, 3]
    assert torch.equal(batch.inputs["video"], torch.cat([one.inputs["video"] for one in samples]))
    assert batch.target["label"].tolist() == [0, 1, 2]


def test_label_outside_the_classes_names_the_file() -> None:
    with pytest.raises(DataError, match=r"bad.mp4 has label 7; the 3 classes are 0 \.\.\. 2"):
        task().collate([sample(0, target={"label": 7}, meta={"path": "bad.mp4"})])


def test_half_labelled_batch_is_refused() -> None:
    with pytest.raises(DataError, match="sample 1 has no 'label'"):
        task().collate([sample(0), sample(1, target={})])


def test_pixels_are_normalised_by_channel() -> None:
    recognition = task(mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    batch = recognition.collate([sample(0)])
    prepared = recognition.prepare(batch, RNG, training=False).inputs["video"]
    video = batch.inputs["video"].float()
    for channel, (mean, std) in enumerate(((1, 2), (2, 4), (3, 8))):
        torch.testing.assert_close(prepared[:, channel], (video[:, channel] - mean) / std)


def test_channels_last_memory_survives_from_decoder_to_model() -> None:
    def channels_last(index: int) -> Sample:
        frames = torch.randint(0, 256, (1, 4, 8, 8, 3), dtype=torch.uint8)  # as decoded: V, T, H, W, C
        return sample(index, inputs={"video": frames.permute(0, 4, 1, 2, 3)})

    recognition = task()
    prepared = recognition.prepare(recognition.collate([channels_last(0), channels_last(1)]), RNG, training=False)
    assert prepared.inputs["video"].is_contiguous(memory_format=torch.channels_last_3d)


def test_inputs_that_are_no_pixels_pass_untouched() -> None:
    audio = torch.randn(1, 1, 5, 6)
    recognition = task()
    batch = recognition.collate([sample(0, inputs={"audio": audio})])
    assert torch.equal(recognition.prepare(batch, RNG, training=True).inputs["audio"], audio)


def test_wrong_number_of_channels_is_told() -> None:
    recognition = task(mean=(0.0, 0.0), std=(1.0, 1.0))
    with pytest.raises(ConfigError, match="have 2 values, but input 'video' has 3 channels"):
        recognition.prepare(recognition.collate([sample(0)]), RNG, training=False)


def batch_of(views: list[int], merge: str = "prob", labels: list[int] | None = None) -> Batch:
    return Batch(
        refs=[SampleRef("", 0, i) for i in range(len(views))],
        inputs={},
        target={"label": torch.tensor(labels or [0] * len(views))},
        meta=[{"merge": merge}] * len(views),
        views=views,
    )


LOGITS = torch.tensor([[4.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])


def test_prob_averages_views_after_softmax() -> None:
    first, second = task().predict(LOGITS, batch_of([2, 1]))
    torch.testing.assert_close(first.outputs["scores"], LOGITS[:2].softmax(1).mean(0))
    torch.testing.assert_close(second.outputs["scores"], LOGITS[2].softmax(0))


def test_score_averages_views_before_softmax() -> None:
    first, _ = task().predict(LOGITS, batch_of([2, 1], "score"))
    torch.testing.assert_close(first.outputs["scores"], LOGITS[:2].mean(0).softmax(0))


def test_none_keeps_every_view_apart() -> None:
    first, second = task().predict(LOGITS, batch_of([2, 1], "none"))
    torch.testing.assert_close(first.outputs["scores"], LOGITS[:2].softmax(1))
    assert second.outputs["scores"].shape == (1, 3)


def test_scores_are_float32_whatever_the_model_computes_in() -> None:
    (prediction,) = task().predict(LOGITS[:1].bfloat16(), batch_of([1]))
    assert prediction.outputs["scores"].dtype == torch.float32


def test_several_labels_are_scored_each_on_its_own() -> None:
    (prediction,) = task(multi_label=True).predict(LOGITS[:1], batch_of([1]))
    torch.testing.assert_close(prediction.outputs["scores"], LOGITS[0].sigmoid())


def test_loss_defaults_to_bce_for_several_labels() -> None:
    target = torch.tensor([[1.0, 0.0, 1.0]])
    batch = Batch(refs=[SampleRef("", 0, 0)], inputs={}, target={"labels": target}, meta=[{}], views=[1])
    loss = task(multi_label=True).loss(LOGITS[:1], batch)
    torch.testing.assert_close(loss.total, nn.functional.binary_cross_entropy_with_logits(LOGITS[:1], target))
    assert set(loss.parts) == {"loss"}


def test_each_view_is_trained_on_its_samples_target() -> None:
    loss = task().loss(LOGITS, batch_of([2, 1], labels=[0, 2]))
    torch.testing.assert_close(loss.total, nn.functional.cross_entropy(LOGITS, torch.tensor([0, 0, 2])))
    assert float(loss.parts["top1"]) == pytest.approx(2 / 3)
    assert not loss.parts["loss"].requires_grad


def test_targets_come_apart_by_sample() -> None:
    recognition = task()
    batch = recognition.collate([sample(0), sample(1)])
    assert list(recognition.targets(batch)) == [{"label": 0}, {"label": 1}]
    assert list(recognition.targets(recognition.collate([sample(0, target={})]))) == [{}]


def test_forward_calls_the_model_with_inputs_by_name() -> None:
    recognition = task(mean=(0.0,) * 3, std=(1.0,) * 3)
    batch = recognition.prepare(recognition.collate([sample(0, views=2)]), RNG, training=False)
    torch.testing.assert_close(recognition.forward(Mean(), batch), batch.inputs["video"].mean(dim=(2, 3, 4)))


def test_task_can_be_sent_to_a_worker() -> None:
    batch = pickle.loads(pickle.dumps(task())).collate([sample(0)])
    assert batch.views == [1]


def test_no_classes_is_an_error() -> None:
    with pytest.raises(ConfigError, match="recognition needs classes"):
        build(Recognition(), [])


def test_mean_and_std_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="'std' has 3 values and 'mean' 1"):
        Recognition(mean=(1.0,))


def mixed(mix: Mix, seed: int, training: bool = True) -> tuple[Batch, Batch]:
    recognition = task(mix=mix, mean=(0.0,) * 3, std=(1.0,) * 3)
    batch = recognition.collate([sample(i) for i in range(3)])
    plain = recognition.prepare(batch, RNG, training=False)
    return plain, recognition.prepare(batch, np.random.default_rng(seed), training=training)


def test_mixup_blends_pixels_and_targets_by_the_same_share() -> None:
    plain, blended = mixed(Mix(mixup=1.0), seed=1)
    soft = blended.target["labels"]
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(3))
    expected = torch.einsum("nk,kcthw->ncthw", soft, plain.inputs["video"])  # labels are 0, 1, 2: one a sample
    torch.testing.assert_close(blended.inputs["video"], expected)


def test_cutmix_share_is_the_area_that_stays() -> None:
    plain, blended = mixed(Mix(cutmix=1.0), seed=3)
    own = (blended.inputs["video"] == plain.inputs["video"]).all(dim=1).flatten(1).float().mean(dim=1)
    torch.testing.assert_close(own, blended.target["labels"].diagonal(), atol=0.02, rtol=0)
    assert own.min() < 1.0


def test_mixing_hangs_on_its_generator_alone() -> None:
    first, second = mixed(Mix(mixup=0.8, cutmix=1.0), seed=5)[1], mixed(Mix(mixup=0.8, cutmix=1.0), seed=5)[1]
    assert torch.equal(first.target["labels"], second.target["labels"])


def test_nothing_is_mixed_in_evaluation() -> None:
    plain, evaluated = mixed(Mix(mixup=1.0), seed=1, training=False)
    assert torch.equal(plain.inputs["video"], evaluated.inputs["video"])
    assert "labels" not in evaluated.target


def test_probability_zero_never_mixes() -> None:
    assert "labels" not in mixed(Mix(mixup=1.0, probability=0.0), seed=1)[1].target


def test_mix_without_any_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha above 0"):
        Mix()


def drawn(task: RecognitionTask, prediction: Prediction, frames: Tensor) -> Tensor:
    return task.draw([prediction], frames, [0.1 * i for i in range(len(frames))])


def test_drawn_prediction_keeps_the_shape_and_touches_only_the_lower_half() -> None:
    frames = torch.full((2, 3, 120, 160), 128, dtype=torch.uint8)
    (prediction,) = task().predict(LOGITS[:1], batch_of([1]))
    painted = drawn(task(), prediction, frames)
    assert (painted.shape, painted.dtype) == (frames.shape, torch.uint8)
    assert torch.equal(painted[:, :, :60], frames[:, :, :60])
    assert not torch.equal(painted[:, :, 60:], frames[:, :, 60:])


def test_longest_bar_belongs_to_the_best_class() -> None:
    frames = torch.zeros(1, 3, 150, 200, dtype=torch.uint8)
    prediction = task().predict(torch.tensor([[0.0, 0.0, 5.0]]), batch_of([1]))[0]
    painted = drawn(task(top_k=1), prediction, frames)
    orange = (painted[0, 0].int() - painted[0, 2].int()) > 60
    assert 0.9 * 200 < orange.sum(dim=1).max() < 200


def test_of_several_predictions_each_is_drawn_where_it_looked() -> None:
    frames = torch.zeros(4, 3, 120, 160, dtype=torch.uint8)
    one, other = task().predict(torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), batch_of([1, 1]))
    early = evolve(one, meta={"frames": [[0, 4, 8]], "fps": 10.0})
    late = evolve(other, meta={"frames": [[20, 24, 28]], "fps": 10.0})
    painted = task().draw([early, late], frames, [0.0, 1.3, 1.5, 9.0])
    assert torch.equal(painted[0], painted[1]) and torch.equal(painted[2], painted[3])
    assert not torch.equal(painted[1], painted[2])


def test_tiny_frames_and_long_names_can_be_drawn() -> None:
    recognition = build(Recognition(), ["a very long name of a class " * 5, "b"])
    frames = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    prediction = recognition.predict(torch.zeros(1, 2), batch_of([1]))[0]
    assert drawn(recognition, prediction, frames).shape == frames.shape


def test_drawing_over_floats_is_refused() -> None:
    prediction = task().predict(LOGITS[:1], batch_of([1]))[0]
    with pytest.raises(DataError, match=r"uint8 frames \[T, 3, H, W\]; got torch.float32 \[1, 3, 8, 8\]"):
        drawn(task(), prediction, torch.zeros(1, 3, 8, 8))
