"""Typed experiments from TOML: read, merged, checked and written without importing torch."""

from vidcore.config.base import DatasetConfig, Facts, ModelConfig, Shape, Views
from vidcore.config.experiment import Data, Engine, Experiment
from vidcore.config.loading import Loaded, data_folder, load, load_experiment
from vidcore.config.slots import Slot
from vidcore.config.tables import dumps, to_table

__all__ = [
    "Data",
    "DatasetConfig",
    "Engine",
    "Experiment",
    "Facts",
    "Loaded",
    "ModelConfig",
    "Shape",
    "Slot",
    "Views",
    "data_folder",
    "dumps",
    "load",
    "load_experiment",
    "to_table",
]
