"""Poisson loss for counts, with a log link: half the deviance."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from linmtl.losses._base import Loss, Score, task_sums

_MAX_EXPONENT = 700.0  # exp of more is no number


class PoissonLoss(Loss):
    """``exp(eta) - y eta + y log y - y``, zero at ``exp(eta) = y``.

    The conjugate at -u is ``m log m - m - y log y + y`` with ``m = y - u >= 0``.
    Targets are counts or rates, y >= 0; predictions are their means, exp(eta).
    """

    name = "poisson"
    score = Score("Poisson deviance", 2.0, "deviance_path_", 2.0)
    about = (
        "Half the deviance of counts or rates y >= 0 whose mean is "
        "``exp(x_i . w_t + b_t)``, which is what is predicted then."
    )
    formula = "(exp(eta_i) - y_i eta_i + y_i log y_i - y_i), eta_i = x_i . w_t + b_t"
    mean_suffices = likelihood = True
    one_sided = "counts of zero only"

    def value(self, y, eta):
        eta = np.minimum(eta, _MAX_EXPONENT)
        return np.maximum(np.exp(eta) - y * eta + xlogy(y, y) - y, 0.0)

    def derivative(self, y, eta):
        return self.mean(eta) - y

    def second_derivative(self, y, u):
        return np.maximum(y - u, 0.0)

    def conjugate(self, y, u):
        m = np.maximum(y - u, 0.0)
        return xlogy(m, m) - m - xlogy(y, y) + y

    def domain(self, y):
        return -np.inf, y

    def mean(self, eta):
        return np.exp(np.minimum(eta, _MAX_EXPONENT))

    def encode(self, y, missing):
        negative = ~missing & (y < 0)
        if negative.any():
            raise ValueError(
                f"y has {int(negative.sum())} negative values, the first "
                f"{y[negative][0].item()!r}; the Poisson loss is for counts or rates "
                ">= 0"
            )
        return y, None

    def own_sides(self, y, weight, task_ptr):
        return -(task_sums(weight * y, task_ptr) <= 0).astype(int)

    def size(self, y):
        return np.abs(xlogy(y, y)) + y

    def intercepts(self, y, eta, weight, task_ptr, start):
        size = np.diff(task_ptr)
        top = np.zeros(size.size)  # so that the largest mean is one
        filled = size > 0
        if filled.any():
            counted = np.where(weight > 0, eta, -np.inf)
            top[filled] = np.maximum.reduceat(counted, task_ptr[:-1][filled])
            top[~np.isfinite(top)] = 0.0
        means = np.exp(np.minimum(eta - np.repeat(top, size), 0.0))
        counts = task_sums(weight * y, task_ptr)
        ratio = np.ones(size.size)
        expected = task_sums(weight * means, task_ptr)
        possible = (counts > 0) & (expected > 0)
        np.divide(counts, expected, out=ratio, where=possible)
        return np.where(possible, np.log(ratio) - top, start)
