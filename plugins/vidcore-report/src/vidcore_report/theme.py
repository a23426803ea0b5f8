"""How figures look: colours, type, and saving them whole or not at all. Uses no global state of matplotlib."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidcore.errors import RunError
from vidcore.whole_files import written_whole

BLUE, AMBER, GREEN, RED, VIOLET, TEAL = "#2563eb", "#d97706", "#15803d", "#c81e1e", "#7c3aed", "#0d9488"
CYCLE = (BLUE, AMBER, TEAL, VIOLET, RED, "#64748b")
INK, PALE, LINE = "#1e293b", "#64748b", "#cbd5e1"
DPI = 150

_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e8edf3",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


@contextmanager
def style() -> Iterator[None]:
    """Everything drawn inside has the same look, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def bare(axes: Axes) -> None:
    """No ticks, no grid, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes each time."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write a PNG whole or not at all: somebody may be looking at the old one. A missing folder is made.

    Raises:
        RunError: It cannot be written.
    """
    content = png(figure)
    with _named(path), written_whole(path) as partial:
        partial.write_bytes(content)


def check_place(path: Path) -> None:
    """Before long work: find out whether a picture can be written there, and make a missing folder.

    Raises:
        RunError: It cannot.
    """
    with _named(path), tempfile.TemporaryFile(dir=path.parent):
        pass


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}; make room, or give another -o") from error


def data_url(content: bytes) -> str:
    """A PNG as the `src` of an `<img>`."""
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
