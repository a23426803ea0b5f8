from __future__ import annotations

from pathlib import Path

from vidcore.config.checks import facts_of
from vidcore.config.experiment import Data, Experiment
from vidcore_frames.config import FlowFrames, Frames
from vidcore_videos.config import VideoList


def channels(decoder: object) -> int | None:
    data = Data(root=str(Path(__file__).parent), decoder=decoder, train=VideoList(list="list.txt"))
    return facts_of(Experiment(task=None, model=None, data=data))["train"].inputs["video"][0]


def test_model_is_told_of_the_channels_of_flow_before_a_file_is_opened() -> None:
    assert channels(FlowFrames(stack=5)) == 10
    assert channels(Frames()) == 3
