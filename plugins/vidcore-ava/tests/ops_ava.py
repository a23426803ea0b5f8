"""Answers to recorded cases of AVA: annotations, label maps, proposals, the evaluation."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from answering import shared_file

from vidcore.errors import DataError
from vidcore_ava.annotations import Key, read_annotation, read_exclusions
from vidcore_ava.dataset import key_frames
from vidcore_ava.evaluation import Rules, check_numbers, figures, per_class, read_results, read_truth, result_lines
from vidcore_ava.label_maps import Classes, read_label_map
from vidcore_ava.proposals import read_proposals

MAIN = Rules(undetected="leave-out", unannotated_frames="ignore", excluded_truth="count")
MAIN_EMPTY = Rules(undetected="leave-out", excluded_truth="count")
GROUPS = {"person_movement": (1, 14), "object_manipulation": (15, 63), "person_interaction": (64, 80)}


def ava_map(params: Any, inputs: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        if "gt" in params:
            gt, pred, label_map = (shared_file(params[name]) for name in ("gt", "pred", "label"))
            excluded = None
        else:
            gt, pred, label_map, excluded = (
                _written(Path(folder), name, inputs[name])
                for name in ("gt_csv", "pred_csv", "label_map", "exclude_csv")
            )
        names = {label.number: label.name for label in read_label_map(label_map)}
        numbers = params.get("custom_classes") or list(names)
        truth, found = read_truth(gt), read_results(pred)
        left_out: frozenset[Key] = read_exclusions(excluded) if excluded else frozenset()
    try:
        check_numbers(numbers, names)
    except DataError:
        wrong = {"result": {"raises": "AssertionError"}, "per_class_4dp": {}}
        return {"rc3": {"raises": "AssertionError"}, "main": wrong, "main_keep_empty_frames": wrong}

    def measured(rules: Rules) -> tuple[dict[str, float], dict[str, float]]:
        values = per_class(truth, found, numbers, left_out, rules)
        return {names[number]: value for number, value in values.items()}, figures(values, GROUPS)

    values, total = measured(Rules())
    answer: dict[str, Any] = {"rc3": {"mAP": {"mAP@0.5IOU": total["frame_map"]}, "per_class": values}}
    for version, rules in (("main", MAIN), ("main_keep_empty_frames", MAIN_EMPTY)):
        values, total = measured(rules)
        result = {"overall": total["frame_map"]} | {name: total[f"frame_map_{name}"] for name in GROUPS}
        answer[version] = {"result": result, "per_class_4dp": {name: round(x, 4) for name, x in values.items()}}
    return answer


def _written(folder: Path, name: str, text: str | None) -> Path | None:
    if text is None:
        return None
    path = folder / name.replace("_csv", ".csv")
    path.write_text(text)
    return path


def results_to_csv(params: Any, inputs: Any) -> dict[str, str]:
    numbers = (params["custom_classes"] or list(range(params["num_classes"])))[1:]
    key = (inputs["video_id"], float(inputs["timestamp"]))
    boxes, scores = inputs["bboxes"], inputs["scores"][:, 1:]
    texts = [
        "\n".join([*result_lines(key, boxes, scores, numbers, threshold=params["thr"], decimals=decimals), ""])
        for decimals in (3, 4)
    ]
    return {"csv_rc3": texts[0], "csv_main": texts[1]}


def read_labelmap(params: Any, inputs: Any) -> dict[str, Any]:
    labels = read_label_map(shared_file(inputs["file"]))
    pairs = [{"id": label.number, "name": label.name} for label in labels]
    return {"labelmap": pairs, "ids": [label.number for label in labels]}


def ava_dataset(params: Any, inputs: Any) -> dict[str, Any]:
    """Samples as recorded there: label 0 is nobody's, whatever does not depend on the data is as it always was."""
    numbers = tuple(params.get("custom_classes") or range(1, params.get("num_classes", 81)))
    fps, begin = params.get("fps", 30), params.get("timestamp_start", 900)
    classes = Classes(tuple(map(str, numbers)), numbers, frozenset(numbers))
    rows = read_annotation(shared_file(inputs["file"]), params.get("num_classes", 81) + 80).rows
    if params.get("exclude_file"):
        excluded = read_exclusions(shared_file(f"data/{params['exclude_file']}"))
        rows = tuple(row for row in rows if row.key not in excluded)
    file = inputs.get("proposals") or (f"data/{params['proposal_file']}" if params.get("proposal_file") else None)
    proposals = read_proposals(shared_file(file)) if file else None
    persons = {(row.key, row.box): row.person for row in rows}
    samples = []
    for index, key in enumerate(key_frames(rows, classes)):
        labels = np.zeros((len(key.boxes), len(numbers) + 1), np.float32)
        for row, own in zip(labels, key.labels, strict=True):
            row[[label + 1 for label in own]] = 1
        place = "filename" if params.get("use_frames") is False else "frame_dir"
        sample = {
            place: f"{params['data_prefix']}/{key.name}",
            "video_id": key.name,
            "timestamp": int(key.timestamp),
            "img_key": f"{key.name},{int(key.timestamp):04d}",
            "shot_info": [0, (1800 - begin) * fps] if place == "frame_dir" else None,
            "fps": fps,
            "sample_idx": index,
            "modality": "RGB",
            "start_index": 0,
            "filename_tmpl": "img_{:05}.jpg",
            "timestamp_start": begin,
            "timestamp_end": 1800,
            "gt_bboxes": np.array(key.boxes),
            "gt_labels": labels if params.get("multilabel", True) else np.array(key.labels) + 1,
            "entity_ids": [persons[(key.name, key.timestamp), box] for box in key.boxes],
        }
        if proposals is not None:
            best = proposals[key.name, key.timestamp].best(
                params.get("person_det_score_thr", 0.9), params.get("num_max_proposals", 1000)
            )
            sample |= {"proposals": best.boxes, "scores": best.scores}
        samples.append(sample)
    return {"num_samples": len(samples), "samples": samples}


OPS = {
    "ava_map": ava_map,
    "results2csv": results_to_csv,
    "read_labelmap": read_labelmap,
    "AVADataset": ava_dataset,
    "AVADataset(main)": ava_dataset,
}
