"""A report as Markdown, for issues, wikis and diffs."""

from __future__ import annotations

import html
import re
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

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")


def to_markdown(blocks: Sequence[Block]) -> str:
    """Return the parts of a report as Markdown; a picture as what it shows."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_text(block.text)}"
    if isinstance(block, Text):
        text = _text(block.text)
        return {"lead": f"**{text}**", "note": f"> {text}"}.get(block.kind, text)
    if isinstance(block, Items):
        return "\n".join(f"* {_text(line)}" for line in block.lines)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _text(block.alt)
    if isinstance(block, Terms):
        return "\n".join(
            f"* **{_text(term)}**: {_text(text)}" for term, text in block.pairs
        )
    assert isinstance(block, Code)
    longest = max(map(len, re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}console\n{block.text}\n{fence}"


def _table(table: Table) -> str:
    rule = [":--" if j in table.words else "--:" for j in range(len(table.head))]
    rows = [[_text(cell) for cell in cells] for _, cells in table.rows]
    lines = [[_text(name) for name in table.head], rule, *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{_text(table.caption)}:\n\n{body}"


def _text(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False))
