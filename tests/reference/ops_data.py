"""Sampling and geometry of the core against recorded figures. See vectors.py."""

from __future__ import annotations

import ast
import hashlib
import itertools
from typing import Any

import numpy as np
import torch
from answering import (
    Case,
    Extreme,
    box_of,
    cut_crops,
    geometry_of,
    height_width_of,
    planned_images,
    shared_file,
)

from vidcore.data import crops, sampling, sampling_config, transform_config, transforms
from vidcore.data.clip_sampling import drawn_span, random_starts
from vidcore.data.crops import Place
from vidcore.data.geometry import Geometry
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import ConfigError
from vidcore.randomness import Purpose, generator


def _dense(params: dict[str, Any], **changes: Any) -> sampling.DenseSampling:
    config = sampling_config.Dense(
        num_frames=params["clip_len"],
        frame_interval=params["frame_interval"],
        num_clips=params["num_clips"],
        target_fps=params.get("target_fps"),
        keep_tail=params.get("keep_tail_frames", False),
        twice=bool(params.get("twice_sample", False)),
        out_of_bound=params.get("out_of_bound_opt", "loop").replace("_", "-"),
        **changes,
    )
    return sampling.DenseSampling(config)


def dense_test(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    frames = _dense(params).clips(inputs["total_frames"], inputs.get("fps") or 0.0, None)
    return frames.reshape(-1) + params.get("start_index", 0)


def sample_frames_test(case: Case) -> list[str]:
    """One case is a grid of 500 combinations times 300 lengths; the others are single."""
    if case["id"] == "grid":
        return _grid(case["arrays"])
    found, expected = dense_test(case["params"], case["inputs"]), case["expected"]
    return [] if found.tolist() == list(expected) else [f"frames {found.tolist()}, not {expected}"]


def _grid(arrays: dict[str, Any]) -> list[str]:
    wrong = []
    for row, digests in zip(arrays["params"], arrays["digest"], strict=True):
        names = ("clip_len", "frame_interval", "num_clips", "twice_sample")
        params = {name: int(value) for name, value in zip(names, row[:4], strict=True)}
        component = _dense(params | {"out_of_bound_opt": "repeat_last" if row[4] else "loop"})
        try:
            frames = [component.clips(length, 0.0, None).reshape(-1) for length in range(1, 301)]
        except ConfigError:
            wrong += [] if row[5] else [f"{params} raises"]
            continue
        if row[5]:
            wrong.append(f"{params} should raise")
            continue
        blocks = [frames[start : start + 30] for start in range(0, 300, 30)]
        ours = [hashlib.sha256(np.concatenate(block).astype("<i4").tobytes()).digest()[:8] for block in blocks]
        same = [int.from_bytes(a, "big") == int(b) for a, b in zip(ours, digests, strict=True)]
        lengths = [i * 30 + 1 for i, equal in enumerate(same) if not equal]
        wrong += [f"{params} repeat_last={bool(row[4])}: other frames for lengths from {lengths}"] if lengths else []
    return wrong


def sample_frames_train(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Lowest and highest start of each clip. Frames wrap at the end, so the rule itself is asked for starts."""
    length = inputs["total_frames"]
    span = drawn_span(params["clip_len"], params["frame_interval"])
    low, high = (
        random_starts(length, span, params["num_clips"], Extreme(highest), params["keep_tail_frames"])  # type: ignore[arg-type]
        for highest in (False, True)
    )
    component = _dense(params)
    for starts, highest in ((low, False), (high, True)):
        frames = component.clips(length, 0.0, Extreme(highest))  # type: ignore[arg-type]
        steps = np.arange(params["clip_len"]) * params["frame_interval"]
        assert (frames == (starts[:, None] + steps) % length).all()
    return {"offset_min": low, "offset_max": high, "branch": _branch(params, length, span)}


def _branch(params: dict[str, Any], length: int, span: int) -> str:
    """The reference's name of the rule that applies; the bounds are what is checked."""
    count, starts = params["num_clips"], length - span + 1
    if params["keep_tail_frames"]:
        return "even_float" if starts > 0 else "zeros"
    if starts // count > 0:
        return "even_int"
    if length > max(count, span):
        return "sorted_uniform"
    return "rounded_ratio" if starts // count == 0 else "zeros"


def jitter(case: Case) -> list[str]:
    """With jitter each frame moves by 0 to frame_interval - 1."""
    params = {"clip_len": 4, "frame_interval": 5, "num_clips": 2, "keep_tail_frames": False}
    wrong = []
    for highest, shift in itertools.product((False, True), (0, 4)):
        plain, moved = (
            _dense(params, jitter=on).clips(300, 0.0, Extreme(highest))  # type: ignore[arg-type]
            for on in (False, True)
        )
        if highest == bool(shift) and (moved - plain != shift).any():
            wrong.append(f"frames move by {sorted(set((moved - plain).flat))}, not {shift}")
    return wrong


def _rescaled(geometry: Geometry, scale: Any, keep_ratio: bool) -> Geometry:
    if isinstance(scale, str):
        raise ConfigError(f"size {scale}")
    if isinstance(scale, float | int):
        if scale <= 0:
            raise ConfigError(f"a factor of {scale}")
        return geometry.resized(*crops.scaled_size(*geometry.size, scale))
    if not keep_ratio:
        return transforms.Resize(transform_config.Resize(size=height_width_of(scale))).plan(
            geometry, None, transforms.WHOLE
        )
    short, long = sorted(side if side not in (-1, None) else np.inf for side in scale)
    config = transform_config.Resize(short_side=int(short), long_side=None if long == np.inf else int(long))
    return transforms.Resize(config).plan(geometry, None, transforms.WHOLE)


def resize_sizes(case: Case) -> list[str]:
    wrong = []
    for row in case["expected"]:
        geometry = _rescaled(Geometry((row["h"], row["w"])), row["scale"], row["keep_ratio"])
        height, width = geometry.size
        factor = np.diag(geometry.matrix())[:2].astype(np.float32)
        if (height, width) != (row["out"]["h"], row["out"]["w"]) or (factor != row["out"]["scale_factor"]).any():
            wrong.append(f"{row} gives {height}x{width}, {factor}")
    return wrong


def resize(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    if "imgs" not in inputs:
        return [_refused(scale) for scale in params["scale"]]
    geometry = _rescaled(geometry_of(inputs["imgs"]), params["scale"], params["keep_ratio"])
    factor = np.diag(geometry.matrix())[:2].astype(np.float32)
    images = planned_images(inputs["imgs"], geometry)
    return {"imgs": images, "img_shape": images.shape[1:3], "scale_factor": factor}


def _refused(scale: Any) -> Any:
    try:
        return _rescaled(Geometry((8, 8)), scale, True).size
    except ConfigError as error:
        return {"raises": str(error)}


def center_crop(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = _place(geometry_of(inputs["imgs"]), params["crop_size"], Place(0, 1))
    images = planned_images(inputs["imgs"], geometry)
    quad = _quadruple(geometry)
    return {"imgs": images, "crop_bbox": box_of(geometry), "img_shape": images.shape[1:3], "crop_quadruple": quad}


def _place(geometry: Geometry, size: Any, place: Place) -> Geometry:
    config = transform_config.CenterCrop(size=height_width_of(size))
    return transforms.CenterCrop(config).plan(geometry, None, place)


def _quadruple(geometry: Geometry) -> np.ndarray[Any, Any]:
    """x, y, width, height of the window as shares of the frame."""
    x1, y1, x2, y2 = geometry.window()
    height, width = geometry.source
    return np.array([x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height])


def three_crops(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    images = inputs["imgs"]
    return cut_crops(images, [_place(geometry_of(images), params["crop_size"], Place(i, 3)) for i in range(3)])


def flip(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.Flip(probability=params["flip_ratio"], direction=params.get("direction", "horizontal"))
    geometry = transforms.Flip(config).plan(geometry_of(inputs["imgs"]), generator(0, Purpose.SAMPLE), transforms.WHOLE)
    if params.get("modality") == "Flow":  # x, y, x, y, ... are the channels of one frame
        channels = torch.from_numpy(np.stack(inputs["imgs"]))[None]
        return {"imgs": geometry.plan("reference").finish(channels, moves=True)[0].numpy()}
    return {"imgs": planned_images(inputs["imgs"], geometry), "flip": bool(geometry.steps)}


def flip_label(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    pairs = tuple((int(label), other) for label, other in params["flip_label_map"].items())
    flip = transforms.Flip(transform_config.Flip(labels=pairs))
    return {"label": flip.relabel(inputs["label"], Geometry((4, 4)).flipped())}


def lazy(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = geometry_of(inputs["imgs"])
    for op in params["ops"]:
        name, _, arguments = op.partition("(")
        if name == "Flip":
            geometry = geometry.flipped()
            continue
        value = ast.literal_eval(arguments.replace(",stretch", "").removesuffix(")") or "()")
        if name == "CenterCrop":
            geometry = _place(geometry, value, Place(0, 1))
        else:
            geometry = _rescaled(geometry, value, "stretch" not in op)
    images = planned_images(inputs["imgs"], geometry, "bilinear")
    return {"crop_bbox": box_of(geometry), "imgs": images, "img_shape": images.shape[1:3]}


def crop_quadruple(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = Geometry(tuple(inputs["img_shape"]))
    for op in params["ops"]:
        geometry = _place(geometry, ast.literal_eval(op.removeprefix("CenterCrop(").removesuffix(")")), Place(0, 1))
    return {"crop_quadruple": _quadruple(geometry)}


def keypoints_cropped(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = _place(Geometry(tuple(inputs["img_shape"])), params["crop_size"], Place(0, 1))
    return {"keypoint": geometry.plan("area").points(inputs["keypoint"])}


def keypoints_resized(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = _rescaled(Geometry(tuple(inputs["img_shape"])), params["scale"], params["keep_ratio"])
    return {"keypoint": geometry.plan("area").points(inputs["keypoint"])}


def random_resized_crop(case: Case) -> list[str]:
    """Every box is as large and as long as told but for whole pixels, and the extremes that were seen are reached."""
    params, expected = case["params"], case["expected"]
    height, width = case["inputs"]["img_shape"]
    area, aspect = tuple(params["area_range"]), tuple(params["aspect_ratio_range"])
    rngs = [generator(0, Purpose.SAMPLE, index=i) for i in range(3000)]
    boxes = np.array([crops.random_box(height, width, area, aspect, rng) for rng in rngs])
    middle = crops.middle_square(height, width)
    fell = (boxes == middle).all(axis=1)
    x, y, w, h = boxes.T
    outside = (x < 0) | (y < 0) | (x + w > width) | (y + h > height) | (w < 1) | (h < 1)
    size, (low, high) = width * height, area
    wrong_size = ((w + 0.5) * (h + 0.5) < low * size) | ((w - 0.5) * (h - 0.5) > high * size)
    wrong_shape = ((w + 0.5) / (h - 0.5) < aspect[0]) | ((w - 0.5) / (h + 0.5) > aspect[1])
    counts = {"outside": outside.sum(), "size": (wrong_size & ~fell).sum(), "shape": (wrong_shape & ~fell).sum()}
    wrong = [f"{count} boxes are wrong: {name}" for name, count in counts.items() if count]
    x1, y1, x2, y2 = expected["fallback_box"]
    if middle != (x1, y1, x2 - x1, y2 - y1):
        wrong.append(f"the middle square is {middle}, not {expected['fallback_box']}")
    if fell.mean() < expected["fallback_share_seen"] - 0.05:
        wrong.append(f"{fell.mean():.0%} are the middle square, not {expected['fallback_share_seen']:.0%}")
    return wrong + [
        f"{name} is {found}, not {expected[name]}"
        for name, found, slack in _extremes(w, h, fell, size, 1 / min(height, width))
        if expected[name] is not None and min(abs(value - expected[name]) for value in found) > slack
    ]


def _extremes(w: Any, h: Any, fell: Any, size: int, pixel: float) -> list[tuple[str, list[float], float]]:
    """Name of a fact, what we find (shapes with and without the middle square), and how far it may be off."""
    shapes = [w / h, (w / h)[~fell] if not fell.all() else w / h]
    return [
        ("area_fraction_min_seen", [(w * h).min() / size], 0.01 + pixel / 2),
        ("area_fraction_max_seen", [(w * h).max() / size], 0.05 + pixel / 2),
        ("aspect_min_seen", [ratio.min() for ratio in shapes], 0.05 + pixel),
        ("aspect_max_seen", [ratio.max() for ratio in shapes], 0.05 + pixel),
    ]


def random_crop_facts(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.RandomCrop(size=params["size"], last_position=False)
    geometry = Geometry(tuple(inputs["img_shape"]))
    window = transforms.RandomCrop(config).plan(geometry, Extreme(True), transforms.WHOLE).window()  # type: ignore[arg-type]
    return {"x_max": window[0], "y_max": window[1]}


def random_crop(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.RandomCrop(size=params["size"])
    rng = generator(0, Purpose.SAMPLE)
    return transforms.RandomCrop(config).plan(Geometry((10, 12)), rng, transforms.WHOLE)


def decoded(case: Case) -> list[str]:
    """Length, size, rate, and the means and deviations of five frames, which differ alike by decoder."""
    wrong, expected = [], case["expected"]["decord"]
    with PyAV(PyAVConfig(index_cache=False)).open(shared_file(case["inputs"]["file"])) as reader:
        info, pixels = reader.info, reader.frames(expected["frame_inds"].tolist()).double()
    found = {"total_frames": info.num_frames, "img_shape": [info.height, info.width]}
    wrong += [f"{key} is {value}, not {expected[key]}" for key, value in found.items() if value != expected[key]]
    if abs(info.fps - expected["fps"]) > 0.01:
        wrong.append(f"fps is {info.fps}, not {expected['fps']}")
    for key, ours in (("channel_means", pixels.mean((2, 3))), ("channel_stds", pixels.std((2, 3), correction=0))):
        apart = (ours - torch.as_tensor(expected[key])).abs().max()
        wrong += [f"{key} are apart by {apart:.2f}"] if apart > 1.5 else []
    return wrong


OPS = {
    "SampleFrames.train": sample_frames_train,
    "Resize": resize,
    "CenterCrop": center_crop,
    "ThreeCrop": three_crops,
    "Flip": flip,
    "Flip.label": flip_label,
    "lazy+Fuse": lazy,
    "crop_quadruple": crop_quadruple,
    "CenterCrop.keypoint": keypoints_cropped,
    "Resize.keypoint": keypoints_resized,
    "RandomCrop.facts": random_crop_facts,
    "RandomCrop": random_crop,
}
CHECKS = {
    "SampleFrames.test": sample_frames_test,
    "temporal_jitter": jitter,
    "Resize.size": resize_sizes,
    "RandomResizedCrop.facts": random_resized_crop,
    "decode": decoded,
}
