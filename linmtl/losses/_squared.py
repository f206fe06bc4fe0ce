"""Squared loss, ``(y - eta)^2 / 2``."""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import reduction
from linmtl.losses._base import Loss, Score


@reduction
def squared_residual(
    y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
):
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        y_t, eta_t = y[start:stop], eta[start:stop]
        weight_t, theta_t = weight[start:stop], theta[start:stop]
        b_t = 0.0
        if fit_intercept and total[t] > 0.0:
            for i in range(y_t.size):
                b_t += weight_t[i] * (y_t[i] - eta_t[i])
            b_t /= total[t]
        value = 0.0
        for i in range(y_t.size):
            r = y_t[i] - eta_t[i] - b_t
            theta_t[i] = weight_t[i] * r
            value += weight_t[i] * r * r
        b[t] = b_t
        task_loss[t] = 0.5 * value


class Squared(Loss):
    """``(y - eta)^2 / 2``; conjugate at -u: ``u^2 / 2 - u y``."""

    name = "squared"
    score = Score("mean squared error", 2.0, "mse_path_", 2.0)
    about = "Half the squared residual."
    formula = "(y_i - x_i . w_t - b_t)^2 / 2"
    curvature = 1.0
    quadratic = location = convex_root = mean_suffices = likelihood = True
    kernel = staticmethod(squared_residual)

    def value(self, y, eta):
        return (y - eta) ** 2 / 2

    def derivative(self, y, eta):
        return eta - y

    def second_derivative(self, y, u):
        return np.ones_like(u)

    def conjugate(self, y, u):
        return u * (u / 2 - y)

    def domain(self, y):
        return -np.inf, np.inf

    def dual_value(self, y, theta, weight, scale):
        linear, square = self.dual_terms(y, theta, weight)
        return scale * linear - scale**2 * square / 2

    def dual_terms(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray
    ) -> tuple[float, float]:
        """Return ``sum theta y`` and ``sum theta^2 / weight``."""
        used = weight > 0
        return float(theta @ y), float(np.sum(theta[used] ** 2 / weight[used]))

    def dual_limit(self, y, theta, weight):
        return np.inf

    def hessian(self, y, theta, weight):
        return weight
