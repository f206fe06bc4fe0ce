"""Dates and spans of time: of a type of their own, and no numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from linmtl.data._labels import is_dataframe, is_missing

_SPANS = (datetime.timedelta, np.timedelta64)
_TIMES = (datetime.date, datetime.time, np.datetime64, *_SPANS)
ENCODER = "linmtl.preprocessing.TableEncoder does so in a pipeline"
_NUMBERS = {
    "dates": "({0} - {0}.min()) / np.timedelta64(1, 'D')",
    "spans of time": "{0} / np.timedelta64(1, 'D')",
}


def refuse_times(values: Any, name: str) -> None:
    """Raise where an array, a list or a table holds dates or spans of time.

    NumPy would count them in units of their type, NaT among them.

    Parameters
    ----------
    values : array-like, DataFrame or sparse matrix
        What was passed.
    name : str
        What messages call it.
    """
    for column, part in _parts(values):
        kind = time_kind(part)
        if kind is None:
            continue
        where = name if column is None else f"column {column!r} of {name}"
        it = name if column is None else f"{name}[{column!r}]"
        of_table = name == "X" and is_dataframe(values) and kind == "dates"
        raise ValueError(
            f"{where} holds {kind}, which are no numbers; pass a count of days or the "
            f"like, for instance {_NUMBERS[kind].format(it)} (where NaT becomes NaN)"
            f"{f'; {ENCODER}' if of_table else ''}"
        )


def time_kind(values: Any) -> str | None:
    """Return "dates" or "spans of time" where an array or a column holds these."""
    dtype = getattr(values, "dtype", None)
    kind = _letter(dtype)
    if kind in "mM":
        return "dates" if kind == "M" else "spans of time"
    if kind != "O":
        return None
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        return time_kind(categories)
    try:
        flat = np.asarray(values, dtype=object).ravel().tolist()
    except ValueError:  # rows of different length, of which others speak
        return None
    for value in flat:
        if type(value) in (float, int, str) or is_missing(value):
            continue
        if isinstance(value, _TIMES) or type(value).__name__ == "Period":
            return "spans of time" if isinstance(value, _SPANS) else "dates"
    return None


def _letter(dtype: Any) -> str:
    """Return the kind of a type by its letter in NumPy; "O" where values must tell."""
    if hasattr(dtype, "is_temporal"):  # polars
        if dtype.is_temporal():
            return "m" if str(dtype).startswith("Duration") else "M"
        return "f" if dtype.is_numeric() else "O"
    return getattr(dtype, "kind", "O")


def _parts(values: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the columns of a table that are not plain numbers, or the whole."""
    if sparse.issparse(values):
        return
    if not (is_dataframe(values) and hasattr(values, "dtypes")):
        yield None, values
        return
    for i, (name, dtype) in enumerate(zip(values.columns, values.dtypes, strict=True)):
        if _letter(dtype) in "mMO":
            yield name, values.iloc[:, i] if hasattr(values, "iloc") else values[name]
