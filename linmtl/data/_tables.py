"""Tables of other libraries, as DataFrames."""

from __future__ import annotations

from typing import Any


def as_table(X: Any) -> Any:
    """Return the DataFrame of a lazy one, or of an Arrow table; all else as it is.

    Parameters
    ----------
    X : object
        A polars LazyFrame is collected, a pyarrow Table or RecordBatch becomes a
        pandas DataFrame.

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
    return X


def _refuse_several(Xs: Any) -> None:
    if type(Xs) in (list, tuple, dict) and Xs:  # sparse matrices are dicts too
        first: Any = next(iter(Xs.values() if isinstance(Xs, dict) else Xs))
        if len(getattr(first, "shape", ())) == 2:
            raise ValueError(
                f"X is a {type(Xs).__name__} of {len(Xs)} tables; where these are the "
                "tasks, stack_tasks(Xs, ys) makes X, y and tasks of them"
            )
