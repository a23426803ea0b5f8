"""A reader for whatever gives whole frames by number: frames in memory, folders of pictures, other decoders."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vidcore.data.video.views import apply_view
from vidcore.errors import DataError
from vidcore.interfaces import FrameView, VideoInfo


class WholeFrames:
    """A `VideoReader` that checks numbers, has each frame decoded once, and makes the views.

    Args:
        name: Of the video, for messages.
        info: Its description.
        decode: The frames of ascending numbers, at least one, all of them in the video: uint8 `[N, C, H, W]`.
        close: Called when it is closed.
    """

    def __init__(
        self,
        name: str,
        info: VideoInfo,
        decode: Callable[[list[int]], Tensor],
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self.info, self._name, self._decode, self._close = info, name, decode, close

    def frames(self, indices: Sequence[int], view: FrameView | None = None) -> Tensor:
        """See `VideoReader.frames`."""
        return self.read([(indices, view)])[0]

    def read(self, requests: Sequence[tuple[Sequence[int], FrameView | None]]) -> list[Tensor]:
        """See `VideoReader.read`. Scaled like decoded frames up to a few grey levels; on the CPU."""
        wanted = sorted({self._checked(number) for indices, _ in requests for number in indices})
        rows = {number: row for row, number in enumerate(wanted)}
        empty = torch.empty((0, self.info.channels, self.info.height, self.info.width), dtype=torch.uint8)
        decoded = self._decode(wanted) if wanted else empty
        return [
            apply_view(decoded[[rows[number] for number in indices]], view, self._name).cpu()
            for indices, view in requests
        ]

    def close(self) -> None:
        """Give the files back."""
        self._close()

    def __enter__(self) -> WholeFrames:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _checked(self, number: int) -> int:
        if not 0 <= operator.index(number) < self.info.num_frames:
            raise DataError(
                f"{self._name}: frame {number} does not exist: the video has frames 0 to {self.info.num_frames - 1}. "
                "If a list gave the length, the list is wrong."
            )
        return number
