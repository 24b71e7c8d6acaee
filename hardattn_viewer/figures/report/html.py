"""A report as one file of HTML: no script, nothing fetched, light or dark as the system is."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape

from hardattn_viewer.checks.document_parts import (
    Block,
    Document,
    Drawing,
    Heading,
    Judged,
    Paragraph,
    Points,
    Table,
)
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.verdict import CONTRADICTED, SUPPORTED, UNDEFINED
from hardattn_viewer.drawing.text import plain
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.figures.files import svg_bytes
from hardattn_viewer.figures.report.drawings import WIDTH, painted
from recorders.version import PRODUCER

_MM = 25.4 / 96
"""Of one logical pixel."""
_TONES = {SUPPORTED: "good", CONTRADICTED: "bad", UNDEFINED: "faint"}


def html_bytes(report: Report, document: Document) -> bytes:
    """The whole file."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">",
        f'<meta name="generator" content="{text_of(PRODUCER)}">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{text_of(document.title)}</title>",
        f"<style>{_style()}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{text_of(document.title)}</h1>",
        *(part for block in document.blocks for part in _block(report, block)),
        f'<p class="quiet">{text_of(PRODUCER)}</p>',
        "</main>",
        "</body>",
        "</html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def text_of(words: str) -> str:
    """Words as HTML; what is none of it is shown and does nothing."""
    return "<br>".join(escape(plain(line)) for line in words.split("\n"))


def _block(report: Report, block: Block) -> Iterator[str]:
    match block:
        case Heading(words):
            yield f"<h2>{text_of(words)}</h2>"
        case Paragraph(words, quiet):
            yield f'<p class="quiet">{text_of(words)}</p>' if quiet else f"<p>{text_of(words)}</p>"
        case Points(many):
            yield f"<ul>{''.join(f'<li>{text_of(one)}</li>' for one in many)}</ul>"
        case Judged(name, level, sentence):
            tone = _TONES.get(level, "plain")
            said = f'<b>{text_of(name)}: <span class="{tone}">{text_of(level)}</span></b>'
            yield f'<p class="verdict">{said}<br>{text_of(sentence)}</p>'
        case Table():
            yield from _table(block)
        case Drawing():
            yield from _figure(report, block)


def _table(table: Table) -> Iterator[str]:
    caption = text_of(table.caption)
    # A wide table scrolls in its own frame, which keys must reach.
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{caption}">'
    yield f"<table><caption>{caption}</caption>"
    if any(table.columns):
        cells = "".join(
            f'<th scope="col"{_side(table, at)}>{text_of(name)}</th>'
            for at, name in enumerate(table.columns)
        )
        yield f"<thead><tr>{cells}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        first, *others = row
        cells = "".join(
            f"<td{_side(table, at + 1)}>{text_of(cell)}</td>" for at, cell in enumerate(others)
        )
        yield f'<tr><th scope="row">{text_of(first)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _side(table: Table, at: int) -> str:
    return "" if at < table.left else ' class="number"'


def _figure(report: Report, drawing: Drawing) -> Iterator[str]:
    words = text_of(drawing.words)
    light, dark = (_address(report, drawing, theme) for theme in (LIGHT, DARK))
    high = round(painted(report, drawing).height)
    yield "<figure><picture>"
    yield f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    yield f'<img src="{light}" width="{WIDTH:.0f}" height="{high}" alt="{words}">'
    yield f"</picture><figcaption>{words}</figcaption></figure>"


def _address(report: Report, drawing: Drawing, theme: Theme) -> str:
    picture = painted(report, drawing)
    data = svg_bytes(
        lambda painter, rect: picture.paint(painter, rect, theme),
        round(WIDTH * _MM, 2),
        round(picture.height * _MM, 2),
        drawing.kind,
        "",
        ", ".join(theme.family[1:]),
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}"


def _style() -> str:
    return (
        f":root{{{_colours(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}"
        "body{margin:0;background:var(--panel);color:var(--text);"
        f"font:14px/1.5 {', '.join(_family(one) for one in LIGHT.family)}}}"
        "main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}"
        "h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}"
        "h2{font-size:1.1rem;margin:2.5rem 0 .5rem;padding-top:.75rem;"
        "border-top:1px solid var(--line)}"
        "p{margin:.5rem 0;max-width:48rem}ul{margin:.5rem 0;padding-left:1.25rem;max-width:48rem}"
        "li{margin:.2rem 0}.quiet,figcaption,caption{color:var(--muted)}"
        ".verdict{margin:.75rem 0}.good{color:var(--good)}.bad{color:var(--bad)}"
        ".faint{color:var(--faint)}.wide{overflow-x:auto;margin:1rem 0}"
        "table{border-collapse:collapse;font-size:.86rem;line-height:1.35}"
        "caption{text-align:left;padding-bottom:.4rem}"
        "th,td{padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;"
        "vertical-align:top;font-weight:normal}thead th{color:var(--muted)}"
        "th.number,td.number{text-align:right;white-space:nowrap;"
        "font-variant-numeric:tabular-nums;padding:.3rem 0 .3rem .9rem}"
        "figure{margin:1rem 0}img{max-width:100%;height:auto;display:block}"
        "figcaption{font-size:.86rem;margin-top:.3rem;max-width:48rem}"
        "@media print{main{max-width:none;padding:0}h2{break-after:avoid}"
        "figure,tr,.verdict{break-inside:avoid}.wide{overflow:visible}}"
    )


def _colours(theme: Theme) -> str:
    names = ("panel", "line", "text", "muted", "faint", "good", "bad")
    return "".join(f"--{name}:{getattr(theme, name)};" for name in names)


def _family(name: str) -> str:
    return name if "-" in name else f"'{name}'"
