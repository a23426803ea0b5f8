"""A detector of actions: any backbone of clips, pooled in given boxes.

Papers: Gu et al., AVA, CVPR 2018, arXiv:1705.08421; Feichtenhofer et al., SlowFast, ICCV 2019, arXiv:1812.03982.
Where persons are is told by someone else (proposals); this model tells what they do.
Letters: N clips, R boxes of all clips, C channels, T frames, H W pixels, S cells a side of a box, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from vidcore.plugins import build
from vidcore_detection import model_config
from vidcore_detection.backbones import build_backbone, probe_maps
from vidcore_detection.boxes import whole_frame
from vidcore_detection.heads import ActionHead
from vidcore_detection.pooling import clip_of_box, flat_map, pool_regions, pool_whole


class RegionDetector(nn.Module):
    """From `video [N, C, T, H, W]` and `boxes`, for each clip `[R_n, 4]` in pixels, to `logits [R, K]`."""

    head_prefixes = ("head.",)

    def __init__(self, options: model_config.RegionDetector) -> None:
        super().__init__()
        self.options = options
        known = probe_maps(options.backbone, options.maps)
        self.stride = known.stride
        self.backbone = build_backbone(options.backbone)
        channels = sum(known.channels) * (2 if options.context else 1)
        self.fusion: nn.Module | None = None
        if options.fusion is not None:
            self.fusion = build(options.fusion, channels, sum(known.channels))
            channels = cast(Any, self.fusion).out_channels
        self.head = ActionHead(
            channels,
            options.num_classes,
            spatial_pool=options.spatial_pool,
            dropout=options.dropout,
            hidden_layer=options.hidden_layer,
            spare_output=options.spare_output,
            init_std=options.init_std,
        )

    def features(
        self, video: Tensor, boxes: Sequence[Tensor] | None = None, bank: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Maps of the backbone, `[N, C', T', H', W']`, coarse last."""
        maps: tuple[Tensor, ...] = cast(Any, self.backbone).features(video)
        return maps

    def forward(self, video: Tensor, boxes: Sequence[Tensor] | None = None, bank: Tensor | None = None) -> Tensor:
        """Logits of every box, clip after clip.

        Args:
            video: Clips.
            boxes: Pixels of the clips. Left out: the whole frame of each.
            bank: Features of persons around each clip, `[N, M, B]`, for a fusion that looks at them.
        """
        return cast(Tensor, self.head(self.regions(video, boxes, bank)))

    def regions(self, video: Tensor, boxes: Sequence[Tensor] | None = None, bank: Tensor | None = None) -> Tensor:
        """What the head sees of each box, `[R, C, S, S]`."""
        boxes = self._whole_frames(video) if boxes is None else boxes
        flat = flat_map(self.features(video)[-self.options.maps :], self.options.temporal_pool)  # [N, C, H', W']
        regions = self.pool(flat, boxes)
        if self.fusion is None:
            return regions
        return cast(Tensor, self.fusion(regions, flat, clip_of_box(boxes), bank))

    def pool(self, flat: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """A map without time, `[N, C, H', W']`, in boxes: `[R, C, S, S]`, or twice the channels with context."""
        options = self.options
        size, ratio = options.output_size, options.sampling_ratio
        regions = pool_regions(flat, boxes, stride=self.stride, size=size, sampling_ratio=ratio)
        if not options.context:
            return regions
        return torch.cat([regions, pool_whole(flat, clip_of_box(boxes), size)], dim=1)

    def blocks(self) -> list[nn.Module]:
        """Those of the backbone, where it has some."""
        inner = getattr(self.backbone, "blocks", None)
        return inner() if callable(inner) else []

    @staticmethod
    def _whole_frames(video: Tensor) -> list[Tensor]:
        box = whole_frame((video.shape[3], video.shape[4])).to(video.device)
        return [box] * len(video)
