"""Skeletons and their graphs against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidcore_skeleton import graphs, skeletons
from vidcore_skeleton import sampling_config as sampling_options
from vidcore_skeleton import transform_config as options
from vidcore_skeleton.layouts import LAYOUTS, Layout
from vidcore_skeleton.samplings import EveryFrame, UniformDraws, drawn_frames
from vidcore_skeleton.transforms import Normalize2d, Normalize3d, PadFrames

Case = dict[str, Any]
_MODES = {"spatial": "spatial", "stgcn_spatial": "stgcn-spatial", "binary_adj": "binary"}
_STREAMS = {"j": "joint", "b": "bone", "jm": "joint-motion", "bm": "bone-motion"}


# --- graphs ---------------------------------------------------------------------------------------------------------


def _layout(told: Any) -> Layout:
    if isinstance(told, str):
        return LAYOUTS[told]
    return Layout(joints=told["num_node"], edges=tuple(map(tuple, told["inward"])), centre=told["center"])


def graph_layout(params: Case, inputs: Case) -> Any:
    layout = LAYOUTS[params["layout"]]
    return {"num_node": layout.joints, "center": layout.centre, "inward": [list(edge) for edge in layout.edges]}


def graph_matrices(params: Case, inputs: Case) -> Any:
    return {"A": graphs.adjacency(_layout(params["layout"]), _MODES[params["mode"]], params.get("max_hop", 1))}  # type: ignore[arg-type]


def hop_distance(params: Case, inputs: Case) -> Any:
    layout = LAYOUTS[params["layout"]]
    return {"hop": graphs.hop_distance(layout.edges, layout.joints, params["max_hop"])}


def k_adjacency(params: Case, inputs: Case) -> Any:
    matrix = inputs["A"]
    if isinstance(matrix, str):  # such as "coco binary_adj"
        layout, mode = matrix.split()
        (matrix,) = graphs.adjacency(LAYOUTS[layout], _MODES[mode])  # type: ignore[arg-type]
    factor = params.get("self_factor", 1)
    return {"A": graphs.k_adjacency(matrix, params["k"], params.get("with_self", False), factor)}


# --- streams --------------------------------------------------------------------------------------------------------


def _skeleton(params: Case, inputs: Case) -> skeletons.Skeleton:
    """The reference knows by the layout's name that a third channel is a confidence."""
    joints, scores = inputs["keypoint"], inputs.get("keypoint_score")
    if params["dataset"] in ("coco", "openpose") and joints.shape[-1] == 3:
        joints, scores = joints[..., :2], joints[..., 2]
    return skeletons.Skeleton(joints=joints, scores=scores)


def bone(params: Case, inputs: Case) -> Any:
    layout = LAYOUTS[params["dataset"]]
    starts = layout.bone_starts()
    pairs = [[joint, starts[joint]] for joint in range(layout.joints)]
    told = {"bone": skeletons.stream(_skeleton(params, inputs), "bone", layout), "pairs": pairs}
    if params["dataset"] == "nturgb+d":  # listed in another order there
        told["pairs"] = [*pairs[:20], pairs[21], pairs[20], *pairs[22:]]
    return told


def motion(params: Case, inputs: Case) -> Any:
    layout = LAYOUTS[params["dataset"]]
    return {"motion": skeletons.stream(_skeleton(params, inputs), "joint-motion", layout)}


def streams(params: Case, inputs: Case) -> Any:
    layout, skeleton = LAYOUTS[params["dataset"]], _skeleton(params, inputs)
    made = [skeletons.stream(skeleton, _STREAMS[name], layout) for name in params["feats"]]  # type: ignore[arg-type]
    return {"keypoint": np.concatenate(made, axis=-1)}


def merged(params: Case, inputs: Case) -> Any:
    return {"keypoint": np.concatenate([inputs[name] for name in params["feat_list"]], axis=params["axis"])}


# --- transforms -----------------------------------------------------------------------------------------------------


def normalize_3d(params: Case, inputs: Case) -> Any:
    joints = inputs["keypoint"]
    if isinstance(joints, str):
        joints = np.zeros([int(size) for size in joints.removeprefix("zeros ").split("x")], np.float32)
    right, left = params.get("xaxis", [8, 4])
    config = options.Normalize3d(
        centre=1 if joints.shape[2] == 25 else joints.shape[2] - 1,
        spine=tuple(params.get("zaxis", [0, 1])),
        shoulders=(left, right),
        align_spine=params.get("align_spine", True),
        align_shoulders=params.get("align_shoulder", True),
    )
    found = Normalize3d(config).apply(skeletons.Skeleton(joints=joints), None)
    _, centre = skeletons.upright(joints, config.centre, None, None)
    told = {"keypoint": found.joints, "total_frames": found.num_frames, "body_center": centre}
    return told | {"unchanged": np.array_equal(found.joints, joints), "has_body_center": centre is not None}


def normalize_2d(params: Case, inputs: Case) -> Any:
    config = options.Normalize2d(image_size=tuple(params["default_img_shape"]))
    size = tuple(inputs["img_shape"]) if inputs["img_shape"] else None
    return {
        "keypoint": Normalize2d(config)
        .apply(skeletons.Skeleton(joints=inputs["keypoint"], image_size=size), None)
        .joints
    }


