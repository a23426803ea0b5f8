"""Reading a single sequence as a network was trained on, for `vidcore predict`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from vidcore.data.clips import named
from vidcore.errors import DataError
from vidcore.plugins import build
from vidcore.values import Sample, SampleRef
from vidcore_skeleton.config import SkeletonReader
from vidcore_skeleton.datasets import checked, views_of
from vidcore_skeleton.drawing import SkeletonLayer, layout_named
from vidcore_skeleton.files import read_skeleton


class SkeletonFileReader:
    """Reads the key points of a file, see `vidcore_skeleton.files`."""

    def __init__(self, config: SkeletonReader) -> None:
        self._config = config
        self._transforms = [build(one) for one in config.transforms]
        self._sample = partial(build(config.sampling).clips, rng=None, num_clips=config.views.clips)

    def read(self, path: Any, ref: SampleRef) -> Sample:
        """The sample of a file.

        Raises:
            DataError: It cannot be used, or is no path.
        """
        if not isinstance(path, str | os.PathLike):
            raise DataError("these weights look at skeletons; give the path of a .npy or .npz file of key points")
        try:
            skeleton = checked(read_skeleton(Path(path)))
            pose = views_of(skeleton, self._transforms, self._sample, None, self._config)
        except DataError as error:
            raise named(error, str(path)) from error
        meta = {"path": str(path), "num_frames": skeleton.num_frames, "merge": self._config.views.merge}
        return Sample(ref=ref, inputs={"pose": pose.joints}, target={}, meta=meta | pose.meta())

    def layer_of(self, path: Path) -> SkeletonLayer:
        """The sequence of a file, to be seen.

        Raises:
            DataError: It cannot be read.
        """
        return SkeletonLayer(read_skeleton(path), layout_named(self._config.transforms))
