"""Sampling and geometry of the core against recorded figures. See vectors.py."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np

from vidcore.data import sampling, sampling_config
from vidcore.data.clip_sampling import drawn_span, random_starts
from vidcore.errors import ConfigError

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


OPS = {
    "DenseSampleFrames.test": window_test,
    "DenseSampleFrames.train": window_train,
    "SampleFrames.train": sample_frames_train,
    "UniformSample.test": uniform_test,
    "UniformSample.train": uniform_train,
    "UntrimmedSampleFrames": untrimmed,
}
CHECKS = {"SampleFrames.test": sample_frames_test, "temporal_jitter": jitter}
