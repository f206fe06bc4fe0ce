"""Metrics that know the tasks, and the ways in which they are averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import (
    average_precision_score,
    explained_variance_score,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.metrics import log_loss as sklearn_log_loss

from linmtl.data._labels import some
from linmtl.data._rows import TaskRows
from linmtl.metrics._labels import read_labels
from linmtl.metrics._scores import (
    AVERAGES,
    TASK_METRICS,
    Given,
    TaskMetric,
    TaskScores,
    check_undefined,
    settled,
)

_POOLED = ("pooled", "within")
_RANKING = ("decision_function", "predict_proba")


def task_metric(greater_is_better: bool, **known: Any) -> Callable[[Any], Any]:
    """Make known that a function averages over tasks itself."""

    def register(function):
        TASK_METRICS[function] = TaskMetric(greater_is_better, **known)
        return function

    return register


def check_average(metric: Callable[..., Any], average: Any) -> None:
    """Raise for an average that the metric does not know."""
    allowed = TASK_METRICS[metric].averages
    if average is not None and average not in allowed:
        raise ValueError(
            f"average is {average!r}; pass one of {some(allowed)}, or None for the "
            "score of each task"
        )


def scored(
    metric: Callable[..., Any],
    labels: TaskRows,
    parts: list[np.ndarray],
    score: Callable[..., float],
    average: str | None,
    undefined: Any,
    *,
    relative: bool = True,
) -> float | TaskScores:
    """Score each task, but for those in which the score is not defined."""
    values = np.full(len(labels.tasks), np.nan)
    for t, y in enumerate(labels.y):
        if not len(y) or (relative and np.all(y == y[0])):
            continue
        weight = None if labels.weight is None else labels.weight[t]
        values[t] = score(y, parts[t], sample_weight=weight)
    direction = TASK_METRICS[metric].greater_is_better
    scores = settled(values, labels, metric.__name__, direction, undefined)
    return scores if average is None else scores.average(average)


def _regression(
    y_true: Any, y_pred: Any, tasks: Any, sample_weight: Any
) -> tuple[TaskRows, list[np.ndarray]]:
    labels = read_labels(y_true, tasks, sample_weight)
    for y in labels.y:
        if y.dtype.kind not in "biuf":
            raise ValueError(
                f"y_true holds {some(y, 2)}; this metric is for numbers, pass the "
                "targets of a regression"
            )
    parts = Given(labels, y_pred).of("predict")
    if any(part.ndim > 1 for part in parts):
        raise ValueError(
            "y_pred has several columns for a y_true of one; pass the prediction of "
            "each row by the model of its own task"
        )
    return labels, parts


def _spread(y: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the variance about the mean, with n (or the weight) in the denominator."""
    return mean_squared_error(
        y, np.full(len(y), np.average(y, weights=weight)), sample_weight=weight
    )


def _ratio_of_sums(
    labels: TaskRows,
    parts: list[np.ndarray],
    about: str,
    name: str,
    undefined: Any,
) -> float:
    """Return the sum of squared errors over that about the mean, of all rows."""
    y, p = np.concatenate(labels.y), np.concatenate(parts)
    weight = None if labels.weight is None else np.concatenate(labels.weight)
    if about == "pooled":
        spread = 0.0 if np.all(y == y[0]) else _spread(y, weight)
    else:
        # a task with equal labels has none, whatever rounding makes of its mean
        sums = [
            0.0
            if not len(y_t) or np.all(y_t == y_t[0])
            else total
            * _spread(y_t, None if labels.weight is None else labels.weight[t])
            for t, (y_t, total) in enumerate(zip(labels.y, labels.total, strict=True))
        ]
        spread = sum(sums) / labels.total.sum()
    check_undefined(undefined)
    if spread > 0:
        return float(mean_squared_error(y, p, sample_weight=weight) / spread)
    if undefined == "raise":
        raise ValueError(
            f"{name} is not defined: the labels do not vary; pass undefined='nan' or "
            "a number"
        )
    return float(undefined)


