"""From a file of poses in pixels to measured predictions, and a video whose key points stay on what they mark."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve

import vidcore
from vidcore import load_experiment
from vidcore.config.base import Views
from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.transform_config import Flip, RandomResizedCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.engine.predictions import read_predictions
from vidcore.errors import DataError
from vidcore.plugins import build
from vidcore.testing import check_dataset, check_metric, make_video
from vidcore.values import Batch, Prediction, Sample, SampleRef
from vidcore_posec3d.config import RgbPose, RgbPoseRecognition
from vidcore_posec3d.data_config import VideoPose
from vidcore_posec3d.metric_config import StreamAccuracy
from vidcore_posec3d.transform_config import Compact
from vidcore_skeleton.layouts import Layout
from vidcore_skeleton.sampling_config import UniformDraws

EXPERIMENT = """
optimizer = {type = "adamw", lr = 0.005}
schedule = "cosine"
metrics = {accuracy = {type = "accuracy", top_k = [1]}}
engine = {epochs = 3, device = "cpu", checkpoint = {every = 3}}

[data]
workers = 0

[task]
type = "heatmap-recognition"
heatmaps = {sigma = 1.0, limbs = [[0, 1]]}

[model]
type = "posec3d"

[model.network]
type = "slowonly"
depth = 10
base_channels = 8
in_channels = 4
stem_stride = [1, 1, 1]
spatial_strides = [2, 2]
temporal_strides = [1, 1]
dilations = [1, 1]
inflation = ["3x1x1", "3x1x1"]
dropout = 0.0
zero_init_residual = false
"""
SPLIT = """
[data.SPLIT]
type = "skeleton-pickle"
annotations = "poses.pkl"
split = "SPLIT"
classes = ["up", "down"]
batch_size = 8
sampling = {type = "uniform-draws", num_frames = 8}

[data.SPLIT.transforms]
compact = {type = "compact", aspect = [1.0, 1.0]}
resize = {type = "resize", size = 16}
"""
LAYOUT = Layout(joints=3, left=(1,), right=(2,))


def made_poses(folder: Path) -> None:
    """Three joints that tremble; the first is above or below the others."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(32):
        joints = np.repeat(rng.uniform(20, 80, (1, 1, 3, 2)), 16, axis=1) + rng.normal(0, 1, (1, 16, 3, 2))
        joints[:, :, 0, 1] = joints[:, :, 1:, 1].mean() + (30 if index % 2 else -30)
        row = {"frame_dir": f"p{index}", "label": index % 2, "total_frames": 16, "img_shape": (120, 100)}
        scores = np.ones((1, 16, 3), np.float32)
        rows.append(row | {"keypoint": joints.astype(np.float32), "keypoint_score": scores})
    names = [row["frame_dir"] for row in rows]
    content = {"split": {"train": names[:24], "val": names[24:]}, "annotations": rows}
    (folder / "poses.pkl").write_bytes(pickle.dumps(content))


def test_an_action_is_learned_from_heatmaps_and_told_from_each_clip_and_its_mirror_image(tmp_path: Path) -> None:
    made_poses(tmp_path)
    file = tmp_path / "hand.toml"
    mirrored = 'mirrored = {type = "mirrored-views", layout = {joints = 3, left = [1], right = [2]}}\n'
    file.write_text(EXPERIMENT + SPLIT.replace("SPLIT", "train") + SPLIT.replace("SPLIT", "val") + mirrored)
    experiment = load_experiment(file, {"data.val.views.clips": 2, "data.train.times": 5})
    vidcore.run(experiment, runs=tmp_path / "runs")
    predictions = read_predictions(tmp_path / "runs" / "hand" / "predictions" / "val.jsonl")
    right = [int(p.outputs["scores"].argmax()) == target["label"] for p, target in predictions.samples]
    assert len(right) == 8
    assert np.mean(right) >= 0.85
    dataset = build_dataset(experiment.data, "val")
    (sample,) = dataset.sample(SampleRef("", 0, 0), np.random.default_rng(0))
    assert sample.inputs["pose"].shape == (4, 2, 8, 3, 3)  # two clips, then their mirror images
    assert sample.meta["frame_size"] == (16, 16)


def spot(index: int, width: int, height: int) -> np.ndarray:
    """A white disc on grey, which goes to the right."""
    y, x = np.mgrid[:height, :width]
    disc = (x - (30 + 2 * index)) ** 2 + (y - 50) ** 2 <= 25
    return np.where(disc[..., None], 255, 60).astype(np.uint8).repeat(3, axis=2)


@pytest.fixture
def spots(tmp_path: Path) -> Path:
    """A video of the disc, and key points: 0 its middle, 1 and 2 left and right of it."""
    make_video(tmp_path / "videos" / "spot.mp4", num_frames=16, width=160, height=120, picture=spot)
    x = 30.0 + 2 * np.arange(16)
    joints = np.stack([np.stack([x + shift, np.full(16, 50.0)], axis=-1) for shift in (0, -20, 20)], axis=1)[None]
    # annotated on frames of twice the size
    row = {"frame_dir": "spot", "label": 1, "total_frames": 16, "img_shape": (240, 320)}
    row |= {"keypoint": np.float32(joints * 2), "keypoint_score": np.ones((1, 16, 3), np.float32)}
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps([row]))
    return tmp_path


