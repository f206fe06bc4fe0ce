"""What the measures of relatedness take: models, data by task, settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array, check_consistent_length

from linmtl.data._frames import column_named
from linmtl.data._labels import (
    as_task_labels,
    is_dataframe,
    some,
    split_task_column,
)
from linmtl.data._rows import TaskRows, rows_by_task
from linmtl.data._tables import as_table
from linmtl.data._targets import (
    column_labels,
    encode_classes,
    missing_mask,
    read_labels,
    read_targets,
    require_numbers,
)
from linmtl.similarity._result import as_distinct_labels


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskData(TaskRows):
    """Rows of X by task, with their targets.

    Attributes
    ----------
    X : list of n_tasks ndarrays of shape (n_samples_t, n_features)
        The rows of each task.
    features : list of str
        Names of the features.
    """

    X: list[np.ndarray]
    features: list[str]


def read_X(X: Any, tasks: Any) -> TaskData:
    """Return the rows of X by task, without targets."""
    X, features = _features(X)
    tasks, none = as_task_labels(tasks, len(X)), np.zeros(len(X))
    return _with_X(rows_by_task(none, tasks, none == 0), X, features)


def read_Xy(X: Any, y: Any, tasks: Any, loss: str) -> TaskData:
    """Return the rows of X with a target, by task; `loss` says how to read y."""
    if y is None:
        raise ValueError("y is None; pass one target per row")
    X, features = _features(X)
    y = as_table(y)
    columns = column_labels(y)
    y = read_labels(y)  # an iterator can be read once only
    if loss != "logistic":
        require_numbers(y, 'pass loss="logistic"')
        y = read_targets(y)
    check_consistent_length(X, y)
    missing = missing_mask(y)
    if loss == "logistic":
        y, _ = encode_classes(y, missing)
    if y.ndim == 1 and tasks is None:
        raise ValueError("tasks is None; pass one task label per row")
    rows = rows_by_task(y, tasks, ~missing, columns=columns)
    return _with_X(rows, X, features)


def _with_X(rows: TaskRows, X: np.ndarray, features: list[str]) -> TaskData:
    _require_two(rows.tasks)
    empty = rows.n_samples == 0
    if empty.any():
        raise ValueError(
            f"y has no observed label for the tasks {some(rows.tasks[empty])}; drop "
            "these tasks"
        )
    return TaskData(**vars(rows), X=[X[r] for r in rows.rows], features=features)


def _features(X):
    X = as_table(X)
    names = [str(c) for c in X.columns] if is_dataframe(X) else None
    with column_named(X):
        X = check_array(X, dtype="float64", input_name="X")
    return X, names or [f"x{k}" for k in range(X.shape[1])]


def _require_two(labels):
    if len(labels) < 2:
        raise ValueError(
            f"there is only 1 task, {some(labels)}; comparing tasks needs two"
        )


def read_coefficients(model: Any, tasks: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients, (n_tasks, n_features), and the task labels.

    `tasks` labels the rows of an array; a model and a DataFrame bring labels.
    """
    coef, labels = model, None
    if hasattr(model, "coef_"):
        coef, labels = model.coef_, getattr(model, "tasks_", None)
    elif hasattr(model, "fit"):
        raise NotFittedError(
            f"this {type(model).__name__} has no coef_; call fit before, and pass a "
            "linear model"
        )
    elif is_dataframe(model):
        labels = as_distinct_labels(list(model.index))
    coef = np.asarray(coef)
    if coef.dtype.kind not in "biuf" or coef.ndim != 2 or coef.shape[1] == 0:
        hint = "; those of one of several classes are coef_[:, k]"
        raise ValueError(
            f"the coefficients have shape {coef.shape} and dtype {coef.dtype}; pass a "
            "model fitted on several tasks or numbers of shape (n_tasks, n_features)"
            f"{hint if coef.ndim == 3 else ''}"
        )
    coef = coef.astype(np.float64)
    if not np.all(np.isfinite(coef)):
        raise ValueError("the coefficients contain NaN or infinity")
    if labels is None:
        labels = np.arange(len(coef)) if tasks is None else as_distinct_labels(tasks)
    elif tasks is not None:
        raise ValueError(
            f"tasks was passed although the {type(model).__name__} has task labels; "
            "drop tasks (TaskMatrix.reorder selects and orders the tasks of a result)"
        )
    if len(labels) != len(coef):
        raise ValueError(
            f"tasks has {len(labels)} labels but there are {len(coef)} rows of "
            "coefficients; pass one label per row"
        )
    _require_two(labels)
    return coef, np.asarray(labels)


def rows_of(model: Any, X: Any, tasks: Any) -> tuple[Any, Any]:
    """Take the task labels out of X where the model was fitted to find them there."""
    column = getattr(model, "task_column", None)
    if column is not None and tasks is None:
        X, tasks, _ = split_task_column(X, column)
    return X, tasks


def median_of(values: ArrayLike) -> float:
    """Return the median of the finite numbers; where it is 0, their mean or else 1."""
    values = np.asarray(values)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 1.0
    return float(np.median(values)) or float(np.mean(values)) or 1.0
