"""A report as one HTML page: tables, and pictures inside the file."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

from linmtl.cli._page import (
    Block,
    Code,
    Heading,
    Items,
    Picture,
    Table,
    Terms,
    Text,
)

_STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.1rem; font-weight: 600; color: #555; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
.lead { font-size: 1.8rem; line-height: 1.25; font-weight: 700; margin: .4rem 0; }
.note { border-left: 4px solid #b07a00; padding-left: .7rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem;
        font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #555; padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; text-align: right; vertical-align: top;
         border-bottom: 1px solid #ddd; font-weight: normal; }
thead th { border-bottom: 2px solid #888; font-weight: 600; }
td { white-space: nowrap; }
.word { text-align: left; white-space: normal; }
tr.best > * { font-weight: 700; background: #f1f5f9; }
tr.helped .verdict { color: #00527f; } tr.hurt .verdict { color: #a33f00; }
tr.equivalent .verdict { color: #00654a; } tr.undecided .verdict { color: #595959; }
.verdict { font-weight: 600; }
img { max-width: 100%; height: auto; }
pre { background: #f4f4f2; padding: .7rem 1rem; white-space: pre-wrap;
      overflow-wrap: anywhere; }
li { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) auto;
     gap: .2rem 1.2rem; font-size: .92rem; } dt { font-weight: 600; } dd { margin: 0; }
"""
_VERDICT = "verdict"  # the column that has its row's colour


def to_html(blocks: Sequence[Block]) -> str:
    """Return a page that needs no network.

    Parameters
    ----------
    blocks : sequence of Block
        The parts of the report, the title first.

    Returns
    -------
    str
        HTML; pictures are in it where matplotlib is installed.
    """
    title = html.escape(blocks[0].text if isinstance(blocks[0], Heading) else "")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(map(_block, blocks)) + "\n</main>\n</body>\n"
        "</html>\n"
    )


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        kind = f' class="{block.kind}"' if block.kind else ""
        return f"<p{kind}>{html.escape(block.text)}</p>"
    if isinstance(block, Items):
        lines = [f"<li>{html.escape(line)}</li>" for line in block.lines]
        return "\n".join(["<ul>", *lines, "</ul>"])
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _picture(block)
    if isinstance(block, Terms):
        lines = [
            f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>"
            for term, text in block.pairs
        ]
        return "\n".join(["<dl>", *lines, "</dl>"])
    assert isinstance(block, Code)
    return f"<pre><code>{html.escape(block.text)}</code></pre>"


def _table(table: Table) -> str:
    kinds = ["word" if j in table.words else "" for j in range(len(table.head))]
    for j, name in enumerate(table.head):
        if name == _VERDICT:
            kinds[j] = f"{kinds[j]} {_VERDICT}".strip()
    heads = [
        _cell("th", name, kind, "col")
        for name, kind in zip(table.head, kinds, strict=True)
    ]
    caption = html.escape(table.caption)
    lines = [
        # the keyboard scrolls what has the focus
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption}"><table>',
        f"<caption>{caption}</caption>",
        f"<thead><tr>{''.join(heads)}</tr></thead>",
        "<tbody>",
    ]
    for name, cells in table.rows:
        inside = [
            _cell("th" if j == 0 else "td", cell, kinds[j], "row" if j == 0 else "")
            for j, cell in enumerate(cells)
        ]
        lines.append(f"<tr{_attribute('class', name)}>{''.join(inside)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table></div>"])


def _cell(tag: str, text: str, kind: str, scope: str = "") -> str:
    about = _attribute("scope", scope) + _attribute("class", kind)
    return f"<{tag}{about}>{html.escape(text)}</{tag}>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{value}"' if value else ""


def _picture(picture: Picture) -> str:
    if picture.png is None:
        note = f"{picture.alt} Install matplotlib for a picture."
        return f"<p>{html.escape(note)}</p>"
    text = base64.b64encode(picture.png).decode("ascii")
    alt = html.escape(picture.alt)
    return f'<img alt="{alt}" src="data:image/png;base64,{text}">'