def spot_config(**changes: object) -> VideoPose:
    config = VideoPose(
        annotations="poses.pkl",
        folder="videos",
        suffix=".mp4",
        classes=("a", "b"),
        layout=LAYOUT,
        persons=1,
        sampling=UniformDraws(num_frames=4),
        video_sampling=UniformDraws(num_frames=4),
        compact=Compact(aspect=(1.0, 1.0), padding=0.5, smallest=0.0),
        transforms={
            "resize": Resize(size=64),
            "crop": RandomResizedCrop(size=48, area=(0.6, 1.0)),
            "flip": Flip(probability=0.5),
        },
    )
    return evolve(config, **changes)


def read(root: Path, config: VideoPose, split: str, seed: int = 0) -> Sample:
    data = Data(root=str(root), decoder=PyAVConfig(index_cache=False), **{split: config})
    dataset = build_dataset(data, split)
    check_dataset(dataset)
    (sample,) = dataset.sample(SampleRef("", 0, 0), np.random.default_rng(seed))
    return sample


def test_key_points_stay_on_what_they_mark_through_cuts_and_mirrors(spots: Path) -> None:
    mirrored = 0
    for seed in range(6):
        # the same frames for both: the draws of one part of a clip of all frames
        config = spot_config(sampling=UniformDraws(num_frames=16), video_sampling=UniformDraws(num_frames=16))
        sample = read(spots, config, "train", seed)
        video, pose = sample.inputs["video"], sample.inputs["pose"]
        assert video.shape == (1, 3, 16, 48, 48)
        assert pose.shape == (1, 1, 16, 3, 3)
        assert sample.meta["frame_size"] == (48, 48)
        left, right = pose[0, 0, :, 1, 0], pose[0, 0, :, 2, 0]
        assert bool((left < right).all())  # whatever the mirror did, 1 is the left one
        for frame in range(16):
            bright = (video[0, 0, frame] > 150).nonzero().float()
            if len(bright) > 20:
                y, x = (bright.mean(dim=0) + 0.5).tolist()
                assert pose[0, 0, frame, 0, :2].tolist() == pytest.approx([x, y], abs=2.0)
                mirrored += frame == 15 and x < 24
    assert mirrored


def test_clips_of_the_test_are_all_there(spots: Path) -> None:
    config = spot_config(views=Views(clips=3), transforms={"resize": Resize(size=32)})
    sample = read(spots, config, "test")
    assert sample.inputs["video"].shape == (3, 3, 4, 32, 32)
    assert sample.inputs["pose"].shape == (3, 1, 4, 3, 3)


def test_poses_of_another_video_are_refused(spots: Path) -> None:
    make_video(spots / "videos" / "spot.mp4", num_frames=9, width=160, height=120)
    data = Data(root=str(spots), decoder=PyAVConfig(index_cache=False), train=spot_config())
    with pytest.raises(DataError, match=r"spot\.mp4: the video has 9 frames and its key points 16"):
        build_dataset(data, "train").sample(SampleRef("", 0, 0), np.random.default_rng(0))


def test_two_streams_are_trained_together_and_told_apart() -> None:
    config = RgbPoseRecognition(pose_weight=0.5)
    task = build(config, ["a", "b", "c"])
    model = build(evolve(RgbPose.example(), num_classes=3, pose_channels=5))
    batch = Batch(
        refs=[SampleRef("", 0, 0), SampleRef("", 0, 1)],
        inputs={
            "video": torch.randint(0, 255, (3, 3, 2, 32, 32), dtype=torch.uint8),
            "pose": torch.rand(3, 1, 8, 5, 3) * 8,
        },
        target={"label": torch.tensor([0, 2])},
        meta=[{"frame_size": (8, 8)}, {"frame_size": (8, 8)}],
        views=[2, 1],
    )
    prepared = task.prepare(batch, np.random.default_rng(0), training=False)
    outputs = task.forward(model, prepared)
    loss = task.loss(outputs, prepared)
    rows, both = torch.tensor([0, 0, 2]), {}
    for name, logits in outputs.items():
        both[name] = torch.nn.functional.cross_entropy(logits, rows)
    torch.testing.assert_close(loss.total, both["rgb"] + 0.5 * both["pose"])
    assert set(loss.parts) == {"loss", "rgb_loss", "rgb_top1", "pose_loss", "pose_top1"}
    first, _ = task.predict(outputs, prepared)
    mean = (first.outputs["rgb_scores"] + first.outputs["pose_scores"]) / 2
    torch.testing.assert_close(first.outputs["scores"], mean)
    torch.testing.assert_close(first.outputs["rgb_scores"], outputs["rgb"][:2].softmax(1).mean(0).detach())


def test_accuracy_of_each_stream_and_of_sums() -> None:
    def sample(rgb: list[float], pose: list[float], label: int) -> tuple[Prediction, dict[str, int]]:
        outputs = {"rgb_scores": torch.tensor(rgb), "pose_scores": torch.tensor(pose)}
        return Prediction(ref=SampleRef("", 0, label), outputs=outputs), {"label": label}

    samples = [sample([0.9, 0.1], [0.4, 0.6], 0), sample([0.8, 0.2], [0.3, 0.7], 1)]
    config = StreamAccuracy(top_k=(1,))
    check_metric(config, ["a", "b"], samples)
    metric = build(config, ["a", "b"])
    for prediction, target in samples:
        metric.update(prediction, target)
    found = {name: value for name, value in metric.compute().items() if name.endswith("top1")}
    assert found == {
        "rgb_top1": 0.5,
        "pose_top1": 0.5,
        "rgb:pose_1:1_top1": 0.5,
        "rgb:pose_2:1_top1": 0.5,
        "rgb:pose_1:2_top1": 1.0,
    }
