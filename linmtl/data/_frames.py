"""Errors about tables that name the column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse

from linmtl.data._labels import is_dataframe, is_missing
from linmtl.data._times import refuse_times

_TASKS = (
    "; if it says which task a row belongs to, pass it as tasks=, or name it as "
    "task_column="
)


@contextmanager
def column_named(X: Any, may_be_tasks: bool = False) -> Iterator[None]:
    """Name the column of a table where validation finds something not a number.

    Dates and spans of time, which would pass for numbers, are found beforehand.

    Parameters
    ----------
    X : array-like or DataFrame
        What is validated.
    may_be_tasks : bool, default=False
        Whether text may be the labels of tasks, which the user has not given.
    """
    refuse_times(X, "X")
    try:
        yield
    except (TypeError, ValueError) as error:
        # others, such as that of a missing value, say what is wrong
        text = isinstance(error, TypeError) or "could not convert" in str(error)
        hint = _TASKS if may_be_tasks else ""
        found = _not_numeric(X) if text else None
        if found is None and hint and "could not convert string" in str(error):
            raise ValueError(f"{error}{hint}") from error
        if found is None:
            raise
        name, value = found
        if not is_dataframe(X):  # of scikit-learn's type, which its checks ask for
            raise type(error)(
                f"{error} in column {name} of X; encode the column as numbers, or "
                f"drop it{hint}"
            ) from error
        kind = "string" if isinstance(value, str) else type(value).__name__
        raise ValueError(
            f"could not convert {kind} to float: {value!r} in column {name!r} of X; "
            f"encode the column as numbers, or drop it{hint}"
        ) from error


def _not_numeric(X: Any) -> tuple[Any, Any] | None:
    """Return the first column that is not numeric, and a value of it, if any."""
    for name, column in _columns(X):
        for value in _suspects(column):
            try:
                float(value)
            except (TypeError, ValueError):
                return name, value
    return None


def _columns(X: Any) -> Iterator[tuple[Any, Any]]:
    if not is_dataframe(X):
        X = np.asarray(X, dtype=object) if not sparse.issparse(X) else np.empty(0)
        yield from enumerate(X.T if X.ndim == 2 else ())
        return
    for position, name in enumerate(X.columns):
        yield name, X.iloc[:, position] if hasattr(X, "iloc") else X[name]


def _suspects(column: Any) -> list[Any]:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return []
    return [value for value in column if not is_missing(value)]
