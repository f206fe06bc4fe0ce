"""Losses of every task, on held-out folds, for every value of a parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import indexable

from linmtl.model_selection import TaskKFold


def task_losses(
    model: BaseEstimator, X: Any, y: np.ndarray, tasks: np.ndarray | None
) -> np.ndarray:
    """Return the mean loss of each task of a fitted model, NaN where it has no row.

    The loss is the one that is fitted: half the squared error, or the logistic loss.

    Parameters
    ----------
    model : estimator
        A fitted estimator of linmtl.
    X, y, tasks
        Data of the layout that the model was fitted on.

    Returns
    -------
    ndarray of shape (n_tasks,)
        In the order of ``model.tasks_``.
    """
    y = np.asarray(y)
    given = {} if tasks is None else {"tasks": tasks}
    if is_classifier(model):
        eta = model.decision_function(X, **given)
        sign = np.where(y == model.classes_[1], 1.0, -1.0)
        loss = np.logaddexp(0.0, -sign * eta)
    else:
        loss = (y - model.predict(X, **given)) ** 2 / 2
    if y.dtype.kind == "f":
        loss = np.where(np.isnan(y), np.nan, loss)
    if loss.ndim == 1:
        names = model.tasks_ if tasks is None else np.asarray(tasks)
        columns = [
            loss if tasks is None else loss[names == name] for name in model.tasks_
        ]
    else:
        columns = list(loss.T)
    means = [
        np.nanmean(c) if c.size and not np.all(np.isnan(c)) else np.nan for c in columns
    ]
    return np.array(means)


def cross_validated_losses(
    estimator: BaseEstimator,
    settings: Iterable[dict[str, Any]],
    X: Any,
    y: np.ndarray,
    tasks: np.ndarray | None,
    cv: int = 5,
    sample_weight: np.ndarray | None = None,
    progress: Callable[[], None] | None = None,
) -> np.ndarray:
    """Return held-out losses, (n_settings, n_folds, n_tasks).

    Every task is in every training part; a task too small to be split is NaN. Each
    fold is warm-started along the settings.

    Parameters
    ----------
    estimator : estimator
        A linmtl estimator; it is cloned.
    settings : iterable of dict
        Parameters to try, best ordered from strong to weak penalties.
    X, y, tasks, sample_weight
        Training data of any layout.
    cv : int, default=5
        Number of folds.
    progress : callable, default=None
        Called after each fold.
    """
    settings = list(settings)
    X, y = indexable(X, np.asarray(y))
    X = sparse.csr_array(X) if sparse.issparse(X) else X
    stratify = is_classifier(estimator) and y.ndim == 1
    splitter = TaskKFold(cv, shuffle=True, random_state=0, stratify=stratify)
    folds = list(splitter.split(X, y, groups=tasks))
    losses = []
    for train, test in folds:
        model = clone(estimator).set_params(warm_start=True)
        fold = []
        for setting in settings:
            model.set_params(**setting)
            model.fit(
                _rows(X, train),
                y[train],
                **_given(tasks=tasks, sample_weight=sample_weight, rows=train),
            )
            fold.append(
                task_losses(
                    model,
                    _rows(X, test),
                    y[test],
                    None if tasks is None else tasks[test],
                )
            )
        losses.append(fold)
        if progress is not None:
            progress()
    return np.swapaxes(np.array(losses), 0, 1)


def _rows(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _given(rows, **arguments):
    return {k: np.asarray(v)[rows] for k, v in arguments.items() if v is not None}
