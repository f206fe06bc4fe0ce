"""Logistic loss, ``log(1 + exp(-y eta))`` with y in {-1, +1}."""

from __future__ import annotations

import numpy as np
from scipy.special import entr, expit

from linmtl.kernels._jit import kernel, readonly, reduction
from linmtl.losses._base import Score
from linmtl.losses._classes import TwoClasses
from linmtl.losses._multinomial import Multinomial

_CHUNK = 256  # numbers at a time: work arrays that stay in the fastest cache
_LOG_2 = 0.6931471805599453
_PER_LOG_2 = 1.4426950408889634
# in two parts, the first with zeros for last digits: its small multiples are exact
_LOG_2_HIGH = 0.6931471803691238
_LOG_2_LOW = 1.9082149292705877e-10
_ROOT_HALF = 4604544271217802189  # the bits of sqrt(1/2)
_FRACTION = 4503599627370495  # the bits of a number after its exponent
_LEAST_PROBABILITY = 1e-300  # probabilities below count as none
_LARGEST_MARGIN = 709.0  # exp(-709) is no normal number: it becomes 0


@kernel
def _exp_series(r):
    """exp(r) for |r| <= log(2) / 2."""
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    return p * r + 1.0


@kernel
def _log_series(s):
    """log((1 + s) / (1 - s)) for |s| <= 3 - 2 sqrt(2), that is, a ratio of sqrt(2)."""
    z = s * s
    p = 2.0 / 21.0
    p = p * z + 2.0 / 19.0
    p = p * z + 2.0 / 17.0
    p = p * z + 2.0 / 15.0
    p = p * z + 2.0 / 13.0
    p = p * z + 2.0 / 11.0
    p = p * z + 2.0 / 9.0
    p = p * z + 2.0 / 7.0
    p = p * z + 2.0 / 5.0
    p = p * z + 2.0 / 3.0
    return s * (p * z + 2.0)


@kernel
def _margins(y, eta, b, margin, e, bits):
    """Margins y (eta + b) of some rows, and e = exp(-|margin|).

    Without a branch, so that the compiler can do several rows at once: the sign of a
    margin is a coin toss, and the library's exp takes one number at a time.
    """
    power = bits.view(np.float64)
    for i in range(margin.size):
        m = y[i] * (eta[i] + b)
        margin[i] = m
        a = abs(m) if abs(m) < _LARGEST_MARGIN else _LARGEST_MARGIN
        k = np.floor(0.5 - a * _PER_LOG_2)
        e[i] = _exp_series((-a - k * _LOG_2_HIGH) - k * _LOG_2_LOW)
        e[i] = e[i] if m == m else m  # NaN stays NaN
        bits[i] = (np.int64(np.int32(k)) + 1023) << 52  # the number 2^k, or 0
    for i in range(margin.size):
        e[i] *= power[i]


@reduction
def _slope(y, weight, margin, e):
    """First and second derivative of the loss of some rows, in the intercept."""
    slope, curvature = 0.0, 0.0
    for i in range(margin.size):
        p = (e[i] if margin[i] > 0.0 else 1.0) / (1.0 + e[i])
        slope += weight[i] * y[i] * p
        curvature += weight[i] * p * (1.0 - p)
    return slope, curvature


@reduction
def _value(y, weight, margin, e, theta):
    """Loss of some rows; writes their residuals."""
    value = 0.0
    for i in range(margin.size):
        near = e[i] < 0.41421356  # where 1 + e is below sqrt(2)
        log = _log_series(e[i] / (2.0 + e[i]) if near else (e[i] - 1.0) / (e[i] + 3.0))
        log += 0.0 if near else _LOG_2
        loss = log if margin[i] > 0.0 else log - margin[i]
        p = (e[i] if margin[i] > 0.0 else 1.0) / (1.0 + e[i])
        theta[i] = weight[i] * y[i] * p
        value += weight[i] * loss
    return value


