"""From a list of tasks to one table with a task label per row, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data._labels import as_task_labels, encode_tasks, n_rows
from linmtl.data._rows import rows_by_code
from linmtl.data._tables import missing_as_nan


def stack_tasks(
    Xs: Sequence[Any] | Mapping[Any, Any],
    ys: Sequence[ArrayLike] | Mapping[Any, ArrayLike],
    names: Sequence[Any] | None = None,
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Stack per-task data into one table with a task label per row.

    Parameters
    ----------
    Xs : sequence or dict of n_tasks arrays of shape (n_samples_t, n_features)
        The samples of each task: arrays, SciPy sparse matrices or pandas DataFrames.
        A dict has the task labels as keys. The columns of DataFrames may differ; what a
        task does not have is NaN in its rows, and so the estimators know it.
    ys : sequence or dict of n_tasks arrays of shape (n_samples_t,)
        The targets of each task, in the same order or under the same keys.
    names : sequence of n_tasks labels, default=None
        Task labels for sequences; 0, 1, ... by default.

    Returns
    -------
    X : ndarray, sparse array or DataFrame of shape (n_samples, n_features)
        All samples, task after task.
    y : ndarray of shape (n_samples,)
        All targets.
    tasks : ndarray of shape (n_samples,)
        The task label of each row.

    Raises
    ------
    ValueError
        If the tasks of `Xs` and `ys` do not match, in number, keys, rows or features.

    See Also
    --------
    unstack_tasks : The reverse.

    Examples
    --------
    >>> from linmtl import stack_tasks
    >>> X, y, tasks = stack_tasks(
    ...     {"a": [[1.0], [2.0]], "b": [[3.0]]}, {"a": [1, 2], "b": [3]}
    ... )
    >>> tasks
    array(['a', 'a', 'b'], dtype='<U1')
    """
    Xs, ys, names = _read_tasks(Xs, ys, names)
    frames = all(hasattr(X, "columns") for X in Xs)
    if not frames:
        Xs = [X if sparse.issparse(X) else np.asarray(missing_as_nan(X)) for X in Xs]
    ys = [np.asarray(missing_as_nan(y)).reshape(-1) for y in ys]
    width = Xs[0].shape[1] if Xs[0].ndim == 2 else None
    for name, X, y in zip(names, Xs, ys, strict=True):
        if X.ndim != 2 or (X.shape[1] != width and not frames):
            raise ValueError(
                f"X of task {name!r} has shape {X.shape}; every task needs a 2-D X "
                f"with the same features ({width})"
            )
        if X.shape[0] != y.size:
            raise ValueError(
                f"task {name!r} has {X.shape[0]} rows in X but {y.size} targets"
            )
    if frames:
        import pandas as pd

        for name, X in zip(names, Xs, strict=True):
            if not X.columns.is_unique:
                raise ValueError(f"X of task {name!r} repeats a column name")
        stacked = pd.concat(Xs, ignore_index=True)
    elif any(sparse.issparse(X) for X in Xs):
        stacked = sparse.vstack([sparse.csr_array(X) for X in Xs], format="csr")
    else:
        stacked = np.concatenate(Xs)
    labels = as_task_labels(names, name="names")
    return stacked, np.concatenate(ys), np.repeat(labels, [y.size for y in ys])


def _read_tasks(Xs, ys, names) -> tuple[list[Any], list[Any], list[Any]]:
    """Return samples, targets and labels of the tasks as lists, one entry each."""
    if isinstance(Xs, Mapping) != isinstance(ys, Mapping):
        raise ValueError("Xs and ys must be both dicts or both sequences")
    if isinstance(Xs, Mapping):
        if names is not None:
            raise ValueError("names is for sequences; the keys of a dict are the names")
        names = list(Xs)
        if set(names) != set(ys):
            raise ValueError(
                "Xs and ys have different keys: "
                f"{sorted(set(names) ^ set(ys), key=str)}"
            )
        Xs, ys = [Xs[k] for k in names], [ys[k] for k in names]
    Xs, ys = list(Xs), list(ys)
    names = list(range(len(Xs))) if names is None else list(names)
    if not Xs:
        raise ValueError("Xs has no tasks; pass one array per task")
    if not len(Xs) == len(ys) == len(names):
        raise ValueError(
            f"Xs has {len(Xs)} tasks, ys {len(ys)} and names {len(names)}; pass one "
            "of each per task"
        )
    if len(set(names)) < len(names):
        raise ValueError("names repeats a label; task labels must be distinct")
    return Xs, ys, names


def unstack_tasks(
    X: Any, y: ArrayLike, tasks: ArrayLike
) -> tuple[dict[Any, Any], dict[Any, np.ndarray]]:
    """Split a table with a task label per row into per-task arrays.

    Parameters
    ----------
    X : array, sparse matrix or DataFrame of shape (n_samples, n_features)
        Samples, in any order.
    y : array-like of shape (n_samples,)
        Targets.
    tasks : array-like of shape (n_samples,)
        The task label of each row.

    Returns
    -------
    Xs : dict of task label -> rows of X
        The samples of each task, tasks sorted, rows in their order in X.
    ys : dict of task label -> ndarray
        The targets of each task.

    See Also
    --------
    stack_tasks : The reverse.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import unstack_tasks
    >>> Xs, ys = unstack_tasks(np.eye(3), [1, 2, 3], ["b", "a", "b"])
    >>> ys
    {'a': array([2]), 'b': array([1, 3])}
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    X, y = missing_as_nan(X), missing_as_nan(y)
    n = n_rows(X)
    labels, codes = encode_tasks(as_task_labels(tasks, n))
    y = np.asarray(y)
    if y.shape[:1] != (n,):
        raise ValueError(f"y has {y.shape[:1]} rows but X has {n}; pass one per row")
    X_rows = X.tocsr() if sparse.issparse(X) else X
    Xs, ys = {}, {}
    by_task = rows_by_code(codes, len(labels))
    for label, rows in zip(labels.tolist(), by_task, strict=True):
        Xs[label] = X_rows.iloc[rows] if hasattr(X_rows, "iloc") else X_rows[rows]
        ys[label] = y[rows]
    return Xs, ys
