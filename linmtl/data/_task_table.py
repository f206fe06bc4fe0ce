"""What is known of each task beside its rows: a few numbers, by label or in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from linmtl.data._labels import as_task_labels, codes_of, some
from linmtl.data._times import refuse_times

# labels, and the numbers of each, (n_labels, n_numbers)
TaskTable = tuple[np.ndarray, np.ndarray]


def read_task_table(
    given: Any, tasks: np.ndarray, estimator: Any, what: str
) -> TaskTable | None:
    """Return labels and numbers of tasks, or None if nothing is given.

    Parameters
    ----------
    given : dict, DataFrame, array-like or None
        Numbers by label, then also of tasks that have no rows; or one row for each of
        the tasks, in their order.
    tasks : ndarray of shape (n_tasks,)
        The tasks that have rows.
    estimator : object
        Whose parameter it is.
    what : str
        The name of the parameter.
    """
    if given is None:
        return None
    name = type(estimator).__name__
    if hasattr(given, "index") and hasattr(given, "to_numpy"):
        labels, rows = list(given.index), given.to_numpy()
    elif isinstance(given, Mapping):
        labels, rows = list(given), list(given.values())
    else:
        labels, rows = tasks.tolist(), given
    refuse_times(rows, what)
    try:
        Z = np.array(rows, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: {what}: {error}; pass numbers, as many for every task"
        ) from None
    Z = Z[:, None] if Z.ndim == 1 else Z
    if Z.ndim != 2 or Z.shape[1] == 0 or len(Z) != len(labels):
        raise ValueError(
            f"{name}: {what} has shape {Z.shape} but there are {len(labels)} "
            "tasks; pass one row of numbers per task in the order of tasks_, a dict by "
            "label, or a DataFrame with the labels as index"
        )
    if not np.all(np.isfinite(Z)):
        raise ValueError(f"{name}: {what} contains NaN or infinity")
    labels = as_task_labels(labels, name=f"the labels of {what}")
    distinct, counts = np.unique(labels, return_counts=True)
    if np.any(counts > 1):
        raise ValueError(
            f"{name}: {what} repeats the tasks {some(distinct[counts > 1])}"
        )
    missing = tasks[codes_of(tasks, labels) < 0]
    if missing.size:
        raise ValueError(f"{name}: {what} has no entry for the tasks {some(missing)}")
    return labels, Z


def rows_of_tasks(table: TaskTable | None, tasks: np.ndarray) -> np.ndarray:
    """Return the numbers of tasks that have some; ones, where nothing is given."""
    if table is None:
        return np.ones((len(tasks), 1))
    return table[1][codes_of(tasks, table[0])]


def described(table: TaskTable | None, tasks: np.ndarray) -> np.ndarray:
    """Return those of the tasks that the table has numbers of."""
    if table is None:
        return tasks[:0]
    return tasks[codes_of(tasks, table[0]) >= 0]
