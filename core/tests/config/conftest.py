from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vidcore.plugins import host
from vidcore.testing.made_plugins import write_plugin

PLUGIN = """
    from vidcore.plugins import Component, hookimpl

    api = 1

    @hookimpl
    def vidcore_components():
        made = [("model", "made-net", "Net"), ("model", "made-shift", "Shift"), ("task", "made-task", "Task"),
                ("dataset", "made-list", "List"), ("dataset", "made-folder", "Folder"), ("metric", "made-topk", "TopK"),
                ("sampling", "made-dense", "Dense"), ("transform", "made-crop", "Crop"),
                ("transform", "made-flip", "Flip")]
        return [Component(kind=kind, name=name, config=f"vidcore_made_parts.config:{cls}",
                          factory=f"vidcore_made_parts.model:{cls}") for kind, name, cls in made]

    @hookimpl
    def vidcore_recipes():
        return "vidcore_made_parts:recipes"
"""

CONFIG = """
    from __future__ import annotations
    from typing import Literal
    from attrs import field, frozen, validators as v
    from vidcore.config.base import DatasetConfig, Facts, ModelConfig

    @frozen(kw_only=True)
    class Task:
        label_smoothing: float = field(default=0.0, validator=[v.ge(0.0), v.lt(1.0)])

    @frozen(kw_only=True)
    class Net(ModelConfig):
        alpha: int = field(default=8, validator=v.ge(1))
        depth: Literal[50, 101] = 50
        dropout: float = field(default=0.5, validator=[v.ge(0), v.lt(1)])
        lateral: bool = True
        widths: tuple[int, ...] = (64, 128)
        def check_inputs(self, inputs):
            frames = inputs.get("video", (None, None))[1]
            if frames is not None and frames % self.alpha:
                yield f"a clip has {frames} frames, which alpha = {self.alpha} does not divide"

    @frozen(kw_only=True)
    class Shift(ModelConfig):
        shift: int = 8

    @frozen(kw_only=True)
    class List(DatasetConfig):
        list: str
        classes: tuple[str, ...] | None = None
        def facts(self, root):
            frames = self.sampling.num_frames if self.sampling else None
            return Facts(classes=self.classes, inputs={"video": (3, frames, None, None)})

    @frozen(kw_only=True)
    class Folder(DatasetConfig):
        folder: str

    @frozen(kw_only=True)
    class TopK:
        k: tuple[int, ...] = (1, 5)

    @frozen(kw_only=True)
    class Dense:
        num_frames: int = field(default=32, validator=v.ge(1))
        frame_interval: int = 2

    @frozen(kw_only=True)
    class Crop:
        size: tuple[int, int] = (224, 224)

    @frozen(kw_only=True)
    class Flip:
        probability: float = 0.5
"""

RECIPE = """
[task]
type = "made-task"
[model]
type = "made-net"
[data.train]
type = "made-list"
list = "train.txt"
classes = ["run", "jump"]
batch_size = 4
sampling = {type = "made-dense", num_frames = 32}
[data.train.transforms.crop]
type = "made-crop"
[data.train.transforms.flip]
type = "made-flip"
[engine]
epochs = 3
[engine.clip_grad]
norm = 40.0
[metrics.top]
type = "made-topk"
[variants."made-net-50"]
about.alias = ["other:net_50"]
[variants."made-net-101"]
model.depth = 101
"""


@pytest.fixture(autouse=True)
def parts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin with one component of each kind, installed for the time of a test."""
    site = tmp_path_factory.mktemp("site")
    write_plugin(site, "made-parts", {"plugin.py": PLUGIN, "config.py": CONFIG, "recipes/made-net.toml": RECIPE})
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("VIDCORE_PLUGINS", "made-parts")
    monkeypatch.delenv("VIDCORE_DATA", raising=False)
    importlib.invalidate_caches()
    host.cache_clear()
    yield site
    host.cache_clear()
    for name in [name for name in sys.modules if name.startswith("vidcore_made_parts")]:
        del sys.modules[name]
