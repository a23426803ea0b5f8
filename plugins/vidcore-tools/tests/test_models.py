"""`vidcore test` and `vidcore predict`: what they refuse; what they do is shown by the main job, with real videos."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from vidcore.errors import ConfigError, RunError, VidcoreError
from vidcore_tools.measuring import test as measure
from vidcore_tools.predicting import predict


@pytest.mark.parametrize(
    ("command", "options", "error", "told"),
    [
        (measure, [], ConfigError, "give --run FOLDER or --weights FILE|NAME, one of them"),
        (measure, ["--run", "runs/x", "--weights", "y"], ConfigError, "one of them"),
        (measure, ["--weights", "y"], ConfigError, "give the EXPERIMENT whose test data"),
        (predict, ["clip.mp4"], ConfigError, "give --run FOLDER, --weights FILE|NAME, or --recipe NAME"),
        (predict, ["clip.mp4", "--run", "runs/none"], RunError, "the run folder runs/none does not exist"),
    ],
)
def test_what_is_missing_is_told(command, options: list[str], error: type[VidcoreError], told: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error) as raised:
        CliRunner().invoke(command, options, catch_exceptions=False)
    assert told in str(raised.value)
