"""What becomes of videos that cannot be read: counted, named, and never passed over in silence.

- replace: in training another video stands in, chosen by (seed, epoch, index, attempt), so the same one in every run.
- skip: in evaluation nothing stands in, for that would count one video twice. The sample is left out of the figures,
  and whoever shows them must show `BadVideos.summary` beside them.
- fail: the run stops at once.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from attrs import define, field, frozen

from vidcore.errors import DataError, RunError

log = logging.getLogger(__name__)

Action = Literal["replace", "skip", "fail"]
MAX_ATTEMPTS = 10  # videos tried in the place of one
_SHOWN = 10


@frozen
class BadVideo:
    """A sample that could not be read."""

    index: int  # in the data set; techniques that read a sample in several ways do not change it
    name: str  # file and row, as the data set calls it
    text: str  # why


@define(kw_only=True)
class BadVideos:
    """Collects them, in the main process, and says when there are too many."""

    action: Action
    num_samples: int  # of the data set
    max_fraction: float = 1.0  # of the data set's samples; more stop the run
    file: Path | None = None  # lists them, each once, with the reason behind a tab
    found: dict[int, BadVideo] = field(factory=dict)  # each once, however often it was met

    def add(self, videos: list[BadVideo]) -> None:
        """Note videos.

        Raises:
            DataError: The action is "fail".
            RunError: They are more than `max_fraction` of the data set.
        """
        for video in videos:
            if self.action == "fail":
                raise DataError(f'{video.text}; or set data.on_bad_video = "replace" to go on without it')
            if video.index not in self.found:
                self.found[video.index] = video
                log.warning("%s %s: %s", video.name, "replaced" if self.action == "replace" else "left out", video.text)
                self._list(f"{video.name}\t{' '.join(video.text.split())}\n")
        if len(self.found) > self.max_fraction * self.num_samples:
            raise RunError(
                f"{len(self.found)} of {self.num_samples} videos cannot be read, more than data.max_bad_fraction = "
                f"{self.max_fraction:g} allows:\n{self._names()}\n"
                "Mend them, take them out of the list, or raise the limit."
            )

    @property
    def summary(self) -> str:
        """One line for people; empty when nothing was bad."""
        if not self.found:
            return ""
        what = "replaced by others" if self.action == "replace" else "left out of the figures"
        return f"{len(self.found)} of {self.num_samples} videos could not be read and were {what}: {self._names(', ')}"

    def _list(self, line: str) -> None:
        if self.file is not None:
            with self.file.open("a+", encoding="utf-8") as lines:
                lines.seek(0)
                if line not in lines:  # an earlier epoch or attempt may have met it
                    lines.write(line)

    def _names(self, separator: str = "\n") -> str:
        names = [video.name for video in self.found.values()]
        more = [f"... and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
        return separator.join(names[:_SHOWN] + more)
