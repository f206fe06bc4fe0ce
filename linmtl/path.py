"""The range of penalty strengths: where the solution becomes zero, and grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from linmtl._objective import Objective
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.penalties import Penalty, Sum
from linmtl.solvers import null_model


def alpha_max(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    penalty: Penalty,
    loss: str = "squared",
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    task_weight: Any = None,
) -> float:
    """Return the smallest strength at which all penalised coefficients are zero.

    Parameters
    ----------
    X, y, tasks, sample_weight
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    loss : {"squared", "logistic"}, default="squared"
        The loss.
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_weight : None, "n_samples", dict or array-like, default=None
        Weight of each task, as for the estimators.

    Returns
    -------
    float
        The value of ``alpha``; for a sum of penalties the factor on all of its
        strengths. Infinite where no finite strength gives zero (ridge,
        mean-regularised, graph). The solution is zero at ``alpha_max * (1 + 1e-12)``.

    Examples
    --------
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.path import alpha_max
    >>> from linmtl.penalties import L21
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> top = alpha_max(X, y, tasks, penalty=L21())
    >>> bool((L21Regressor(top * (1 + 1e-12)).fit(X, y, tasks).coef_ == 0).all())
    True
    """
    objective = _objective(
        X, y, tasks, penalty, loss, sample_weight, fit_intercept, task_weight
    )
    return _alpha_max(objective, penalty)


def alpha_grid(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    penalty: Penalty,
    loss: str = "squared",
    n_alphas: int = 100,
    eps: float = 1e-3,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    task_weight: Any = None,
) -> np.ndarray:
    """Return strengths from the strongest that matters downwards, equally in log.

    Parameters
    ----------
    X, y, tasks, sample_weight
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    loss : {"squared", "logistic"}, default="squared"
        The loss.
    n_alphas : int, default=100
        Number of strengths.
    eps : float, default=1e-3
        The smallest as a fraction of `alpha_max`. Where that is infinite, the grid
        runs from 1e2 to 1e-4 times the largest curvature of a task's loss instead.
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_weight : None, "n_samples", dict or array-like, default=None
        Weight of each task, as for the estimators.

    Returns
    -------
    ndarray of shape (n_alphas,)
        Decreasing; for a sum of penalties, factors on all of its strengths.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.path import alpha_grid
    >>> from linmtl.penalties import TraceNorm
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> alpha_grid(X, y, tasks, penalty=TraceNorm(), n_alphas=5).shape
    (5,)
    """
    if n_alphas < 1:
        raise ValueError(f"n_alphas must be >= 1, got {n_alphas!r}")
    if not 0 < eps < 1:
        raise ValueError(f"eps must be between 0 and 1, got {eps!r}")
    objective = _objective(
        X, y, tasks, penalty, loss, sample_weight, fit_intercept, task_weight
    )
    return grid(objective, penalty, n_alphas, eps)


def grid(
    objective: Objective, penalty: Penalty, n_alphas: int, eps: float
) -> np.ndarray:
    """Return the grid of :func:`alpha_grid` for an objective already built."""
    top = _alpha_max(objective, penalty)
    if np.isfinite(top):
        if top == 0.0:  # a constant target
            top = 1.0
        return np.geomspace(top, top * eps, n_alphas)
    _, curvature = objective.fit.curvature(scaled=False)
    return (curvature or 1.0) * np.logspace(2, -4, n_alphas)


def _alpha_max(objective: Objective, penalty: Penalty) -> float:
    W, _ = null_model(objective)
    G = np.empty_like(W)
    objective.smooth(W, G)
    return float(penalty.alpha_max(G))


def _objective(
    X, y, tasks, penalty, loss, sample_weight, fit_intercept, task_weight
) -> Objective:
    kinds: dict[str, type[MultiTaskModel]] = {
        "squared": MultiTaskRegressor,
        "logistic": MultiTaskClassifier,
    }
    if loss not in kinds:
        raise ValueError(f"loss must be one of {list(kinds)}, got {loss!r}")
    if not isinstance(penalty, Sum) and getattr(penalty, "alpha", None) == 0:
        penalty = clone(penalty).set_params(alpha=1.0)
    model = kinds[loss](penalty, fit_intercept=fit_intercept, task_weight=task_weight)
    return model._read_problem(X, y, tasks, sample_weight)[2]
