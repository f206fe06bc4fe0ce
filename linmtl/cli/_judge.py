"""What a fitted model is worth on held-out rows, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.cli._prepare import Split
from linmtl.data._classes import on_classes
from linmtl.data._errors import InputError
from linmtl.datafits._null import level_losses
from linmtl.losses import Loss, MultinomialOfRows

_NULL = 0.01  # spread within a task, relative to that of targets, that is none


def target_variance(data: Split, classify: bool) -> np.ndarray:
    """Return the loss of each task's test targets about their best constant.

    Of squared errors their variance. Zero where it is but rounding, and for classes.

    Raises
    ------
    InputError
        If it is zero for all tasks.
    """
    if classify:
        return np.zeros(len(data.tasks))
    code = np.searchsorted(data.tasks, data.tasks_test)
    order, y = np.argsort(code, kind="stable"), data.y_test.astype(float)
    variance = constant_losses(
        data.loss,
        y[order],
        data.offset_of_test[order],
        np.ones(y.size),
        code[order],
        len(data.tasks),
    )
    variance[variance <= 1e-20 * np.mean(data.loss.size(y))] = 0.0
    if not variance.any():
        raise InputError(
            "no task has two different targets in its test part, so that nothing can "
            "be judged; leave more rows to test (lower --train)"
        )
    return variance


def constant_losses(
    loss: Loss,
    y: np.ndarray,
    offset: np.ndarray,
    weight: np.ndarray,
    code: np.ndarray,
    n_tasks: int,
) -> np.ndarray:
    """Return the mean loss of each task about its best constant, as it is reported.

    Parameters
    ----------
    loss : Loss
        The loss.
    y, offset, weight : ndarray of shape (n_rows,)
        Targets, offsets of the linear predictor, and how much each row counts.
    code : ndarray of int of shape (n_rows,)
        The task of each row, in ascending order.
    n_tasks : int
        The number of tasks. One without rows that count has a loss of zero.
    """
    ptr = np.searchsorted(code, np.arange(n_tasks + 1))
    total = np.bincount(code, weight, minlength=n_tasks)
    mean = weight / np.where(total > 0, total, 1.0)[code]
    out = level_losses(loss, y, offset, mean, ptr, (total > 0).astype(float))
    # a constant at infinity, as for counts of zero alone, leaves no loss
    return np.where(loss.own_sides(y, mean, ptr) != 0, 0.0, loss.score.factor * out)


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
    without = None if data.offset_test is None else 0.0
    fitted, predicted = (
        model._eta(X, tasks, without)
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
    usual = 1.0  # of log-odds, and of logarithms of means
    if data.loss.link == "identity":
        size = data.n_train
        usual = size @ _variances(data, data.y_train, data.tasks_train) / size.sum()
    scale = model.tol_ / model.tol
    if data.offset_test is not None:
        predicted = predicted + data.offset_test
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
    """Judge linear predictors of the test rows: of classes log-odds."""
    if classify:
        return _class_scores(data, predicted)
    return _scores(data, predicted, variance)


def _scores(data: Split, predicted: np.ndarray, variance: np.ndarray) -> dict[str, Any]:
    y = data.y_test.astype(float)
    loss = data.loss.score.factor * data.loss.value(y, predicted)
    task_loss = _means(data, loss, data.tasks_test)
    one = np.ones(y.size)
    of_all = constant_losses(
        data.loss, y, data.offset_of_test, one, np.zeros_like(y, int), 1
    )
    explained = 1.0 - np.nansum(data.n_test * task_loss) / (data.n_test @ variance)
    share = np.divide(
        task_loss, variance, out=np.full(len(variance), np.nan), where=variance > 0
    )
    return {
        "score": 1.0 - float(np.mean(loss) / of_all[0]),
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
