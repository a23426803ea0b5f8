"""Annotations of data sets without a plugin against what was recorded; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

from answering import shared_file

from vidcore_prepare.omnisource import read_whole_videos


def whole_videos(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    return [
        {"video_dir": one.name, "label": one.label, "num_clips": one.num_pieces, "positive_clip_inds": list(one.good)}
        for one in read_whole_videos(shared_file(inputs["file"]))
    ]


OPS = {"json": whole_videos}
