"""Options of the callback. Imports no mlflow."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class Mlflow:
    """Curves, configuration and final figures in MLflow."""

    uri: str = ""  # of the server or store; empty: MLFLOW_TRACKING_URI, else mlflow's default
    experiment: str = field(default="vidcore", validator=min_len(1))  # under which MLflow gathers runs
