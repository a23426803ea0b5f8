"""What the tables of published sets have in common: a name and a label for each sequence, by index."""

from __future__ import annotations

from attrs import frozen


@frozen(eq=False, kw_only=True)
class LabelledSequences:
    """Names and labels. A format adds where its sequences are, how one is read, and what is wrong with the files."""

    names: tuple[str, ...]
    labels: tuple[int, ...]  # class numbers from 0

    @property
    def num_labels(self) -> int:
        """Classes, as far as the labels tell."""
        return max(self.labels) + 1

    def __len__(self) -> int:
        return len(self.names)

    def label(self, index: int) -> int:
        return self.labels[index]

    def name(self, index: int) -> str:
        return self.names[index]
