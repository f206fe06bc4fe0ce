"""Observed labels of each task, and the predictions that belong to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.data._labels import some
from linmtl.data._rows import TaskRows, rows_by_task
from linmtl.data._targets import (
    as_array,
    as_sequence,
    column_labels,
    missing_mask,
    native,
)
from linmtl.data._times import refuse_times
from linmtl.data._weights import read_sample_weight


def read_labels(y_true: Any, tasks: Any = None, sample_weight: Any = None) -> TaskRows:
    """Find the labels of each task that are observed and of positive weight.

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
    y_true = as_sequence(y_true, "y_true")
    refuse_times(y_true, "y_true")
    y = as_array(y_true, "y_true")
    if len(y) == 0:
        raise ValueError("y_true is empty; pass one label per row")
    if tasks is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    weight = read_sample_weight(sample_weight, y.shape)
    used = ~missing_mask(y) & (weight > 0)
    if not used.any():
        raise ValueError("y_true has no observed label with a positive weight")
    native(y[used], "y_true")  # refuses a mixture that only tasks together show
    labels = rows_by_task(
        y,
        tasks,
        used,
        None if sample_weight is None else weight,
        columns=column_labels(y_true, "y_true"),
        name="y_true",
    )
    return replace(labels, y=[native(part, "y_true") for part in labels.y])


def read_predictions(labels: TaskRows, y_pred: Any) -> list[np.ndarray]:
    """Return the predictions of the labels of each task.

    Of a list with an array of shape (n_samples, n_classes) for each task, as
    classifiers of several outputs have it, these are of two classes the second columns.
    """
    by_class = False
    if isinstance(y_pred, list) and y_pred and np.ndim(y_pred[0]) == 2:
        columns = [np.shape(part)[1] for part in y_pred]
        if len(set(columns)) > 1 or columns[0] < 2:
            raise ValueError(
                f"y_pred is a list of arrays with {some(columns)} columns; pass those "
                "of the same classes, two or more, for each task"
            )
        by_class = columns[0] > 2
        y_pred = np.stack(y_pred, axis=1)
        y_pred = y_pred if by_class else y_pred[..., 1]
    y_pred = y_pred if by_class else as_array(y_pred, "y_pred")
    shape = labels.shape
    if len(shape) == 2 and y_pred.shape == (shape[0],) and shape[1] == 1:
        y_pred = y_pred[:, None]
    elif len(shape) == 1 and y_pred.shape == (*shape, 1):
        y_pred = y_pred[:, 0]
    found = y_pred.shape[:2] if by_class else y_pred.shape
    fits = found == shape if len(shape) == 2 else len(y_pred) == shape[0]
    if not fits:
        raise ValueError(
            f"y_pred has shape {y_pred.shape} but y_true has {shape}; pass one "
            f"prediction per {'row' if len(shape) == 1 else 'label'}"
        )
    parts = [native(part, "y_pred") for part in labels.split(y_pred)]
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
