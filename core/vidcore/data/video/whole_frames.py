"""A reader for whatever gives whole frames by number: frames in memory, folders of pictures, other decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from vidcore.data.video.views import Requests, checked, cut, fit_view, resize
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

    def read(self, requests: Requests) -> list[Tensor]:
        """See `VideoReader.read`. On the CPU.

        Scaled like decoded frames up to a few grey levels: "area" and "bilinear" are bilinear with antialiasing here.
        """
        found, scaled = checked(requests, self.info, self._name), dict[FrameView, tuple[list[int], Tensor]]()
        wanted = sorted({number for numbers, _, _ in found for number in numbers})
        empty = torch.empty((0, self.info.channels, self.info.height, self.info.width), dtype=torch.uint8)
        decoded = self._decode(wanted) if wanted else empty
        for view in {view for _, view, _ in found}:
            own = sorted({number for numbers, of_view, _ in found if of_view == view for number in numbers})
            box, size, _ = fit_view(view, self.info.width, self.info.height, self._name)
            pictures = cut(decoded[np.searchsorted(wanted, own)], box)
            scaled[view] = own, resize(pictures, size, antialias=view.scaling != "reference").cpu()
        return [
            cut(scaled[view][1], window)[np.searchsorted(scaled[view][0], numbers)] for numbers, view, window in found
        ]

    def close(self) -> None:
        """Give the files back."""
        self._close()

    def __enter__(self) -> WholeFrames:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
