"""The rows of each task, with their labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from linmtl.data._labels import as_task_labels, encode_tasks, some


@dataclass(frozen=True, eq=False)
class TaskRows:
    """The rows that count of each task, their labels and their weights.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels: sorted (long data), or in the order of the columns (wide data).
    shape : tuple of int
        The shape of y as passed.
    rows : list of n_tasks ndarrays of int
        The rows of each task, increasing.
    y : list of n_tasks ndarrays
        The labels of these rows.
    weight : list of n_tasks ndarrays, or None
        Their weights, where weights were passed.
    """

    tasks: np.ndarray
    shape: tuple[int, ...]
    rows: list[np.ndarray]
    y: list[np.ndarray]
    weight: list[np.ndarray] | None = None

    @property
    def n_samples(self) -> np.ndarray:
        """Number of rows of each task, (n_tasks,)."""
        return np.array([len(rows) for rows in self.rows])

    @property
    def total(self) -> np.ndarray:
        """Sum of the weights of each task, (n_tasks,)."""
        if self.weight is None:
            return self.n_samples.astype(float)
        return np.array([weight.sum() for weight in self.weight])

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels of all tasks."""
        return np.unique(np.concatenate([y for y in self.y if len(y)]))

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Return the part of each task of an array with one entry per label."""
        if len(self.shape) == 1:
            return [values[rows] for rows in self.rows]
        return [values[rows, t] for t, rows in enumerate(self.rows)]

    def require_rows(self, least: int, why: str, mend: str) -> None:
        """Raise where a task has fewer rows than that."""
        short = self.n_samples < least
        if short.any():
            raise ValueError(
                f"{why} needs at least {least} rows per task; the tasks "
                f"{some(self.tasks[short])} have {some(self.n_samples[short])}; {mend}"
            )


def rows_by_task(
    y: np.ndarray,
    tasks: Any,
    used: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    columns: np.ndarray | None = None,
    name: str = "y",
) -> TaskRows:
    """Find the rows of each task.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
        Labels.
    tasks : array-like of shape (n_samples,) or None
        The task of each row of long data; None where they are all of one task.
    used : ndarray of bool of y's shape
        The labels that count.
    weight : ndarray of y's shape, default=None
        Weights.
    columns : ndarray of shape (n_tasks,), default=None
        The labels of the tasks of wide data; 0, 1, ... by default.
    name : str, default="y"
        What messages call y.
    """
    if y.ndim == 2:
        if tasks is not None:
            raise ValueError(
                f"tasks was passed although {name} has {y.shape[1]} columns, one per "
                f"task; drop tasks, or pass {name} of shape (n_samples,)"
            )
        names = np.arange(y.shape[1]) if columns is None else columns
        rows = [np.flatnonzero(column) for column in used.T]
    else:
        names, codes = np.arange(1), np.zeros(len(y), dtype=np.int64)
        if tasks is not None:
            names, codes = encode_tasks(as_task_labels(tasks, len(y), of=name))
        rows = rows_by_code(np.where(used, codes, -1), len(names))
    found = TaskRows(names, y.shape, rows, [])
    weights = None if weight is None else found.split(weight)
    return replace(found, y=found.split(y), weight=weights)


def rows_by_code(codes: np.ndarray, n_codes: int) -> list[np.ndarray]:
    """Return the rows of each code from 0 on, increasing; those of -1 are left out."""
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(n_codes + 1))
    return [order[a:b] for a, b in pairwise(bounds.tolist())]


def among_tasks(values: np.ndarray, positions: np.ndarray, n_tasks: int) -> np.ndarray:
    """Return values by task with those tasks at their positions, zeros elsewhere."""
    out = np.zeros((n_tasks, *values.shape[1:]), values.dtype)
    out[positions] = values
    return out
