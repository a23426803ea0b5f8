"""Sampling and geometry of the core against recorded figures. See vectors.py."""

from __future__ import annotations

import ast
import hashlib
import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidcore.data import crops, sampling, sampling_config, transform_config, transforms
from vidcore.data.clip_sampling import drawn_span, random_starts
from vidcore.data.crops import Place
from vidcore.data.geometry import FramePlan, Geometry
from vidcore.data.lists import read_list
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import ConfigError
from vidcore.randomness import Purpose, generator

Case = dict[str, Any]


class Extreme:
    """Stands in for a generator and gives the lowest or the highest number that could be drawn."""

    def __init__(self, highest: bool) -> None:
        self.highest = highest

    def integers(self, low: Any, high: Any, size: Any = None) -> Any:
        value = np.asarray(high) - 1 if self.highest else np.asarray(low)
        return np.broadcast_to(value, value.shape if size is None else size).astype(np.int64)

    def uniform(self, low: float, high: float, size: Any = None) -> Any:
        return np.full(size if size is not None else (), high - (high - low) * 1e-9 if self.highest else low)


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


def _window(params: dict[str, Any], **changes: Any) -> sampling.WindowSampling:
    config = sampling_config.Window(
        num_segments=params["num_clips"],
        frames_per_segment=params["clip_len"],
        frame_interval=params["frame_interval"],
        window=params["sample_range"],
        num_positions=params.get("num_sample_positions", 10),
        out_of_bound=params.get("out_of_bound_opt", "loop").replace("_", "-"),
        **changes,
    )
    return sampling.WindowSampling(config)


