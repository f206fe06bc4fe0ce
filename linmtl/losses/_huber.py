"""Huber's loss: squared near zero, linear beyond; outliers have a bounded say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.data._checks import is_number
from linmtl.kernels._jit import kernel
from linmtl.losses._base import Loss, Score, parameter


@kernel
def _intercept(y, eta, weight, b, delta):
    """The best intercept of one task, by Newton's method inside a bracket.

    The slope is linear between its kinks and falls in b. Where no residual is near
    there is no curvature, and the bracket is halved.
    """
    low, high = np.inf, -np.inf
    for i in range(y.size):
        if weight[i] > 0.0:
            low, high = min(low, y[i] - eta[i]), max(high, y[i] - eta[i])
    b = min(max(b, low), high)
    for step in range(200):
        slope, size, curvature = 0.0, 0.0, 0.0
        for i in range(y.size):
            r = y[i] - eta[i] - b
            near = min(max(r, -delta), delta)
            slope += weight[i] * near
            size += weight[i] * abs(near)
            curvature += weight[i] if near == r else 0.0
        if not abs(slope) > 1e-15 * size:  # also where it is no number
            break
        if slope > 0.0:
            low = b
        else:
            high = b
        new = b + slope / curvature if curvature > 0.0 else np.inf
        if not low < new < high or step % 3 == 2:
            new = 0.5 * (low + high)
        if not low < new < high:  # nothing lies between them
            break
        b = new
    return b


@kernel
def huber_residual(
    y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss, delta
):
    for t in range(task_ptr.size - 1):
        rows = slice(task_ptr[t], task_ptr[t + 1])
        y_t, eta_t, weight_t, theta_t = y[rows], eta[rows], weight[rows], theta[rows]
        b_t = 0.0
        if fit_intercept and total[t] > 0.0:
            b_t = _intercept(y_t, eta_t, weight_t, b[t], delta)
        value = 0.0
        for i in range(y_t.size):
            r = y_t[i] - eta_t[i] - b_t
            near = min(max(r, -delta), delta)
            theta_t[i] = weight_t[i] * near
            value += weight_t[i] * near * (r - 0.5 * near)
        b[t] = b_t
        task_loss[t] = value


@dataclass(frozen=True)
class HuberLoss(Loss):
    """``r^2 / 2`` where ``|r| = |y - eta| <= delta``, else ``delta |r| - delta^2 / 2``.

    The conjugate at -u is ``u^2 / 2 - u y`` for ``|u| <= delta``.

    Parameters
    ----------
    delta : float, default=1.35
        Where the loss becomes linear, > 0, in the units of y.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter.
    """

    name = "huber"
    score = Score("Huber loss", 1.0, "huber_path_", 1.0)
    about = (
        "Half the squared residual as far as ``huber_delta``, linear beyond, so that "
        "outliers have a bounded say."
    )
    formula = "huber(y_i - x_i . w_t - b_t)"
    curvature = 1.0
    location = True
    kernel = staticmethod(huber_residual)

    delta: float = parameter(
        1.35, "Where the Huber loss becomes linear, > 0, in the units of y."
    )

    def check(self):
        if not (is_number(self.delta) and 0 < self.delta < np.inf):
            raise ValueError(
                f"huber_delta must be a finite number > 0, got {self.delta!r}"
            )

    def value(self, y, eta):
        r = np.abs(y - eta)
        near = np.minimum(r, self.delta)
        return near * (r - near / 2)

    def derivative(self, y, eta):
        return np.clip(eta - y, -self.delta, self.delta)

    def second_derivative(self, y, u):
        # u is a quotient by the weights: on the linear part it is delta up to rounding
        return (np.abs(u) < self.delta * (1 - 1e-12)).astype(float)

    def conjugate(self, y, u):
        return u * (u / 2 - y)

    def domain(self, y):
        return -self.delta, self.delta
