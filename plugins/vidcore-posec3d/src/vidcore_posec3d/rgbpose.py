"""RGBPose-Conv3D: a video and its heatmaps in two pathways, which hear of each other at two places.

Paper: Duan et al., CVPR 2022, arXiv:2104.13586, section 3.4.
Letters: N batch, C channels, T frames of the video, s T frames of heatmaps, H W pixels, K classes.
Route: ToPose and Lateral (of vidcore-slowfast) join the pathways; RgbPose puts them together.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore_posec3d import config
from vidcore_resnet.blocks3d import Stem3d
from vidcore_resnet.head import Classifier
from vidcore_resnet.init import init_resnet
from vidcore_resnet.plans import NonLocal
from vidcore_slowfast.model import Lateral, Pathway


class ToPose(nn.Module):
    """Brings the video's map to the frame rate of heatmaps by a transposed convolution over time, norm and ReLU."""

    def __init__(self, channels: int, out_channels: int, *, kernel: int, speed_ratio: int) -> None:
        super().__init__()
        padding = kernel // 2
        extra = speed_ratio - 1 - (kernel - 1 - 2 * padding)  # so that T becomes s T exactly
        self.conv = nn.ConvTranspose3d(
            channels,
            out_channels,
            (kernel, 1, 1),
            (speed_ratio, 1, 1),
            (padding, 0, 0),
            (extra, 0, 0),
            bias=False,
        )
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, rgb: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(rgb)), inplace=True)  # [N, C', s T, H, W]


class RgbPose(nn.Module):
    """From `video [N, C, T, H, W]` and `heatmap [N, V, s T, H', W']` to `{"rgb": [N, K], "pose": [N, K]}`."""

    head_prefixes = ("rgb_head.", "pose_head.")

    def __init__(self, options: config.RgbPose) -> None:
        super().__init__()
        rgb, pose = options.rgb_stages(), options.pose_stages()
        from_rgb = [plan.out_channels for plan in rgb[1:-1]]  # after these stages each tells the other
        from_pose = [plan.out_channels for plan in pose[:-1]]
        told_pose = [channels // options.rgb_to_pose for channels in from_rgb]
        told_rgb = [channels // options.pose_to_rgb for channels in from_pose]
        self.rgb = Pathway(
            Stem3d(options.rgb_channels, options.rgb_base_channels),
            options.rgb_base_channels,
            rgb,
            NonLocal(),
            lateral=(0, 0, *told_rgb),
        )
        flat = (1, 1, 1)  # heatmaps are small already
        self.pose = Pathway(
            Stem3d(options.pose_channels, options.pose_base_channels, stride=flat, pool_stride=flat),
            options.pose_base_channels,
            pose,
            NonLocal(),
            lateral=(0, *told_pose),
        )
        kernel, ratio = options.fusion_kernel, options.speed_ratio
        self.to_rgb = nn.ModuleList(
            Lateral(channels, told, kernel=kernel, speed_ratio=ratio, norm=False)
            for channels, told in zip(from_pose, told_rgb, strict=True)
        )
        self.to_pose = nn.ModuleList(
            ToPose(channels, told, kernel=kernel, speed_ratio=ratio)
            for channels, told in zip(from_rgb, told_pose, strict=True)
        )
        init_resnet(self, zero_init_residual=options.zero_init_residual)
        self.rgb_head = _classifier(rgb[-1].out_channels, options)
        self.pose_head = _classifier(pose[-1].out_channels, options)

    def features(self, video: Tensor, heatmap: Tensor) -> tuple[Tensor, ...]:
        """The last map of each pathway, `[N, C, T, H, W]` of the video and `[N, C', s T, H, W]` of heatmaps."""
        rgb = self.rgb.stages[1](self.rgb.stages[0](self.rgb.stem(video)))
        pose = self.pose.stages[0](self.pose.stem(heatmap))
        later = zip(self.rgb.stages[2:], self.pose.stages[1:], self.to_rgb, self.to_pose, strict=True)
        for rgb_stage, pose_stage, to_rgb, to_pose in later:
            told_rgb, told_pose = to_rgb(pose), to_pose(rgb)
            rgb = rgb_stage(torch.cat([rgb, told_rgb], dim=1))
            pose = pose_stage(torch.cat([pose, told_pose], dim=1))
        return rgb, pose

    def forward(self, video: Tensor, heatmap: Tensor) -> dict[str, Tensor]:
        rgb, pose = (x.mean(dim=(2, 3, 4)) for x in self.features(video, heatmap))
        return {"rgb": cast(Tensor, self.rgb_head(rgb)), "pose": cast(Tensor, self.pose_head(pose))}

    def blocks(self) -> list[nn.Module]:
        """Residual blocks, the video's first: units to compile, shard or checkpoint."""
        return [*self.rgb.units(), *self.pose.units()]


def _classifier(channels: int, options: config.RgbPose) -> Classifier:
    return Classifier(channels, options.num_classes, dropout=options.dropout, init_std=options.init_std)