def window_test(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    frames = _window(params).clips(inputs["total_frames"], 0.0, None)
    return {"frame_inds": frames.reshape(-1) + inputs["start_index"], "num_clips": params["num_clips"]}


def window_train(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    length, size = inputs["total_frames"], params["sample_range"]
    component = _window(params, last_start=False)
    starts = [component.clips(length, 0.0, Extreme(highest))[0, 0] for highest in (False, True)]  # type: ignore[arg-type]
    return {"start_min": starts[0], "start_max": starts[1], "clip_stride": size // params["num_clips"]}


def uniform_test(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = sampling_config.Uniform(num_frames=params["clip_len"], num_clips=params["num_clips"])
    frames = sampling.UniformSampling(config).clips(inputs["total_frames"], 0.0, None)
    return frames.reshape(-1) + inputs["start_index"]


def uniform_train(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    component = sampling.UniformSampling(sampling_config.Uniform(num_frames=params["clip_len"]))
    low, high = (component.clips(inputs["total_frames"], 0.0, Extreme(highest))[0] for highest in (False, True))  # type: ignore[arg-type]
    return {"min": low, "max": high}


def untrimmed(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = sampling_config.Untrimmed(num_frames=params["clip_len"], clip_interval=params["clip_interval"])
    frames = sampling.UntrimmedSampling(config).clips(inputs["total_frames"], 0.0, None)
    return {"frame_inds": frames.reshape(-1) + inputs["start_index"], "num_clips": len(frames)}


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


def _frames(images: Any) -> torch.Tensor:
    """`[T, C, H, W]` from `[T, H, W, C]`."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _decoded(frames: torch.Tensor, plan: FramePlan) -> torch.Tensor:
    """What a decoder and we make of frames: crop, then scale, then the rest."""
    height, width = frames.shape[-2:]
    view = plan.view
    geometry = Geometry((height, width))
    if view.crop is not None:
        geometry = geometry.cropped(*view.crop)
    if view.size is not None:
        geometry = geometry.resized(*view.size)
    for step in geometry.steps:
        frames = step.pixels(frames)
    return plan.finish(frames)


def _images(images: Any, geometry: Geometry, scaling: Any = "reference") -> np.ndarray[Any, Any]:
    return _decoded(_frames(images), geometry.plan(scaling)).permute(0, 2, 3, 1).numpy()


def _geometry(images: Any) -> Geometry:
    return Geometry(images[0].shape[:2])


def _size(params: Any) -> Any:
    """Ours is height, width."""
    return params if isinstance(params, int) else (params[1], params[0])


def _box(geometry: Geometry) -> np.ndarray[Any, Any]:
    return np.array(geometry.window())


def _rescaled(geometry: Geometry, scale: Any, keep_ratio: bool) -> Geometry:
    if isinstance(scale, str):
        raise ConfigError(f"size {scale}")
    if isinstance(scale, float | int):
        if scale <= 0:
            raise ConfigError(f"a factor of {scale}")
        return geometry.resized(*crops.scaled_size(*geometry.size, scale))
    if not keep_ratio:
        return transforms.Resize(transform_config.Resize(size=_size(scale))).plan(geometry, None, transforms.WHOLE)
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
    geometry = _rescaled(_geometry(inputs["imgs"]), params["scale"], params["keep_ratio"])
    factor = np.diag(geometry.matrix())[:2].astype(np.float32)
    images = _images(inputs["imgs"], geometry)
    return {"imgs": images, "img_shape": images.shape[1:3], "scale_factor": factor}


def _refused(scale: Any) -> Any:
    try:
        return _rescaled(Geometry((8, 8)), scale, True).size
    except ConfigError as error:
        return {"raises": str(error)}


def center_crop(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = _place(_geometry(inputs["imgs"]), params["crop_size"], Place(0, 1))
    images = _images(inputs["imgs"], geometry)
    quad = _quadruple(geometry)
    return {"imgs": images, "crop_bbox": _box(geometry), "img_shape": images.shape[1:3], "crop_quadruple": quad}


def _place(geometry: Geometry, size: Any, place: Place) -> Geometry:
    config = transform_config.CenterCrop(size=_size(size))
    return transforms.CenterCrop(config).plan(geometry, None, place)


def _quadruple(geometry: Geometry) -> np.ndarray[Any, Any]:
    """x, y, width, height of the window as shares of the frame."""
    x1, y1, x2, y2 = geometry.window()
    height, width = geometry.source
    return np.array([x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height])


def many_crops(count: int) -> Any:
    def crop(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
        images = inputs["imgs"]
        places = [_place(_geometry(images), params["crop_size"], Place(i, count)) for i in range(count)]
        pixels = [_images(images, geometry) for geometry in places]
        boxes = np.repeat([_box(geometry) for geometry in places], len(images), axis=0)
        return {"imgs": np.concatenate(pixels), "crop_bbox": boxes, "img_shape": pixels[0].shape[1:3]}

    return crop


def flip(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.Flip(probability=params["flip_ratio"], direction=params["direction"])
    geometry = transforms.Flip(config).plan(_geometry(inputs["imgs"]), generator(0, Purpose.SAMPLE), transforms.WHOLE)
    return {"imgs": _images(inputs["imgs"], geometry), "flip": bool(geometry.steps)}


def flip_label(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    pairs = tuple((int(label), other) for label, other in params["flip_label_map"].items())
    flip = transforms.Flip(transform_config.Flip(labels=pairs))
    return {"label": flip.relabel(inputs["label"], Geometry((4, 4)).flipped())}


def color_jitter(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """The reference turns the hue by `int(255 f)` of 180 steps, whatever it was meant to be."""
    turn = int(params["hue"] * 255) / 180
    draws = torch.tensor([[params["brightness"], params["contrast"], params["saturation"], turn]])
    video = _frames([inputs["img"]]).permute(1, 0, 2, 3)[None]
    jittered = transforms.ColorJitter(transform_config.ColorJitter()).apply(video, draws)
    return {"img": jittered[0, :, 0].permute(1, 2, 0)}


def lazy(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    geometry = _geometry(inputs["imgs"])
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
    images = _images(inputs["imgs"], geometry, "bilinear")
    return {"crop_bbox": _box(geometry), "imgs": images, "img_shape": images.shape[1:3]}


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


def multi_scale_boxes(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.MultiScaleCrop(
        size=_size(params["input_size"]),
        scales=tuple(map(float, params["scales"])),
        max_gap=params["max_wh_scale_gap"],
        positions=params["num_fixed_crops"],
    )
    boxes = transforms.MultiScaleCrop(config).boxes(*inputs["img_shape"])
    return {"boxes": sorted({(x, y, x + w, y + h) for x, y, w, h in boxes})}


def random_resized_crop(case: Case) -> list[str]:
    params, expected = case["params"], case["expected"]
    height, width = case["inputs"]["img_shape"]
    rngs = [generator(0, Purpose.SAMPLE, index=i) for i in range(3000)]
    area, aspect = tuple(params["area_range"]), tuple(params["aspect_ratio_range"])
    boxes = np.array([crops.random_box(height, width, area, aspect, rng) for rng in rngs])
    x, y, w, h = boxes.T
    wrong = []
    if x.min() < 0 or y.min() < 0 or (x + w).max() > width or (y + h).max() > height or w.min() < 1 or h.min() < 1:
        wrong.append("a box lies outside the frame")
    x1, y1, x2, y2 = expected["fallback_box"]
    middle = crops.middle_square(height, width)
    if middle != (x1, y1, x2 - x1, y2 - y1):
        wrong.append(f"the middle square is {middle}, not {expected['fallback_box']}")
    fell = (boxes == middle).all(axis=1)
    if expected["fallback_share_seen"] == 1.0:
        return wrong + ([] if fell.all() else ["a box was found where none fits"])
    shares = w * h / (width * height)
    if abs(shares.min() - expected["area_fraction_min_seen"]) > 0.01 or shares.max() > area[1] + 0.01:
        wrong.append(f"areas {shares.min()} to {shares.max()}")
    if (
        abs((w / h).min() - expected["aspect_min_seen"]) > 0.05
        or abs((w / h).max() - expected["aspect_max_seen"]) > 0.05
    ):
        wrong.append(f"shapes {(w / h).min()} to {(w / h).max()}")
    return wrong


def random_crop_facts(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.RandomCrop(size=params["size"], last_position=False)
    geometry = Geometry(tuple(inputs["img_shape"]))
    window = transforms.RandomCrop(config).plan(geometry, Extreme(True), transforms.WHOLE).window()  # type: ignore[arg-type]
    return {"x_max": window[0], "y_max": window[1]}


def random_crop(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.RandomCrop(size=params["size"])
    rng = generator(0, Purpose.SAMPLE)
    return transforms.RandomCrop(config).plan(Geometry((10, 12)), rng, transforms.WHOLE)


def shared(name: str) -> Path:
    """A file that a case names, in the folder that `data` lies in."""
    data = os.environ.get("VIDCORE_TEST_DATA")
    folder = Path(data).parent if data else Path(__file__).resolve().parents[3] / "shared"
    return folder / name


def listed(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Rows of a list of videos or of frame folders, as the reference's samples."""
    video, many = "video" in params["data_prefix"], params.get("multi_class", False)
    middle = () if video else ("offset", "frames") if params.get("with_offset") else ("frames",)
    table = read_list(shared(inputs["file"]), columns=("path", *middle, "label"), multi_label=many)
    samples = []
    for index in range(len(table)):
        labels, (offset, frames) = table.labels(index), table.part(index)
        label = {"tensor": np.bincount(labels, minlength=params["num_classes"])} if many else labels[0]
        sample = {"label": label, "sample_idx": index, "modality": "RGB", "start_index": 0 if video else 1}
        path = f"DATA/{table.path(index)}"
        rest = {"filename": path} if video else {"frame_dir": path, "total_frames": frames, "offset": offset}
        samples.append({**sample, **rest, "filename_tmpl": "img_{:05}.jpg"})
    return {"num_samples": len(table), "samples": samples}


def decoded(case: Case) -> list[str]:
    """Length, size, rate, and the means and deviations of five frames, which differ alike by decoder."""
    wrong, expected = [], case["expected"]["decord"]
    with PyAV(PyAVConfig(index_cache=False)).open(shared(case["inputs"]["file"])) as reader:
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
    "DenseSampleFrames.test": window_test,
    "DenseSampleFrames.train": window_train,
    "SampleFrames.train": sample_frames_train,
    "UniformSample.test": uniform_test,
    "UniformSample.train": uniform_train,
    "UntrimmedSampleFrames": untrimmed,
    "Resize": resize,
    "CenterCrop": center_crop,
    "ThreeCrop": many_crops(3),
    "TenCrop": many_crops(10),
    "Flip": flip,
    "Flip.label": flip_label,
    "ColorJitter": color_jitter,
    "lazy+Fuse": lazy,
    "crop_quadruple": crop_quadruple,
    "CenterCrop.keypoint": keypoints_cropped,
    "Resize.keypoint": keypoints_resized,
    "MultiScaleCrop.candidates": multi_scale_boxes,
    "RandomCrop.facts": random_crop_facts,
    "RandomCrop": random_crop,
    "VideoDataset": listed,
    "RawframeDataset": listed,
}
CHECKS = {
    "SampleFrames.test": sample_frames_test,
    "temporal_jitter": jitter,
    "Resize.size": resize_sizes,
    "RandomResizedCrop.facts": random_resized_crop,
    "decode": decoded,
}
