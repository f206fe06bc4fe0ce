"""Which tasks belong together, by what their models predict on rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial.distance import cdist
from sklearn.base import is_classifier
from sklearn.utils import check_array

from linmtl.data._checks import check_choice
from linmtl.data._frames import column_named
from linmtl.data._labels import codes_of, some
from linmtl.losses import Logistic
from linmtl.similarity._read import (
    TaskData,
    read_coefficients,
    read_X,
    read_Xy,
    rows_of,
)
from linmtl.similarity._result import TaskMatrix, symmetric


def prediction_disagreement(
    model: Any,
    X: Any,
    tasks: ArrayLike | None = None,
    *,
    covariance: str = "pooled",
) -> TaskMatrix:
    """Measure how differently the models of two tasks predict.

    ``(w_i - w_j)' S (w_i - w_j)`` with the covariance S of X: the variance over the
    rows of the difference of the two predictions. Intercepts do not matter, the scale
    of the features neither.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels. Rows of an array are the sorted labels of
        `tasks`, or 0, 1, ... without.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples; with the task column where the model was fitted with ``task_column``.
        At least two: with ``covariance="within"`` two of some task, with
        ``"per_task"`` of every task.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row. Not needed for ``covariance="pooled"``.
    covariance : {"pooled", "within", "per_task"}, default="pooled"
        The covariance S of all rows about their mean; of all rows about the mean of
        their task; or for each pair the mean of those within the two tasks.

    Returns
    -------
    TaskMatrix
        Distances (of the unit of y squared; of log odds squared for a classifier).

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import prediction_disagreement
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]])
    >>> prediction_disagreement([[1.0, 2.0], [4.0, 2.0]], X).values
    array([[0., 9.],
           [9., 0.]])
    """
    check_choice("covariance", covariance, ("pooled", "within", "per_task"))
    X, tasks = rows_of(model, X, tasks)
    if covariance == "pooled":
        with column_named(X):
            X = check_array(X, dtype="float64", input_name="X")
        if len(X) < 2:
            raise ValueError(
                "X has 1 row, which has no covariance; pass two rows at least"
            )
        own = None if tasks is None else np.unique(read_X(X, tasks).tasks)
        coef, labels = _with_rows(model, own)
        parts = [X - X.mean(axis=0)]
    else:
        if tasks is None:
            raise ValueError(
                f"tasks is None but covariance={covariance!r} needs one task label "
                "per row; pass tasks, or covariance='pooled'"
            )
        data = read_X(X, tasks)
        if covariance == "per_task":
            data.require_rows(
                2, "covariance='per_task'", "drop them, or pass covariance='pooled'"
            )
        elif data.n_samples.max() < 2:
            raise ValueError(
                "every task has 1 row, which has no covariance within it; pass "
                "more rows, or covariance='pooled'"
            )
        coef, labels = _with_rows(model, data.tasks)
        parts = [data.X[k] for k in _places(labels, data.tasks)]
        parts = [part - part.mean(axis=0) for part in parts]
        if covariance == "within":
            parts = [np.concatenate(parts)]
    if parts[0].shape[1] != coef.shape[1]:
        raise ValueError(
            f"X has {parts[0].shape[1]} features but the model has {coef.shape[1]}; "
            "pass the features that it was fitted on"
        )
    values = np.empty((len(labels), len(labels)))
    if covariance != "per_task":
        Z = coef @ _root(parts[0]).T
        values = cdist(Z, Z, "sqeuclidean")
    else:
        for t, part in enumerate(parts):
            Z = coef @ _root(part).T
            values[t] = np.sum((Z - Z[t]) ** 2, axis=1)
    name = "prediction disagreement"
    return TaskMatrix(symmetric(values, 0.0), labels, "distance", name)


def _root(X):
    """Return an R with ``R'R = X'X / n_samples`` and as few rows as that needs."""
    R = linalg.qr(X, mode="r")[0][: X.shape[1]] if X.shape[0] > X.shape[1] else X
    return R / np.sqrt(X.shape[0])


def _with_rows(model, tasks):
    """Read coefficients; an array without labels has the tasks of the rows."""
    has_labels = hasattr(model, "fit") or hasattr(model, "columns")
    return read_coefficients(model, None if has_labels else tasks)


def _places(labels, present):
    """Return where the tasks of a model stand among those of the data."""
    place = codes_of(labels, present)
    if np.any(place < 0):
        raise ValueError(
            f"the data have no rows of the tasks {some(labels[place < 0])}; pass rows "
            "of every task of the model"
        )
    extra = np.setdiff1d(present, labels)
    if extra.size:
        raise ValueError(
            f"tasks has the labels {some(extra)}, which the model does not know; drop "
            "their rows"
        )
    return place


def excess_risk(
    model: Any,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    loss: str | None = None,
    refit_intercept: bool = True,
) -> TaskMatrix:
    """Measure what it costs a task to use the model of another.

    Entry (i, j) is ``L_j(w_i) - L_j(w_j)``, with L_j the mean loss over the rows of
    task j: how much worse the model of task i does there than that of task j itself.
    On rows that the models were not fitted on it can be negative: then the other model
    is the better one.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels. Rows of an array are the sorted labels of
        `tasks`.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples; with the task column where the model was fitted with ``task_column``.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes; NaN: not observed.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row; not for y with a column per task.
    loss : {"squared", "logistic"}, default=None
        ``(y - eta)^2 / 2`` or ``log(1 + exp(-y eta))``; None is the logistic loss for
        a classifier and the squared loss for anything else.
    refit_intercept : bool, default=True
        Whether every model gets the intercept that is best on the rows of task j, so
        that only coefficients are compared. False takes the intercepts of the model.

    Returns
    -------
    TaskMatrix
        Directed distances, 0 on the diagonal, with standard errors (of the mean of the
        differences over the rows; NaN for a task with one row).

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import excess_risk
    >>> X, y = np.array([[-1.0], [1.0], [-1.0], [1.0]]), [-1.0, 1.0, -3.0, 3.0]
    >>> excess_risk([[1.0], [3.0]], X, y, tasks=["a", "a", "b", "b"]).values
    array([[0., 2.],
           [2., 0.]])
    """
    check_choice("loss", loss, (None, "squared", "logistic"))
    check_choice("refit_intercept", refit_intercept, (True, False))
    if loss is None:
        estimator = hasattr(model, "fit")
        loss = "logistic" if estimator and is_classifier(model) else "squared"
    X, tasks = rows_of(model, X, tasks)
    data = read_Xy(X, y, tasks, loss)
    coef, labels = _with_rows(model, data.tasks)
    order = _places(labels, data.tasks)
    if data.X[0].shape[1] != coef.shape[1]:
        raise ValueError(
            f"X has {data.X[0].shape[1]} features but the model has {coef.shape[1]}; "
            "pass the features that it was fitted on"
        )
    intercept = None
    if not refit_intercept:
        if not hasattr(model, "intercept_"):
            raise ValueError(
                "refit_intercept=False needs a model with intercept_; pass a fitted "
                "estimator"
            )
        intercept = np.broadcast_to(model.intercept_, labels.shape)
    elif loss == "logistic":
        _require_both_classes(data)
    alone = np.array([len(y) < 2 for y in data.y])
    if refit_intercept and alone.any():
        raise ValueError(
            f"the tasks {some(data.tasks[alone])} have one row, which any model fits "
            "with an intercept of its own; drop them, or pass refit_intercept=False"
        )
    T = len(labels)
    values, errors = np.zeros((T, T)), np.zeros((T, T))
    for j, place in enumerate(order):
        X_j, y_j = data.X[place], data.y[place]
        losses = _losses(coef @ X_j.T, y_j, loss, intercept)
        difference = losses - losses[j]
        values[:, j] = difference.mean(axis=1)
        n = len(y_j)
        errors[:, j] = difference.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    np.fill_diagonal(errors, 0.0)
    return TaskMatrix(
        values, labels, "distance", "excess risk", True, standard_errors=errors
    )


def _losses(eta, y, loss, intercept):
    """Return the loss of each row by each model, (n_tasks, n_samples_j)."""
    if loss == "squared":
        residual = y - eta
        if intercept is None:
            residual -= residual.mean(axis=1, keepdims=True)
        else:
            residual -= intercept[:, None]
        return residual**2 / 2
    if intercept is None:
        intercept = _best_intercepts(eta, y)
    return np.logaddexp(0.0, -y * (eta + intercept[:, None]))


def _best_intercepts(eta, y):
    """Return the best intercept of each model: to the loss, models are tasks."""
    T, n = eta.shape
    b = np.zeros(T)
    Logistic().residual(
        np.tile(y, T),
        np.ascontiguousarray(eta).ravel(),
        np.full(T * n, 1.0 / n),
        np.arange(0, T * n + 1, n, dtype=np.int64),
        np.ones(T),
        True,
        b,
        np.empty(T * n),
        np.empty(T),
    )
    return b


def _require_both_classes(data: TaskData) -> None:
    single = np.array([np.ptp(y) == 0 for y in data.y])
    if single.any():
        raise ValueError(
            f"the tasks {some(data.tasks[single])} have only 1 class, for which there "
            "is no best intercept; drop them, or pass refit_intercept=False"
        )
