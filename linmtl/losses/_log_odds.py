"""Kernels of the losses whose linear predictors are log-odds."""

from __future__ import annotations

import math

import numpy as np

from linmtl.kernels._jit import kernel, reduction

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
# of the intercepts of several classes
_LONGEST_STEP = 2.0  # of Newton's method
_STEP_TOL = 1e-8  # a step this small is the last: the error after it is its square
_MAX_STEPS = 1000
_PIVOT = 1e-10  # of the curvature that a class has by itself: less is rounding
_ROUNDING = 1e-15  # of a slope that is none, relative to the weights
_SLACK = 1e-14  # of a loss that does not go up


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


@kernel
def _exponentials(x, e, bits):
    """exp(x) for x <= 0, several at once."""
    power = bits.view(np.float64)
    for i in range(x.size):
        a = -x[i] if -x[i] < _LARGEST_MARGIN else _LARGEST_MARGIN
        k = np.floor(0.5 - a * _PER_LOG_2)
        e[i] = _exp_series((-a - k * _LOG_2_HIGH) - k * _LOG_2_LOW)
        e[i] = e[i] if x[i] == x[i] else x[i]  # NaN stays NaN
        bits[i] = (np.int64(np.int32(k)) + 1023) << 52  # the number 2^k, or 0
    for i in range(x.size):
        e[i] *= power[i]


