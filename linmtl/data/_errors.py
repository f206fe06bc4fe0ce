"""Errors of one line, and names in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from linmtl.data._labels import one_line


class InputError(ValueError):
    """What the user gave cannot be used; the message says why in one line."""


def name_list(names: Iterable[Any], limit: int = 6) -> str:
    """Join names by commas, the last ones as a number where there are many."""
    names = [one_line(name) for name in names]
    extra = len(names) - limit
    text = ", ".join(names[:limit])
    return f"{text} and {extra} more" if extra > 0 else text
