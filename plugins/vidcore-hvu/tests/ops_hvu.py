"""Labels of HVU against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from answering import shared_file

from vidcore_hvu.annotations import merged


def labels(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """The reference hands on which labels are known in masks, vidcore as nan."""
    sizes = dict(zip(params["categories"], params["category_nums"], strict=True))
    listed: list[dict[str, Any]] = []
    if "file" in inputs:
        import json

        listed = json.loads(shared_file(inputs["file"]).read_text())
        assert listed[0]["label"] == inputs["first_label"]
    ones, known = merged(listed[0]["label"] if listed else inputs["label"], sizes)
    label, mask = np.zeros(sum(sizes.values()), np.float32), np.repeat(known, list(sizes.values()))
    label[list(ones)] = 1
    runs = [i for i, (one, two) in enumerate(pairwise([False, *mask.tolist(), False])) if one != two]
    return {
        "label": label,
        "mask": mask.astype(np.float32),
        "category_mask": np.array(known, np.float32),
        "label_nonzero": np.flatnonzero(label),
        "mask_sum": float(mask.sum()),
        "mask_runs": runs,
        "n": len(listed),
        "keys": sorted(listed[0]) if listed else [],
    }


OPS = {"LoadHVULabel": labels}