@task_metric(False, averages=(*AVERAGES, *_POOLED))
def normalized_mse(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    ddof: int = 0,
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
) -> float | TaskScores:
    """Return the mean squared error relative to the variance of the targets (nMSE).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        True targets; NaN is left out.
    y_pred : array-like of y_true's shape
        Predictions.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst", "pooled", "within"} or None, default="macro"
        Where to normalise and how to average, see Notes; ``None`` gives the value of
        each task.
    ddof : {0, 1}, default=0
        The variance of a task has ``n_t - ddof`` in the denominator. Only where each
        task is normalised by itself.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do where the targets of a task do not vary: leave the task out of the
        average, raise an error, or give it this number.

    Returns
    -------
    float or TaskScores
        0 at best; 1 for the prediction of the mean.

    See Also
    --------
    explained_variance : The same in terms of what is explained.

    Notes
    -----
    With the errors ``SSE_t = sum_i (y_i - p_i)^2`` and the spread about the task's own
    mean ``SST_t = sum_i (y_i - mean_t)^2`` over the n_t rows of task t, all taken of
    the rows passed (not of the training rows):

    ==========  ====================================================================
    average     value
    ==========  ====================================================================
    None        nMSE_t = (SSE_t / n_t) / (SST_t / (n_t - ddof)), for each task
    "macro"     sum_t nMSE_t / n_tasks
    "samples"   sum_t n_t nMSE_t / sum_t n_t
    "worst"     the largest nMSE_t
    "pooled"    sum_t SSE_t / sum_i (y_i - mean)^2, about the mean of all rows
    "within"    sum_t SSE_t / sum_t SST_t
    ==========  ====================================================================

    All are called normalised mean squared error somewhere. With ``ddof=0`` the value
    of a task is 1 - R². "macro" counts each task alike and is ruled by tasks with
    little variance. "pooled" divides by a variance that holds the differences between
    the means of the tasks, and is small for any model that knows these; "within" is
    not. Values of different conventions cannot be compared, and a paper that says
    "divided by the variance" may mean any of them, and either denominator.

    Examples
    --------
    >>> from linmtl.metrics import normalized_mse
    >>> y, p = [1.0, 3.0, 10.0, 14.0], [1.0, 2.0, 10.0, 12.0]
    >>> tasks = ["a", "a", "b", "b"]
    >>> normalized_mse(y, p, tasks)
    0.5
    >>> round(normalized_mse(y, p, tasks, average="pooled"), 3)
    0.045
    """
    check_average(normalized_mse, average)
    if isinstance(ddof, bool) or ddof not in (0, 1):
        raise ValueError(f"ddof is {ddof!r}; pass 0 or 1")
    labels, parts = _regression(y_true, y_pred, tasks, sample_weight)
    if average in _POOLED:
        if ddof:
            raise ValueError(
                f"ddof=1 has no effect on average={average!r}, which divides sums by "
                "sums; drop ddof"
            )
        return _ratio_of_sums(labels, parts, average, "normalized_mse", undefined)

    def score(y, p, sample_weight):
        total = len(y) if sample_weight is None else sample_weight.sum()
        if total <= ddof:
            return np.nan
        spread = _spread(y, sample_weight) * total / (total - ddof)
        return mean_squared_error(y, p, sample_weight=sample_weight) / spread

    return scored(normalized_mse, labels, parts, score, average, undefined)


@task_metric(True, averages=(*AVERAGES, *_POOLED))
def explained_variance(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
) -> float | TaskScores:
    """Return the share of the variance that the predictions explain.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        True targets; NaN is left out.
    y_pred : array-like of y_true's shape
        Predictions.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst", "pooled", "within"} or None, default="macro"
        Which variance, and how to average, see Notes; ``None`` gives the value of each
        task.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do where the targets of a task do not vary: leave the task out of the
        average, raise an error, or give it this number.

    Returns
    -------
    float or TaskScores
        1 at best, a fraction (papers often give per cent).

    See Also
    --------
    normalized_mse : Defines the sums below.

    Notes
    -----
    ==========  ====================================================================
    average     value
    ==========  ====================================================================
    None        EV_t = 1 - var(y - p) / var(y) within each task
    "macro"     sum_t EV_t / n_tasks
    "samples"   sum_t n_t EV_t / sum_t n_t
    "worst"     the smallest EV_t
    "pooled"    1 - sum_t SSE_t / sum_i (y_i - mean)^2, about the mean of all rows
    "within"    1 - sum_t SSE_t / sum_t SST_t
    ==========  ====================================================================

    Two things go by this name. The first four rows are scikit-learn's
    ``explained_variance_score``, which forgives a constant error in each task. The
    percentage explained variance of the School data, in use since [1]_, is the total
    variance less the sum of squared errors, relative to the total variance: "pooled",
    which is the R² of all rows and forgives nothing. It rewards a model for knowing
    the means of the tasks. One minus a mean of nMSE_t, the R² of each task averaged,
    is ``1 - normalized_mse(...)``.

    References
    ----------
    .. [1] Bakker, Heskes, "Task clustering and gating for Bayesian multitask
       learning", Journal of Machine Learning Research 4, 2003.

    Examples
    --------
    >>> from linmtl.metrics import explained_variance
    >>> y, p = [1.0, 3.0, 10.0, 14.0], [1.0, 2.0, 10.0, 12.0]
    >>> tasks = ["a", "a", "b", "b"]
    >>> explained_variance(y, p, tasks)
    0.75
    >>> round(explained_variance(y, p, tasks, average="pooled"), 3)
    0.955
    """
    check_average(explained_variance, average)
    labels, parts = _regression(y_true, y_pred, tasks, sample_weight)
    score = explained_variance_score
    if average == "within":
        check_undefined(undefined)
        missing = undefined if isinstance(undefined, str) else 1.0 - undefined
        ratio = _ratio_of_sums(labels, parts, average, "explained_variance", missing)
        return 1.0 - ratio
    if average == "pooled":
        y, weight = np.concatenate(labels.y), labels.weight
        weight = None if weight is None else [np.concatenate(weight)]
        labels = TaskRows(np.arange(1), y.shape, [np.arange(len(y))], [y], weight)
        parts, average, score = [np.concatenate(parts)], "macro", r2_score
    return scored(explained_variance, labels, parts, score, average, undefined)


