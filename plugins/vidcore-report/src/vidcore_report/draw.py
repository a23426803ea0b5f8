"""The pictures of a run, drawn from its folder and written into it.

Route: each function draws one file and returns its path, or None where the run has nothing of the kind;
`draw_page` draws all of them and the page.
"""

from __future__ import annotations

from pathlib import Path

from vidcore.errors import RunError
from vidcore.whole_files import written_whole
from vidcore_report import theme
from vidcore_report.config import Report
from vidcore_report.confusion import Mistake, draw_confusion, matrix_of, worst_mistakes
from vidcore_report.contact_sheet import choose, draw_contact_sheet, frame_reader
from vidcore_report.curves import draw_curves
from vidcore_report.page import Picture, write_page
from vidcore_report.records import RunRecord, answers


def curves(run: RunRecord) -> Path:
    """Write curves.png."""
    path = run.folder / "curves.png"
    theme.save(draw_curves(run), path)
    return path


def confusion(run: RunRecord, options: Report, split: str = "") -> Path | None:
    """Write confusion.png; None where no sample has one class."""
    predictions = run.predictions(split)
    found = answers(predictions)
    if not found:
        return None
    matrix = matrix_of(found, len(predictions.classes))
    right = sum(answer.right for answer in found)
    title = f"{run.name}: {right} of {len(found)} videos right ({predictions.split})"
    path = run.folder / "confusion.png"
    theme.save(draw_confusion(matrix, predictions.classes, title, options.max_classes), path)
    return path


def contact_sheet(run: RunRecord, options: Report, split: str = "") -> Path | None:
    """Write predictions.png; None where no sample has one class, or none is to be shown."""
    predictions = run.predictions(split)
    chosen = choose(answers(predictions), options.samples)
    if not chosen:
        return None
    wrong = sum(not answer.right for answer in chosen)
    told = "the surest mistakes, then right answers, least sure first" if wrong else "least sure first"
    title = f"{run.name}: {predictions.split} videos, {told}"
    path = run.folder / "predictions.png"
    theme.save(draw_contact_sheet(chosen, predictions.classes, title, frame_reader(run)), path)
    return path


def page(run: RunRecord, options: Report) -> Path:
    """Write every picture that the run has something for, and report.html."""
    pictures = [Picture(title="Curves", content=curves(run).read_bytes())]
    if run.splits():
        if (path := confusion(run, options)) is not None:
            pictures.append(Picture(title="Confusions", content=path.read_bytes(), mistakes=_mistakes(run)))
        if (path := contact_sheet(run, options)) is not None:
            pictures.append(Picture(title="Predictions", content=path.read_bytes()))
    path = run.folder / "report.html"
    with written_whole(path) as partial:
        partial.write_text(write_page(run, pictures), encoding="utf-8")
    return path


def find_run(name: str) -> Path:
    """The folder that a user means: a path, or the name of a folder in `runs`.

    Raises:
        RunError: There is none.
    """
    for folder in (Path(name), Path("runs") / name):
        if folder.is_dir():
            return folder
    known = sorted(entry.name for entry in Path("runs").iterdir() if entry.is_dir()) if Path("runs").is_dir() else []
    there = f"; in runs there are: {', '.join(known)}" if known else "; give the path of a run folder"
    raise RunError(f"no run {name!r}{there}")


def _mistakes(run: RunRecord) -> list[Mistake]:
    predictions = run.predictions()
    return worst_mistakes(matrix_of(answers(predictions), len(predictions.classes)), predictions.classes)
