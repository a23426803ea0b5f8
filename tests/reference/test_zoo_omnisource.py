"""The recipe of images and videos says what the published configuration of its name says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import zoo
from attrs import evolve

from vidcore.config import Experiment
from vidcore.plugins import host

(ROW,) = zoo.rows("omnisource")
(LOADER,) = ROW["train_loop"]["other_loaders"]  # of the images
HEAD, STEPS = ROW["model"]["cls_head"], zoo.STEPS_PER_EPOCH


def recipe() -> Experiment:
    return zoo.load(str(zoo.recipe_of(ROW)))


def test_the_recipe_says_what_the_configuration_says_of_videos() -> None:
    row = {**ROW, "model": {"cls_head": {**HEAD, "num_classes": HEAD["video_classes"]}}}
    experiment = recipe()
    train: Any = experiment.data.train
    videos = evolve(train.whole("videos"), batch_size=train.videos_in_batch)
    alone = evolve(experiment, data=evolve(experiment.data, train=videos))
    expected, stated = zoo.expected(row), zoo.stated(alone)
    assert {key: stated.get(key) for key in expected} == expected


def test_the_recipe_says_what_the_configuration_says_of_images() -> None:
    train: Any = recipe().data.train
    images = train.whole("images")
    assert (train.images_in_batch, train.batch_size) == (LOADER["batch_size"], 16 + LOADER["batch_size"])
    folders = LOADER["dataset"]
    assert images.list.endswith(f"imagenet/{folders['ann_file']}")
    assert images.folder.endswith(f"imagenet/{folders['data_prefix']}")
    _, crop, flip, _ = folders["pipeline"]
    stated = [(zoo._name(one), zoo._argument(one)) for one in images.transforms.values()]
    assert stated == [("random-resized-crop", crop["scale"]), ("flip", flip["prob"])]
    assert images.sampling.num_frames == 1
    assert train.epoch == "shorter"  # an epoch ends with the loader that is through first


def test_the_network_is_the_configuration_s() -> None:
    model: Any = recipe().model
    backbone = ROW["model"]["backbone"]
    assert [len(plan.inflation) for plan in model.stages()] == backbone["layers"]
    assert model.stages()[-1].out_channels == HEAD["in_channels"]
    assert model.image_classes == HEAD["image_classes"]
    assert (model.image_dropout, model.video_dropout) == (HEAD["image_dropout_ratio"], HEAD["video_dropout_ratio"])
    assert model.video_hidden == HEAD["video_nl_head"]
    assert model.norm_momentum == 0.01  # as `norms` of the recorded network has it


def test_both_losses_count_alike() -> None:
    task: Any = recipe().task
    assert (task.video_weight, task.image_weight, task.loss, task.image_loss) == (1.0, 1.0, None, None)


def test_the_learning_rate_is_the_same_at_every_step() -> None:
    """The two schedulers of the row, both counting steps: a straight line up, then half a cosine."""
    linear, cosine = ROW["schedulers"]
    assert linear["convert_to_iter_based"] and cosine["convert_to_iter_based"]
    begin, length = linear["end"] * STEPS, cosine["T_max"] * STEPS
    rates = []
    for step in range(ROW["train_loop"]["max_epochs"] * STEPS):
        start = linear["start_factor"]
        up = start + (1 - start) * min(step / (begin - 1), 1.0)
        down = (1 + math.cos(math.pi * max(step - begin, 0) / length)) / 2
        rates.append(ROW["optimizer"]["lr"] * up * down)
    planned = zoo.planned_learning_rates(recipe()).ravel()
    np.testing.assert_allclose(planned, rates, rtol=1e-9, atol=1e-12)


def test_the_hash_is_the_one_that_the_address_ends_with() -> None:
    (published,) = ROW["published"]
    (entry,) = [entry for entry in host().weights.values() if entry.url == published["checkpoint"]]
    assert published["checkpoint"].endswith(f"-{entry.sha256}.pth")