@reduction
def _product(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@kernel
def _probabilities(eta, b, used, first, last, p, lse, work, bits):
    """Write the probabilities of some rows of a task, and ``log(sum_k exp(eta_k))``.

    Of ``eta`` and ``p`` the classes follow each other, each with all rows.
    """
    n, rows = lse.size, last - first
    top, total, x = work[0, :rows], work[1, :rows], work[2, :rows]
    for i in range(rows):
        top[i] = -np.inf
        total[i] = 0.0
    for k in range(used.size):
        if used[k]:
            eta_k, b_k = eta[k * n + first : k * n + last], b[k]
            for i in range(rows):
                value = eta_k[i] + b_k
                top[i] = top[i] if top[i] > value else value
    for k in range(used.size):
        p_k = p[k * n + first : k * n + last]
        if not used[k]:
            for i in range(rows):
                p_k[i] = 0.0
            continue
        eta_k, b_k = eta[k * n + first : k * n + last], b[k]
        for i in range(rows):
            x[i] = eta_k[i] + b_k - top[i]
        _exponentials(x, p_k, bits[:rows])
        for i in range(rows):
            total[i] += p_k[i]
    out = lse[first:last]
    _logs(total, x, out)
    for i in range(rows):
        out[i] += top[i]
        total[i] = 1.0 / total[i]
    for k in range(used.size):
        p_k = p[k * n + first : k * n + last]
        for i in range(rows):
            p_k[i] *= total[i]


@kernel
def _class_moments(eta, b, used, weight, p, lse, work, bits, s, H):
    """Write probabilities, their sums and those of their products, for one task.

    Return the sum of the ``log(sum_k exp(eta_k))``.
    """
    K, n = used.size, weight.size
    value = 0.0
    for k in range(K):
        s[k] = 0.0
        for j in range(k + 1):
            H[k, j] = 0.0
    for first in range(0, n, _CHUNK):
        last = min(first + _CHUNK, n)
        w, wp = weight[first:last], work[3, : last - first]
        _probabilities(eta, b, used, first, last, p, lse, work, bits)
        value += _product(w, lse[first:last])
        for k in range(K):
            p_k = p[k * n + first : k * n + last]
            for i in range(wp.size):
                wp[i] = w[i] * p_k[i]
            s[k] += _product(w, p_k)
            for j in range(k + 1):
                H[k, j] += _product(wp, p[j * n + first : j * n + last])
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
def _class_intercepts(eta, weight, count, total, used, b, p, lse, work, bits, move):
    """Move b to the best intercepts of the classes of one task.

    By Newton's method. Where its step is long, or leads up, classes get what they lack:
    ``b_k += log(count_k / sum of the p_k)``, which is the minimum of a bound of the
    loss and never leads up.

    ``p`` and ``lse`` are those before the last move, which is small.
    """
    K = used.size
    s, g, before, s_before = np.empty(K), np.empty(K), np.empty(K), np.empty(K)
    H, last, newton = np.empty((K, K)), np.inf, False
    for _ in range(_MAX_STEPS):
        value = _class_moments(eta, b, used, weight, p, lse, work, bits, s, H)
        largest = 0.0
        for k in range(K):
            value -= count[k] * b[k]
            g[k] = count[k] - s[k] if used[k] else 0.0
            largest = max(largest, abs(g[k]))
        if not largest > _ROUNDING * total:
            for k in range(K):
                move[k] = 0.0
            return
        if newton and not value <= last + _SLACK * (abs(last) + total):
            for k in range(K):
                b[k], s[k] = before[k], s_before[k]
            newton = False
        else:
            last = value
            for k in range(K):
                before[k], s_before[k] = b[k], s[k]
            newton = _newton_step(s, g, H, used, total, move)
        largest = 0.0
        for k in range(K):
            if not newton:
                move[k] = 0.0
                if used[k]:
                    move[k] = math.log(count[k] / max(s[k], _LEAST_PROBABILITY))
            b[k] += move[k]
            largest = max(largest, abs(move[k]))
        if newton and largest <= _STEP_TOL:
            return
    for k in range(K):
        move[k] = 0.0
    _class_moments(eta, b, used, weight, p, lse, work, bits, s, H)


@kernel
def _to_residuals(y, eta, weight, b, move, begin, end, p, lse, work, loss):
    """Turn probabilities of some rows into residuals; add to the loss of each class.

    Probabilities and `lse` are those before the last move of the intercepts, which is
    small: they follow it to first order.
    """
    n, m = weight.size, end - begin
    w, lse_m = weight[begin:end], lse[begin:end]
    mean, each = work[0, :m], work[1, :m]
    for i in range(m):
        mean[i] = 0.0
    for k in range(b.size):
        p_k = p[k * n + begin : k * n + end]
        for i in range(m):
            mean[i] += p_k[i] * move[k]
    for k in range(b.size):
        part = slice(k * n + begin, k * n + end)
        p_k, y_k, eta_k = p[part], y[part], eta[part]
        for i in range(m):
            each[i] = y_k[i] * (lse_m[i] + mean[i] - eta_k[i] - b[k])
            p_k[i] = w[i] * (y_k[i] - p_k[i] * (1.0 + (move[k] - mean[i])))
        loss[k] += _product(w, each)


@kernel
def _centre_intercepts(b, used, rows):
    """Let the intercepts of the classes in use sum to zero, and set the others.

    A class without rows gets one as if half an observation more had been of it.
    """
    mean, some, largest = 0.0, 0, -np.inf
    for k in range(b.size):
        if used[k]:
            mean += b[k]
            some += 1
            largest = max(largest, b[k])
    mean /= some
    odds = 0.0
    for k in range(b.size):
        if used[k]:
            odds += math.exp(b[k] - largest)
    for k in range(b.size):
        if used[k]:
            b[k] -= mean
        else:
            b[k] = largest - mean + math.log(odds) - math.log(2.0 * rows + 1.0)


@kernel
def multinomial_residual(
    y, eta, weight, task_ptr, group_ptr, fit_intercept, b, theta, task_loss
):
    work, bits, most = np.empty((4, _CHUNK)), np.empty(_CHUNK, np.int64), 0
    for g in range(group_ptr.size - 1):
        first = group_ptr[g]
        most = max(most, task_ptr[first + 1] - task_ptr[first])
    lse_all = np.empty(most)
    for g in range(group_ptr.size - 1):
        first, K = group_ptr[g], group_ptr[g + 1] - group_ptr[g]
        start, n = task_ptr[first], task_ptr[first + 1] - task_ptr[first]
        stop = start + K * n
        y_g, eta_g = y[start:stop], eta[start:stop]
        p = theta[start:stop]  # the residuals take their place
        w, lse = weight[start : start + n], lse_all[:n]
        b_g, loss_g = b[first : first + K], task_loss[first : first + K]
        count, used, move = np.empty(K), np.empty(K, np.bool_), np.zeros(K)
        total, rows = 0.0, 0
        for i in range(n):
            total += w[i]
            rows += w[i] > 0.0
        for k in range(K):
            count[k] = _product(w, y_g[k * n : (k + 1) * n])
            # of a class without rows the best intercept is infinite
            used[k] = count[k] > 0.0 or not fit_intercept
            b_g[k] = b_g[k] if fit_intercept and used[k] else 0.0
            loss_g[k] = 0.0
        if total == 0.0:
            for k in range(K):
                b_g[k] = 0.0
            for i in range(p.size):
                p[i] = 0.0
            continue
        if fit_intercept:
            _class_intercepts(
                eta_g, w, count, total, used, b_g, p, lse, work, bits, move
            )
        for begin in range(0, n, _CHUNK):
            end = min(begin + _CHUNK, n)
            if not fit_intercept:
                _probabilities(eta_g, b_g, used, begin, end, p, lse, work, bits)
            _to_residuals(y_g, eta_g, w, b_g, move, begin, end, p, lse, work, loss_g)
        if fit_intercept:
            _centre_intercepts(b_g, used, rows)
