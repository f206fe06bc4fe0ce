"""Observed labels of each task, and the predictions that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.data._labels import as_task_labels, encode_tasks
from linmtl.data._targets import as_array, column_labels, missing_mask, native
from linmtl.data._weights import read_sample_weight


@dataclass(frozen=True)
class Labels:
    """The labels that count: observed, and of positive weight.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels: sorted (long data), or in the order of the columns (wide data).
    shape : tuple of int
        The shape of y.
    rows : list of n_tasks ndarray
        The rows of the labels of each task.
    y : list of n_tasks ndarray
        The labels of each task.
    weight : list of n_tasks ndarray, or None
        Their weights, where weights were passed.
    """

    tasks: np.ndarray
    shape: tuple[int, ...]
    rows: list[np.ndarray]
    y: list[np.ndarray]
    weight: list[np.ndarray] | None

    @property
    def n_samples(self) -> np.ndarray:
        return np.array([len(rows) for rows in self.rows])

    @property
    def total(self) -> np.ndarray:
        """Sum of the weights of each task."""
        if self.weight is None:
            return self.n_samples.astype(float)
        return np.array([weight.sum() for weight in self.weight])

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels of all tasks."""
        return np.unique(np.concatenate([y for y in self.y if len(y)]))

    def predictions(self, y_pred: Any) -> list[np.ndarray]:
        """Return the predictions of the labels of each task."""
        y_pred = as_array(y_pred, "y_pred")
        if len(self.shape) == 2 and y_pred.shape == (self.shape[0],) == self.shape[:1]:
            y_pred = y_pred[:, None] if self.shape[1] == 1 else y_pred
        elif len(self.shape) == 1 and y_pred.shape == (*self.shape, 1):
            y_pred = y_pred[:, 0]
        fits = (
            y_pred.shape[0] == self.shape[0] and y_pred.ndim <= 2
            if len(self.shape) == 1
            else y_pred.shape == self.shape
        )
        if not fits:
            raise ValueError(
                f"y_pred has shape {y_pred.shape} but y_true has {self.shape}; pass "
                + (
                    "one prediction per row"
                    if len(self.shape) == 1
                    else "one prediction per label"
                )
            )
        wide = len(self.shape) == 2
        parts = [
            native(y_pred[rows, t] if wide else y_pred[rows], "y_pred")
            for t, rows in enumerate(self.rows)
        ]
        bad = sum(
            int(np.count_nonzero(~np.isfinite(part)))
            for part in parts
            if part.dtype.kind == "f"
        )
        if bad:
            raise ValueError(
                f"y_pred has {bad} values that are NaN or infinite where y_true is "
                "observed; pass a prediction for every observed label"
            )
        return parts


def read_labels(y_true: Any, tasks: Any = None, sample_weight: Any = None) -> Labels:
    """Find the labels of each task.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels; a missing one (NaN, None, NA) is left out.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, one-dimensional labels are of
        one task.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0.
    """
    y = as_array(y_true, "y_true")
    if len(y) == 0:
        raise ValueError("y_true is empty; pass one label per row")
    if tasks is not None and y.ndim == 2:
        if y.shape[1] != 1:
            raise ValueError(
                f"tasks was passed although y_true has {y.shape[1]} columns, one per "
                "task; drop tasks, or pass y_true of shape (n_samples,)"
            )
        y = y[:, 0]
    weight = read_sample_weight(sample_weight, y.shape)
    used = ~missing_mask(y) & (weight > 0)
    native(y[used], "y_true")  # refuses a mixture that only tasks together show
    if y.ndim == 2:
        names = column_labels(y_true, "y_true")
        names = np.arange(y.shape[1]) if names is None else names
        rows = [np.flatnonzero(column) for column in used.T]
        labels = [native(y[r, t], "y_true") for t, r in enumerate(rows)]
        weights = [weight[r, t] for t, r in enumerate(rows)]
    else:
        if tasks is None:
            names, codes = np.arange(1), np.zeros(len(y), dtype=np.int64)
        else:
            read = as_task_labels(tasks)
            if len(read) != len(y):
                raise ValueError(
                    f"tasks has {len(read)} labels but y_true has {len(y)} rows; pass "
                    "one label per row"
                )
            names, codes = encode_tasks(read)
        kept = np.flatnonzero(used)
        kept = kept[np.argsort(codes[kept], kind="stable")]
        counts = np.bincount(codes[kept], minlength=len(names))
        rows = np.split(kept, np.cumsum(counts)[:-1])
        labels = [native(y[r], "y_true") for r in rows]
        weights = [weight[r] for r in rows]
    if not any(len(r) for r in rows):
        raise ValueError("y_true has no observed label with a positive weight")
    return Labels(
        names, y.shape, rows, labels, None if sample_weight is None else weights
    )
