"""Columns of a table as features: numbers, and indicators of the levels of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from linmtl.data._columns import (
    AMBIGUOUS,
    Fields,
    Numbers,
    missing,
    not_dates,
    reads_as_number,
)
from linmtl.data._errors import name_list
from linmtl.data._labels import one_line
from linmtl.data._table import Table, brief
from linmtl.data._targets import NO_CHANCE

MAX_LEVELS = 20
_TRUTH = {"true": 1.0, "false": 0.0}
_WITH_POINT = re.compile(r"-?\d+\.\d+")
_ID = re.compile(r"(^|[\W_])(?i:ids?|uuid)$|^(?i:id)[\W_]|[a-z]I[Dd]$")
_COUNT = re.compile(
    r"(^|[\W_])(?i:id|ids|nr|no|num|number|index|key)($|[\W_])|[a-z]I[Dd]$"
)
# a unit behind, a bound or a parenthesis before; letters before are those of codes
_NUMBER_WITH_SIGNS = re.compile(r"([^\w.+-]{0,2})[+-]?[\d.,]*\d[\d.,]*(\D{0,8})")
_OF_TIME = re.compile(
    r"(?i:date|time|hour|day|week|month|year|age|visit|step|min|sec|^t$)"
)


@dataclass(frozen=True)
class Coding:
    """How a column becomes features.

    Attributes
    ----------
    name : str
        The column.
    levels : list of str or None
        The levels of text that have an indicator each, None for numbers.
    base : str or None
        The other level, of text with two.
    """

    name: str
    levels: list[str] | None = None
    base: str | None = None

    @property
    def feature_names(self) -> list[str]:
        if self.levels is None:
            return [self.name]
        return [f"{self.name}={level}" for level in self.levels]

    def features(self, fields: Fields, values: np.ndarray | None) -> np.ndarray:
        """Return the features, (n_rows, n_features), of text or of its numbers.

        A missing field has no level: all its indicators are zero.
        """
        if self.levels is None:
            assert values is not None
            return values[:, None]
        base = [] if self.base is None else [self.base]
        text = np.array(spelled_as([*self.levels, *base], fields))
        return (text[:, None] == np.array(self.levels)).astype(float)


def codings(
    table: Table,
    used: Sequence[str],
    numbers: Numbers,
    notes: list[str],
    max_levels: int = MAX_LEVELS,
) -> list[Coding]:
    """Return how columns become features, and add to the notes what is done.

    Parameters
    ----------
    table : Table
        The table.
    used : sequence of str
        Its columns to take.
    numbers : Numbers
        What could be read as numbers.
    notes : list of str
        Lines are added here.
    max_levels : int, default=20
        Text of more levels is left out.
    """
    found, encoded, dropped, empty, mixed = [], [], [], [], []
    for name in used:
        values = numbers.values.get(name)
        if name in numbers.ambiguous:
            why = AMBIGUOUS.format(numbers.ambiguous[name])
            notes.append(f"column {one_line(name)} dropped: {why}")
        elif values is not None and np.isnan(values).all():
            empty.append(name)
        elif values is not None and _is_index(name, values):
            notes.append("column 1 dropped: it has no name and counts the rows")
        elif values is not None:
            found.append(Coding(name))
        else:
            levels, base = _levels(table.columns[name])
            if len(levels) <= max_levels:
                found.append(Coding(name, levels, base))
                encoded.append(name)
            else:
                dropped.append(name)
            mixed += [name] * (name not in table.categories)
    if encoded:
        notes.append(f"text encoded by an indicator per level: {name_list(encoded)}")
    if dropped:
        notes.append(
            f"text with more than {max_levels} levels, dropped: {name_list(dropped)}"
        )
    notes += [note for name in mixed for note in _nearly_numeric(table, name)]
    if empty:
        notes.append(f"columns without any number, dropped: {name_list(empty)}")
    infinite = [name for name in numbers.infinite if name in used]
    if infinite:
        count = sum(int(numbers.infinite[name].sum()) for name in infinite)
        notes.append(
            f"infinite values taken for missing ones ({count}): {name_list(infinite)}"
        )
    return found


def as_text(fields: Fields) -> list[str]:
    """Return the fields of a column as text, numbers as briefly as can be."""
    if isinstance(fields, np.ndarray):
        return ["" if np.isnan(number) else brief(number) for number in fields]
    return fields


def spelled_as(levels: Iterable[str], fields: Fields) -> list[str]:
    """Return the fields of a column as text, spelled as the levels are.

    What is True in one table may be "TRUE" in another, or 1, and what is 1 "1.0".

    Parameters
    ----------
    levels : iterable of str
        Levels that are known of the column.
    fields : list of str or ndarray
        The column.
    """
    text, exact = as_text(fields), {level for level in levels if level}
    known = {level.lower(): level for level in exact}
    apart = len(known) < len(exact)  # "TRUE" and "true" are levels of their own
    if apart or not known or not known.keys() <= _TRUTH.keys():
        short = {f: brief(float(f)) for f in set(text) if _WITH_POINT.fullmatch(f)}
        return [f if f in exact else short.get(f, f) for f in text]
    words = {f"{number:g}": word for word, number in _TRUTH.items()}
    words = [words.get(field, field.lower()) for field in text]
    return [
        known.get(word, word) if word in _TRUTH else field
        for word, field in zip(words, text, strict=True)
    ]


def truth_as_numbers(fields: Fields) -> np.ndarray | None:
    """Return a column of truth values as 1 and 0, None if any field is another."""
    if isinstance(fields, np.ndarray):
        return None
    gone = missing(fields)
    numbers = np.full(len(fields), np.nan)
    for i in np.flatnonzero(~gone):
        word = fields[i].lower()
        if word not in _TRUTH:
            return None
        numbers[i] = _TRUTH[word]
    return numbers


def is_id(
    name: str,
    x: np.ndarray,
    codes: np.ndarray | None = None,
    rows: np.ndarray | None = None,
) -> bool:
    """Whether a column numbers rows or tasks and says nothing else.

    That is one called an id with another whole number in each row, or one for each
    task; or a count of the rows in their order, unless its name speaks of time.

    Parameters
    ----------
    name : str
        The column.
    x : ndarray of shape (n_rows,)
        Its numbers.
    codes : ndarray of int of shape (n_rows,), default=None
        The task of each row.
    rows : ndarray of int of shape (n_rows,), default=None
        The positions of the rows, where others stood between them.
    """
    if not _all_whole(x):
        return False
    if _ID.search(name):
        of_tasks = codes is not None and _one_value_each(x, codes)
        return of_tasks or len(np.unique(x)) == len(x)
    steps, places = np.diff(x), np.diff(np.arange(len(x)) if rows is None else rows)
    counts = any(np.array_equal(steps, sign * places) for sign in (1, -1))
    return counts and not _OF_TIME.search(name)


def ids_among(
    numbers: Numbers,
    codes: np.ndarray | None = None,
    rows: np.ndarray | None = None,
) -> list[str]:
    """Return the columns that are ids of rows, or of tasks with ``codes``.

    ``rows`` are the positions of the rows in their table, by default all of them.
    """
    return [
        name
        for name, values in numbers.values.items()
        if values is not None
        and name not in numbers.dates
        and is_id(name, values, codes, rows)
    ]


def may_be_id(name: str, x: np.ndarray) -> bool:
    """Whether a column has another whole number in each row and looks like a count."""
    if not _all_whole(x) or len(np.unique(x)) < len(x):
        return False
    counts = x.max() - x.min() == len(x) - 1 or np.all(np.diff(x) > 0)
    return bool(counts or _COUNT.search(name))


def _all_whole(x: np.ndarray) -> bool:
    return len(x) >= NO_CHANCE and bool(np.all(x == np.round(x)))  # NaN is none


def _one_value_each(x: np.ndarray, codes: np.ndarray) -> bool:
    pairs = np.unique(np.column_stack([codes, x]), axis=0)
    return len(pairs) == len(np.unique(codes))


def _is_index(name: str, numbers: np.ndarray) -> bool:
    """Whether a column is the row number that some programs write first."""
    return name == "column 1" and bool(np.all(np.diff(numbers) > 0))


def _levels(fields: Fields) -> tuple[list[str], str | None]:
    """Return the levels of text that need an indicator, one of two; and the other."""
    gone = missing(fields)
    levels = np.unique(np.array(as_text(fields))[~gone]).tolist()
    if len(levels) == 2 and not gone.any():
        return levels[1:], levels[0]
    return levels, None


def _nearly_numeric(table: Table, name: str) -> list[str]:
    """Say what keeps text from being numbers or dates, if little does."""
    fields, kind = table.columns[name], "numbers"
    text = [i for i, field in enumerate(fields) if not reads_as_number(field)]
    if len(text) > 0.2 * len(fields):
        text, kind = not_dates(as_text(fields)), "dates"
    if len(text) > 0.2 * len(fields):
        return _beside_numbers(name, as_text(fields))
    if not text:
        return [f"column {one_line(name)} is text: its {kind} differ in notation"]
    return [
        f"column {one_line(name)} is text: {len(text)} of {len(fields)} fields are no "
        f"{kind}, the first {fields[text[0]]!r} on {table.line} {table.lines[text[0]]}"
    ]


def _beside_numbers(name: str, fields: list[str]) -> list[str]:
    """Say what keeps text from being numbers if it is a unit, "<" or parentheses."""
    odd = {text for text in fields if not reads_as_number(text)}
    found = [_NUMBER_WITH_SIGNS.fullmatch(text) for text in sorted(odd)]
    signs = {match.groups() for match in found if match is not None}
    if None in found or len(signs) > 3 or len(set(fields)) <= MAX_LEVELS:
        return []
    return [
        f"column {one_line(name)} is text: some of its numbers have signs beside "
        f"them, such as {min(odd)!r}; numbers are read where they stand alone"
    ]