def pad_frames(params: Case, inputs: Case) -> Any:
    fill = {"loop": "repeat", "zero": "zeros"}[params["mode"]]
    joints = inputs.get("keypoint", np.zeros((1, inputs["total_frames"], 1, 1), np.float32))
    config = options.PadFrames(length=params["length"], fill=fill)  # type: ignore[arg-type]
    padded = PadFrames(config).apply(skeletons.Skeleton(joints=joints), None)
    return {"keypoint": padded.joints, "total_frames": padded.num_frames}


def decode(params: Case, inputs: Case) -> Any:
    """Ours is indexing with the frames that a sampling gives."""
    if "shape" in inputs:
        return {"frame_inds": EveryFrame(sampling_options.EveryFrame()).clips(inputs["shape"][1], 0.0, None)[0]}
    frames = np.asarray(inputs["frame_inds"]) + inputs.get("offset", 0)
    told = {"keypoint": inputs["keypoint"][:, frames].astype(np.float32), "dtype": "float32"}
    if "keypoint_score" in inputs:
        told["keypoint_score"] = inputs["keypoint_score"][:, frames].astype(np.float32)
    return told


def gcn_input(params: Case, inputs: Case) -> Any:
    joints = skeletons.with_scores(inputs["keypoint"], inputs.get("keypoint_score"))
    fill = {"loop": "repeat", "zero": "zeros"}[params["mode"]]
    joints = skeletons.fill_persons(joints, params["num_person"], fill)  # type: ignore[arg-type]
    clips = np.split(joints, inputs["num_clips"], axis=1)
    return {"keypoint": np.stack(clips)}


def flip(params: Case, inputs: Case) -> Any:
    sides = (params["left_kp"] or (), params["right_kp"] or ())
    joints, scores = skeletons.mirrored(inputs["keypoint"], inputs.get("keypoint_score"), sides, inputs["img_shape"][1])
    return {"keypoint": joints, "keypoint_score": scores}


# --- samplings ------------------------------------------------------------------------------------------------------


def _clips(total_frames: int, clip_length: int, num_clips: int, seed: int) -> Any:
    config = sampling_options.UniformDraws(num_frames=clip_length, num_clips=num_clips, test_seed=seed)
    return UniformDraws(config).clips(total_frames, 0.0, None).reshape(-1)


def uniform_test(params: Case, inputs: Case) -> Any:
    length, frames = params["clip_len"], inputs["total_frames"]
    branch = "short" if frames < length else "mid_random_choice" if frames < 2 * length else "long_random_offset"
    return {"frame_inds": _clips(frames, length, params["num_clips"], params["seed"]), "branch": branch}


def uniform_of_modalities(params: Case, inputs: Case) -> Any:
    return {
        f"{name}_inds": _clips(inputs["total_frames"], length, params["num_clips"], params["seed"])
        for name, length in params["clip_len"].items()
    }


def uniform_train(case: Case) -> list[str]:
    """Bounds of what is drawn, and the branch that draws it, over many draws."""
    length, frames, expected = case["params"]["clip_len"], case["inputs"]["total_frames"], case["expected"]
    rng = np.random.default_rng(0)
    component = UniformDraws(sampling_options.UniformDraws(num_frames=length))
    draws = np.concatenate([component.clips(frames, 0.0, rng) for _ in range(300)])
    branch, wrong = expected["branch"], []
    if draws.min() < 0 or draws.max() >= frames:
        wrong.append(f"frames {draws.min()} ... {draws.max()} of {frames}")
    steps = np.diff(draws, axis=1)
    if branch.startswith("short") and not np.isin(steps, (1, 1 - frames)).all():
        wrong.append("frames are not consecutive")
    if branch.startswith("mid") and not (np.isin(steps, (1, 2)).all() and (draws[:, 0] <= 1).all()):
        wrong.append(f"steps {np.unique(steps)} in the middle branch")
    if branch.startswith("long"):
        starts, ends = np.array(expected["segment_start"]), np.array(expected["segment_end_exclusive"])
        if not ((draws >= starts) & (draws < ends)).all():
            wrong.append("a frame lies outside its segment")
        lowest, highest = (drawn_frames(frames, length, 0, _Extreme(end)) for end in (False, True))
        if not (np.array_equal(lowest, starts) and np.array_equal(highest, ends - 1)):
            wrong.append("segments are not the recorded ones")
    return wrong


class _Extreme(np.random.RandomState):
    """Draws the lowest or the highest number."""

    def __new__(cls, highest: bool) -> _Extreme:
        made = super().__new__(cls)
        made.highest = highest
        return made

    def __init__(self, highest: bool) -> None:
        super().__init__(0)

    def randint(self, low: Any, high: Any = None, *arguments: Any, **options: Any) -> Any:
        return np.asarray(high) - 1 if self.highest else np.zeros_like(high) + low


OPS = {
    "Graph.layout": graph_layout,
    "Graph.A": graph_matrices,
    "Graph(main)": graph_matrices,
    "hop_distance": hop_distance,
    "k_adjacency": k_adjacency,
    "JointToBone": bone,
    "ToMotion": motion,
    "GenSkeFeat": streams,
    "MergeSkeFeat": merged,
    "PreNormalize3D": normalize_3d,
    "PreNormalize2D": normalize_2d,
    "PadTo": pad_frames,
    "PoseDecode": decode,
    "FormatGCNInput": gcn_input,
    "Flip.keypoint": flip,
    "UniformSampleFrames.test": uniform_test,
    "MMUniformSampleFrames(main)": uniform_of_modalities,
}
CHECKS = {"UniformSampleFrames.train": uniform_train}
