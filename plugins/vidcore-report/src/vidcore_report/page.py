"""The page that shows a run whole: one HTML file with its pictures inside, opened by a double click."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from attrs import frozen

from vidcore_report.confusion import Mistake
from vidcore_report.records import RunRecord, is_fraction, values_of
from vidcore_report.theme import data_url

_CSS = """
:root { --ink: #1e293b; --pale: #64748b; --line: #e2e8f0; --blue: #2563eb; }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: #f1f5f9;
  margin: 0; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 28px; margin: 0 0 2px; } h2 { font-size: 18px; margin: 0 0 12px; }
.pale { color: var(--pale); } .small { font-size: 13px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px; margin-top: 18px;
  overflow-x: auto; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 18px; }
.card { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 18px; min-width: 130px; }
.card b { display: block; font-size: 26px; line-height: 1.25; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 22px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--pale); font-weight: 600; } td.number, th.number { text-align: right; }
tr.best td { font-weight: 600; color: var(--blue); }
img { max-width: 100%; height: auto; display: block; }
pre { background: #f8fafc; border: 1px solid var(--line); border-radius: 8px; padding: 14px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; }
summary { cursor: pointer; color: var(--blue); }
.bar { display: inline-block; height: 9px; border-radius: 3px; background: #c81e1e; vertical-align: middle; }
"""
_MOST_ROWS = 60  # evaluations in the table; of more, the last ones


@frozen(kw_only=True)
class Picture:
    """A figure of the page."""

    title: str
    content: bytes  # PNG
    mistakes: Sequence[Mistake] = ()


def write_page(run: RunRecord, pictures: Sequence[Picture]) -> str:
    """The page as HTML. It loads nothing from anywhere."""
    parts = [
        f"<h1>{escape(run.name)}</h1>",
        f'<div class="pale">{escape(_subtitle(run))}</div>',
        _cards(run),
        *(_picture(picture) for picture in pictures),
        _section("Evaluations", _results(run)),
        _section(
            "Experiment",
            f"<details><summary>experiment.toml</summary><pre>{escape(run.experiment_text)}</pre></details>",
        ),
        _section("Environment", _environment(run.environment)),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(run.name)} – vidcore</title><style>{_CSS}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def show_figure(name: str, value: float) -> str:
    """A figure for people: fractions as percentages."""
    if math.isnan(value):
        return "–"
    return f"{value:.1%}" if is_fraction([value]) and "loss" not in name else f"{value:.4g}"


def _subtitle(run: RunRecord) -> str:
    model = _type(run.experiment.get("model"))
    data = _type(_table(run.experiment.get("data")).get("train"))
    state = "finished" if run.finished else "not finished"
    told = [f"{model} on {data}" if data else model, f"seed {run.experiment.get('seed', 0)}", state]
    return " · ".join(part for part in told if part)


def _cards(run: RunRecord) -> str:
    """The figures of the last evaluation, and how long training took."""
    cards: list[tuple[str, str]] = []
    if run.evaluations:
        last = run.evaluations[-1]
        split = str(last.get("split", ""))
        cards += [(show_figure(name, value), f"{split} {name}") for name, value in list(values_of(last).items())[:5]]
    if run.training:
        cards.append((str(run.training[-1].get("epoch", "")), "epochs"))
    if run.seconds:
        cards.append((_duration(run.seconds), "of training"))
    listed = "".join(
        f'<div class="card"><b>{escape(value)}</b><span class="pale small">{escape(text)}</span></div>'
        for value, text in cards
    )
    return f'<div class="cards">{listed}</div>' if cards else ""


def _picture(picture: Picture) -> str:
    image = f'<img alt="{escape(picture.title)}" src="{data_url(picture.content)}">'
    return _section(picture.title, image + _mistakes(picture.mistakes))


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return ""
    rows = "".join(
        f"<tr><td>{escape(mistake.true)}</td><td>{escape(mistake.predicted)}</td>"
        f'<td class="number">{mistake.count}</td><td class="number">{mistake.share:.0%}</td>'
        f'<td><span class="bar" style="width:{max(2, round(120 * mistake.share))}px"></span></td></tr>'
        for mistake in mistakes
    )
    head = (
        '<tr><th>true</th><th>taken for</th><th class="number">videos</th><th class="number">share</th><th></th></tr>'
    )
    return f"<h2 style='margin-top:22px'>Most frequent mistakes</h2><table>{head}{rows}</table>"


def _results(run: RunRecord) -> str:
    if not run.evaluations:
        return '<span class="pale">none yet</span>'
    names = list(dict.fromkeys(name for row in run.evaluations for name in values_of(row)))
    first = names[0] if names else ""
    firsts = [values_of(row).get(first, -math.inf) for row in run.evaluations]
    ranked = len(firsts) > 1 and is_fraction([value for value in firsts if math.isfinite(value)])  # more is better
    best = run.evaluations[firsts.index(max(firsts))] if ranked else None
    head = "".join(f'<th class="number">{escape(name)}</th>' for name in names)
    rows = []
    for row in run.evaluations[-_MOST_ROWS:]:
        values = values_of(row)
        cells = "".join(f'<td class="number">{show_figure(name, values.get(name, math.nan))}</td>' for name in names)
        mark = ' class="best"' if row is best else ""
        place = (
            f"<td>{row.get('epoch', '')}</td><td>{row.get('step', '')}</td><td>{escape(str(row.get('split', '')))}</td>"
        )
        rows.append(f"<tr{mark}>{place}{cells}</tr>")
    left_out = len(run.evaluations) - len(rows)
    note = f'<p class="pale small">{left_out} earlier evaluations are in metrics.jsonl.</p>' if left_out > 0 else ""
    return f"<table><tr><th>epoch</th><th>step</th><th>split</th>{head}</tr>{''.join(rows)}</table>{note}"


def _environment(environment: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(text)}</td></tr>" for key, text in _flat(environment))
    return f"<table>{rows}</table>" if rows else '<span class="pale">not recorded</span>'


def _flat(table: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield key, ", ".join(f"{name} {entry}" for name, entry in value.items())
        elif isinstance(value, list):
            yield key, " ".join(map(str, value))
        elif value is not None:
            yield key, str(value)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _type(table: Any) -> str:
    return table if isinstance(table, str) else str(_table(table).get("type", ""))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
