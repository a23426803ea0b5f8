"""Slots: places in a config class that take any component of a kind.

`model: ModelSlot` in a config class accepts a TOML table `{type = "...", ...}` whose other keys belong to the config
class of the named component. Plugins make slots for kinds of their own:
`RoIHead = Annotated[Any, Slot("detection.roi_head")]`.
"""

from __future__ import annotations

from typing import Annotated, Any

from attrs import frozen


@frozen
class Slot:
    """Marks an annotation as "a component of this kind". A plain string in TOML is short for `{type = string}`."""

    kind: str


@frozen
class Artifact:
    """Marks a string as a file that the run reads: a path, URL, weights' name or `stage:NAME/ARTIFACT`."""

    what: str


TaskSlot = Annotated[Any, Slot("task")]
ModelSlot = Annotated[Any, Slot("model")]
DatasetSlot = Annotated[Any, Slot("dataset")]
DecoderSlot = Annotated[Any, Slot("decoder")]
SamplingSlot = Annotated[Any, Slot("sampling")]
TransformSlot = Annotated[Any, Slot("transform")]
LossSlot = Annotated[Any, Slot("loss")]
MetricSlot = Annotated[Any, Slot("metric")]
OptimizerSlot = Annotated[Any, Slot("optimizer")]
ScheduleSlot = Annotated[Any, Slot("schedule")]
CallbackSlot = Annotated[Any, Slot("callback")]
TechniqueSlot = Annotated[Any, Slot("technique")]
ParallelSlot = Annotated[Any, Slot("parallel")]
SampleReaderSlot = Annotated[Any, Slot("sample-reader")]
