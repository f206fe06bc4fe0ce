"""Strengths of a penalty: where the solution becomes zero, grids, and paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from linmtl.data._warn import warn
from linmtl.designs._base import used_rows
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._by_loss import model_of_loss
from linmtl.estimators._docs import takes_loss
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._mixed_tasks import MixedTaskEstimator
from linmtl.penalties import Penalty, Sum
from linmtl.solvers._path import (
    check_grid,
    follow,
    grid,
    largest_strength,
    path_strengths,
    with_strength,
)

_KINDS = MultiTaskRegressor, MultiTaskClassifier
_takes_loss = takes_loss(
    [name for kind in _KINDS for name in kind._losses],
    "The loss, or a dict with that of each task, as for `MixedTaskEstimator`.",
)


@_takes_loss
def alpha_max(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
    **of_loss: Any,
) -> float:
    """Return the smallest strength at which all penalised coefficients are zero.

    Parameters
    ----------
    X, y, tasks, sample_weight, offset
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    {loss}
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_weight : None, "n_samples", dict or array-like, default=None
        Weight of each task, as for the estimators. None of tasks with a loss each is
        "null_loss", as for `MixedTaskEstimator`.
    task_order : array-like, default=None
        The order of the tasks, for penalties that depend on it.

    Returns
    -------
    float
        The value of ``alpha``; for a sum of penalties, and for one with several
        strengths and none called ``alpha``, the factor on all strengths. Infinite
        where no finite strength gives zero (quadratic penalties and squared norms). In
        closed form, but for penalties whose dual norm is found by Newton's method on
        the prox (fused, tree-guided) and sums with quadratic terms and unpenalised
        features. The solution is zero at ``alpha_max * (1 + 1e-12)``.

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
    model = _model(
        penalty,
        loss,
        of_loss,
        fit_intercept=fit_intercept,
        task_weight=task_weight,
        task_order=task_order,
    )
    objective = model._read_problem(
        X, y, tasks, sample_weight, offset, incomplete=True
    ).objective
    if objective.base_fit.pending:  # one gradient is enough
        objective = objective.of_rows() or objective
    return largest_strength(objective)


@_takes_loss
def alpha_grid(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    n_alphas: int = 100,
    eps: float = 1e-3,
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
    **of_loss: Any,
) -> np.ndarray:
    """Return strengths from the strongest that matters downwards, equally in log.

    Parameters
    ----------
    X, y, tasks, sample_weight, offset
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    {loss}
    n_alphas : int, default=100
        Number of strengths.
    eps : float, default=1e-3
        The smallest as a fraction of `alpha_max`, or for a network lasso of the
        strength from which on tasks that are joined agree. Where there is none, the
        grid runs from 1e2 to 1e-4 times the largest curvature of a task's loss instead.
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_weight : None, "n_samples", dict or array-like, default=None
        Weight of each task, as for the estimators. None of tasks with a loss each is
        "null_loss", as for `MixedTaskEstimator`.
    task_order : array-like, default=None
        The order of the tasks, for penalties that depend on it.

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
    check_grid(n_alphas, eps)
    model = _model(
        penalty,
        loss,
        of_loss,
        fit_intercept=fit_intercept,
        task_weight=task_weight,
        task_order=task_order,
    )
    objective = model._read_problem(
        X, y, tasks, sample_weight, offset, incomplete=True
    ).objective
    return grid(objective, n_alphas, eps)


@_takes_loss
def mtl_path(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    alphas: int | ArrayLike = 100,
    eps: float = 1e-3,
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
    solver: str = "auto",
    max_iter: int = 10_000,
    tol: float = 1e-4,
    return_intercepts: bool = False,
    **of_loss: Any,
) -> tuple[np.ndarray, ...]:
    """Solve for a sequence of strengths, each started from those before it.

    Parameters
    ----------
    X, y, tasks, sample_weight, offset
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` runs along the path, its other parameters stay. In a
        sum, and where there are several strengths and none called ``alpha``, all
        strengths are multiplied by the values of the path, so that their ratios stay.
    {loss}
    alphas : int or array-like, default=100
        Number of strengths of :func:`alpha_grid`, or the strengths; they are used in
        decreasing order.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_weight : None, "n_samples", dict or array-like, default=None
        Weight of each task, as for the estimators. None of tasks with a loss each is
        "null_loss", as for `MixedTaskEstimator`.
    task_order : array-like, default=None
        The order of the tasks, for penalties that depend on it.
    solver, max_iter, tol
        As for the estimators.
    return_intercepts : bool, default=False
        Whether to return the intercepts as well.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Strengths, decreasing.
    coefs : ndarray of shape (n_tasks, n_features, n_alphas)
        Coefficients; of more than two classes (n_tasks, n_classes, n_features,
        n_alphas), and the intercepts likewise.
    gaps : ndarray of shape (n_alphas,)
        Duality gap of each solution; a warning says how many are above the tolerance.
    intercepts : ndarray of shape (n_tasks, n_alphas)
        Intercepts; only with `return_intercepts`.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.path import mtl_path
    >>> from linmtl.penalties import L21
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> alphas, coefs, gaps = mtl_path(X, y, tasks, penalty=L21(), alphas=20)
    >>> coefs.shape
    (10, 20, 20)
    """
    model = _model(
        penalty,
        loss,
        of_loss,
        fit_intercept=fit_intercept,
        task_weight=task_weight,
        task_order=task_order,
    )
    problem = model._read_problem(X, y, tasks, sample_weight, offset, incomplete=True)
    given, _, columns, objective, classes = problem
    strengths = path_strengths(objective, alphas, eps)
    solutions = follow(
        objective.base_fit,
        [problem.on_columns(with_strength(penalty, alpha)) for alpha in strengths],
        columns,
        strengths=strengths,
        solver=solver,
        max_iter=max_iter,
        tol=tol,
    )
    # zeros are written nowhere: pages of memory that stay untouched cost nothing
    coefs = np.zeros((strengths.size, objective.base_fit.n_features, columns.size))
    gaps, intercepts, failures = [], [], []
    for W, solution in zip(coefs, solutions, strict=True):
        rows = used_rows(solution.W)
        W[rows] = solution.W[rows]
        gaps.append(solution.gap)
        intercepts.append(solution.b if classes else given.intercepts(solution.b))
        if not solution.converged:
            failures.append(solution.message)
    if failures:
        warn(
            f"{len(failures)} of {strengths.size} solutions did not converge; the "
            f"first: {failures[0]}",
            ConvergenceWarning,
        )
    b, models = np.stack(intercepts, axis=-1), coefs.T
    if classes is not None:
        models, b = classes.by_task(models, b, len(given.tasks))
    found = strengths, models, np.array(gaps)
    return (*found, b) if return_intercepts else found


def _model(
    penalty: Penalty,
    loss: str | Mapping[Any, str],
    of_loss: dict[str, Any],
    *,
    task_weight: Any,
    **options: Any,
) -> MultiTaskModel:
    """Return an estimator that reads the data; its own strength does not matter."""
    single = isinstance(penalty, Penalty) and not isinstance(penalty, Sum)
    if single and not penalty.smooth and getattr(penalty, "alpha", None) == 0:
        copy: Any = clone(penalty)
        penalty = copy.set_params(alpha=1.0)
    if isinstance(loss, Mapping):
        if task_weight is not None:
            options["task_weight"] = task_weight
        return MixedTaskEstimator(penalty, loss=loss, **of_loss, **options)
    options["task_weight"] = task_weight
    return model_of_loss(_KINDS, loss, of_loss, penalty, **options)