def _two_classes(
    y_true: Any, y_score: Any, tasks: Any, sample_weight: Any, pos_label: Any
) -> tuple[TaskRows, list[np.ndarray]]:
    """Return the labels as 1 for the positive class or 0, and the scores.

    The second column of scores of two classes is that of the positive one.
    """
    labels = read_labels(y_true, tasks, sample_weight)
    classes = labels.classes
    if len(classes) > 2:
        raise ValueError(
            f"y_true has {len(classes)} classes, {some(classes)}; this metric is for "
            "two"
        )
    if pos_label is None:
        pos_label = classes[-1]
    elif len(classes) == 2 and pos_label not in classes.tolist():
        raise ValueError(
            f"pos_label is {pos_label!r} but y_true has the classes {some(classes)}; "
            "pass one of these"
        )
    parts = Given(labels, y_score).of("predict")
    for t, part in enumerate(parts):
        if part.ndim == 2:
            if part.shape[1] != 2:
                raise ValueError(
                    f"y_score has {part.shape[1]} columns; pass the score of the "
                    "positive class, or of two classes"
                )
            parts[t] = part[:, 1]
    truth = [(y == pos_label).astype(float) for y in labels.y]
    return replace(labels, y=truth), parts


def _two_probabilities(
    y_true: Any, y_prob: Any, tasks: Any, sample_weight: Any, pos_label: Any
) -> tuple[TaskRows, list[np.ndarray]]:
    """Return the labels as 1 for the positive class or 0, and its probabilities."""
    labels, parts = _two_classes(y_true, y_prob, tasks, sample_weight, pos_label)
    if pos_label is None and all(np.all(y == 1) for y in labels.y):
        raise ValueError(
            "y_true has a single class, so that it is not known whose probability "
            "y_prob is; pass pos_label="
        )
    if any(np.any((part < 0) | (part > 1)) for part in parts):
        raise ValueError(
            "y_prob has values outside [0, 1]; pass probabilities, as predict_proba "
            "gives them"
        )
    return labels, parts


@task_metric(True, methods=_RANKING)
def roc_auc(
    y_true: ArrayLike,
    y_score: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
) -> float | TaskScores:
    """Return the area under the ROC curve within each task, averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels of two classes; a missing one (NaN, None) is left out.
    y_score : array-like of y_true's shape, or of shape (n_samples, 2) for long data
        Decision values or probabilities of the positive class; of two columns the
        second counts. For a wide y_true also a list of n_tasks arrays of shape
        (n_samples, 2), as classifiers return it.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst"} or None, default="macro"
        The mean over tasks, the mean weighted by the number of labels (their weights),
        the worst value, or the value of each task.
    pos_label : int, float, bool or str, default=None
        The positive class; by default the greater of the two.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do with a task of one class, for which there is no curve: leave it out
        of the average, raise an error that names it, or give it this number (0.5 is
        chance). There is no warning in any case.

    Returns
    -------
    float or TaskScores
        1 at best, 0.5 for chance; NaN if no task has both classes.

    See Also
    --------
    average_precision : For a rare positive class.

    Examples
    --------
    >>> from linmtl.metrics import roc_auc
    >>> y = [0, 1, 0, 1, 1, 1]
    >>> score = [0.1, 0.8, 0.6, 0.4, 0.3, 0.2]
    >>> tasks = ["a", "a", "b", "b", "c", "c"]
    >>> roc_auc(y, score, tasks)  # c has one class
    0.5
    >>> roc_auc(y, score, tasks, average=None).values
    array([ 1.,  0., nan])
    """
    check_average(roc_auc, average)
    labels, parts = _two_classes(y_true, y_score, tasks, sample_weight, pos_label)
    return scored(roc_auc, labels, parts, roc_auc_score, average, undefined)


