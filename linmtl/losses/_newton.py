"""Regression with a ridge by Newton's method, for several weightings at once."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from linmtl.losses._base import Loss
from linmtl.losses._multinomial import MultinomialOfRows

_MAX_STEPS = 100
_MAX_HALVINGS = 30
_DAMPING = 0.3  # of the largest curvature, where a whole step has led up
_LEAST_DAMPING = 1e-3


def newton(
    loss: Loss,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    ridge: np.ndarray,
    offset: np.ndarray,
    start: np.ndarray | None = None,
    close: float = 1e-6,
) -> tuple[np.ndarray, bool]:
    """Minimise ``sum_i s_i loss(y_i, eta_i) + sum_k r_k w_k^2 / 2`` over w.

    The linear predictors eta are ``X w + offset``.

    Parameters
    ----------
    loss : Loss
        The loss.
    X : ndarray of shape (n_samples, n_coefficients)
        With a column of ones for an intercept.
    y : ndarray of shape (n_samples,)
        Targets as the loss takes them.
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
        eta = w @ X.T + offset
        return np.sum(weight * loss.value(y, eta), axis=1) + w**2 @ ridge / 2, eta

    w = np.zeros((weight.shape[0], X.shape[1]))
    if start is not None:
        w += start
    value, eta = objective(w)
    damping = 0.0
    for _ in range(_MAX_STEPS):
        u = -loss.derivative(y, eta)
        gradient = -(weight * u) @ X + w * ridge
        curvature = loss.second_derivative(y, u)
        if damping and loss.curvature is not None:
            curvature = np.maximum(curvature, damping * loss.curvature)
        hessian = (X.T * (weight * curvature)[:, None, :]) @ X + np.diag(ridge)
        try:
            step = -np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            inverse = np.linalg.pinv(hessian, hermitian=True)
            step = -(inverse @ gradient[:, :, None])[:, :, 0]
        moved = np.abs(step @ X.T).max()
        length = np.ones(len(w))
        for _ in range(_MAX_HALVINGS):  # far from the solution a whole step can lead up
            new_value, new_eta = objective(w + length[:, None] * step)
            up = ~(new_value <= value + 1e-12 * np.abs(value))
            if not up.any():
                break
            length[up] /= 2
        w = w + length[:, None] * step
        value, eta = new_value, new_eta
        if moved <= close:
            return w, True
        damping = _DAMPING if np.any(length < 1) else damping / 4
        damping = damping if damping > _LEAST_DAMPING else 0.0
    return w, False


def newton_of_classes(
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    ridge: np.ndarray,
    offset: np.ndarray,
    close: float = 1e-6,
) -> np.ndarray:
    """Minimise ``sum_i s_i loss(y_i, eta_i) + sum_k r_k ||W_k||^2 / 2`` over W.

    The loss is the multinomial one, the linear predictors eta are ``X W + offset``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_coefficients)
        With a column of ones for intercepts.
    y : ndarray of shape (n_samples,)
        Positions of classes.
    weight : ndarray of shape (n_samples,)
        The weights s.
    ridge : ndarray of shape (n_coefficients,)
        The strengths r.
    offset : ndarray of shape (n_samples, n_classes)
        What X W is added to.
    close : float, default=1e-6
        As for `newton`.

    Returns
    -------
    ndarray of shape (n_coefficients, n_classes)
        The solution; rows without a ridge sum to zero.
    """
    loss, every = MultinomialOfRows(), np.eye(offset.shape[1])
    W = np.zeros((X.shape[1], len(every)))
    # a shift of all classes changes nothing: what holds it there has no slope
    held = np.where(ridge > 0, 0.0, 1.0)[:, None, None] * np.ones_like(every)
    fixed = np.einsum("ij,kl->ikjl", np.diag(ridge), every)
    fixed += np.einsum("ij,ikl->ikjl", np.eye(len(ridge)), held)

    def objective(W):
        eta = X @ W + offset
        return weight @ loss.value(y, eta) + ridge @ np.sum(W**2, axis=1) / 2, eta

    value, eta = objective(W)
    for _ in range(_MAX_STEPS):
        gradient = X.T @ (weight[:, None] * loss.derivative(y, eta))
        gradient += ridge[:, None] * W
        p = softmax(eta, axis=1)
        curvature = weight[:, None, None] * p[:, :, None] * (every - p[:, None, :])
        hessian = np.einsum("ni,nj,nkl->ikjl", X, X, curvature, optimize=True) + fixed
        hessian = hessian.reshape(W.size, W.size)
        step = -np.linalg.solve(hessian, gradient.ravel()).reshape(W.shape)
        length = 1.0
        for _ in range(_MAX_HALVINGS):
            new_value, new_eta = objective(W + length * step)
            if new_value <= value + 1e-12 * abs(value):
                break
            length /= 2
        W, value, eta = W + length * step, new_value, new_eta
        if np.abs(X @ step).max() <= close:
            break
    return W
