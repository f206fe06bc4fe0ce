"""Which name was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def closest(name: str, names: Iterable[str]) -> str:
    """Return '; did you mean ...?' where a name resembles the given one."""
    match = nearest(name, names)
    return "" if match is None else f"; did you mean {match!r}?"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that the given one resembles most, None where none does."""
    by_fold = {str(other).casefold(): str(other) for other in names}
    match = _closest(name.casefold(), list(by_fold))
    return by_fold[match] if match else None


def _closest(name: str, names: list[str]) -> str | None:
    """Return the name that begins so; else is misspelt, is shortened, or is alike."""

    def alike(cutoff: float) -> list[str]:
        return difflib.get_close_matches(name, names, n=1, cutoff=cutoff)

    begin = [n for n in names if n.startswith(name) or name.startswith(n)]
    begin = [n for n in begin if min(len(n), len(name)) > 1]
    begin.sort(key=lambda n: abs(len(n) - len(name)))
    shortened = sorted((n for n in names if _is_short_for(name, n)), key=len)
    return next(iter(begin or alike(0.75) or shortened or alike(0.5)), None)


def _is_short_for(name: str, other: str) -> bool:
    """Whether "auc" is short for "roc_auc", "mse" for "neg_mean_squared_error"."""
    initials = "".join(word[:1] for word in re.split(r"[\W_]+", other))
    short, long = sorted((name, other), key=len)
    inside = len(short) > 2 and short in long
    return inside or (len(name) > 1 and initials.endswith(name))
