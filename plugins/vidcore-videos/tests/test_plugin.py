from __future__ import annotations

from pathlib import Path

import pytest

import vidcore_videos.plugin
from vidcore.data.building import build_context
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, RandomCrop
from vidcore.data.video.config import PyAVConfig
from vidcore.plugins import build
from vidcore.testing import check_dataset, check_plugin
from vidcore_videos.config import ClassFolders


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_videos.plugin)


@pytest.mark.parametrize("split", ["train", "test"])
def test_data_set_keeps_the_contract(video_folder: Path, split: str) -> None:
    context = build_context(
        root=video_folder,
        decoder=PyAVConfig(index_cache=False),
        sampling=Dense(num_frames=4, frame_interval=1),
        transforms={"crop": RandomCrop(size=32) if split == "train" else CenterCrop(size=32)},
        views=ClassFolders().views,
        split=split,
    )
    check_dataset(build(ClassFolders(), context), indices=(0, 1))
