"""Large memory for pictures, used again when nobody holds it any more.

What is above 32 MiB malloc takes from the system and gives back at once. The system then clears all of its pages, or
first finds them: for the 138 MiB of thirty test views that can take longer than decoding them.
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np

from vidcore.data.video.orientation import Pixels

_LARGE = 32 << 20
_free: deque[Pixels] = deque(maxlen=2)  # one sample is used while the next one is read


def take_memory(size: int) -> Pixels:
    """`[size]` bytes of any content. Whoever looks at a part of them holds the array itself, as torch does."""
    if size < _LARGE:
        return np.empty(size, np.uint8)
    block = _free.pop() if _free else None
    if block is None or not size <= block.size <= 2 * size:
        block = np.empty(size, np.uint8)
    taken = block[:size]
    weakref.finalize(taken, _free.append, block).atexit = False
    return taken
