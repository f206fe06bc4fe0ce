# written by .ci/stubs.py from linmtl.path
import numpy as np
from collections.abc import Mapping
from linmtl.penalties import Penalty
from numpy.typing import ArrayLike
from typing import Any

def alpha_max(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    huber_delta: float = 1.35,
    quantile_level: float = 0.5,
    quantile_smoothing: float = 0.1,
    tweedie_power: float = 1.5,
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
) -> float:
    """Return the smallest strength at which all penalised coefficients are zero.

    Parameters
    ----------
    X, y, tasks, sample_weight, offset
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie", "sqrt", "logistic", "squared_hinge"}, default="squared"
        The loss, or a dict with that of each task, as for `MixedTaskEstimator`.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
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
    ...

def alpha_grid(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    huber_delta: float = 1.35,
    quantile_level: float = 0.5,
    quantile_smoothing: float = 0.1,
    tweedie_power: float = 1.5,
    n_alphas: int = 100,
    eps: float = 0.001,
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
) -> np.ndarray:
    """Return strengths from the strongest that matters downwards, equally in log.

    Parameters
    ----------
    X, y, tasks, sample_weight, offset
        Data in any layout, as for the estimators.
    penalty : Penalty
        The penalty; its ``alpha`` does not matter, except in a sum.
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie", "sqrt", "logistic", "squared_hinge"}, default="squared"
        The loss, or a dict with that of each task, as for `MixedTaskEstimator`.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
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
    ...

def mtl_path(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty,
    loss: str | Mapping[Any, str] = "squared",
    huber_delta: float = 1.35,
    quantile_level: float = 0.5,
    quantile_smoothing: float = 0.1,
    tweedie_power: float = 1.5,
    alphas: int | ArrayLike = 100,
    eps: float = 0.001,
    fit_intercept: bool = True,
    task_weight: Any = None,
    task_order: ArrayLike | None = None,
    solver: str = "auto",
    max_iter: int = 10000,
    tol: float = 0.0001,
    return_intercepts: bool = False,
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
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie", "sqrt", "logistic", "squared_hinge"}, default="squared"
        The loss, or a dict with that of each task, as for `MixedTaskEstimator`.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
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
    ...
