"""Options of the tasks and networks. Import no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from attrs import evolve, field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, lt, min_len

from vidcore.config import ModelConfig, Shape
from vidcore.config.slots import ModelSlot
from vidcore_recognition.config import Recognition
from vidcore_resnet.plans import DEPTHS, StageInflation, StagePlan, plan_stages, problems, refuse
from vidcore_skeleton.layouts import LAYOUTS

Pairs = tuple[tuple[int, int], ...]
_positive = ge(1)
_per_stage: Callable[[Any, Any, Any], None] = and_(min_len(1), deep_iterable(_positive))


@frozen(kw_only=True)
class Heatmaps:
    """How key points become maps. Channels are joints, then limbs."""

    sigma: float = field(default=0.6, validator=gt(0.0))  # of the bumps, in pixels of a map
    points: bool = True  # a map for each joint
    # a map for each limb: pairs of joints, or the name of a layout for its bones; left out: none
    limbs: str | Pairs = field(default=())
    scores: bool = True  # bumps are as high as their joint is sure; False: all are 1 high
    scaling: float = field(default=1.0, validator=gt(0.0))  # pixels of a map / pixels that key points are told in

    @limbs.validator
    def _known(self, attribute: object, value: str | Pairs) -> None:
        if isinstance(value, str) and value not in LAYOUTS:
            raise ValueError(f"'limbs' is {value!r}; known layouts are {', '.join(LAYOUTS)}, or give pairs of joints")
        if not isinstance(value, str) and any(joint < 0 for pair in value for joint in pair):
            raise ValueError("'limbs' names joints from 0 on")

    def __attrs_post_init__(self) -> None:
        if not self.points and not self.limbs:
            raise ValueError("there would be no map at all: switch 'points' on, or give 'limbs'")

    def pairs(self) -> Pairs:
        """The limbs."""
        return LAYOUTS[self.limbs].edges if isinstance(self.limbs, str) else self.limbs


@frozen(kw_only=True)
class HeatmapRecognition(Recognition):
    """Tell the class of a sequence of key points, of which heatmaps are made on the device."""

    heatmaps: Heatmaps = field(factory=Heatmaps)


@frozen(kw_only=True)
class RgbPoseRecognition(HeatmapRecognition):
    """Tell the class of a video and its key points, by a network that answers for each of them."""

    rgb_weight: float = field(default=1.0, validator=ge(0.0))  # of the loss of the video's answer
    pose_weight: float = field(default=1.0, validator=ge(0.0))  # of that of the key points
    rgb_share: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # of its scores in the answer of both


@frozen(kw_only=True)
class PoseC3d(ModelConfig):
    """Any network for videos, looking at heatmaps: joints and limbs take the place of colours."""

    network: ModelSlot  # its `in_channels` are the maps; its classes are counted here, so leave `num_classes` out

    def __attrs_post_init__(self) -> None:
        told, own = self.network.num_classes, self.num_classes
        if told is not None and told != own:
            raise ValueError(f"network.num_classes is {told}, num_classes {own}; leave that of the network out")

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """There must be key points."""
        if inputs and "pose" not in inputs:
            yield f"the model looks at heatmaps of key points (`pose`), the data gives {', '.join(inputs)}"

    @classmethod
    def example(cls) -> Self:
        """Over a network small enough for tests."""
        from vidcore_slowfast.config import SlowOnly

        network = evolve(SlowOnly.example(), in_channels=17, stem_stride=(1, 1, 1), num_classes=None)
        return cls(network=network, num_classes=4)

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """What the network takes as video."""
        return {"heatmap": self.network.example_inputs()["video"]}


@frozen(kw_only=True)
class RgbPose(ModelConfig):
    """RGBPose-Conv3D: a pathway for the video and one for heatmaps, which hear of each other.

    The pathway of heatmaps starts where the video's has gone through its first stage, so that it has a stage less.
    """

    rgb_depth: int = field(default=50, validator=in_(tuple(DEPTHS)))
    pose_depth: int = field(default=50, validator=in_(tuple(DEPTHS)))  # says the kind of its blocks
    pose_stage_blocks: tuple[int, ...] = field(default=(4, 6, 3), validator=_per_stage)
    rgb_channels: int = field(default=3, validator=_positive)  # of the video
    pose_channels: int = field(default=17, validator=_positive)  # of the heatmaps
    rgb_base_channels: int = field(default=64, validator=_positive)  # of the stem; each stage doubles them
    pose_base_channels: int = field(default=32, validator=_positive)  # the same
    rgb_inflation: tuple[StageInflation, ...] = ("1x1x1", "1x1x1", "3x1x1", "3x1x1")  # temporal kernels of each stage
    pose_inflation: tuple[StageInflation, ...] = ("1x1x1", "3x1x1", "3x1x1")  # the same
    speed_ratio: int = field(default=4, validator=_positive)  # heatmaps / frames of a clip
    fusion_kernel: int = field(default=7, validator=_positive)  # frames of heatmaps that a connection reaches over
    rgb_to_pose: int = field(default=16, validator=_positive)  # channels / channels that are told to the other pathway
    pose_to_rgb: int = field(default=1, validator=_positive)  # the same
    dropout: float = field(default=0.5, validator=and_(ge(0.0), lt(1.0)))  # before the classifiers
    zero_init_residual: bool = True  # each block starts as its shortcut
    init_std: float = field(default=0.01, validator=ge(0.0))  # of the classifiers' weights

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        rgb, pose = len(self.rgb_inflation), len(self.pose_stage_blocks)
        if rgb != pose + 1:
            yield f"rgb_inflation tells {rgb} stages and pose_stage_blocks {pose}; the video has one stage more"
        if self.fusion_kernel % 2 == 0:
            yield f"fusion_kernel must be odd, got {self.fusion_kernel}"
        if self.speed_ratio > self.fusion_kernel:
            yield f"fusion_kernel {self.fusion_kernel} leaves heatmaps out; at least speed_ratio ({self.speed_ratio})"
        yield from problems(
            depth=self.rgb_depth, num_stages=rgb, per_stage={}, inflation={"rgb_inflation": self.rgb_inflation}
        )
        yield from problems(
            depth=self.pose_depth,
            num_stages=pose,
            per_stage={},
            inflation={"pose_inflation": self.pose_inflation},
            stage_blocks=self.pose_stage_blocks,
            prefix="pose_",
        )

    def rgb_stages(self) -> tuple[StagePlan, ...]:
        """The plan of the video's pathway; what it hears from the other comes on top."""
        stages = len(self.rgb_inflation)
        return plan_stages(
            depth=self.rgb_depth,
            base_channels=self.rgb_base_channels,
            spatial_strides=(1, *(2,) * (stages - 1)),
            temporal_strides=(1,) * stages,
            dilations=(1,) * stages,
            inflation=self.rgb_inflation,
        )

    def pose_stages(self) -> tuple[StagePlan, ...]:
        """The plan of the pathway of heatmaps."""
        stages = len(self.pose_stage_blocks)
        return plan_stages(
            depth=self.pose_depth,
            base_channels=self.pose_base_channels,
            spatial_strides=(2,) * stages,
            temporal_strides=(1,) * stages,
            dilations=(1,) * stages,
            inflation=self.pose_inflation,
            stage_blocks=self.pose_stage_blocks,
        )

    def check_inputs(self, inputs: dict[str, Shape]) -> Iterator[str]:
        """There must be a video and key points, with as many frames as the ratio says."""
        if inputs and not {"video", "pose"} <= set(inputs):
            yield f"the model looks at a video and its key points (`pose`), the data gives {', '.join(inputs)}"
        frames, maps = inputs.get("video", (None, None))[1], inputs.get("pose", (None, None))[1]
        if frames is not None and maps is not None and maps != frames * self.speed_ratio:
            yield f"a clip has {frames} frames and {maps} of key points; speed_ratio asks for {self.speed_ratio} times"

    @classmethod
    def example(cls) -> Self:
        """A network small enough for tests."""
        return cls(
            rgb_depth=10,
            pose_depth=10,
            rgb_base_channels=16,
            pose_base_channels=16,
            pose_stage_blocks=(1, 1, 1),
            rgb_to_pose=4,
            num_classes=4,
        )

    def example_inputs(self) -> dict[str, tuple[int, ...]]:
        """One short clip and its heatmaps."""
        return {
            "video": (self.rgb_channels, 2, 32, 32),
            "heatmap": (self.pose_channels, 2 * self.speed_ratio, 8, 8),
        }
