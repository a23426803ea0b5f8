"""What is made, what became of it, and what makes it: the words that the engine, its pools and its bar speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from attrs import define, field, frozen


@frozen(kw_only=True)
class Item:
    """One thing to make."""

    name: str  # for people and for lists of failures; no other item has it
    output: Path  # file or folder; where it exists, the item is done
    source: Any = None  # what it is made of; goes to another process, so it must pickle


Counts = Mapping[str, float]
Work = Callable[[Item, Path], Counts | None]
"""Makes an item: called with it and with the path, not there yet, that the output is to be written to. It returns
figures that are added up over all items, such as `{"frames": 250}`. A `VidcoreError` is a failure of this item."""


@frozen
class Outcome:
    """What became of an item."""

    name: str
    state: Literal["made", "there", "failed", "no room"]
    counts: Counts = field(factory=dict)
    reason: str = ""


class Pool(Protocol):
    """Where the work is done."""

    def map(self, attempt: Callable[[Item], Outcome], items: Sequence[Item]) -> Iterator[Outcome]:
        """The outcome of each item, in any order. `attempt` pickles, and raises nothing.

        An item whose process was killed is an outcome too.
        """


def killed(item: Item) -> Outcome:
    """For pools: the outcome of an item whose process ended."""
    return Outcome(item.name, "failed", reason="the process that worked on it was killed, perhaps for lack of memory")


@define
class Report:
    """What a run did."""

    folder: Path
    made: int = 0
    there: int = 0  # had been made before
    failed: dict[str, str] = field(factory=dict)  # name -> reason
    counts: dict[str, float] = field(factory=dict)
    seconds: float = 0.0
    failures_file: Path | None = None

    @property
    def total(self) -> int:
        """Items of this part."""
        return self.made + self.there + len(self.failed)

    def add(self, outcome: Outcome) -> None:
        """Count an item."""
        if outcome.state == "failed":
            self.failed[outcome.name] = outcome.reason
        elif outcome.state == "there":
            self.there += 1
        else:
            self.made += 1
            for name, value in outcome.counts.items():
                self.counts[name] = self.counts.get(name, 0) + value
