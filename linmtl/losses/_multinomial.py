"""Multinomial loss, ``log(sum_k exp(eta_k)) - eta_y``: several classes a task.

Arrays have an entry for each class of a task and each observation of it, class after
class: y is one for the class of the observation and zero for the others, residuals are
``weight (y - p)``.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import entr

from linmtl.kernels._jit import kernel, readonly, reduction
from linmtl.losses._base import Loss, Score

_CHUNK = 256  # observations at a time: work arrays that stay in the cache
_LEAST = 1e-300  # what counts as none
_LONGEST_STEP = 2.0  # of Newton's method, in an intercept
_CLOSE = 1e-8  # a step this small is the last: the error after it is its square
_MAX_STEPS = 1000
_PIVOT = 1e-10  # of the curvature that a class has by itself: less is rounding
_ROUNDING = 1e-15
_SLACK = 1e-14


@reduction
def _product(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@kernel
def _probabilities(eta, b, used, p, top):
    """Write the probabilities of some observations, and ``log(sum_k exp(eta_k))``."""
    n = top.size
    for i in range(n):
        top[i] = -np.inf
    for k in range(used.size):
        if used[k]:
            for i in range(n):
                top[i] = max(top[i], eta[k, i] + b[k])
    for k in range(used.size):
        for i in range(n):
            p[k, i] = math.exp(eta[k, i] + b[k] - top[i]) if used[k] else 0.0
    for i in range(n):
        total = 0.0
        for k in range(used.size):
            total += p[k, i]
        for k in range(used.size):
            p[k, i] /= total
        top[i] += math.log(total)


@kernel
def _moments(eta, b, used, weight, p, wp, top, s, H):
    """Write sums of the probabilities and of their products; return the lse's."""
    K = used.size
    value = 0.0
    for k in range(K):
        s[k] = 0.0
        for j in range(k + 1):
            H[k, j] = 0.0
    for first in range(0, weight.size, _CHUNK):
        n = min(_CHUNK, weight.size - first)
        w = weight[first : first + n]
        _probabilities(eta[:, first : first + n], b, used, p[:, :n], top[:n])
        value += _product(w, top[:n])
        for k in range(K):
            p_k, wp_k = p[k], wp[k]
            for i in range(n):
                wp_k[i] = w[i] * p_k[i]
                s[k] += wp_k[i]
            for j in range(k + 1):
                H[k, j] += _product(wp_k[:n], p[j, :n])
    return value


@kernel
def _newton_step(s, g, H, used, total, step):
    """Solve for Newton's step; whether it is to be trusted."""
    K = used.size
    shift = total / (K * K)  # along which nothing changes
    for k in range(K):
        step[k] = 0.0
        for j in range(k + 1):
            H[k, j] = shift - H[k, j]
        H[k, k] += s[k]
        if not used[k]:
            for j in range(k):
                H[k, j] = 0.0
            H[k, k] = 1.0
    for k in range(K):
        for j in range(k):
            if not used[j]:
                H[k, j] = 0.0
    for k in range(K):  # Cholesky
        own = H[k, k]
        for j in range(k + 1):
            value = H[k, j]
            for m in range(j):
                value -= H[k, m] * H[j, m]
            if j < k:
                H[k, j] = value / H[j, j]
            elif value <= _PIVOT * own or not value > 0.0:
                return False
            else:
                H[k, k] = math.sqrt(value)
    for k in range(K):
        value = g[k]
        for m in range(k):
            value -= H[k, m] * step[m]
        step[k] = value / H[k, k]
    for back in range(K):
        k = K - 1 - back
        value = step[k]
        for m in range(k + 1, K):
            value -= H[m, k] * step[m]
        step[k] = value / H[k, k]
        if not abs(step[k]) <= _LONGEST_STEP:
            return False
    return True


@kernel
def _intercepts(eta, weight, count, total, used, b, p, wp, top, H):
    """Move b to the best intercepts of the classes of one task.

    By Newton's method. Where its step is long, or leads up, classes get what they lack:
    ``b_k += log(count_k / sum of the p_k)``, which is the minimum of a bound of the
    loss and never leads up.
    """
    K = used.size
    s, g, step, before = np.empty(K), np.empty(K), np.empty(K), np.empty(K)
    s_before, last, newton = np.empty(K), np.inf, False
    for _ in range(_MAX_STEPS):
        value = _moments(eta, b, used, weight, p, wp, top, s, H)
        largest = 0.0
        for k in range(K):
            value -= count[k] * b[k]
            g[k] = count[k] - s[k] if used[k] else 0.0
            largest = max(largest, abs(g[k]))
        if not largest > _ROUNDING * total:
            break
        if newton and not value <= last + _SLACK * (abs(last) + total):
            for k in range(K):
                b[k], s[k] = before[k], s_before[k]
            newton = False
        else:
            last = value
            for k in range(K):
                before[k], s_before[k] = b[k], s[k]
            newton = _newton_step(s, g, H, used, total, step)
        largest = 0.0
        for k in range(K):
            if not newton:
                step[k] = 0.0
                if used[k]:
                    step[k] = math.log(count[k] / max(s[k], _LEAST))
            b[k] += step[k]
            largest = max(largest, abs(step[k]))
        if largest <= _CLOSE:
            break


