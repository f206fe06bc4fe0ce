"""Errors about tables that name the column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from scipy import sparse

from linmtl.data._labels import is_dataframe, is_missing
from linmtl.data._times import ENCODER, refuse_times

_TASKS = (
    "; if it says which task a row belongs to, pass it as tasks=, or name it as "
    "task_column="
)


# of the features of the table whose parts, as arrays, models are fitted to
_NAMES: ContextVar[np.ndarray | None] = ContextVar("names", default=None)


@contextmanager
def features_named(names: np.ndarray | None) -> Iterator[None]:
    """Give arrays of as many columns the names that a table has had.

    For models that are fitted inside others, to parts of a table: their warnings name
    features, and so may their parameters.

    Parameters
    ----------
    names : ndarray of shape (n_features,) or None
        The names; None leaves arrays without.
    """
    token = _NAMES.set(names)
    try:
        yield
    finally:
        _NAMES.reset(token)


def given_names(n_features: int) -> np.ndarray | None:
    """Return the names that so many columns of an array have, None for none."""
    names = _NAMES.get()
    return names if names is not None and len(names) == n_features else None


@contextmanager
def column_named(X: Any, may_be_tasks: bool = False) -> Iterator[None]:
    """Name the column of X where validation finds something not a number, or NaN.

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
        gone = str(error).startswith("Input X contains NaN") and _first_missing(X)
        if gone:
            raise ValueError(
                f"Input X contains NaN, first at row {gone[0]} in column {gone[1]!r}; "
                "impute missing values (sklearn.impute.SimpleImputer), or drop the rows"
            ) from None
        # others say what is wrong
        said = str(error)  # "cannot cast" is of categories
        text = isinstance(error, TypeError) or "could not convert" in said
        text = text or "Cannot cast" in said
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
            f"encode the column as numbers ({ENCODER}), or drop it{hint}"
        ) from error


def _first_missing(X: Any) -> tuple[int, Any] | None:
    """Return row and column of the first missing value, if there is any."""
    if sparse.issparse(X):
        entries = sparse.coo_array(X)
        gone = _missing(entries.data)[:1]
        return next(
            zip(*(at[gone].tolist() for at in entries.coords), strict=True), None
        )
    if is_dataframe(X):
        found = ((_missing(np.asarray(values)), name) for name, values in _columns(X))
        return next(((int(rows[0]), name) for rows, name in found if rows.size), None)
    X = np.asarray(X)
    found = enumerate(map(_missing, X if X.ndim == 2 else ()))
    return next(((row, int(at[0])) for row, at in found if at.size), None)


def _missing(values: np.ndarray) -> np.ndarray:
    """Return the positions of missing values."""
    if values.dtype.kind == "f":
        return np.flatnonzero(np.isnan(values))
    if values.dtype.kind != "O":
        return np.arange(0)
    return np.flatnonzero([is_missing(value) for value in values.tolist()])


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
