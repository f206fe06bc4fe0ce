"""Weights of samples, classes and tasks, as users pass them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import is_number
from linmtl.data._kinds import by_label
from linmtl.data._labels import some
from linmtl.data._tables import missing_as_nan
from linmtl.data._times import refuse_times


def read_sample_weight(sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Check sample weights and return one for each label, an array of this shape."""
    if sample_weight is None:
        return np.ones(shape, order="F")  # task by task, as data are held
    weight = np.asarray(_numbers(sample_weight, "sample_weight"))
    if weight.dtype.kind not in "bifu" and weight.dtype.kind != "O":
        raise ValueError(f"sample_weight has dtype {weight.dtype}; pass numbers")
    try:
        weight = weight.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight: {error}; pass numbers") from None
    if weight.ndim == 0:
        weight = np.full(shape[0], float(weight))
    allowed = f"({shape[0]},)" + (f" or {shape}" if len(shape) == 2 else "")
    if weight.shape == (shape[0],) and len(shape) == 2:
        weight = np.repeat(weight[:, None], shape[1], axis=1)
    if weight.shape != shape:
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {allowed}; pass one "
            "weight per row" + (" or per label" if len(shape) == 2 else "")
        )
    if not np.all(np.isfinite(weight)):
        raise ValueError("sample_weight contains NaN or infinity")
    if np.any(weight < 0):
        raise ValueError(
            f"sample_weight has {int(np.sum(weight < 0))} negative values; weights "
            "must be >= 0"
        )
    return weight


def read_offset(offset: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Check offsets and return one for each label, an array of this shape."""
    try:
        values = np.asarray(_numbers(offset, "offset"))
        if values.dtype.kind in "cmM":
            raise TypeError(f"it holds {values.dtype}")
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"offset: {error}; pass numbers") from None
    wide = len(shape) == 2
    if values.ndim == 1 and values.shape == shape[:1] and wide:
        values = values[:, None]
    column = wide and values.shape == (shape[0], 1)
    if values.ndim > 0 and values.shape != shape and not column:
        allowed = f"({shape[0]},)" + (f" or {shape}" if wide else "")
        raise ValueError(
            f"offset has shape {values.shape}, expected {allowed}; pass one number per "
            "row" + (" or per label" if wide else "") + ", or one for all"
        )
    if not np.all(np.isfinite(values)):
        raise ValueError(
            "offset contains NaN or infinity; of counts it is the logarithm of an "
            "exposure > 0"
        )
    return np.broadcast_to(values, shape)


def _numbers(values: Any, name: str) -> Any:
    if getattr(getattr(values, "dtype", None), "kind", "O") == "O":
        refuse_times(values, name)
    return missing_as_nan(values)


def read_class_weight(
    class_weight: Any,
    y: np.ndarray,
    weight: np.ndarray,
    labels: np.ndarray | None,
    classes: np.ndarray,
) -> np.ndarray:
    """Return what to multiply the weights of the labels by, an array of y's shape.

    Parameters
    ----------
    class_weight : "balanced" or dict
        The parameter of the classifiers; "balanced" is within each task.
    y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
        Labels -1 and +1; of more than two classes, positions in `classes`.
    weight : ndarray of y's shape
        Sample weights, zero for a missing label.
    labels : ndarray of shape (n_samples,) or None
        Task label of each row.
    classes : ndarray of shape (n_classes,)
        The class labels.
    """
    y = (y if classes.size > 2 else y > 0).astype(int)
    if isinstance(class_weight, Mapping):
        known = classes.tolist()
        unknown = [label for label in class_weight if label not in known]
        if unknown:
            raise ValueError(
                f"class_weight has the classes {some(unknown)}, but those of y are "
                f"{some(known)}"
            )
        values = [class_weight.get(label, 1.0) for label in known]
        for value in values:
            if not (is_number(value) and 0 <= value < np.inf):
                raise ValueError(
                    f"class_weight must have finite numbers >= 0, got {value!r}"
                )
        return np.array(values)[y]
    if not (isinstance(class_weight, str) and class_weight == "balanced"):
        raise ValueError(
            "class_weight must be None, 'balanced' or a dict by class label, got "
            f"{class_weight!r}"
        )
    if y.ndim == 2:
        T, code = y.shape[1], np.broadcast_to(np.arange(y.shape[1]), y.shape)
    elif labels is None:
        T, code = 1, np.zeros(y.shape, dtype=int)
    else:
        names, code = np.unique(labels, return_inverse=True)
        T = len(names)
    shape = classes.size, T
    position = np.ravel_multi_index((y.ravel(), code.ravel()), shape)
    size = np.bincount(position, weight.ravel(), minlength=classes.size * T)
    size = size.reshape(shape)
    # one, where a task has a single class: it has nothing to balance
    count = np.maximum((size > 0).sum(axis=0), 1)
    out = size.sum(axis=0) / (count * np.where(size > 0, size, np.inf))
    return out.ravel()[position].reshape(y.shape)


def read_task_weight(
    task_weight: Any,
    tasks: np.ndarray,
    total: np.ndarray,
    null: np.ndarray | None = None,
) -> np.ndarray:
    """Return lambda_t, the weight of each task in the objective, (n_tasks,).

    Parameters
    ----------
    task_weight : None, str, dict, Series or array-like
        The parameter of the estimators.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    total : ndarray of shape (n_tasks,)
        Sum of the sample weights of each task.
    null : ndarray of shape (n_tasks,), default=None
        Loss of each task without coefficients, where it is known.
    """
    if task_weight is None:
        return np.ones(len(tasks))
    if isinstance(task_weight, str):
        if task_weight == "uncertainty":
            return np.ones(len(tasks))
        if task_weight in ("null_loss", "minimax") and null is not None:
            return 1.0 / null
        if task_weight != "n_samples":
            known = "'n_samples'"
            if null is not None or task_weight not in ("null_loss", "minimax"):
                known += ", 'null_loss', 'minimax', 'uncertainty'"
            raise ValueError(
                f"task_weight must be None, {known}, a dict by task label or one "
                f"number per task, got {task_weight!r}"
            )
        return total / total.mean()
    if hasattr(task_weight, "to_dict"):
        task_weight = task_weight.to_dict()
    if isinstance(task_weight, Mapping):
        task_weight = by_label(task_weight)
        missing = [label for label in tasks.tolist() if label not in task_weight]
        if missing:
            raise ValueError(f"task_weight has no entry for the tasks {some(missing)}")
        task_weight = [task_weight[label] for label in tasks.tolist()]
    try:
        weights: ArrayLike = np.asarray(task_weight, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"task_weight: {error}; pass one number per task") from None
    if weights.shape != (len(tasks),):
        raise ValueError(
            f"task_weight has shape {weights.shape} but there are {len(tasks)} tasks; "
            "pass one number per task in the order of tasks_, or a dict by label"
        )
    if not (np.all(np.isfinite(weights)) and np.all(weights > 0)):
        raise ValueError("task_weight must be finite and > 0 for every task")
    return weights
