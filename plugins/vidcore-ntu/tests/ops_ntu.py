"""Annotation files and packed skeletons against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
from answering import shared_file

from vidcore_checkpoints import read_annotations
from vidcore_ntu.config import PackedSkeletons
from vidcore_ntu.packed import joint_weights, unpacked
from vidcore_ntu.packed_table import read_packed
from vidcore_skeleton.annotations import rows_of
from vidcore_skeleton.sampling_config import EveryFrame

Case = dict[str, Any]


def raw_rows(params: Case, inputs: Case) -> Any:
    """What a pickle holds: rows of skeletons, or boxes by key frame."""
    rows = read_annotations(shared_file(inputs["file"]))
    if isinstance(rows, dict):
        return {**rows, "keys": sorted(rows), "shapes": {key: list(np.shape(boxes)) for key, boxes in rows.items()}}
    first = {key: _form(value) for key, value in rows[0].items()}
    return {
        "type": type(rows).__name__, "n": len(rows), "keys": sorted(set().union(*rows)), "first": first,
        "n_annotations": None, "splits": None,
    }  # fmt: skip


def annotations(params: Case, inputs: Case) -> Any:
    """`sample_idx`, `modality` and `start_index` are the reference's own; vidcore has no counterpart."""
    chosen, _ = rows_of(shared_file(inputs["file"]), params["split"] or "")
    first = chosen[0][1]
    summed = params["split"] is None  # how the figures were recorded
    told = {
        key: _form(value, total=True) if summed or isinstance(value, dict) else value for key, value in first.items()
    }
    return {"num_samples": len(chosen), "samples": [told | {"sample_idx": 0, "modality": "Pose", "start_index": 0}]}


def split_annotations(params: Case, inputs: Case) -> Any:
    if "valid_ratio" not in params:
        return annotations(params, inputs)
    file = shared_file(inputs["file"])
    config = PackedSkeletons(
        annotations=file.name, split=params["split"], sampling=EveryFrame(), box_score=params["box_thr"],
        valid=params["valid_ratio"],
    )  # fmt: skip
    table = read_packed(file, file.parent, config)
    names, kept = [row.name for row in table.rows], [int(row.kept.sum()) for row in table.rows]
    return {"num_samples": len(table), "frame_dirs": names, "kept_boxes": kept}


def decompressed(params: Case, inputs: Case) -> Any:
    rows = np.asarray(inputs["keypoint_rows"])
    joints, scores = unpacked(
        rows, np.asarray(inputs["frame_inds"]), inputs["total_frames"], persons=params["max_person"],
        squeeze=params["squeeze"], weights=joint_weights(rows.shape[1], "equal"),
    )  # fmt: skip
    return _stored(joints, scores)


def kinetics_pose(params: Case, inputs: Case) -> Any:
    rows, frames = np.array(inputs["keypoint_rows"]), np.asarray(inputs["frame_inds"])
    if inputs["anno_inds"] is not None:
        rows, frames = rows[inputs["anno_inds"]], frames[inputs["anno_inds"]]
    if params["source"] == "openpose-18":
        rows[..., :2] *= inputs["img_shape"][::-1]
    of_parts = [params["keypoint_weight"][part] for part in ("face", "torso", "limb")]
    joints, scores = unpacked(
        rows, frames, inputs["total_frames"], persons=params["max_person"], squeeze=params["squeeze"],
        weights=joint_weights(rows.shape[1], "parts", of_parts),
    )  # fmt: skip
    return _stored(joints, scores) | {"num_person": len(joints)}


def _stored(joints: Any, scores: Any) -> Case:
    """The reference stores half precision."""
    return {
        "keypoint": joints.astype(np.float16), "keypoint_score": scores.astype(np.float16),
        "total_frames": joints.shape[1],
    }  # fmt: skip


def _form(value: Any, total: bool = False) -> Any:
    if isinstance(value, dict):
        return {str(key): one for key, one in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    form = {"shape": list(value.shape), "dtype": str(value.dtype)}
    return form | {"sum": float(value.sum(dtype=np.float64))} if total else form


OPS = {
    "pickle": raw_rows,
    "PoseDataset": annotations,
    "PoseDataset(main)": split_annotations,
    "DecompressPose(main)": decompressed,
    "LoadKineticsPose": kinetics_pose,
}
