"""What a splitter knows of the rows: their tasks, classes and missing labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.data._labels import as_task_labels, n_rows, some, split_task_column
from linmtl.data._rows import TaskRows, rows_by_task
from linmtl.data._tables import as_table
from linmtl.data._targets import as_array, missing_mask, native

# More distinct integers than this are taken for a regression target (counts, ages).
_MAX_CLASSES = 30


def _read_target(y: Any, n_samples: int) -> np.ndarray | None:
    if y is None:
        return None
    y = as_array(y)
    if len(y) != n_samples:
        raise ValueError(
            f"y has shape {y.shape} but X has {n_samples} rows; pass y of shape "
            f"({n_samples},), or ({n_samples}, n_tasks) for wide data"
        )
    return y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y


def _class_codes(
    y: np.ndarray, observed: np.ndarray, stratify: bool | str
) -> tuple[np.ndarray, bool]:
    """Number the classes of y: -1 where y is missing, 0 throughout if not stratified.

    Returns the codes, of y's shape, and whether y was taken for class labels.
    """
    codes = np.where(observed, 0, -1)
    if stratify is False or not observed.any():
        return codes, False
    values = native(y[observed], "y")
    distinct, inverse = np.unique(values, return_inverse=True)
    is_class = (
        stratify is True
        or len(distinct) <= 2
        or distinct.dtype.kind in "USTb"
        or (distinct.dtype.kind in "iu" and len(distinct) <= _MAX_CLASSES)
    )
    if is_class:
        codes[observed] = inverse.reshape(-1)
    return codes, is_class


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitRows(TaskRows):
    """All rows of each task, with the class of each.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,)
        Class of each row, -1 where the label is missing (in every column, for wide
        data); all equal when the rows are not stratified.
    columns : ndarray of shape (n_samples, n_marks), dtype bool, or None
        Wide data only: the rows that carry a label of each task and, for class
        labels, the rows of each class of each task.
    vital : ndarray of shape (n_marks,), dtype bool, or None
        The columns that no training part may lose.
    n_targets : int
        Columns of y, which are the first of `columns`.
    """

    codes: np.ndarray
    columns: np.ndarray | None
    vital: np.ndarray | None
    n_targets: int

    @property
    def all_single(self) -> bool:
        """Whether there are several tasks, by label, and one labelled row in each."""
        several = self.columns is None and len(self.y) > 1
        return several and all(np.sum(codes >= 0) <= 1 for codes in self.y)

    def describe_sizes(self) -> str:
        sizes = [int(np.sum(codes >= 0)) for codes in self.y]
        largest = int(np.argmax(sizes))
        if len(sizes) == 1:
            return f"X has {sizes[0]} labelled rows"
        return (
            f"the largest of {len(sizes)} tasks, {some([self.tasks[largest]])}, has "
            f"{sizes[largest]} labelled rows"
        )


def read_rows(
    X: Any, y: Any, groups: Any, task_column: str | int | None, stratify: bool | str
) -> SplitRows:
    """Read what a splitter needs to know, once for all splits."""
    X = as_table(X)
    n = n_rows(X)
    if n == 0:
        raise ValueError("X has no rows; pass at least two")
    if groups is not None and task_column is not None:
        raise ValueError(
            f"groups were passed though task_column={task_column!r} names the "
            "tasks too; pass groups or set task_column, not both"
        )
    y = _read_target(y, n)
    if y is None and stratify is True:
        raise ValueError("stratify=True needs y; pass y or stratify='auto'")
    labels = None
    if groups is not None:
        labels = as_task_labels(groups, n, name="groups")
    elif task_column is not None:
        _, labels, _ = split_task_column(X, task_column)
    codes, columns, vital = np.zeros(n, dtype=np.int64), None, None
    n_targets = 1 if y is None or y.ndim == 1 else y.shape[1]
    if y is not None:
        observed = ~missing_mask(y)
        if stratify == "auto" and _differ_in_kind(y, observed, labels):
            stratify = False
        codes, is_class = _class_codes(y, observed, stratify)
        if y.ndim == 2:
            if labels is None and (is_class or not observed.all()):
                columns, vital = _mark_columns(codes, observed, is_class)
            codes = np.where(observed.any(axis=1), 0, -1)
    rows = rows_by_task(codes, labels, np.ones(n, dtype=bool))
    marks = {"codes": codes, "columns": columns, "vital": vital}
    return SplitRows(**vars(rows), **marks, n_targets=n_targets)


def _differ_in_kind(
    y: np.ndarray, observed: np.ndarray, labels: np.ndarray | None
) -> bool:
    """Whether some tasks have text throughout, and the others none."""
    if y.dtype.kind != "O" or (y.ndim == 2) != (labels is None):
        return False
    text = np.reshape([isinstance(value, str) for value in y.ravel()], y.shape)
    task = np.broadcast_to(np.arange(y.shape[-1]), y.shape)
    if labels is not None:
        task = np.unique(labels, return_inverse=True)[1]
    count, texts = np.bincount(task[observed]), np.bincount(task[observed & text])
    texts = np.append(texts, np.zeros(count.size - texts.size))
    one_kind = np.all((texts == 0) | (texts == count))
    return bool(one_kind and 0 < texts.sum() < count.sum())


def _mark_columns(
    codes: np.ndarray, observed: np.ndarray, is_class: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the marks of wide data, as `SplitRows` has them."""
    marks, vital = [observed], [np.ones(observed.shape[1], dtype=bool)]
    if is_class:
        for j in range(codes.shape[1]):
            present = np.unique(codes[observed[:, j], j])
            marks.append(codes[:, [j]] == present)
            # Losing one of three classes leaves a problem that can be fitted;
            # losing one of two does not.
            vital.append(np.full(len(present), len(present) == 2))
    columns = np.hstack(marks)
    return columns, np.concatenate(vital) & columns.any(axis=0)
