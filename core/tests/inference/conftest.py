"""The made task of `made/` can be imported here: the predictor is tested with the core alone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "made"))
