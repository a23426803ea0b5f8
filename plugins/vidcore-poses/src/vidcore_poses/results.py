"""What lies in the folder of the results beside a file for each video."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

from vidcore.errors import DataError
from vidcore.whole_files import written_whole
from vidcore_poses.config import Models
from vidcore_poses.sources import Source
from vidcore_poses.tracking import Tracking
from vidcore_skeleton.files import read_skeleton

_NOTES = "poses.json"


def check_same(out: Path, models: Models, tracking: Tracking, every: int) -> None:
    """Note how the results are made; refuse to go on with others.

    Raises:
        DataError: What lies there was made otherwise.
    """
    now = {"models": asdict(models), "tracking": asdict(tracking), "every": every}
    plain: dict[str, Any] = json.loads(json.dumps(now))
    notes = out / _NOTES
    if notes.exists():
        before: dict[str, Any] = json.loads(notes.read_text(encoding="utf-8"))
        if changed := sorted(_flat(before).items() ^ _flat(plain).items()):
            names = ", ".join(sorted({name for name, _ in changed}))
            raise DataError(f"{out} holds poses that were made otherwise ({names}); choose another --out, or remove it")
        return
    out.mkdir(parents=True, exist_ok=True)
    _write(notes, (json.dumps(plain, indent=1, sort_keys=True) + "\n").encode())


def write_lists(out: Path, sources: Sequence[Source], empty: Mapping[str, str]) -> list[Path]:
    """`NAME.txt` for each source with labels, `path label` a line, and `classes.txt` where folders are classes.

    Args:
        out: The folder of the results.
        sources: What was looked at.
        empty: Results that nothing can be learned from, and why; a comment line stands for them.
    """
    written = []
    for source in sources:
        labelled = [clip for clip in source.clips if clip.label is not None]
        if labelled:
            lines = [
                f"# {clip.output} {clip.label}: {empty[clip.output]}"
                if clip.output in empty
                else f'"{clip.output}" {clip.label}'
                for clip in labelled
            ]
            written.append(_write(out / f"{source.name}.txt", "".join(f"{line}\n" for line in lines).encode()))
    if classes := next((source.classes for source in sources if source.classes), ()):
        written.append(_write(out / "classes.txt", "".join(f"{name}\n" for name in classes).encode()))
    return written


def write_pickle(path: Path, out: Path, sources: Sequence[Source], empty: Mapping[str, str]) -> int:
    """All sequences with labels as one annotation pickle of the field, each source a split; how many there are."""
    splits: dict[str, list[str]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for source in sources:
        for clip in source.clips:
            if clip.label is None or clip.output in empty:
                continue
            name = clip.output.removesuffix(".npz")
            splits.setdefault(source.name, []).append(name)
            skeleton = read_skeleton(out / clip.output)
            rows[name] = {
                "frame_dir": name, "label": clip.label, "total_frames": skeleton.num_frames,
                "img_shape": skeleton.image_size, "original_shape": skeleton.image_size,
                "keypoint": skeleton.joints, "keypoint_score": skeleton.scores,
            }  # fmt: skip
    if not rows:
        raise DataError(f"nothing to write to {path}: give lists with labels, or folders with --class-folders")
    _write(path, pickle.dumps({"split": splits, "annotations": list(rows.values())}))
    return len(rows)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_bytes(content)
    return path


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": json.dumps(value)}
    return flat
