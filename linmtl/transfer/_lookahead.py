"""How much a step for one task helps another: one gradient per task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.datafits._residual import ResidualFit
from linmtl.estimators._by_loss import model_of_loss
from linmtl.estimators._docs import takes_loss
from linmtl.estimators._pooled import PooledClassifier, PooledRegressor
from linmtl.estimators._task_model import speaking_as
from linmtl.similarity._result import TaskMatrix
from linmtl.transfer._rows import plain_reader

_KINDS = PooledRegressor, PooledClassifier


@takes_loss([name for kind in _KINDS for name in kind._losses])
def lookahead_affinity(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    loss: str = "squared",
    alpha: float = 0.01,
    step: float | None = None,
    task_column: str | int | None = None,
    **of_loss: Any,
) -> TaskMatrix:
    """Return what a gradient step for each task does to the loss of each other one.

    At the model w_0 that is pooled over all tasks, the affinity of task j from task i
    is ``1 - L_j(w_0 - step * grad L_i(w_0)) / L_j(w_0)``, with intercepts at their
    optimum: a cheap stand-in for :func:`transfer_gain`, of one gradient per task.

    Parameters
    ----------
    X, y, tasks, sample_weight
        Data in any layout, as for the estimators.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, as for the estimators.
    {loss}
    alpha : float, default=0.01
        Strength of the ridge of the pooled model.
    step : float, default=None
        Length of the step; by default one over the largest curvature of a task's loss,
        with which no task's own step goes too far.
    task_column : str or int, default=None
        The column of X that holds the task labels.

    Returns
    -------
    TaskMatrix
        ``values[i, j]`` is the affinity of task j from task i; the diagonal is what a
        step does to the task itself.

    References
    ----------
    Fifty, Amid, Zhao, Yu, Anil, Finn (2021), Efficiently identifying task groupings
    for multi-task learning.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import lookahead_affinity
    >>> X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    >>> bool((lookahead_affinity(X, y, tasks).values.diagonal() >= 0).all())
    True
    """
    if step is not None and not 0 < step < np.inf:
        raise ValueError(f"step must be a positive finite number, got {step!r}")
    pooled = model_of_loss(_KINDS, loss, of_loss, alpha, task_column=task_column)
    reader = speaking_as("lookahead_affinity", plain_reader(pooled))
    given, data, labels, *_ = reader._read_problem(
        X, y, tasks, sample_weight, offset, several=False, incomplete=True
    )
    # a task that lacks a feature needs a level of its own, or it would be at its zero
    pooled.set_params(task_intercepts=given.present is not None)
    pooled.fit(X, y, tasks, sample_weight, offset=offset)
    fit = ResidualFit(data, pooled._loss())
    T = len(labels)
    common = np.atleast_2d(pooled._consensus()[0])
    start = np.repeat(common.T.astype(float), T, axis=1)
    G = np.empty_like(start)
    fit.evaluate(start, G)
    # task_weight is None: every task has the weight 1, its loss is a mean
    before = fit.task_loss.copy()
    if step is None:
        curvature = fit.curvature(scaled=False)[1]
        step = 1.0 / curvature if curvature > 0 else 1.0
    after = np.empty((T, T))
    for i in range(T):
        fit.loss_at(start + step * G[:, i : i + 1])
        after[i] = fit.task_loss
    ratio = np.divide(after, before, out=np.ones((T, T)), where=before > 0)
    values = 1.0 - ratio
    values[:, given.side != 0] = np.nan
    return TaskMatrix(values, labels, "gain", "lookahead affinity", directed=True)
