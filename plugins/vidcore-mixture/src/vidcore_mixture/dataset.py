"""Several data sets as one.

Route: `mixture` builds the sources -> `EpochOrder` says which samples an epoch has -> `MixtureDataset` reads them.
Samples are numbered through: those of the first source, then those of the second, ... However often an epoch has a
sample, it keeps its number, so a broken file is one broken file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from attrs import evolve, frozen
from torch import Tensor

from vidcore.data.clips import DataContext
from vidcore.data.loader import where
from vidcore.data.transforms import PhotometricTransform
from vidcore.errors import ConfigError, DataError
from vidcore.interfaces import Dataset, Finding
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef
from vidcore_mixture.class_names import Wanted, common_classes
from vidcore_mixture.config import Mixture, Source
from vidcore_mixture.draws import Indices, balanced_passes, shares, shuffled_passes


@runtime_checkable
class HasLabels(Protocol):
    """A data set that knows the classes of a sample without reading it."""

    def labels(self, index: int) -> Sequence[int]: ...


@frozen(eq=False)
class Draw:
    """What an epoch takes of one source."""

    number: int  # of the source
    offset: int  # number of its first sample in the mixture
    length: int  # samples it has
    count: int  # draws of an epoch
    groups: tuple[Indices, ...] = ()  # samples of each class that has any, where classes are balanced

    def of_epoch(self, seed: int, epoch: int) -> Indices:
        """Numbers of samples in the mixture."""
        first = epoch * self.count
        if self.groups:
            return self.offset + balanced_passes(
                lambda block, part: generator(seed, Purpose.SOURCES, block, self.number, part),
                self.groups,
                first,
                self.count,
            )
        return self.offset + shuffled_passes(
            lambda block: generator(seed, Purpose.SOURCES, block, self.number), self.length, first, self.count
        )


class MixtureDataset:
    """Samples of several data sets, as one.

    Args:
        sources: By name, in order.
        draws: What an epoch takes of each.
        classes: "agree", "join" or the names; see `Mixture`.
        transforms: Of all sources, by name: the photometric ones among them are applied to whole batches.
    """

    def __init__(
        self,
        sources: Mapping[str, Dataset],
        draws: Sequence[Draw],
        classes: Wanted = "agree",
        transforms: Mapping[str, object] | None = None,
    ) -> None:
        self._sources, self._draws = dict(sources), tuple(draws)
        self._names, self._offsets = list(sources), [draw.offset for draw in draws]
        self.transforms = dict(transforms or {})
        self._classes = common_classes({name: source.classes for name, source in sources.items()}, classes)
        places = {name: label for label, name in enumerate(self._classes)}
        self._labels = {
            name: torch.tensor([places[one] for one in source.classes], dtype=torch.int64)
            for name, source in sources.items()
            if tuple(source.classes) != self._classes
        }

    @property
    def classes(self) -> Sequence[str]:
        return self._classes

    def __len__(self) -> int:
        return sum(map(len, self._sources.values()))

    @property
    def samples_per_epoch(self) -> int:
        """Of training."""
        return sum(draw.count for draw in self._draws)

    def order(self, seed: int, epoch: int) -> Indices:
        """Numbers of the samples of an epoch of training, in their order."""
        drawn = np.concatenate([draw.of_epoch(seed, epoch) for draw in self._draws])
        return generator(seed, Purpose.ORDER, epoch).permutation(drawn)

    def where(self, index: int) -> str:
        """The sample as its source calls it, for messages."""
        name, number = self._place(index)
        return f"{where(self._sources[name], number)} in source '{name}'"

    def labels(self, index: int) -> list[int]:
        """The classes of a sample, where its source knows them."""
        name, number = self._place(index)
        labels = _labels_of(self._sources[name], name, number)
        mapped = self._labels.get(name)
        return list(labels) if mapped is None else [int(mapped[label]) for label in labels]

    def sample(self, ref: SampleRef, rng: np.random.Generator) -> list[Sample]:
        """The sample at `ref.index`, once for each repeat, as its source reads it.

        Raises:
            DataError: The source cannot read it, or has targets other than classes that must be mapped.
        """
        name, number = self._place(ref.index)
        samples = self._sources[name].sample(evolve(ref, source=name, index=number), rng)
        return [
            evolve(
                sample,
                ref=evolve(ref, repeat=sample.ref.repeat),
                target=self._target(name, sample.target),
                meta={**sample.meta, "source": name},
            )
            for sample in samples
        ]

    def check(self, deep: bool = False) -> Iterator[Finding]:
        """What each source finds."""
        for name, source in self._sources.items():
            yield from (evolve(found, text=f"source '{name}': {found.text}") for found in source.check(deep))

    def _place(self, index: int) -> tuple[str, int]:
        number = int(np.searchsorted(self._offsets, index, side="right")) - 1
        return self._names[number], index - self._offsets[number]

    def _target(self, name: str, target: Mapping[str, Any]) -> dict[str, Any]:
        """The target with the labels that its classes have in the mixture."""
        mapped = self._labels.get(name)
        if mapped is None or not target:
            return dict(target)
        if target.keys() == {"label"}:
            return {"label": int(mapped[int(target["label"])])}
        if target.keys() == {"labels"}:
            labels: Tensor = target["labels"]
            return {"labels": labels.new_zeros(len(self._classes)).index_copy(0, mapped, labels)}
        raise DataError(
            f"source '{name}' has targets {', '.join(sorted(target))}: only class labels can be put together; give all "
            'sources the same class list, with classes = "agree"'
        )


def mixture(config: Mixture, context: DataContext) -> MixtureDataset:
    """The data set of kind `mixture`.

    Raises:
        ConfigError: The options of a source have no effect, or do not fit those of the others.
        DataError: The data of a source cannot be used, or its classes do not fit.
    """
    contexts = {name: _context(name, source, config, context) for name, source in config.sources.items()}
    sources = {name: build(config.whole(source), contexts[name]) for name, source in config.sources.items()}
    for name, source in sources.items():
        if not len(source):
            raise ConfigError(f"source '{name}' is empty; take it out")
    return MixtureDataset(sources, _draws(config, sources), config.classes, _transforms(config, contexts))


def _context(name: str, source: Source, config: Mixture, context: DataContext) -> DataContext:
    if source.chooses and not context.training:
        raise ConfigError(
            f"data.{context.split}.sources.{name}: ratio, repeat and balance are for training; outside of it every "
            "sample is read once"
        )
    whole = config.whole(source)
    if whole.needs_sampling and whole.sampling is None:
        raise ConfigError(
            f"source '{name}' of data.{context.split} has no sampling; add [data.{context.split}.sampling] for all "
            f"sources, or [data.{context.split}.sources.{name}.dataset.sampling]"
        )
    return evolve(
        context,
        root=context.root / source.root,
        sampling=build(source.dataset.sampling) if source.dataset.sampling else context.sampling,
        transforms={key: build(one) for key, one in whole.transforms.items()},
    )


def _draws(config: Mixture, sources: Mapping[str, Dataset]) -> list[Draw]:
    lengths = [len(source) for source in sources.values()]
    counts = [length * source.repeat for length, source in zip(lengths, config.sources.values(), strict=True)]
    ratios = [source.ratio for source in config.sources.values() if source.ratio is not None]
    if ratios:
        counts = shares(config.samples or sum(lengths), ratios)
    draws = []
    for number, (name, source) in enumerate(config.sources.items()):
        if not counts[number]:
            raise ConfigError(f"an epoch of {sum(counts)} samples has none of source '{name}'; raise `samples`")
        groups = _groups(sources[name], name) if source.balance == "classes" else ()
        draws.append(Draw(number, sum(lengths[:number]), lengths[number], counts[number], groups))
    return draws


def _groups(source: Dataset, name: str) -> tuple[Indices, ...]:
    """The samples of each class that has any. One with several labels is in several groups."""
    pairs = [(label, index) for index in range(len(source)) for label in _labels_of(source, name, index)]
    if not pairs:
        raise ConfigError(f"source '{name}' has no labels, so its classes cannot be balanced; take `balance` out")
    labels, indices = np.array(sorted(pairs), np.int64).T
    return tuple(np.split(indices, np.flatnonzero(np.diff(labels)) + 1))


def _labels_of(source: Dataset, name: str, index: int) -> Sequence[int]:
    if not isinstance(source, HasLabels):
        raise ConfigError(
            f"source '{name}' cannot tell the class of a sample without reading it, as `balance` needs "
            f"({type(source).__name__} has no method `labels`); take `balance` out"
        )
    return source.labels(index)


def _transforms(config: Mixture, contexts: Mapping[str, DataContext]) -> dict[str, object]:
    """All transforms by name. What is applied to whole batches must be the same in every source."""
    on_batches = {
        name: {
            key: config.whole(config.sources[name]).transforms[key]
            for key, transform in context.transforms.items()
            if isinstance(transform, PhotometricTransform)
        }
        for name, context in contexts.items()
    }
    first, wanted = next(iter(on_batches.items()))
    for name, configs in on_batches.items():
        if configs != wanted:
            raise ConfigError(
                f"sources '{first}' and '{name}' have different photometric transforms ({', '.join(wanted) or 'none'}; "
                f"{', '.join(configs) or 'none'}): these are applied to whole batches, so give both the same"
            )
    return {key: transform for context in contexts.values() for key, transform in context.transforms.items()}
