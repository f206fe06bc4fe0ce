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
    """
    if hasattr(X, "collect") and hasattr(X, "collect_schema"):
        return X.collect()
    of_arrow = type(X).__module__.partition(".")[0] == "pyarrow"
    if of_arrow and hasattr(X, "schema") and hasattr(X, "to_pandas"):
        return X.to_pandas()
    return X
