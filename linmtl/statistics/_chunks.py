"""Tables that do not fit into memory, a piece at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from linmtl.data._checks import check_count
from linmtl.data._labels import n_rows


def chunks_of(
    X: Any, y: Any, tasks: Any = None, sample_weight: Any = None, *, size: int = 65_536
) -> Iterator[tuple[Any, ...]]:
    """Return consecutive pieces of arrays, which may be memory maps.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Samples; anything that slices by row, as ``numpy.memmap`` does.
    y, tasks, sample_weight : array-like of shape (n_samples,), default=None
        The other arguments of ``fit``.
    size : int, default=65536
        Rows of a piece.

    Yields
    ------
    tuple of (X, y, tasks, sample_weight)
        Of each piece.

    Raises
    ------
    ValueError
        If they differ in their rows.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.statistics import chunks_of
    >>> [len(y) for _, y, _, _ in chunks_of(np.ones((5, 1)), np.ones(5), size=2)]
    [2, 2, 1]
    """
    size, n = check_count("size", size), n_rows(X)
    X = X.tocsr() if hasattr(X, "tocsr") else X
    others = {"y": y, "tasks": tasks, "sample_weight": sample_weight}
    for name, part in others.items():
        if part is not None and n_rows(part) != n:
            raise ValueError(f"{name} has {n_rows(part)} rows, but X has {n}")
    for first in range(0, n, size):
        rows = slice(first, first + size)
        yield tuple(
            None if part is None else _piece(part, rows)
            for part in (X, *others.values())
        )


def _piece(part: Any, rows: slice) -> Any:
    """Return some rows, in memory; tables and sparse matrices stay what they are."""
    piece = part.iloc[rows] if hasattr(part, "iloc") else part[rows]
    kept = hasattr(piece, "columns") or hasattr(piece, "tocsr")
    return piece if kept else np.asarray(piece)


def fit_arguments(chunk: Any) -> tuple[Any, ...]:
    """Return X, y, tasks and sample_weight of a chunk.

    Parameters
    ----------
    chunk : tuple or list
        Of two to four of them.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not (isinstance(chunk, (tuple, list)) and 2 <= len(chunk) <= 4):
        what = type(chunk).__name__
        if isinstance(chunk, (tuple, list)):
            what = f"{what} of {len(chunk)}"
        raise TypeError(
            "a chunk is a tuple (X, y), (X, y, tasks) or (X, y, tasks, sample_weight), "
            f"got a {what}"
        )
    return (*chunk, None, None)[:4]


def read_chunks(
    source: Any,
    *,
    target: str,
    tasks: str,
    features: Iterable[str] | None = None,
    sample_weight: str | None = None,
    size: int = 65_536,
) -> Iterator[tuple[Any, ...]]:
    """Return the pieces of a file or of a stream of tables.

    Parameters
    ----------
    source : str, path, pyarrow object or iterable
        A Parquet file or a folder of them (needs pyarrow), a CSV file (needs pandas), a
        pyarrow Dataset, Table or RecordBatchReader, a DataFrame; or anything that gives
        one DataFrame, RecordBatch or Table after the other.
    target, tasks : str
        The columns of the target and of the task labels.
    features : iterable of str, default=None
        The columns of X; by default all others.
    sample_weight : str, default=None
        The column of the weights.
    size : int, default=65536
        Rows of a piece, where the source can be asked for that.

    Yields
    ------
    tuple of (X, y, tasks, sample_weight)
        Of each piece; X is a DataFrame.

    Raises
    ------
    ValueError
        If a column is missing in a piece.
    """
    size = check_count("size", size)
    wanted = None if features is None else list(features)
    others = [target, tasks, *([] if sample_weight is None else [sample_weight])]
    columns = None if wanted is None else [*wanted, *others]
    for table in _tables(source, columns, size):
        frame = table.to_pandas() if hasattr(table, "to_pandas") else table
        names = columns_of_X(
            frame.columns, others, wanted or None, "a piece of the table"
        )
        weight = None if sample_weight is None else frame[sample_weight]
        yield frame[names], frame[target], frame[tasks], weight


def columns_of_X(
    there: Iterable[str],
    others: Iterable[str],
    features: Iterable[str] | None,
    table: str,
) -> list[str]:
    """Return the columns of X, by default all that are not others.

    Parameters
    ----------
    there : iterable of str
        The columns of the table.
    others : iterable of str
        Those of the target, the tasks and the weights.
    features : iterable of str or None
        The columns of X that are asked for.
    table : str
        What messages call the table.

    Raises
    ------
    ValueError
        If one is not there.
    """
    there, others = list(there), list(others)
    names = [c for c in there if c not in others] if features is None else [*features]
    missing = [c for c in (*names, *others) if c not in there]
    if missing:
        raise ValueError(
            f"{table} has no column {missing[0]!r}; it has {', '.join(map(str, there))}"
        )
    return names


def _tables(source: Any, columns: list[str] | None, size: int) -> Iterator[Any]:
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if path.lower().endswith((".csv", ".csv.gz", ".tsv", ".txt")):
            import pandas as pd

            options: Any = {"sep": "\t" if path.lower().endswith(".tsv") else ","}
            _require(columns, pd.read_csv(path, nrows=0, **options).columns)
            yield from pd.read_csv(path, usecols=columns, chunksize=size, **options)
            return
        from pyarrow import dataset

        source = dataset.dataset(path)
    if hasattr(source, "to_batches"):
        of_dataset = hasattr(source, "scanner")
        options = {"columns": columns, "batch_size": size} if of_dataset else {}
        _require(columns, source.schema.names)
        yield from source.to_batches(**options)
        return
    if hasattr(source, "collect") and hasattr(source, "collect_schema"):
        source = source.collect()
    if hasattr(source, "columns") and hasattr(source, "shape"):  # one table
        for first in range(0, source.shape[0], size):
            rows = slice(first, first + size)
            yield source.iloc[rows] if hasattr(source, "iloc") else source[rows]
        return
    yield from source


def _require(columns: list[str] | None, there: Iterable[str]) -> None:
    if columns is not None:
        columns_of_X(there, (), columns, "the table")
