"""Lists of this plugin against those that were recorded; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
from answering import shared_file

from vidcore_videos.lists import read_list


def listed(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Rows of a list of videos or of frame folders, as the reference's samples."""
    video, many = "video" in params["data_prefix"], params.get("multi_class", False)
    middle = () if video else ("offset", "frames") if params.get("with_offset") else ("frames",)
    table = read_list(shared_file(inputs["file"]), columns=("path", *middle, "label"), multi_label=many)
    samples = []
    for index in range(len(table)):
        labels, (offset, frames) = table.labels(index), table.part(index)
        label = {"tensor": np.bincount(labels, minlength=params["num_classes"])} if many else labels[0]
        sample = {"label": label, "sample_idx": index, "modality": "RGB", "start_index": 0 if video else 1}
        path = f"DATA/{table.path(index)}"
        rest = {"filename": path} if video else {"frame_dir": path, "total_frames": frames, "offset": offset}
        samples.append({**sample, **rest, "filename_tmpl": "img_{:05}.jpg"})
    return {"num_samples": len(table), "samples": samples}


OPS = {"VideoDataset": listed, "RawframeDataset": listed}
