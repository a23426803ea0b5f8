"""How many workers keep up with a run, from the pace of its first batches."""

from __future__ import annotations

import logging
import math
from statistics import median

from attrs import define, field

log = logging.getLogger(__name__)

_FROM, _TO = 8, 32  # batches that count: the first are slow, workers start and kernels are chosen
_SPARE = 1.3  # a worker reads so much slower at times, when others need its processor
_MOST_READY = 4  # batches of a worker: they fill memory


@define
class Pace:
    """What batches took, in seconds: to be read by a worker, and to be used."""

    reading: list[float] = field(factory=list)
    using: list[float] = field(factory=list)

    def add(self, reading: float, using: float) -> bool:
        """Note a batch. True when this was the last that counts."""
        if len(self.using) == _TO:
            return False
        self.reading.append(reading)
        self.using.append(using)
        return len(self.using) == _TO

    def enough(self, workers: int, prefetch: int) -> tuple[int, int]:
        """Workers that keep up, and batches that each keeps ready to outlast the slowest; the log says why."""
        reading, read, used = self.reading[_FROM:], median(self.reading[_FROM:]), max(median(self.using[_FROM:]), 1e-6)
        needed = max(math.ceil(read * _SPARE / used), 1)
        if needed > workers:
            log.info(
                "a batch takes %.3f s to read and %.3f s to use, so training may wait for its %d workers: more "
                "processors and data.workers help, or small copies of the videos (`vidcore data resize`)",
                read,
                used,
                workers,
            )
            return workers, prefetch
        ready = max(min(math.ceil(max(reading) / (needed * used)), _MOST_READY), prefetch)
        message = "a batch takes %.3f s to read and %.3f s to use: %d of %d workers keep up, with %d batches ready each"
        log.info(message, read, used, needed, workers, ready)
        return needed, ready
