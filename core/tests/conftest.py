"""The made data set of `made/` can be imported by every test here: the core is tested without any plugin."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "made"))
