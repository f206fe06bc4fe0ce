"""Names that users chose, as text on one line."""

from __future__ import annotations

from typing import Any


def one_line(name: Any) -> str:
    """Return a name as text that stays on its line.

    A name with a line break, a tab or another character that does not print is shown
    as a Python literal.

    Parameters
    ----------
    name : object
        A task label, the name of a column or the like.

    Examples
    --------
    >>> from linmtl._text import one_line
    >>> print(one_line("north wing"), one_line(12))
    north wing 12
    >>> print(one_line("north\\nwing"))
    'north\\nwing'
    """
    text = str(name)
    return text if text.isprintable() else repr(text)
