"""How recorded detectors are called: clips and boxes in, maps, what is pooled in the boxes, and logits out."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from weights_rule import rule_input

from vidcore_detection.model import RegionDetector
from vidcore_detection.pooling import clip_of_box, flat_map

Spec = dict[str, Any]
Arrays = dict[str, Any]


def outputs_of_boxes(model: nn.Module, spec: Spec, arrays: Arrays) -> dict[str, Tensor]:
    """Recorded heads have a first output of their own for nobody, which `forward` leaves out."""
    detector = cast(RegionDetector, model)
    video, rois = rule_input(spec), torch.from_numpy(arrays["rois"])
    boxes = [rois[rois[:, 0] == clip, 1:] for clip in range(len(video))]
    maps = detector.features(video)[-detector.options.maps :]
    regions = detector.pool(flat_map(maps, detector.options.temporal_pool), boxes)
    bank = _bank(spec)
    entering = regions
    if detector.fusion is not None:
        entering = detector.fusion(regions, flat_map(maps, detector.options.temporal_pool), clip_of_box(boxes), bank)
    logits = detector.head.outputs(entering)
    assert torch.equal(detector(video, boxes, bank), logits[:, 1:])
    found = {f"feat{i}": one for i, one in enumerate(maps)}
    return found | {
        "roi_feat0": regions[:, :, None],
        "bbox_feat0": entering[:, :, None],
        "logits": logits,
        "scores": logits.sigmoid(),
        "rois": rois,
    }


def _bank(spec: Spec) -> Tensor | None:
    """Long-term features of each clip, made by the public rule."""
    given = spec["input"].get("lt_feat")
    return rule_input({"input": given}) if given else None


KINDS = {"det": outputs_of_boxes}