@kernel
def multinomial_residual(
    y, eta, weight, task_ptr, group_ptr, fit_intercept, b, theta, task_loss
):
    most = 0
    for g in range(group_ptr.size - 1):
        most = max(most, group_ptr[g + 1] - group_ptr[g])
    p_all, wp_all = np.empty((most, _CHUNK)), np.empty((most, _CHUNK))
    top = np.empty(_CHUNK)
    for g in range(group_ptr.size - 1):
        first, K = group_ptr[g], group_ptr[g + 1] - group_ptr[g]
        start, n = task_ptr[first], task_ptr[first + 1] - task_ptr[first]
        stop = start + K * n
        y_g = y[start:stop].reshape((K, n))
        eta_g = eta[start:stop].reshape((K, n))
        theta_g = theta[start:stop].reshape((K, n))
        w, b_g, loss_g = weight[start : start + n], b[first:], task_loss[first:]
        p, wp = p_all[:K], wp_all[:K]
        count, used = np.empty(K), np.empty(K, np.bool_)
        total, rows = 0.0, 0
        for i in range(n):
            total += w[i]
            rows += w[i] > 0.0
        for k in range(K):
            count[k] = _product(w, y_g[k])
            # of a class without rows the best intercept is infinite
            used[k] = count[k] > 0.0 or not fit_intercept
            b_g[k] = b_g[k] if fit_intercept and used[k] else 0.0
            loss_g[k] = 0.0
        if total == 0.0:
            for k in range(K):
                b_g[k] = 0.0
                for i in range(n):
                    theta_g[k, i] = 0.0
            continue
        if fit_intercept:
            H = np.empty((K, K))
            _intercepts(eta_g, w, count, total, used, b_g[:K], p, wp, top, H)
        for begin in range(0, n, _CHUNK):
            m = min(_CHUNK, n - begin)
            end = begin + m
            _probabilities(eta_g[:, begin:end], b_g[:K], used, p[:, :m], top[:m])
            for k in range(K):
                p_k, y_k, theta_k = p[k], y_g[k, begin:end], theta_g[k, begin:end]
                eta_k, w_k, loss = eta_g[k, begin:end], w[begin:end], 0.0
                for i in range(m):
                    theta_k[i] = w_k[i] * (y_k[i] - p_k[i])
                    if y_k[i] > 0.0:
                        loss += w_k[i] * y_k[i] * (top[i] - eta_k[i] - b_g[k])
                loss_g[k] += loss
        if not fit_intercept:
            continue
        mean, some, largest = 0.0, 0, -np.inf
        for k in range(K):
            if used[k]:
                mean += b_g[k]
                some += 1
                largest = max(largest, b_g[k])
        mean /= some
        odds = 0.0
        for k in range(K):
            if used[k]:
                odds += math.exp(b_g[k] - largest)
        for k in range(K):
            if used[k]:
                b_g[k] -= mean
            else:  # as if half an observation more had been one of this class
                b_g[k] = largest - mean + math.log(odds) - math.log(2.0 * rows + 1.0)


class Multinomial(Loss):
    """``log(sum_k exp(eta_k)) - eta_y``; conjugate at -u: minus the entropy of y - u.

    Parameters
    ----------
    group_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks among the pairs of a task and a class, which are the tasks
        of all else.

    References
    ----------
    Boehning (1992), Multinomial logistic regression algorithm: the bound 1/2 of the
    curvature.
    """

    name = "logistic"
    score = Score("log loss", 1.0, "scores_path_", -1.0)
    about = "Minus the log-likelihood of classes whose log-odds are linear."
    formula = "log(sum_k exp(x_i . w_tk + b_tk)) - (x_i . w_ty + b_ty)"
    curvature = 0.5
    likelihood = True
    classify = True

    group_ptr: np.ndarray

    def __init__(self, group_ptr: np.ndarray):
        object.__setattr__(self, "group_ptr", group_ptr)

    def of_classes(self, group_ptr):
        return self if group_ptr is None else Multinomial(group_ptr)

    def second_derivative(self, y, u):
        p = np.clip(y - u, 0.0, 1.0)
        return p * (1.0 - p)

    def conjugate(self, y, u):
        return -entr(np.maximum(y - u, 0.0))

    def domain(self, y):
        return y - 1.0, y

    def residual(
        self, y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    ):
        multinomial_residual(
            readonly(y),
            readonly(eta),
            readonly(weight),
            readonly(task_ptr),
            readonly(self.group_ptr),
            bool(fit_intercept),
            b,
            theta,
            task_loss,
        )

    def dual_limit(self, y, theta, weight):
        used = weight > 0
        u = theta[used] / weight[used]
        own = y[used] > 0
        # a residual of the wrong sign leaves only the origin; rounding is forgiven
        wrong = max(u[~own].max(initial=0.0), -u[own].min(initial=0.0))
        if not wrong <= _ROUNDING:
            return 0.0
        return 1.0 / max(u[own].max(initial=0.0), _LEAST)
