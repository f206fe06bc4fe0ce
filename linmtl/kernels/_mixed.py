"""Kernels of mixed models: moments and likelihoods of very many small tasks."""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import kernel


@kernel
def small_moments(X, task_ptr, weight, y, centre, mean, H, C):
    """Weighted moments of each task of dense stacked rows, about its means.

    ``y`` is centred where ``centre`` is. Few features: rows are read once.
    """
    d = X.shape[1]
    for t in range(task_ptr.size - 1):
        m, Ht, Ct = mean[t], H[t], C[t]
        for j in range(d):
            m[j] = 0.0
            Ct[j] = 0.0
            for k in range(d):
                Ht[j, k] = 0.0
        if centre:
            total = 0.0
            for i in range(task_ptr[t], task_ptr[t + 1]):
                total += weight[i]
                for j in range(d):
                    m[j] += weight[i] * X[i, j]
            for j in range(d):
                m[j] = m[j] / total if total > 0.0 else 0.0
        for i in range(task_ptr[t], task_ptr[t + 1]):
            for j in range(d):
                moved = weight[i] * (X[i, j] - m[j])
                Ct[j] += moved * y[i]
                for k in range(j + 1):
                    Ht[j, k] += moved * (X[i, k] - m[k])
        for j in range(d):
            for k in range(j):
                Ht[k, j] = Ht[j, k]


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
