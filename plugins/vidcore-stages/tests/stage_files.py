"""What the tests share."""

from __future__ import annotations

from collections.abc import Callable

Vidcore = Callable[..., str]

STAGES = """
[task]
type = "toy-task"

[model]
type = "toy-net"
width = 4

[data.train]
type = "toy-clips"
sampling = "dense"
batch_size = 8

[data.val]
type = "toy-clips"
sampling = "dense"
batch_size = 8
samples = 12

[engine]
epochs = 1
device = "cpu"
precision = "fp32"

[metrics.accuracy]
type = "toy-accuracy"

[stage.scores]
type = "predict"
run = "stage:second"
splits = ["train", "val"]

[stage.second.model]
weights = "stage:first/best"

[stage.second.engine]
epochs = 2

[stage.first]
seed = 3
"""
