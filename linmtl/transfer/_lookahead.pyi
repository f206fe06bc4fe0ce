# written by .ci/stubs.py from linmtl.transfer._lookahead
import numpy as np
from linmtl.similarity import TaskMatrix
from numpy.typing import ArrayLike
from typing import Any

def lookahead_affinity(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    loss: str = "squared",
    huber_delta: float = 1.35,
    quantile_level: float = 0.5,
    quantile_smoothing: float = 0.1,
    tweedie_power: float = 1.5,
    alpha: float = 0.01,
    step: float | None = None,
    task_column: str | int | None = None,
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
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie", "logistic", "squared_hinge"}, default="squared"
        The loss.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
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
    ...
