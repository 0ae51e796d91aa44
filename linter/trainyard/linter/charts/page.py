"""The page that pictures stand on: one HTML file without script and without any address outside of itself.

Parts return markup; whoever puts them together hands in text and numbers only, and every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trainyard.linter.charts.markup import attribute, escaped
from trainyard.linter.charts.models import Chart
from trainyard.linter.charts.style import sheet
from trainyard.linter.charts.svg import draw
from trainyard.linter.charts.tables import Table, table

#: Pictures are drawn twice, for wide and for narrow screens: shrinking one would make its words unreadable.
WIDE, NARROW = 864, 312
# Nothing is loaded, nothing runs, nothing is sent, wherever the file is opened.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, body: str) -> str:
    """Return the whole file: HTML that is well-formed XML, too, so that any parser reads it."""
    style = sheet("theme", "picture", "page")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<meta name="color-scheme" content="light dark"/>\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def section(ident: str, title: str, parts: Iterable[str]) -> str:
    """Return a card with a heading; nothing where it would be empty."""
    body = "\n".join(part for part in parts if part)
    name = attribute(ident)
    return (
        f'<section id="{name}" aria-labelledby="{name}-h" class="card">\n<h2 id="{name}-h">{escaped(title)}</h2>\n{body}\n</section>'
        if body
        else ""
    )


def figure(chart: Chart, ident: str, numbers: Table | None = None, *, opened: bool = False) -> str:
    """Return a picture with its name above and its numbers below: the chart's own table, or one that says more."""
    wide, narrow = draw(chart, WIDE, f"{ident}-w"), draw(chart, NARROW, f"{ident}-n")
    below = folded("The numbers", grid(numbers or table(chart)), opened=opened)
    return (
        f"<figure><figcaption><strong>{escaped(chart.title)}</strong> {escaped(chart.summary)}</figcaption>"
        f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>{below}</figure>'
    )


def grid(of: Table, *, marked: frozenset[int] = frozenset(), statuses: Sequence[str] = ()) -> str:
    """Return a table; ``marked`` rows are set apart, ``statuses`` names the tone of each row's first cell."""
    head = "".join(f'<th scope="col"{_numeric(of, column)}>{escaped(name)}</th>' for column, name in enumerate(of.columns))
    rows = []
    for index, row in enumerate(of.rows):
        first = badge(row[0], statuses[index]) if statuses else _cell(row[0])
        cells = [f'<th scope="row"{_numeric(of, 0)}>{first}</th>']
        cells += [f"<td{_numeric(of, column)}>{_cell(cell)}</td>" for column, cell in enumerate(row[1:], start=1)]
        own = ' class="own"' if index in marked else ""
        rows.append(f"<tr{own}>{''.join(cells)}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values below each other."""
    told = "".join(f"<div><dt>{escaped(name.strip())}</dt><dd>{_cell(value)}</dd></div>" for name, value in rows)
    return f"<dl>{told}</dl>" if told else ""


def tiles(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return the few numbers that matter most: name, value, what to know about it."""
    told = "".join(
        f"<li><span>{escaped(name)}</span><b>{escaped(value)}</b><small>{escaped(note)}</small></li>" for name, value, note in rows
    )
    return f'<ul class="tiles">{told}</ul>' if told else ""


def badge(text: str, tone: str) -> str:
    """Return a word on its colour."""
    return f'<span class="badge {attribute(tone)}">{escaped(text)}</span>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a sentence; nothing where there is none."""
    styled = f' class="{attribute(kind)}"' if kind else ""
    return f"<p{styled}>{escaped(text)}</p>" if text else ""


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """Return something that can be folded away."""
    attributes = ' open=""' if opened else ""
    return f"<details{attributes}><summary>{escaped(summary)}</summary>{body}</details>"


def beside(parts: Iterable[str]) -> str:
    """Return cards side by side where there is room."""
    return f'<div class="pair">{"".join(parts)}</div>'


def _cell(text: str) -> str:
    # Isolated, so that a name written from right to left turns nothing around it.
    return escaped(text) if text.isascii() else f"<bdi>{escaped(text)}</bdi>"


def _numeric(of: Table, column: int) -> str:
    return ' class="n"' if column in of.numeric else ""
