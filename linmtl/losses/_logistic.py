"""Logistic loss, ``log(1 + exp(-y eta))`` with y in {-1, +1}."""

from __future__ import annotations

import numpy as np
from scipy.special import entr, expit

from linmtl.kernels._jit import readonly
from linmtl.losses._base import Score
from linmtl.losses._classes import TwoClasses
from linmtl.losses._log_odds import (
    logistic_dual,
    logistic_hessian,
    logistic_range,
    logistic_residual,
)
from linmtl.losses._multinomial import Multinomial


def _inputs(*arrays):
    return [readonly(array) for array in arrays]


class Logistic(TwoClasses):
    """``log(1 + exp(-y eta))``; conjugate at -u: entropy of p = u y in [0, 1]."""

    name = "logistic"
    score = Score("log loss", 1.0, "scores_path_", -1.0)
    about = "Minus the log-likelihood of two classes whose log-odds are linear."
    formula = "log(1 + exp(-y_i (x_i . w_t + b_t)))"
    curvature = 0.25
    link = "logit"
    likelihood = True
    several = True
    kernel = staticmethod(logistic_residual)

    def of_classes(self, group_ptr):
        return self if group_ptr is None else Multinomial(group_ptr)

    def value(self, y, eta):
        return np.logaddexp(0.0, -y * eta)

    def derivative(self, y, eta):
        return -y * expit(-y * eta)

    def second_derivative(self, y, u):
        p = u * y
        return p * (1.0 - p)

    def third_derivative(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the third derivative where minus the first is u."""
        p = u * y
        return -y * p * (1.0 - p) * (1.0 - 2.0 * p)

    def conjugate(self, y, u):
        p = u * y
        return -entr(p) - entr(1.0 - p)

    def domain(self, y):
        return np.minimum(y, 0.0), np.maximum(y, 0.0)

    def dual_value(self, y, theta, weight, scale):
        return logistic_dual(*_inputs(y, theta, weight), float(scale))

    def dual_limit(self, y, theta, weight):
        lowest, highest = logistic_range(*_inputs(y, theta, weight))
        if lowest > highest:  # no observation
            return np.inf
        # a residual of the wrong sign leaves only the origin; rounding is forgiven
        if lowest < -1e-15:
            return 0.0
        return 1.0 / max(highest, 1e-300)

    def hessian(self, y, theta, weight):
        hessian = np.empty_like(weight)
        logistic_hessian(*_inputs(y, theta, weight), hessian)
        return hessian

    def mean(self, eta):
        return expit(eta)
