"""What a fitted model is worth on held-out rows, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.cli._prepare import Split
from linmtl.data._classes import on_classes
from linmtl.data._errors import InputError
from linmtl.losses import MultinomialOfRows

_NULL = 0.01  # spread within a task, relative to that of targets, that is none


def target_variance(data: Split, classify: bool) -> np.ndarray:
    """Return the variance of each task's test targets, zero where it is but rounding.

    Raises
    ------
    InputError
        If it is zero for all tasks.
    """
    if classify:
        return np.zeros(len(data.tasks))
    variance = np.nan_to_num(_variances(data, data.y_test, data.tasks_test))
    variance[variance <= 1e-20 * np.mean(data.y_test**2)] = 0.0
    if not variance.any():
        raise InputError(
            "no task has two different targets in its test part, so that nothing can "
            "be judged; leave more rows to test (lower --train)"
        )
    return variance


def judged(
    model: Any,
    data: Split,
    variance: np.ndarray,
    classify: bool,
    one_intercept: bool = False,
) -> dict[str, Any]:
    """Judge a fitted model.

    Parameters
    ----------
    model : estimator
        The model.
    data : Split
        The rows.
    variance : ndarray of shape (n_tasks,)
        From :func:`target_variance`.
    classify : bool
        Whether the targets are classes.
    one_intercept : bool, default=False
        Whether the model has one intercept for all tasks.

    Returns
    -------
    dict
        What a `ModelResult` says of the test rows and of the certificate.
    """
    X_train, X_test = data.features(one_intercept)
    predict = model.decision_function if classify else model.predict
    fitted, predicted = (
        predict(X, tasks)
        for X, tasks in ((X_train, data.tasks_train), (X_test, data.tasks_test))
    )
    if classify and data.n_classes > 2:
        fitted, predicted = (
            on_classes(eta, model.classes_, np.arange(data.n_classes))
            for eta in (fitted, predicted)
        )
    every = np.concatenate([fitted, predicted])
    labels = np.concatenate([data.tasks_train, data.tasks_test])
    parts = [every] if every.ndim == 1 else _log_odds(every).T
    spread = np.max([_variances(data, part, labels) for part in parts], axis=0)
    usual = 1.0  # of log-odds
    if not classify:
        size = data.n_train
        usual = size @ _variances(data, data.y_train, data.tasks_train) / size.sum()
    scale = model.tol_ / model.tol
    return {
        **scored(data, predicted, variance, classify),
        "predicted": predicted,
        "null_tasks": int(np.sum(spread <= _NULL**2 * usual)),
        "gap": float(model.dual_gap_ / scale),
        "tol": model.tol,
        "certified": bool(model.converged_),
        "n_iter": int(model.n_iter_),
    }


def scored(
    data: Split, predicted: np.ndarray, variance: np.ndarray, classify: bool
) -> dict[str, Any]:
    """Judge predictions of the test rows: targets, or log-odds of the classes."""
    if classify:
        return _class_scores(data, predicted)
    return _scores(data, predicted, variance)


def _scores(data: Split, predicted: np.ndarray, variance: np.ndarray) -> dict[str, Any]:
    y = data.y_test
    task_loss = _means(data, (y - predicted) ** 2, data.tasks_test)
    explained = 1.0 - np.nansum(data.n_test * task_loss) / (data.n_test @ variance)
    share = np.divide(
        task_loss, variance, out=np.full(len(variance), np.nan), where=variance > 0
    )
    return {
        "score": 1.0 - float(np.mean((y - predicted) ** 2) / np.var(y)),
        "within": float(explained),
        "task_loss": task_loss,
        "task_score": 1.0 - share,
    }


def _class_scores(data: Split, eta: np.ndarray) -> dict[str, Any]:
    if eta.ndim == 1:
        positive = data.y_test > 0
        loss = np.logaddexp(0.0, np.where(positive, -eta, eta))
        correct = (eta > 0) == positive
    else:
        loss = MultinomialOfRows().value(data.y_test, eta)
        correct = eta.argmax(axis=1) == data.y_test
    task_loss, correct = _means(data, loss, data.tasks_test), correct.astype(float)
    return {
        "score": float(correct.mean()),
        "within": float(np.nanmean(task_loss)),
        "task_loss": task_loss,
        "task_score": _means(data, correct, data.tasks_test),
    }


def _log_odds(eta: np.ndarray) -> np.ndarray:
    """Return predictors less their mean over the classes that a row can have."""
    known = np.isfinite(eta)
    mean = np.sum(eta, axis=1, where=known) / known.sum(axis=1)
    return np.where(known, eta - mean[:, None], 0.0)


def _means(data: Split, values: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """Return the mean of each task's values, NaN where there are none."""
    codes = np.searchsorted(data.tasks, tasks)
    size = np.bincount(codes, minlength=len(data.tasks))
    total = np.bincount(codes, weights=values, minlength=size.size)
    return np.divide(total, size, out=np.full(size.size, np.nan), where=size > 0)


def _variances(data: Split, values: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """Return the mean square of each task's values about their mean."""
    mean = _means(data, values, tasks)[np.searchsorted(data.tasks, tasks)]
    return _means(data, (values - mean) ** 2, tasks)
