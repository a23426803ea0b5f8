"""vidcore's answers to the vectors of annotation and feature files."""

from __future__ import annotations

from typing import Any

from answering import shared_file

from vidcore_localization.annotations import AnnotatedVideo, read_annotations
from vidcore_localization.dataset import segment_target
from vidcore_localization.features import read_features

Table = dict[str, Any]


def labels(params: Table, inputs: Table) -> Table:
    rows = inputs["annotations"]
    video = AnnotatedVideo(
        name="v",
        seconds=inputs["duration_second"],
        frames=inputs["duration_frame"],
        feature_frames=inputs["feature_frame"],
        segments=tuple((row["segment"][0], row["segment"][1]) for row in rows),
        labels=tuple(row["label"] for row in rows),
    )
    segments = segment_target(video, [0] * len(rows))["segments"]
    return {"gt_bbox": (segments / video.covered).clamp(0, 1)}


def parsed(params: Table, inputs: Table) -> Table:
    """What vidcore has no use for is told as the reference tells it: rates, and constants of its pipeline."""
    videos = read_annotations(shared_file(inputs["file"])).videos
    samples = [
        {
            "video_name": video.name,
            "duration_second": video.seconds,
            "duration_frame": video.frames,
            "feature_frame": video.feature_frames,
            "annotations": [
                {"segment": list(segment), "label": label}
                for segment, label in zip(video.segments, video.labels, strict=True)
            ],
            "feature_path": f"{params['data_prefix']}/{video.name}.csv",
            "sample_idx": index,
            "fps": (video.frames or 0) / video.seconds,
            "rfps": (video.frames or 0) / video.seconds,
            "modality": "RGB",
            "start_index": 0,
        }
        for index, video in enumerate(videos)
    ]
    return {"num_samples": len(samples), "samples": samples}


def features(params: Table, inputs: Table) -> Table:
    found = read_features(shared_file(inputs["file"]))
    return {"shape": list(found.shape), "first_row": found[0], "sum": found.double().sum()}


OPS = {
    "GenerateLocalizationLabels": labels,
    "ActivityNetDataset": parsed,
    "LoadLocalizationFeature": features,
}
