from __future__ import annotations

import subprocess
import sys

import pytest
from attrs import asdict

from vidcore.config.structure import structure
from vidcore.plugins import host
from vidcore_slowfast.config import NonLocal, SlowFast, SlowOnly


def test_defaults_are_the_papers_4x16_networks():
    slow, fast = SlowFast().slow_stages(), SlowFast().fast_stages()
    assert [stage.out_channels for stage in slow] == [256, 512, 1024, 2048]
    assert [stage.out_channels for stage in fast] == [32, 64, 128, 256]
    assert [set(stage.inflation) for stage in slow] == [{"1x1x1"}, {"1x1x1"}, {"3x1x1"}, {"3x1x1"}]
    assert SlowOnly().stages() == slow


def test_fast_pathway_may_have_another_depth():
    config = SlowFast(depth=101, fast_depth=50)
    assert len(config.slow_stages()[2].inflation) == 23
    assert len(config.fast_stages()[2].inflation) == 6


@pytest.mark.parametrize(
    "cls, options, text",
    [
        (SlowOnly, {"dilations": (1, 1)}, "dilations needs one entry for each of the 4 stages, got 2"),
        (SlowOnly, {"stage_blocks": (1, 1, 1)}, "stage_blocks needs one entry for each of the 4 stages, got 3"),
        (SlowOnly, {"non_local": NonLocal(blocks=((3,), (), (), ()))}, "stage 0 has blocks 0 to 2, got 3"),
        (SlowFast, {"channel_ratio": 7}, "base_channels = 64 is not a multiple of channel_ratio = 7"),
        (SlowFast, {"fast_inflation": ("3x1x1",)}, "fast_inflation needs one entry for each of the 4 stages, got 1"),
        (SlowFast, {"fast_non_local": NonLocal(blocks=((),))}, "fast_non_local.blocks needs one list for each"),
        (SlowOnly, {"inflation": (("3x1x1",), *["1x1x1"] * 3)}, "inflation: stage 0 has 3 blocks, got 1 entries"),
        (SlowFast, {"fusion_kernel": 4}, "'fusion_kernel' must be odd, got 4"),
        (SlowOnly, {"stem_kernel": (2, 7, 7)}, r"'stem_kernel' must be odd, got \(2, 7, 7\)"),
        (SlowOnly, {"depth": 49}, "'depth' must be in"),
    ],
)
def test_options_that_cannot_be_built_are_refused(cls, options, text):
    with pytest.raises(ValueError, match=text):
        cls(**options)


@pytest.mark.parametrize("cls", [SlowOnly, SlowFast])
def test_config_survives_the_way_through_a_table(cls):
    config = cls(num_classes=3, depth=18)
    table = {key: value for key, value in asdict(config).items() if value is not None}
    found, problems = structure(table, cls, host())
    assert problems == []
    assert found == config


def test_clip_length_that_cannot_be_shared_is_told():
    config = SlowFast(speed_ratio=4, fast_interval=2)
    assert list(config.check_inputs({"video": (3, 32, 64, 64)})) == []
    assert list(config.check_inputs({"video": (3, None, None, None)})) == []
    (text,) = config.check_inputs({"video": (3, 36, 64, 64)})
    assert text.startswith("a clip of 36 frames cannot be shared") and "multiple of 8" in text


def test_wrong_channels_are_told():
    assert list(SlowOnly(in_channels=17).check_inputs({"video": (3, 8, 64, 64)})) == [
        "in_channels is 17, but the video has 3 channels"
    ]


def test_plugin_and_config_import_no_torch():
    code = "import sys, vidcore_slowfast.plugin, vidcore_slowfast.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