@kernel
def _intercept(y, eta, weight, start, stop, b, margin, e, bits):
    """Newton's method for the best intercept of one task, kept inside a bracket.

    The derivative of the loss in b increases from minus the weight of the positive
    class to the weight of the negative one, so the root is bracketed on the way.
    """
    low, high = -np.inf, np.inf
    b = b if abs(b) < np.inf else 0.0  # a point far off may have left its mark
    reach = max(4.0, abs(b))
    for _ in range(200):
        slope, curvature = 0.0, 0.0
        for first in range(start, stop, _CHUNK):
            n = min(_CHUNK, stop - first)
            last = first + n
            _margins(y[first:last], eta[first:last], b, margin[:n], e[:n], bits[:n])
            part = _slope(y[first:last], weight[first:last], margin[:n], e[:n])
            slope += part[0]
            curvature += part[1]
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
        small = abs(step) <= 1e-8 + 1e-15 * abs(b)
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
    margin, e = np.empty(_CHUNK), np.empty(_CHUNK)
    bits = np.empty(_CHUNK, np.int64)
    for t in range(task_ptr.size - 1):
        start, stop = task_ptr[t], task_ptr[t + 1]
        b_t = 0.0
        if fit_intercept and total[t] > 0.0:
            b_t = _intercept(y, eta, weight, start, stop, b[t], margin, e, bits)
        value = 0.0
        for first in range(start, stop, _CHUNK):
            n = min(_CHUNK, stop - first)
            last = first + n
            y_t, weight_t = y[first:last], weight[first:last]
            _margins(y_t, eta[first:last], b_t, margin[:n], e[:n], bits[:n])
            value += _value(y_t, weight_t, margin[:n], e[:n], theta[first:last])
        b[t] = b_t
        task_loss[t] = value


@kernel
def _logs(x, exponent, out):
    """Logarithms of normal numbers, several at once."""
    bits, mantissa = x.view(np.int64), out.view(np.int64)
    for i in range(x.size):
        # the exponent of x / sqrt(1/2), whose mantissa is then in [sqrt(1/2), sqrt(2)]
        shifted = bits[i] - _ROOT_HALF
        exponent[i] = np.float64(np.int32(shifted >> 52))
        mantissa[i] = (shifted & _FRACTION) + _ROOT_HALF
    for i in range(x.size):
        m = out[i]
        out[i] = _log_series((m - 1.0) / (m + 1.0)) + exponent[i] * _LOG_2


@reduction
def logistic_dual(y, theta, weight, scale):
    """Weighted entropy of the probabilities ``scale theta y / weight``."""
    p, q = np.empty(_CHUNK), np.empty(_CHUNK)
    log_p, log_q = np.empty(_CHUNK), np.empty(_CHUNK)
    exponent = np.empty(_CHUNK)
    value = 0.0
    for first in range(0, y.size, _CHUNK):
        n = min(_CHUNK, y.size - first)
        last = first + n
        w, u = weight[first:last], theta[first:last]
        labels = y[first:last]
        for i in range(n):
            p[i] = scale * u[i] * labels[i] / (w[i] if w[i] > 0.0 else 1.0)
            # no entropy at the ends, nor where rounding passed them; NaN stays NaN
            p[i] = 1.0 if p[i] < _LEAST_PROBABILITY or p[i] > 1.0 else p[i]
            q[i] = 1.0 - p[i]
            q[i] = 1.0 if q[i] < _LEAST_PROBABILITY else q[i]
        _logs(p[:n], exponent, log_p)
        _logs(q[:n], exponent, log_q)
        for i in range(n):
            value -= w[i] * (p[i] * log_p[i] + q[i] * log_q[i])
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


class Logistic(TwoClasses):
    """``log(1 + exp(-y eta))``; conjugate at -u: entropy of p = u y in [0, 1]."""

    name = "logistic"
    score = Score("log loss", 1.0, "scores_path_", -1.0)
    about = "Minus the log-likelihood of two classes whose log-odds are linear."
    formula = "log(1 + exp(-y_i (x_i . w_t + b_t)))"
    curvature = 0.25
    link = "logit"
    likelihood = compiled = True

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
