"""Checks across tables, from the facts that configs tell; no torch, no video opened."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from vidcore.config.base import Facts
from vidcore.config.experiment import Experiment
from vidcore.config.places import place
from vidcore.config.structure import Problem
from vidcore.errors import DataError

SPLITS = ("train", "val", "test")


def facts_of(experiment: Experiment) -> dict[str, Facts]:
    """Facts of each split that the experiment has."""
    root = place(experiment.data.root)
    splits = {split: getattr(experiment.data, split) for split in SPLITS}
    facts = {split: config.facts(root) for split, config in splits.items() if config is not None}
    channels = getattr(experiment.data.decoder, "channels", None)  # of a decoder whose frames are not RGB
    return facts if channels is None else {split: _with_channels(known, channels) for split, known in facts.items()}


def class_count(experiment: Experiment) -> int | None:
    """How many classes the data has, where a config can tell."""
    try:
        counts = (_count(facts) for facts in facts_of(experiment).values())
        return next((count for count in counts if count is not None), None)
    except DataError:
        return None  # cross_check tells it with its place


def cross_check(experiment: Experiment) -> Iterator[Problem]:
    """Yield what cannot work together, before anything is built."""
    if experiment.data.train is None and experiment.data.val is None and experiment.data.test is None:
        yield Problem(("data",), "no data: give [data.train] with a `type`, or [data.test] to evaluate", at_key=True)
        return
    try:
        facts = facts_of(experiment)
    except DataError as error:
        yield Problem(("data",), str(error), at_key=True)
        return
    yield from _classes_agree(experiment, facts)
    for split, known in facts.items():
        for text in experiment.model.check_inputs(known.inputs):
            yield Problem(("data", split), f"does not fit the model: {text}", at_key=True)


def _classes_agree(experiment: Experiment, facts: dict[str, Facts]) -> Iterator[Problem]:
    counts = {split: _count(known) for split, known in facts.items() if _count(known) is not None}
    wanted = experiment.model.facts().num_classes
    for split, count in counts.items():
        if wanted is not None and count != wanted:
            text = f"{wanted}, but data.{split} has {count} classes; leave it out to take the number from the data"
            yield Problem(("model", "num_classes"), text)
    named = {split: known.classes for split, known in facts.items() if known.classes is not None}
    for split, classes in named.items():
        first, other = next(iter(named.items()))
        if classes != other and len(classes) == len(other):
            place = next(i for i, pair in enumerate(zip(classes, other, strict=True)) if pair[0] != pair[1])
            text = f"its class {place} is {classes[place]!r}, that of data.{first} is {other[place]!r}"
            yield Problem(("data", split), text, at_key=True)
    if wanted is None and not counts and experiment.data.train is not None:
        text = "is not known: the data does not tell (is it there?); write num_classes, or give the data its class list"
        yield Problem(("model", "num_classes"), text, at_key=True)


def _with_channels(facts: Facts, channels: int) -> Facts:
    return evolve(
        facts,
        inputs={name: (channels, *shape[1:]) if name == "video" else shape for name, shape in facts.inputs.items()},
    )


def _count(facts: Facts) -> int | None:
    return len(facts.classes) if facts.classes is not None else facts.num_classes
