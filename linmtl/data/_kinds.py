"""Kinds of labels beside strings and numbers: dates, intervals, tuples, ordered ones.

They are read as strings or numbers, so that a fitted model knows two kinds only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

# pandas is not a dependency, so its scalars are known by the names of their types.
MISSING_TYPES = frozenset({"NoneType", "NAType", "NaTType"})
_AS_TEXT = frozenset({"Period", "Interval"})
_BETWEEN_PARTS = " / "
_DAY = np.timedelta64(1, "D")
_DATES = (datetime.date, np.datetime64)
_SPANS = (datetime.timedelta, np.timedelta64)
# what sorts as text as it does in time
_IN_TIME = re.compile(
    r"\d{4}(Q[1-4]|-W\d\d|-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?)?)?"
)


def is_missing(value: Any) -> bool:
    if type(value).__name__ in MISSING_TYPES:
        return True
    if isinstance(value, tuple):
        return any(map(is_missing, value))
    kinds = (float, np.floating, np.datetime64, np.timedelta64)
    return isinstance(value, kinds) and bool(value != value)


def is_other_kind(kind: type) -> bool:
    """Whether labels of a type are read as strings or numbers by `plain`."""
    return issubclass(kind, (tuple, *_DATES, *_SPANS)) or kind.__name__ in _AS_TEXT


def plain(label: Any) -> Any:
    """Return a date, an interval or a tuple as a string, a span of time as its days.

    Dates are in the ISO format, in UTC where they have a zone, and without a time at
    midnight: as text they sort as in time. Other labels are returned as they are.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> from linmtl.data._kinds import plain
    >>> plain(("north", 1)), plain(date(2024, 1, 31)), plain(timedelta(hours=36))
    ('north / 1', '2024-01-31', 1.5)
    """
    if isinstance(label, tuple):
        return _BETWEEN_PARTS.join(_part(plain(part)) for part in label)
    if isinstance(label, _SPANS):
        return float(np.timedelta64(label) / _DAY)
    if isinstance(label, _DATES):
        if isinstance(label, datetime.datetime) and label.tzinfo is not None:
            label = label.astimezone(datetime.UTC).replace(tzinfo=None)
        return _iso(np.datetime64(label))
    return str(label) if type(label).__name__ in _AS_TEXT else label


def _part(value: Any) -> str:
    """Return a part of a tuple; numbers by value, as everywhere."""
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value) if whole else value)


def _iso(date: np.datetime64) -> str:
    day, _, time = str(date.astype("datetime64[us]")).partition("T")
    time = time.rstrip("0").rstrip(".") if "." in time else time
    return day if time == "00:00:00" else f"{day}T{time}"


def plain_times(times: np.ndarray) -> np.ndarray:
    """Return an array of dates as strings, one of time spans as days."""
    if times.dtype.kind == "m":
        return times / _DAY
    distinct, codes = np.unique(times, return_inverse=True)
    return np.array([_iso(date) for date in distinct])[codes]


def by_label(given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a mapping from labels as users write them by those of ``tasks_``."""
    return {plain(label): value for label, value in given.items()}


def order_of(labels: Any) -> list[Any] | None:
    """Return the categories of an ordered categorical (of polars: an Enum)."""
    dtype = getattr(labels, "dtype", None)
    ordered = getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum"
    categories = getattr(dtype, "categories", None)
    return list(categories) if ordered and categories is not None else None


def sort_in_time(labels: np.ndarray) -> bool:
    """Whether strings are dates that sort as they do in time."""
    return all(_IN_TIME.fullmatch(label) for label in labels.tolist())
