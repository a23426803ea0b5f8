from __future__ import annotations

import pytest
from attrs import evolve

from vidcore_resnet.config import ResNet2D
from vidcore_resnet.plans import NonLocal, plan_stages, problems, refuse

FOUR = {"spatial_strides": (1, 2, 2, 2), "temporal_strides": (1, 1, 1, 1), "dilations": (1, 1, 1, 1)}


def test_depth_50_plans_bottlenecks_of_doubling_width():
    stages = plan_stages(depth=50, base_channels=64, inflation=("1x1x1", "1x1x1", "3x1x1", "3x1x1"), **FOUR)
    assert [len(stage.inflation) for stage in stages] == [3, 4, 6, 3]
    assert [stage.width for stage in stages] == [64, 128, 256, 512]
    assert [stage.out_channels for stage in stages] == [256, 512, 1024, 2048]


def test_inflation_may_be_given_for_each_block():
    mixed = ("3x1x1", "1x1x1")
    stages = plan_stages(depth=18, base_channels=8, inflation=(mixed, "1x1x1", mixed, "3x3x3"), **FOUR)
    assert stages[0].inflation == mixed
    assert stages[3].inflation == ("3x3x3", "3x3x3")


def test_stage_blocks_replace_those_of_the_depth():
    three = {"spatial_strides": (2, 2, 2), "temporal_strides": (1, 1, 2), "dilations": (1, 1, 1)}
    stages = plan_stages(depth=50, base_channels=32, inflation=("1x1x1",) * 3, stage_blocks=(4, 6, 3), **three)
    assert [len(stage.inflation) for stage in stages] == [4, 6, 3]
    assert [stage.temporal_stride for stage in stages] == [1, 1, 2]


@pytest.mark.parametrize(
    "options, text",
    [
        ({"per_stage": {"dilations": (1, 1, 1)}}, "dilations needs one entry for each of the 4 stages, got 3"),
        ({"stage_blocks": (1, 2)}, "stage_blocks needs one entry for each of the 4 stages, got 2"),
        ({"num_stages": 5}, "a ResNet-18 has 4 stages, asked for 5; give stage_blocks"),
        ({"non_local": NonLocal(blocks=((), (0,)))}, "non_local.blocks needs one list for each of the 4 stages, got 2"),
        ({"non_local": NonLocal(blocks=((), (2,), (), ()))}, "stage 1 has blocks 0 to 1, got 2"),
    ],
)
def test_options_that_do_not_fit_together_are_told(options, text):
    given = {"depth": 18, "num_stages": 4, "per_stage": {}} | options
    assert any(text in problem for problem in problems(**given))


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match=r"^one; two$"):
        refuse(["one", "two"])
    refuse([])


def test_wrong_channels_of_the_video_are_told():
    config = ResNet2D(num_classes=2)
    assert list(config.check_inputs({"video": (3, 8, 32, 32)})) == []
    assert list(config.check_inputs({"video": (None, 8, None, None)})) == []
    assert list(evolve(config, in_channels=1).check_inputs({"video": (3, 8, 32, 32)})) == [
        "in_channels is 1, but the video has 3 channels"
    ]
    assert "needs an input named 'video', got pose" in next(config.check_inputs({"pose": (2, 4, 17, 3)}))
