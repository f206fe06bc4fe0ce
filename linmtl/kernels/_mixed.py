"""Kernels of mixed models: moments and likelihoods of very many small tasks."""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import kernel


@kernel
def small_moments(X, task_ptr, weight, y, centre, mean, H, C):
    """Weighted moments of each task of dense stacked rows, about its means.

    ``y`` is centred where ``centre`` is. Few features: rows are read once, and four of
    them are added to H at a time.
    """
    d = X.shape[1]
    work = np.empty((4, d))
    p, q, r, s = work[0], work[1], work[2], work[3]
    for t in range(task_ptr.size - 1):
        m, Ht, Ct = mean[t], H[t], C[t]
        start, stop = task_ptr[t], task_ptr[t + 1]
        for j in range(d):
            m[j] = 0.0
            Ct[j] = 0.0
            for k in range(d):
                Ht[j, k] = 0.0
        if centre:
            total = 0.0
            for i in range(start, stop):
                w, x = weight[i], X[i]
                total += w
                for j in range(d):
                    m[j] += w * x[j]
            for j in range(d):
                m[j] = m[j] / total if total > 0.0 else 0.0
        fours = start + 4 * ((stop - start) // 4)
        for i in range(start, fours, 4):
            x0, x1, x2, x3 = X[i], X[i + 1], X[i + 2], X[i + 3]
            for j in range(d):
                p[j] = x0[j] - m[j]
                q[j] = x1[j] - m[j]
                r[j] = x2[j] - m[j]
                s[j] = x3[j] - m[j]
            w0, w1, w2, w3 = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
            y0, y1, y2, y3 = y[i], y[i + 1], y[i + 2], y[i + 3]
            for j in range(d):
                a, b, c, e, row = w0 * p[j], w1 * q[j], w2 * r[j], w3 * s[j], Ht[j]
                Ct[j] += a * y0 + b * y1 + c * y2 + e * y3
                for k in range(j + 1):
                    row[k] += a * p[k] + b * q[k] + c * r[k] + e * s[k]
        for i in range(fours, stop):
            x = X[i]
            for j in range(d):
                p[j] = x[j] - m[j]
            for j in range(d):
                a, row = weight[i] * p[j], Ht[j]
                Ct[j] += a * y[i]
                for k in range(j + 1):
                    row[k] += a * p[k]
        for j in range(d):
            for k in range(j):
                Ht[k, j] = Ht[j, k]


@kernel
def small_inverses(H, ridge, work, out, condition):
    """Inverses of ``H_t + ridge_t I``, for small H of no negative eigenvalue.

    By Cholesky factors of eight matrices at once, side by side in every loop: others
    are too short for several numbers at a time. Diagonals are scaled to ones, and
    ``condition`` is the product of the norms of a matrix and its inverse then; NaN of
    those that are singular. ``work`` is (d + 3, d, 8).
    """
    d = H.shape[1]
    scale, before, after, f = work[d], work[d + 1], work[d + 2], np.empty(8)
    for first in range(0, H.shape[0], 8):
        n = min(8, H.shape[0] - first)
        for m in range(8):
            t = first + min(m, n - 1)
            a, r = H[t], ridge[t]
            for i in range(d):
                scale[i, m] = 1.0 / np.sqrt(a[i, i] + r)
                before[i, m] = after[i, m] = 0.0
            for i in range(d):
                for j in range(i):
                    x = a[i, j] * scale[i, m] * scale[j, m]
                    work[i, j, m] = x
                    before[i, m] += abs(x)
                    before[j, m] += abs(x)
                work[i, i, m] = (a[i, i] + r) * scale[i, m] * scale[i, m]
                before[i, m] += work[i, i, m]
        for j in range(d):  # the factor, its diagonal inverted
            pivot = work[j]
            z = pivot[j]
            for k in range(j):
                x = pivot[k]
                for m in range(8):
                    z[m] -= x[m] * x[m]
            for m in range(8):
                z[m] = 1.0 / np.sqrt(z[m])
            for i in range(j + 1, d):
                row = work[i]
                y = row[j]
                for k in range(j):
                    x, u = row[k], pivot[k]
                    for m in range(8):
                        y[m] -= x[m] * u[m]
                for m in range(8):
                    y[m] *= z[m]
        for j in range(d):  # its inverse
            z = work[j, j]
            for i in range(j + 1, d):
                row = work[i]
                y, last = row[j], row[i]
                for m in range(8):
                    f[m] = y[m] * z[m]
                for k in range(j + 1, i):
                    x, u = row[k], work[k, j]
                    for m in range(8):
                        f[m] += x[m] * u[m]
                for m in range(8):
                    y[m] = -f[m] * last[m]
        for i in range(d):
            for j in range(i + 1):
                for m in range(8):
                    f[m] = 0.0
                for k in range(i, d):
                    x, u = work[k, i], work[k, j]
                    for m in range(8):
                        f[m] += x[m] * u[m]
                y, z = after[i], after[j]
                for m in range(8):
                    y[m] += abs(f[m])
                    if i != j:
                        z[m] += abs(f[m])
                for m in range(n):
                    x = f[m] * scale[i, m] * scale[j, m]
                    out[first + m, i, j] = x
                    out[first + m, j, i] = x
        for m in range(n):
            x = y = 0.0
            for i in range(d):  # a NaN stays
                x = x if before[i, m] <= x else before[i, m]
                y = y if after[i, m] <= y else after[i, m]
            condition[first + m] = x * y


@kernel
def marginal(K, c, Sigma, work, N, a):
    """``N_t = (I + K_t Sigma)^-1 K_t``, ``a_t = (I + K_t Sigma)^-1 c_t``.

    By elimination with pivots; returns the sum of the ``log |I + K_t Sigma|``. ``work``
    is (d, 2 d + 1).
    """
    d = Sigma.shape[0]
    width = 2 * d + 1
    log_det = 0.0
    for t in range(K.shape[0]):
        for i in range(d):
            for j in range(d):
                total = 1.0 if i == j else 0.0
                for k in range(d):
                    total += K[t, i, k] * Sigma[k, j]
                work[i, j] = total
                work[i, d + j] = K[t, i, j]
            work[i, 2 * d] = c[t, i]
        size = 1.0
        for i in range(d):
            pivot = i
            for k in range(i + 1, d):
                if abs(work[k, i]) > abs(work[pivot, i]):
                    pivot = k
            if pivot != i:
                size = -size
                for j in range(i, width):
                    kept = work[i, j]
                    work[i, j] = work[pivot, j]
                    work[pivot, j] = kept
            size *= work[i, i]
            for k in range(i + 1, d):
                factor = work[k, i] / work[i, i]
                if factor != 0.0:
                    for j in range(i + 1, width):
                        work[k, j] -= factor * work[i, j]
        log_det += np.log(size)
        for j in range(d, width):
            for i in range(d - 1, -1, -1):
                total = work[i, j]
                for k in range(i + 1, d):
                    total -= work[i, k] * work[k, j]
                work[i, j] = total / work[i, i]
        for i in range(d):
            a[t, i] = work[i, 2 * d]
            for j in range(i + 1):
                half = (work[i, d + j] + work[j, d + i]) / 2
                N[t, i, j] = half
                N[t, j, i] = half
    return log_det
