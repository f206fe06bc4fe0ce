"""Logistic regression by Newton's method, several weightings of one sample at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

MAX_ITER = 40


def logistic_newton(
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    ridge: np.ndarray,
    offset: np.ndarray,
    start: np.ndarray | None = None,
    close: float = 1e-6,
) -> tuple[np.ndarray, bool]:
    """Minimise ``sum_i s_i log(1 + exp(-y_i eta_i)) + sum_k r_k w_k^2 / 2``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_coefficients)
        With a column of ones for an intercept.
    y : ndarray of shape (n_samples,)
        -1 or +1.
    weight : ndarray of shape (n_fits, n_samples)
        The weights s of every fit.
    ridge : ndarray of shape (n_coefficients,)
        The strengths r.
    offset : ndarray of shape (n_samples,)
        What X w is added to.
    start : ndarray of shape (1 or n_fits, n_coefficients), default=None
        Where to start; zero by default.
    close : float, default=1e-6
        The largest change of a linear predictor in the last step. The error after it
        is about the square of this.

    Returns
    -------
    w : ndarray of shape (n_fits, n_coefficients)
        The solutions.
    converged : bool
        False where a solution is not finite: classes are separated.
    """

    def objective(w):
        margin = y * (w @ X.T + offset)
        loss = np.sum(weight * np.logaddexp(0.0, -margin), axis=1)
        return loss + w**2 @ ridge / 2, margin

    w = np.zeros((weight.shape[0], X.shape[1]))
    if start is not None:
        w += start
    value, margin = objective(w)
    for _ in range(MAX_ITER):
        p = expit(-margin)
        gradient = -(weight * y * p) @ X + w * ridge
        curvature = weight * p * (1.0 - p)
        hessian = (X.T * curvature[:, None, :]) @ X
        hessian += np.diag(ridge)
        try:
            step = -np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            return w, False
        moved = np.abs(step @ X.T).max()
        length = np.ones(len(w))
        for _ in range(30):  # far from the solution a full step can go up
            new_value, new_margin = objective(w + length[:, None] * step)
            up = new_value > value + 1e-12 * np.abs(value)
            if not up.any():
                break
            length[up] /= 2
        w = w + length[:, None] * step
        value, margin = new_value, new_margin
        if moved <= close:
            return w, True
    return w, False
