"""Sums that would tell about single rows, and are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.data._labels import encode_tasks, some
from linmtl.data._rows import rows_by_code
from linmtl.distributed._rows import Rows

_DOMINANT = 0.5  # the largest share of a single row in the weight of its task


class SiteError(ValueError):
    """A site does not answer a question, and says so without a word of its rows."""


@dataclass(frozen=True)
class Threshold:
    """How many rows there have to be for sums over them to be told.

    Attributes
    ----------
    min_rows : int
        Rows of a task.
    min_cell : int
        Rows of a task that differ from most others in a feature or in the target, where
        any do: their values follow from the sums, all those of a row where it is one.
    """

    min_rows: int
    min_cell: int

    def check_rows(self, rows: Rows | None) -> None:
        """Refuse sums over few rows of a task, or of few values that differ."""
        for task, X, y, weight in _by_task(rows):
            if y.size < self.min_rows:
                raise SiteError(
                    f"task {some([task])} has fewer than min_rows={self.min_rows} rows "
                    "with a label and a weight, whose sums would tell about single "
                    "rows; leave it out"
                )
            self._check_share(task, weight)
            off = y.size - np.unique(y, return_counts=True)[1].max()
            if self._is_few(off):
                raise self._refused(task, "y")
            few = np.flatnonzero(self._is_few(_off_commonest(X)))
            if few.size:
                names = few if rows is None or rows.names is None else rows.names[few]
                raise self._refused(task, f"the features {some(names)}")

    def check_classes(self, rows: Rows | None) -> None:
        """Refuse to tell of classes that few rows of a task have."""
        for task, _, y, _ in _by_task(rows):
            if np.unique(y, return_counts=True)[1].min() < self.min_cell:
                raise SiteError(
                    f"task {some([task])} has classes of fewer than "
                    f"min_cell={self.min_cell} rows, or its targets are no classes"
                )

    def check_weights(self, labels: np.ndarray, weight: np.ndarray) -> None:
        """Refuse sums of which one row of a task has more than half the weight."""
        tasks, codes = encode_tasks(labels)
        for t, own in enumerate(rows_by_code(codes, len(tasks))):
            self._check_share(tasks[t], weight[own])

    def _check_share(self, task: Any, weight: np.ndarray) -> None:
        if self.min_cell > 1 and weight.max() > _DOMINANT * weight.sum():
            raise SiteError(
                f"one row of task {some([task])} has more than half its weight, so "
                "that sums would tell about it; use even weights, and larger strengths "
                "where the model leans on single rows"
            )

    def _is_few(self, count):
        return (count > 0) & (count < self.min_cell)

    def _refused(self, task, what):
        return SiteError(
            f"in {what}, fewer than min_cell={self.min_cell} rows of task "
            f"{some([task])} differ from all others, and sums would tell about these; "
            "leave out such features, join rare values, or allow it by a smaller "
            "min_cell"
        )


def _by_task(rows):
    """Yield the label of each task, with its X, y and weights."""
    if rows is None:
        return
    tasks, codes = encode_tasks(rows.labels)
    for t, own in enumerate(rows_by_code(codes, len(tasks))):
        yield tasks[t], rows.X[own], rows.y[own], rows.weight[own]


def _off_commonest(X: Any) -> np.ndarray:
    """Return how many rows differ from the commonest value of each feature.

    Where that is the value of less than half of them, from another one.
    """
    middle = X.shape[0] // 2
    if not hasattr(X, "tocsc"):
        return np.count_nonzero(np.partition(X, middle, axis=0)[middle] != X, axis=0)
    X = X.tocsc()
    count = np.asarray(X.count_nonzero(axis=0))
    full = np.flatnonzero(count > middle)
    count[full] = _off_commonest(X[:, full].toarray())
    return count
