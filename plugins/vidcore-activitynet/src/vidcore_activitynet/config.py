"""Options of the data sets. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

from vidcore.config import Facts
from vidcore_activitynet.class_lists import class_names
from vidcore_localization.config import FeatureSegments


@frozen(kw_only=True)
class ActivityNet(FeatureSegments):
    """ActivityNet 1.3: untrimmed videos of 200 activities. Features have the official ID or `v_ID` as name."""

    # CSV below data.root with the columns video and subset, for annotations that do not say it (BSN's); "": they do
    video_info: str = ""

    def facts(self, root: Path) -> Facts:
        """The 200 classes, known without the data, and the shape of the features."""
        return Facts(classes=known(self.classes, "activitynet"), inputs={"features": (self.channels, self.length)})


@frozen(kw_only=True)
class Hacs(FeatureSegments):
    """HACS Segments: 50,000 videos with the 200 classes of ActivityNet, in the official JSON."""

    def facts(self, root: Path) -> Facts:
        """The 200 classes, known without the data, and the shape of the features."""
        return Facts(classes=known(self.classes, "activitynet"), inputs={"features": (self.channels, self.length)})


@frozen(kw_only=True)
class Thumos14(FeatureSegments):
    """THUMOS14: 20 sports in untrimmed videos; official text files, or the JSON that most repositories share."""

    # `annotations`: JSON, or the official folder of `CLASS_val.txt` or `CLASS_test.txt`, which tell no lengths
    durations: str = ""  # text file below data.root with `VIDEO SECONDS` a line, for the official folder
    ambiguous: Literal["leave-out", "keep"] = "leave-out"  # segments that the organisers call ambiguous

    def facts(self, root: Path) -> Facts:
        """The 20 classes, known without the data, and the shape of the features."""
        return Facts(classes=known(self.classes, "thumos14"), inputs={"features": (self.channels, self.length)})


def known(classes: str | tuple[str, ...], name: str) -> tuple[str, ...] | None:
    """Those that the option names, else the data set's own; a file is read with the data."""
    if isinstance(classes, tuple):
        return classes
    return None if classes else class_names(name)
