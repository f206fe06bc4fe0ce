"""One strength of a quadratic penalty over the tasks, by the restricted likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective

_DECADES = np.linspace(3.0, -7.0, 21)  # of strengths beside the largest curvature
_LOG_STRENGTH_TOL = 1e-3  # of the logarithm of a strength
_FIT_TOL = 1e-8  # of the fit at a strength
_MAX_HESSIAN_SIZE = 6000  # coefficients whose Hessian is factored as a whole


def likelihood_strength(
    make: Callable[[float], Objective],
    n_samples: float,
    n_intercepts: int,
    per_loss: float,
    noise: bool,
) -> float:
    """Return the strength at which the restricted likelihood is highest.

    The penalty is minus the logarithm of a normal prior, coefficients that it leaves
    free and intercepts have a flat one, and all are integrated out: exactly for the
    squared loss, by Laplace's approximation for others.

    Parameters
    ----------
    make : callable
        Returns the problem at a strength.
    n_samples : float
        The sum of the sample weights.
    n_intercepts : int
        The number of intercepts that are free.
    per_loss : float
        Minus the log-likelihood over the loss, where there is no noise.
    noise : bool
        Whether the loss is squared, and its scale unknown.
    """
    _, curvature = make(1.0).fit.curvature(scaled=False)
    centre = np.log(curvature) if curvature > 0 else 0.0
    start: dict[str, Any] = {}

    def deviance(log_alpha):
        objective = make(float(np.exp(log_alpha)))
        found = minimise(
            objective,
            tol=_FIT_TOL,
            max_iter=1000,
            W0=start.get("W"),
            scale=start.get("F0"),
        )
        start["W"] = found.point
        start["F0"] = found.scale
        value = objective.value(found.point)
        shape = objective.shape
        H = objective.fit.hessians(np.arange(shape[0]))
        logs, free = _log_determinants(H, objective.penalty.base_quadratic, shape)
        if not noise:
            return 2.0 * per_loss * value + logs
        degrees = max(n_samples - free - n_intercepts, 1.0)
        return degrees * np.log(max(value, np.finfo(float).tiny)) + logs

    grid = centre + _DECADES * np.log(10.0)
    values = [deviance(log_alpha) for log_alpha in grid]
    best = int(np.argmin(values))
    if best in (0, len(grid) - 1):  # of all tasks together, or of each alone
        return float(np.exp(grid[best]))
    ends = sorted((grid[best - 1], grid[best + 1]))
    found = minimize_scalar(
        deviance, bounds=ends, method="bounded", options={"xatol": _LOG_STRENGTH_TOL}
    )
    return float(np.exp(found.x))  # pyright: ignore[reportAttributeAccessIssue]


def _log_determinants(
    H: np.ndarray, form: QuadraticForm, shape: tuple[int, ...]
) -> tuple[float, int]:
    """Return ``log |H + P| - log |P|`` and how many dimensions P leaves free.

    Parameters
    ----------
    H : ndarray of shape (n_tasks or 1, n_features, n_features)
        Hessians of the loss of each task.
    form : QuadraticForm
        P.
    shape : tuple of int
        Numbers of features and tasks.
    """
    d, T = shape
    H = np.broadcast_to(H, (T, d, d))
    if form.is_coupled or not form.equal_ridge:
        return _as_a_whole(H, form)
    own, mean = form.on_deviations(d), form.on_mean(d)
    A = H.copy()
    A[:, np.arange(d), np.arange(d)] += own
    # the strength on the mean takes back some of that on all
    root = np.sqrt(np.maximum(own - mean, 0.0) / T)
    inverse = np.linalg.pinv(A, hermitian=True).sum(axis=0)
    rest = np.eye(d) - root[:, None] * inverse * root
    logs = np.linalg.slogdet(A)[1].sum() + np.linalg.slogdet(rest)[1]
    logs -= (T - 1) * np.log(own[own > 0]).sum() + np.log(mean[mean > 0]).sum()
    return float(logs), int((T - 1) * np.sum(own == 0) + np.sum(mean == 0))


def _as_a_whole(H, form):
    T, d = H.shape[:2]
    if T * d > _MAX_HESSIAN_SIZE:
        raise ValueError(
            "where single tasks are coupled, alpha='reml' factors the Hessian of all "
            f"coefficients together: {T * d}, of {_MAX_HESSIAN_SIZE} at most; choose "
            "alpha by cross-validation, or take the mean-regularised model"
        )
    whole = np.zeros((T, d, T, d))
    for t in range(T):
        whole[t, :, t, :] = H[t]
    logs, free = 0.0, 0
    for rows, kind in form.kinds(d):
        K = kind.dense()
        values = np.linalg.eigvalsh(K)
        positive = values > 1e-10 * max(values[-1], 1e-300)
        logs -= len(rows) * np.log(values[positive]).sum()
        free += len(rows) * int(np.sum(~positive))
        for j in rows:
            whole[:, j, :, j] += K
    logs += np.linalg.slogdet(whole.reshape(T * d, T * d))[1]
    return float(logs), free
