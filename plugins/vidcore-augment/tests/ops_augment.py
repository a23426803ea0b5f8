"""The samplings and transforms of this plugin against recorded figures; tests/reference/vectors.py runs them."""

from __future__ import annotations

from typing import Any

import torch
from answering import Extreme, cut_crops, geometry_of, height_width_of, to_frames

from vidcore.data.crops import Place
from vidcore.data.sampling import DenseSampling
from vidcore.data.sampling_config import Dense
from vidcore_augment import sampling_config, samplings, transform_config, transforms


def _window(params: dict[str, Any], **changes: Any) -> samplings.WindowSampling:
    config = sampling_config.Window(
        num_segments=params["num_clips"],
        frames_per_segment=params["clip_len"],
        frame_interval=params["frame_interval"],
        window=params["sample_range"],
        num_positions=params.get("num_sample_positions", 10),
        out_of_bound=params.get("out_of_bound_opt", "loop").replace("_", "-"),
        **changes,
    )
    return samplings.WindowSampling(config)


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
    frames = samplings.UniformSampling(config).clips(inputs["total_frames"], 0.0, None)
    return frames.reshape(-1) + inputs["start_index"]


def uniform_train(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    component = samplings.UniformSampling(sampling_config.Uniform(num_frames=params["clip_len"]))
    low, high = (component.clips(inputs["total_frames"], 0.0, Extreme(highest))[0] for highest in (False, True))  # type: ignore[arg-type]
    return {"min": low, "max": high}


def untrimmed(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = sampling_config.Untrimmed(
        num_frames=params["clip_len"],
        clip_interval=params["clip_interval"],
        frame_interval=params.get("frame_interval", 1),
    )
    frames = samplings.UntrimmedSampling(config).clips(inputs["total_frames"], 0.0, None)
    return {"frame_inds": frames.reshape(-1) + inputs["start_index"], "num_clips": len(frames)}


def color_jitter(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """The reference turns the hue by `int(255 f)` of 180 steps, whatever it was meant to be."""
    turn = int(params["hue"] * 255) / 180
    draws = torch.tensor([[params["brightness"], params["contrast"], params["saturation"], turn]])
    video = to_frames([inputs["img"]]).permute(1, 0, 2, 3)[None]
    config = transform_config.ColorJitter(order=tuple(params["order"]))
    jittered = transforms.ColorJitter(config).apply(video, draws)
    return {"img": jittered[0, :, 0].permute(1, 2, 0)}


def multi_scale_boxes(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    config = transform_config.MultiScaleCrop(
        size=height_width_of(params["input_size"]),
        scales=tuple(map(float, params["scales"])),
        max_gap=params["max_wh_scale_gap"],
        positions=params["num_fixed_crops"],
    )
    boxes = transforms.MultiScaleCrop(config).boxes(*inputs["img_shape"])
    return {"boxes": sorted({(x, y, x + w, y + h) for x, y, w, h in boxes})}


def ten_crops(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    images = inputs["imgs"]
    crop = transforms.TenCrop(transform_config.TenCrop(size=height_width_of(params["crop_size"])))
    return cut_crops(images, [crop.plan(geometry_of(images), None, Place(i, 10)) for i in range(10)])


def pseudo_clip(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """An image is a video of one frame, which a sampling repeats."""
    (clip,) = DenseSampling(Dense(num_frames=params["clip_len"])).clips(1, 0.0, None)
    return {"imgs": [inputs["img"][None][i] for i in clip], "num_clips": 1, "clip_len": len(clip)}


OPS = {
    "DenseSampleFrames.test": window_test,
    "DenseSampleFrames.train": window_train,
    "UniformSample.test": uniform_test,
    "UniformSample.train": uniform_train,
    "UntrimmedSampleFrames": untrimmed,
    "UntrimmedSampleFrames(main)": untrimmed,
    "ColorJitter": color_jitter,
    "MultiScaleCrop.candidates": multi_scale_boxes,
    "TenCrop": ten_crops,
    "BuildPseudoClip": pseudo_clip,
}
