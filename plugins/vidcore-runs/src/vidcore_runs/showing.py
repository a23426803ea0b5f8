"""One run in lines of text: what it was, what it reached, where its time went, how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from vidcore.wording import counted
from vidcore_runs.columns import aligned, duration, moment, number
from vidcore_runs.ending import bad_videos
from vidcore_runs.records import Row, Run, figures_of

_MOST_VIDEOS = 20


@frozen(kw_only=True)
class Times:
    """Where the time of a run went, in seconds."""

    epochs: dict[int, float]  # of training, by epoch, counted from 1; only whole epochs
    data: float  # of training, spent waiting for batches
    training: float
    measuring: float
    clips_per_second: float  # in training, over all of it
    memory_bytes: int  # the most


def times_of(run: Run) -> Times:
    """Add up timings.jsonl. An epoch counts the steps that stand: those that a kill undid were taken again."""
    rows = [row for row in run.times if row.get("split") == "train"]
    standing: dict[int, Row] = {int(row["step"]): row for row in rows}  # the last of each step
    per_epoch: dict[int, float] = {}
    for row in standing.values():
        epoch = int(row["epoch"])
        per_epoch[epoch] = per_epoch.get(epoch, 0.0) + float(row["seconds"])
    open_one = 0 if run.steps_per_epoch is None else int(max(standing, default=0) // run.steps_per_epoch) + 1
    per_epoch.pop(open_one, None)  # not whole yet
    seconds = sum(float(row["seconds"]) for row in rows)
    clips = sum(float(row.get("clips_per_second", 0.0)) * float(row["seconds"]) for row in rows)
    return Times(
        epochs=per_epoch,
        data=sum(float(row.get("data_seconds", 0.0)) for row in rows),
        training=seconds,
        measuring=run.seconds - seconds,
        clips_per_second=clips / seconds if seconds else 0.0,
        memory_bytes=max((int(row.get("memory_bytes", 0)) for row in run.times), default=0),
    )


def describe(run: Run) -> Iterator[str]:
    """The lines of `vidcore runs show`."""
    yield f"{run.name}: {run.ending.state.value}, {run.ending.text}"
    yield ""
    for name, text in {**_configuration(run.experiment), **_times(run)}.items():
        if text:
            yield f"  {name:12} {text}"
    yield ""
    yield from _evaluations(run)
    videos = bad_videos(run.folder)
    if videos:
        yield ""
        yield f"{counted(len(videos), 'video')} could not be read:"
        yield from (f"  {video.name} ({video.action}): {video.why}" for video in videos[:_MOST_VIDEOS])
        if len(videos) > _MOST_VIDEOS:
            yield f"  and {len(videos) - _MOST_VIDEOS} more, in {run.folder / 'log.txt'}"


def _configuration(table: Mapping[str, Any]) -> dict[str, str]:
    """What people ask first; the whole stands in experiment.toml."""
    data, engine, optimizer = (_table(table.get(key)) for key in ("data", "engine", "optimizer"))
    train, schedule = _table(data.get("train")), _table(table.get("schedule"))
    batch = str(train.get("batch_size", ""))
    if engine.get("accumulate", 1) != 1:
        batch += f" x {engine['accumulate']}"
    model = _table(table.get("model"))
    return {
        "task": str(_table(table.get("task")).get("type", "")),
        "model": f"{model.get('type', '')}, {model.get('num_classes', '?')} classes"
        + (f", from {model['weights']}" if model.get("weights") else ""),
        "data": f"{train.get('type', '')}, batches of {batch}" if train else "",
        "optimizer": f"{optimizer.get('type', '')}, lr {optimizer.get('lr', '?')}, {schedule.get('type', '')}",
        "engine": f"{engine.get('epochs')} epochs, {engine.get('precision')}, seed {table.get('seed', 0)}",
    }


def _times(run: Run) -> dict[str, str]:
    times = times_of(run)
    if not run.seconds:
        return {"time": "no step was timed yet"}
    slow, fast = (pick(times.epochs, key=lambda epoch: times.epochs[epoch], default=0) for pick in (max, min))
    share = times.data / times.training if times.training else 0.0
    return {
        "time": f"{duration(run.seconds)}: {duration(times.training)} training, {duration(times.measuring)} measuring; "
        f"last written {moment(run.last_written)}",
        "epochs": f"fastest {fast} in {duration(times.epochs[fast])}, slowest {slow} in {duration(times.epochs[slow])}"
        if times.epochs
        else "none is over yet",
        "data/step": f"{share:.0%} of training spent waiting for data, {1 - share:.0%} in steps",
        "speed": f"{times.clips_per_second:.3g} clips/s, {times.memory_bytes / 2**30:.1f} GiB",
        "bad steps": str(run.result.get("bad_steps") or ""),
    }


def _evaluations(run: Run) -> Iterator[str]:
    rows = run.evaluations()
    if not rows:
        yield "no evaluation yet"
        return
    names = list(dict.fromkeys(name for row in rows for name in figures_of(row)))
    best = run.best
    table = []
    for row in rows:
        figures = figures_of(row)
        is_best = best is not None and row.get("step") == best.step and row.get("split") == "val"
        cells = [number(figures[name]) if name in figures else "" for name in names]
        table.append([str(row.get("epoch", "")), str(row["step"]), str(row["split"]), *cells, "*" if is_best else ""])
    yield from aligned(["epoch", "step", "split", *names, ""], table, right=["epoch", "step", *names])
    if best is not None:
        yield f"* best {best.metric}"


def _table(value: Any) -> Mapping[str, Any]:
    return {"type": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
