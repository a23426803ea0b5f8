"""Banks of features of persons, by video and second, as flat tensors that workers share.

Letters: B channels, M features around a key frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from vidcore.errors import DataError
from vidcore_detection.feature_bank import features_around, window_of


def _features(found: Any, where: str) -> Tensor:
    """What a file holds for a second, as a tensor."""
    try:
        return found if isinstance(found, Tensor) else torch.as_tensor(np.asarray(found))
    except (TypeError, ValueError) as error:
        raise DataError(f"the bank has no numbers for {where}: {error}") from error


@frozen(eq=False)
class Bank:
    """Features of every second of some videos."""

    features: Tensor  # [all, B], as stored: float32 or float16
    spans: dict[str, dict[int, tuple[int, int]]]  # video -> second -> first and last row
    window: int  # seconds around a key frame
    per_second: int  # features of a second at most

    @classmethod
    def of(cls, content: Mapping[str, Mapping[int, Any]], window: int, per_second: int) -> Bank:
        """A bank from what files hold: video -> second -> `[n, B]` or `[B]`.

        Raises:
            DataError: It holds nothing else but that, or nothing at all.
        """
        rows: list[Tensor] = []
        spans: dict[str, dict[int, tuple[int, int]]] = {}
        count = 0
        for video, seconds in content.items():
            for second, found in seconds.items():
                own = _features(found, f"{video} at {second}")
                if not own.numel():
                    continue  # nobody was seen
                own = own.reshape(-1, own.shape[-1]) if own.ndim else own
                if own.ndim != 2 or not own.is_floating_point() or (rows and own.shape[1] != rows[0].shape[1]):
                    raise DataError(
                        f"the bank has {tuple(own.shape)} {own.dtype} for {video} at {second}; expected [n, B]"
                    )
                if not own.isfinite().all():
                    raise DataError(f"the bank has numbers that are not finite for {video} at {second}; make it again")
                if isinstance(second, bool) or not isinstance(second, int | np.integer):
                    raise DataError(f"the bank has {second!r} as a second of {video}; expected a whole number")
                rows.append(own)
                spans.setdefault(str(video), {})[int(second)] = (count, count + len(own))
                count += len(own)
        if not rows:
            raise DataError("the bank holds no features")
        return cls(torch.cat(rows), spans, window, per_second)

    def knows(self, video: str, second: float) -> bool:
        """It has something for a key frame."""
        seconds = self.spans.get(video, {})
        return any(one in seconds for one in window_of(int(second), self.window))

    def around(self, video: str, second: float, rng: np.random.Generator | None) -> Tensor:
        """Features around a key frame, `[M, B]`, float32; zero where the bank knows nothing."""
        seconds = self.spans.get(video, {})
        near = [one for one in window_of(int(second), self.window) if one in seconds]
        features = {one: self.features[slice(*seconds[one])] for one in near}
        return features_around(
            features,
            int(second),
            window=self.window,
            per_second=self.per_second,
            channels=self.features.shape[1],
            rng=rng,
        )
