"""Which tasks belong together, by the coefficients fitted to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_choice, check_number
from linmtl.penalties import TaskRelationship
from linmtl.similarity._read import read_coefficients
from linmtl.similarity._result import TaskMatrix, symmetric


def coefficient_similarity(
    model: Any,
    metric: str = "cosine",
    *,
    tasks: ArrayLike | None = None,
    threshold: float = 0.0,
) -> TaskMatrix:
    """Compare the coefficients of the tasks.

    Cosine and correlation depend on the scale of the features: fit on standardised
    ones, or use :func:`prediction_disagreement`.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    metric : {"cosine", "correlation", "jaccard"}, default="cosine"
        ``"cosine"`` of the angle between the coefficients; their Pearson
        ``"correlation"`` over the features; ``"jaccard"``, the part of the features
        used by either task that both use.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.
    threshold : float, default=0.0
        For ``"jaccard"``: a feature is used where its coefficient is larger than this.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal. A task without a direction (all coefficients
        zero, or for the correlation all equal) has 0 with every other; two tasks that
        use no feature have the Jaccard similarity 1.

    See Also
    --------
    task_correlation : The correlation in the sense of a learned task covariance.

    Examples
    --------
    >>> from linmtl.similarity import coefficient_similarity
    >>> coef = [[1.0, 0.0, 2.0], [2.0, 0.0, 4.0], [0.0, 3.0, 1.0]]
    >>> coefficient_similarity(coef, "jaccard", tasks=["a", "b", "c"]).to_frame()
              a         b         c
    a  1.000000  1.000000  0.333333
    b  1.000000  1.000000  0.333333
    c  0.333333  0.333333  1.000000
    """
    check_choice("metric", metric, ("cosine", "correlation", "jaccard"))
    threshold = check_number("threshold", threshold, 0.0)
    coef, labels = read_coefficients(model, tasks)
    if metric == "jaccard":
        used = (np.abs(coef) > threshold).astype(float)
        both = used @ used.T
        either = used.sum(axis=1)[:, None] + used.sum(axis=1) - both
        values = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    else:
        directions = _unit_rows(coef, centre=metric == "correlation")
        values = np.clip(directions @ directions.T, -1.0, 1.0)
    return TaskMatrix(symmetric(values, 1.0), labels, "similarity", metric)


def _unit_rows(coef, centre):
    """Scale rows to length 1; rows that are zero up to rounding stay zero."""
    largest = np.abs(coef).max(axis=1, keepdims=True)
    rows = np.divide(coef, largest, out=np.zeros_like(coef), where=largest > 0)
    if centre:
        rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    cutoff = 4 * np.sqrt(coef.shape[1]) * np.finfo(float).eps
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > cutoff)


def task_covariance(model: Any, *, tasks: ArrayLike | None = None) -> TaskMatrix:
    """Estimate the covariance of the tasks that their coefficients suggest.

    ``Omega = (W'W)^(1/2) / tr (W'W)^(1/2)`` with W of shape (n_features, n_tasks):
    among covariances of trace 1 the one that makes ``tr(W Omega^-1 W')`` smallest.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Covariances, of trace 1. Where all coefficients are zero any are as good, and
        it is the identity divided by the number of tasks.

    See Also
    --------
    linmtl.penalties.TaskRelationship : Learns the covariance with the coefficients.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    >>> from linmtl.similarity import task_covariance
    >>> task_covariance([[3.0, 0.0], [0.0, 1.0]]).values
    array([[0.75, 0.  ],
           [0.  , 0.25]])
    """
    covariance, _, labels = _relationship(model, tasks)
    return TaskMatrix(covariance, labels, "covariance", "task covariance")


def task_correlation(model: Any, *, tasks: ArrayLike | None = None) -> TaskMatrix:
    """Scale the covariance of :func:`task_covariance` to correlations.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal; 0 with a task whose coefficients are all zero.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    >>> from linmtl.similarity import task_correlation
    >>> task_correlation([[1.0, 2.0], [2.0, 4.0], [2.0, -1.0]]).values.round(3) + 0.0
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    _, correlation, labels = _relationship(model, tasks)
    return TaskMatrix(correlation, labels, "similarity", "task correlation")


def _relationship(model, tasks):
    coef, labels = read_coefficients(model, tasks)
    scale = np.abs(coef).max()
    if scale > 0:  # the scale cancels; this way squares cannot overflow
        coef = coef / scale
    fitted = TaskRelationship().fitted_attributes(coef.T, {}, labels)
    covariance = fitted["task_covariance_"]
    correlation = fitted["task_correlation_"]
    return (covariance + covariance.T) / 2, symmetric(correlation, 1.0), labels
