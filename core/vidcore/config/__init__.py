"""Typed experiments from TOML: read, merged, checked and written without importing torch."""

from vidcore.config.base import DatasetConfig, Facts, ModelConfig, Shape, Views
from vidcore.config.experiment import Data, Engine, Experiment
from vidcore.config.slots import Slot

__all__ = ["Data", "DatasetConfig", "Engine", "Experiment", "Facts", "ModelConfig", "Shape", "Slot", "Views"]
