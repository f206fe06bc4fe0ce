"""Tables of other libraries, as DataFrames."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

_NO_FLOATS = ("NAType", "NaTType")  # of what stands for a missing value


def as_table(X: Any) -> Any:
    """Return what is passed in other libraries' forms as a DataFrame or an array.

    Parameters
    ----------
    X : object
        A polars LazyFrame is collected, a pyarrow Table or RecordBatch becomes a
        pandas DataFrame. What is masked, and NA and NaT among objects of a table,
        become NaN. All else is returned as it is.

    Raises
    ------
    ValueError
        If X is a list or a dict of tables, one per task.
    """
    _refuse_several(X)
    if hasattr(X, "collect") and hasattr(X, "collect_schema"):
        return X.collect()
    of_arrow = type(X).__module__.partition(".")[0] == "pyarrow"
    if of_arrow and hasattr(X, "schema") and hasattr(X, "to_pandas"):
        return X.to_pandas()
    return missing_as_nan(X)


def require_names(X: Any) -> None:
    """Refuse a DataFrame that has several columns of one name."""
    count = Counter(getattr(X, "columns", ()))
    repeated = [str(name) for name, k in count.items() if k > 1]
    if repeated:
        raise ValueError(
            f"X has several columns named {', '.join(repeated)}; rename them"
        )


def missing_as_nan(X: Any) -> Any:
    """Return an array or a table with NaN where it is masked, NA or NaT.

    NumPy reads the numbers below a mask, and has no number for NA.
    """
    if isinstance(X, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(X)
        if not mask.any():
            return np.asarray(X)
        numeric = X.dtype.kind in "biuf"
        out = np.array(X, dtype=np.result_type(X, np.float32) if numeric else object)
        out[mask] = np.nan
        return out
    if isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 2:
        return _floats_for_missing(X)
    if not hasattr(X, "isetitem"):
        return X
    return _frame_with_nan(X)


def _frame_with_nan(X: Any) -> Any:
    objects = [j for j, dtype in enumerate(X.dtypes) if dtype == np.dtype("O")]
    out = X.copy(deep=False) if objects else X
    for j in objects:
        out.isetitem(j, _floats_for_missing(X.iloc[:, j].to_numpy()))
    return out


def _floats_for_missing(objects: np.ndarray) -> np.ndarray:
    out = objects.copy()
    missing = [type(value).__name__ in _NO_FLOATS for value in objects.flat]
    out[np.reshape(missing, objects.shape)] = np.nan
    return out


def _refuse_several(Xs: Any) -> None:
    if type(Xs) in (list, tuple, dict) and Xs:  # sparse matrices are dicts too
        first: Any = next(iter(Xs.values() if isinstance(Xs, dict) else Xs))
        if len(getattr(first, "shape", ())) == 2:
            raise ValueError(
                f"X is a {type(Xs).__name__} of {len(Xs)} tables; where these are the "
                "tasks, stack_tasks(Xs, ys) makes X, y and tasks of them"
            )
