"""What the made videos of actors show is what their annotation says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from vidcore.config import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.randomness import Purpose, generator
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_ava.actors import ACTIONS, FPS, GLOW, HEIGHT, SECONDS, WAVE, WIDTH, Actors, draw_actor, pictures
from vidcore_ava.config import ActorStage, Ava
from vidcore_detection.sampling_config import KeyFrame


def test_actors_do_what_their_labels_say() -> None:
    seen: set[int] = set()
    for seed in range(40):
        actor = draw_actor(np.random.default_rng(seed), half=seed % 2)
        seen |= set(actor.labels)
        places = np.array([actor.place(index) for index in range(FPS * SECONDS)])
        assert (np.ptp(places, axis=0) > 0).tolist() == [actor.move == 2, actor.move == 3]
        boxes = np.array([actor.share(index) for index in range(FPS * SECONDS)])
        assert boxes.min() >= 0 and boxes.max() <= 1
        assert (boxes[:, 0] >= 0.5).all() if seed % 2 else (boxes[:, 2] <= 0.5).all()
        frames = [frame.permute(1, 2, 0).numpy() for frame in pictures([actor])]
        inside = [frame[y : y + 24, x : x + 24] for frame, (x, y) in zip(frames, places, strict=True)]
        assert (inside[0] != inside[1]).any() == (WAVE in actor.labels)  # whatever the actor moves like
        assert (frames[0].max() < 240) and (inside[0][0, 0].max() > 150) == (GLOW in actor.labels)
    assert seen == set(range(1, len(ACTIONS) + 1))


def test_files_are_those_of_the_data_set_and_made_once(tmp_path: Path) -> None:
    stage = Actors(ActorStage(num_train=2, num_val=1))
    stage.run(tmp_path, tmp_path, "cpu")
    assert {(tmp_path / name).exists() for name in stage.artifacts.values()} == {True}
    paths = sorted((tmp_path / "videos").iterdir())
    assert [path.name for path in paths] == ["train000.mp4", "train001.mp4", "val000.mp4"]
    written, rows = [path.stat().st_mtime_ns for path in paths], (tmp_path / "train.csv").read_text()
    paths[1].unlink()
    stage.run(tmp_path, tmp_path, "cpu")  # as if killed before the second
    assert [path.stat().st_mtime_ns == before for path, before in zip(paths, written, strict=True)] == [
        True,
        False,
        True,
    ]
    assert (tmp_path / "train.csv").read_text() == rows

    config = Ava(
        annotations="train.csv",
        folder="videos",
        label_map="actions.pbtxt",
        proposals="train-persons.json",
        start_seconds=0.0,
        sampling=KeyFrame(num_frames=4, frame_interval=1),
    )
    dataset = build_dataset(Data(root=str(tmp_path), decoder=PyAVConfig(index_cache=False), val=config), "val")
    check_dataset(dataset)
    assert len(dataset) == 2 * (SECONDS - 1) and dataset.classes == ACTIONS
    (sample,) = dataset.sample(SampleRef("", 0, 4), generator(0, Purpose.SAMPLE))
    assert sample.meta["key_frame"] == 2 * FPS and len(sample.target["boxes"]) == 2
    assert (sample.target["proposals"] - sample.target["boxes"]).abs().max() < 0.011  # the doubtful third is left out
    x, y = (sample.target["boxes"][0, :2].numpy() * [WIDTH, HEIGHT]).round().astype(int)
    shown = sample.inputs["video"][0, :, 2]  # the key frame
    assert shown[:, y + 8, x + 9].max() < 40 <= shown[:, y + 2, x + 2].max()  # stripe and body
    assert len(json.loads((tmp_path / "val-persons.json").read_text())["val000,0001"]) == 3
