"""Docstrings that share texts."""

from __future__ import annotations

import re


def fill(template: str, texts: dict[str, str]) -> str:
    """Replace each ``{name}`` by its text, indented as the place is."""
    return re.sub(
        r"( *)\{(\w+)\}",
        lambda match: match[1] + texts[match[2]].replace("\n", "\n" + match[1]),
        template,
    )
