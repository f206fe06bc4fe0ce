"""Logistic loss, ``log(1 + exp(-y eta))`` with y in {-1, +1}."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from linmtl._jit import kernel, readonly, reduction
from linmtl.losses._base import Loss


@kernel
def _intercept(y, eta, weight, start, stop, b):
    """Newton's method for the best intercept of one task, kept inside a bracket.

    The derivative of the loss in b increases from minus the weight of the positive
    class to the weight of the negative one, so the root is bracketed on the way.
    """
    low, high = -np.inf, np.inf
    reach = 4.0
    for _ in range(200):
        slope = 0.0
        curvature = 0.0
        for i in range(start, stop):
            m = y[i] * (eta[i] + b)
            e = math.exp(-abs(m))
            p = e / (1.0 + e) if m > 0.0 else 1.0 / (1.0 + e)
            slope += weight[i] * y[i] * p
            curvature += weight[i] * p * (1.0 - p)
        if slope == 0.0:
            return b
        if slope > 0.0:
            low = b
        else:
            high = b
        # where the curvature vanishes Newton's step is useless: double the step until
        # the root is bracketed, then halve the bracket
        if abs(slope) < 4.0 * curvature:
            step = slope / curvature
        elif high - low < np.inf:
            step = 0.5 * (low + high) - b
        else:
            step = reach if slope > 0.0 else -reach
            reach *= 2.0
        small = abs(step) <= 1e-9 + 1e-15 * abs(b)
        new = b + step
        if new <= low or new >= high:
            if small:  # rounding: b is the root
                return b
            new = 0.5 * (low + high)
            if new in (low, high):
                return b
        b = new
        if small:  # the error after this step is its square
            return b
    return b


@kernel
def logistic_residual(
    y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
):
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        b_t = 0.0
        if fit_intercept and total[t] > 0.0:
            b_t = _intercept(y, eta, weight, start, stop, b[t])
        value = 0.0
        for i in range(start, stop):
            m = y[i] * (eta[i] + b_t)
            e = math.exp(-abs(m))
            if m > 0.0:
                p = e / (1.0 + e)
                value += weight[i] * math.log1p(e)
            else:
                p = 1.0 / (1.0 + e)
                value += weight[i] * (math.log1p(e) - m)
            theta[i] = weight[i] * y[i] * p
        b[t] = b_t
        task_loss[t] = value


@reduction
def logistic_dual(y, theta, weight, scale):
    """Weighted entropy of the probabilities ``scale theta y / weight``."""
    value = 0.0
    for i in range(y.size):
        if weight[i] > 0.0:
            p = scale * theta[i] * y[i] / weight[i]
            if p != p:
                return p
            if 0.0 < p < 1.0:  # no entropy at the ends, nor where rounding passed them
                value -= weight[i] * (p * math.log(p) + (1.0 - p) * math.log(1.0 - p))
    return value


@kernel
def logistic_range(y, theta, weight):
    """Lowest and highest of the probabilities ``theta y / weight``; NaN stays NaN."""
    lowest, highest = np.inf, -np.inf
    for i in range(y.size):
        if weight[i] > 0.0:
            p = theta[i] * y[i] / weight[i]
            if p != p:
                return p, p
            lowest = min(lowest, p)
            highest = max(highest, p)
    return lowest, highest


@kernel
def logistic_hessian(y, theta, weight, out):
    """Weight times the second derivative, ``weight p (1 - p)``."""
    for i in range(y.size):
        out[i] = 0.0
        if weight[i] > 0.0:
            p = theta[i] * y[i] / weight[i]
            out[i] = weight[i] * p * (1.0 - p)


def _inputs(*arrays):
    return [readonly(array) for array in arrays]


class Logistic(Loss):
    """``log(1 + exp(-y eta))``; conjugate at -u: entropy of p = u y in [0, 1]."""

    name = "logistic"
    curvature = 0.25

    def residual(
        self, y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    ):
        logistic_residual(
            readonly(y),
            readonly(eta),
            readonly(weight),
            readonly(task_ptr),
            readonly(total),
            bool(fit_intercept),
            b,
            theta,
            task_loss,
        )

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