@task_metric(True, methods=_RANKING)
def average_precision(
    y_true: ArrayLike,
    y_score: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
) -> float | TaskScores:
    """Return the average precision within each task, averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels of two classes; a missing one (NaN, None) is left out.
    y_score : array-like of y_true's shape, or of shape (n_samples, 2) for long data
        Decision values or probabilities of the positive class; of two columns the
        second counts. For a wide y_true also a list of n_tasks arrays of shape
        (n_samples, 2), as classifiers return it.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst"} or None, default="macro"
        The mean over tasks, the mean weighted by the number of labels (their weights),
        the worst value, or the value of each task.
    pos_label : int, float, bool or str, default=None
        The positive class; by default the greater of the two.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do with a task of one class, whose labels cannot be ranked: leave it
        out of the average, raise an error that names it, or give it this number. There
        is no warning in any case.

    Returns
    -------
    float or TaskScores
        1 at best; the share of the positive class for chance, so that a task with a
        rare positive class has lower values.

    See Also
    --------
    roc_auc : Does not depend on how frequent the classes are.

    Examples
    --------
    >>> from linmtl.metrics import average_precision
    >>> average_precision([0, 1, 0, 1], [0.1, 0.8, 0.6, 0.4], list("aabb"))
    0.75
    """
    check_average(average_precision, average)
    labels, parts = _two_classes(y_true, y_score, tasks, sample_weight, pos_label)
    return scored(
        average_precision, labels, parts, average_precision_score, average, undefined
    )


@task_metric(False, methods=("predict_proba",))
def log_loss(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float | TaskScores:
    """Return the log-loss of each task, averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels of two classes; a missing one (NaN, None) is left out.
    y_prob : array-like of y_true's shape, or of shape (n_samples, 2) for long data
        Probabilities of the positive class; of two columns the second counts. For a
        wide y_true also a list of n_tasks arrays of shape (n_samples, 2), as
        classifiers return it.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst"} or None, default="macro"
        The mean over tasks, the mean weighted by the number of labels (their weights),
        the worst value, or the value of each task.
    pos_label : int, float, bool or str, default=None
        The positive class; by default the greater of the two.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.

    Returns
    -------
    float or TaskScores
        0 at best; ``log(2)`` for probabilities of one half. A task with one class has a
        value too.

    See Also
    --------
    brier_score : Bounded.

    Examples
    --------
    >>> from linmtl.metrics import log_loss
    >>> round(log_loss([0, 1, 1, 1], [0.5, 0.5, 0.5, 0.5], list("aabb")), 4)
    0.6931
    """
    check_average(log_loss, average)
    labels, parts = _two_probabilities(y_true, y_prob, tasks, sample_weight, pos_label)
    score = partial(sklearn_log_loss, labels=[0.0, 1.0])
    return scored(log_loss, labels, parts, score, average, "nan", relative=False)


@task_metric(False, methods=("predict_proba",))
def brier_score(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float | TaskScores:
    """Return the mean squared error of the probabilities of each task, averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Labels of two classes; a missing one (NaN, None) is left out.
    y_prob : array-like of y_true's shape, or of shape (n_samples, 2) for long data
        Probabilities of the positive class; of two columns the second counts. For a
        wide y_true also a list of n_tasks arrays of shape (n_samples, 2), as
        classifiers return it.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst"} or None, default="macro"
        The mean over tasks, the mean weighted by the number of labels (their weights),
        the worst value, or the value of each task.
    pos_label : int, float, bool or str, default=None
        The positive class; by default the greater of the two.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0. They count as repetitions.

    Returns
    -------
    float or TaskScores
        0 at best, 1 at worst; 0.25 for probabilities of one half. A task with one class
        has a value too.

    See Also
    --------
    log_loss : Unbounded.

    Examples
    --------
    >>> from linmtl.metrics import brier_score
    >>> brier_score([0, 1, 1, 1], [0.5, 0.5, 1.0, 1.0], list("aabb"))
    0.125
    """
    check_average(brier_score, average)
    labels, parts = _two_probabilities(y_true, y_prob, tasks, sample_weight, pos_label)
    score = mean_squared_error
    return scored(brier_score, labels, parts, score, average, "nan", relative=False)
