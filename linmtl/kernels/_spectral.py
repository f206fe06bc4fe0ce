"""Eigenvectors of small matrices, where LAPACK is mostly overhead, and thresholds.

Everything runs along rows: eigenvectors are held in rows, and rotations are of two of
them.

Golub, Van Loan (2013), Matrix Computations, sections 8.3.1 and 8.3.3.
"""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import kernel, reduction

_EPS = float(np.finfo(float).eps)
_MOST_SWEEPS = 60  # for one eigenvalue; some two are needed


@reduction
def tridiagonalise(A, Q, d, e, v, q):
    """Make A tridiagonal, ``Q A Q'`` with the diagonal d and e beside it.

    A is overwritten; the first entry of e is not used. By Householder reflections, of
    which the vectors are kept in the rows of A until Q is made of them.
    """
    n = d.size
    for k in range(n - 2):
        m = n - k - 1
        x, u, p = A[k, k + 1 :], v[:m], q[:m]
        square = 0.0
        for i in range(1, m):
            square += x[i] * x[i]
        d[k] = 0.0  # twice over the square of the vector, for now
        e[k + 1] = x[0]
        if square == 0.0:
            continue
        norm = np.sqrt(square + x[0] * x[0])
        e[k + 1] = -norm if x[0] > 0.0 else norm
        for i in range(m):
            u[i] = x[i]
        u[0] -= e[k + 1]
        x[0] = u[0]
        twice = 2.0 / (square + u[0] * u[0])
        d[k] = twice
        along = 0.0
        for i in range(m):
            row = A[k + 1 + i, k + 1 :]
            total = 0.0
            for j in range(m):
                total += row[j] * u[j]
            p[i] = twice * total
            along += p[i] * u[i]
        along *= twice / 2.0
        for i in range(m):
            p[i] -= along * u[i]
        for i in range(m):
            row = A[k + 1 + i, k + 1 :]
            a, b = u[i], p[i]
            for j in range(m):
                row[j] -= a * p[j] + b * u[j]
    if n > 1:
        e[n - 1] = A[n - 2, n - 1]
    for i in range(n):
        for j in range(n):
            Q[i, j] = 0.0
        Q[i, i] = 1.0
    for k in range(n - 3, -1, -1):
        twice = d[k]
        if twice == 0.0:
            continue
        u = A[k, k + 1 :]
        for i in range(k + 1, n):
            row = Q[i, k + 1 :]
            total = 0.0
            for j in range(u.size):
                total += row[j] * u[j]
            total *= twice
            for j in range(u.size):
                row[j] -= total * u[j]
    for k in range(n):
        d[k] = A[k, k]


@reduction
def small_eigh(A, Q, d, e, v, q):
    """Write the eigenvalues of a symmetric A into d, the vectors into the rows of Q.

    Ascending. A is overwritten; e, v and q are work space of its side. By implicit QL
    steps; returns whether they have converged, as they do unless numbers are not
    finite.
    """
    n = d.size
    tridiagonalise(A, Q, d, e, v, q)
    for i in range(1, n):
        e[i - 1] = e[i]
    if n > 0:
        e[n - 1] = 0.0
    for first in range(n):
        for sweep in range(_MOST_SWEEPS + 1):
            last = first
            while last < n - 1:
                if abs(e[last]) <= _EPS * (abs(d[last]) + abs(d[last + 1])):
                    break
                last += 1
            if last == first:
                break
            if sweep == _MOST_SWEEPS:
                return False
            # the shift is the eigenvalue of the first block of two that is nearer
            g = (d[first + 1] - d[first]) / (2.0 * e[first])
            r = np.sqrt(g * g + 1.0)
            g = d[last] - d[first] + e[first] / (g + (r if g >= 0.0 else -r))
            sine = cosine = 1.0
            taken = 0.0
            whole = True
            for i in range(last - 1, first - 1, -1):
                f, b = sine * e[i], cosine * e[i]
                r = np.sqrt(f * f + g * g)
                e[i + 1] = r
                if r == 0.0:  # the matrix comes apart here
                    d[i + 1] -= taken
                    e[last] = 0.0
                    whole = False
                    break
                sine, cosine = f / r, g / r
                g = d[i + 1] - taken
                r = (d[i] - g) * sine + 2.0 * cosine * b
                taken = sine * r
                d[i + 1] = g + taken
                g = cosine * r - b
                upper, lower = Q[i], Q[i + 1]
                for k in range(n):
                    a, c = upper[k], lower[k]
                    lower[k] = sine * a + cosine * c
                    upper[k] = cosine * a - sine * c
            if whole:
                d[first] -= taken
                e[first] = g
                e[last] = 0.0
    for i in range(n - 1):  # most are in order
        least = i
        for j in range(i + 1, n):
            if d[j] < d[least]:
                least = j
        if least != i:
            d[i], d[least] = d[least], d[i]
            upper, lower = Q[i], Q[least]
            for k in range(n):
                upper[k], lower[k] = lower[k], upper[k]
    return True


@kernel
def threshold(s, less, more):
    """The t with ``t (k + more) = sum of the k entries above t - less``, or 0.

    What soft thresholding with t leaves of non-negative entries sums to ``less + more
    t``. From a t that is too small, those above it lead to a larger one.
    """
    t = 0.0
    before = -1
    while True:
        total = 0.0
        count = 0
        for i in range(s.size):
            if s[i] > t:
                total += s[i]
                count += 1
        if count == before or count + more <= 0.0:
            return t
        before = count
        t = max((total - less) / (count + more), 0.0)
