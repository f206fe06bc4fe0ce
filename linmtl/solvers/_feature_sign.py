"""The lasso of one task: Newton steps on the support, signs changed one by one.

Where features are collinear coordinates creep along directions in which the loss is
flat; a linear system on the support does not. Along a direction without curvature the
point moves until a coefficient is zero, so that a support never depends linearly.

Lee, Battle, Raina, Ng (2006), Efficient sparse coding algorithms.
"""

from __future__ import annotations

import math

import numpy as np

from linmtl.kernels._jit import inlined, kernel, readonly, reduction

_MAX_STEPS = 10_000
_FLAT = 1e-11  # curvature, relative to that of each coefficient, that is rounding
_ROUNDING = 1e-13  # of a gradient, relative to that at zero
_ACCURACY = 1e-9  # of a bound on the gradient


def lasso_of_tasks(
    H: np.ndarray,
    G: np.ndarray,
    W: np.ndarray,
    strength: np.ndarray,
    positive: bool,
) -> int:
    """Minimise for each task in place; return the most steps that one took.

    Parameters
    ----------
    H : ndarray of shape (1 or n_tasks, n_features, n_features)
        The Hessian of each task, or the one that all share.
    G, W : ndarray of shape (n_features, n_tasks)
        Minus the slope of the loss at W, and where to start.
    strength : ndarray of shape (n_features,)
        The strengths, > 0.
    positive : bool
        Whether W is restricted to be non-negative.
    """
    Wt = np.ascontiguousarray(W.T)
    C = (H @ Wt[:, :, None])[:, :, 0] + G.T
    steps = _solve(H, np.zeros(len(W)), 0.0, 0.0, C, strength, Wt, positive)
    W[:] = Wt.T
    return steps


def lasso_without_row(
    H: np.ndarray,
    x: np.ndarray,
    weight: float,
    ridge: float,
    C: np.ndarray,
    strength: np.ndarray,
    W: np.ndarray,
    positive: bool,
) -> int:
    """Minimise for each task without a row, in place; return the most steps of one.

    The Hessian is ``H - weight * x x' + ridge * I``, which is never written out.

    Parameters
    ----------
    H : ndarray of shape (1 or n_tasks, n_features, n_features)
        The Hessian of each task with the row, or the one that all share.
    x : ndarray of shape (n_features,)
        The row.
    weight, ridge : float
        The weight of the row, and what is added to the diagonal.
    C : ndarray of shape (n_tasks, n_features)
        Minus the slope at zero, without the row.
    strength : ndarray of shape (n_features,)
        The strengths, > 0.
    W : ndarray of shape (n_features, n_tasks)
        Where to start.
    positive : bool
        Whether W is restricted to be non-negative.
    """
    Wt = np.ascontiguousarray(W.T)
    steps = _solve(H, x, float(weight), float(ridge), C, strength, Wt, positive)
    W[:] = Wt.T
    return steps


def _solve(H, x, weight, ridge, C, strength, Wt, positive):
    n = x.size
    return feature_signs(
        readonly(np.ascontiguousarray(H, dtype=float)),
        readonly(np.ascontiguousarray(x, dtype=float)),
        weight,
        ridge,
        readonly(C),
        readonly(strength),
        Wt,
        bool(positive),
        _MAX_STEPS,
        np.empty((n, n)),
        np.empty((4, n)),
        np.empty(n, dtype=np.int64),
    )


@reduction
def product(a, b, size):
    total = 0.0
    for i in range(size):
        total += a[i] * b[i]
    return total


@kernel
def add_row(L, H, x, weight, ridge, used, k):
    """Factorise one more row and column; return what is left of its diagonal.

    They are those of H - weight * x x' + ridge * I.
    """
    row, of_feature, times = L[k], H[used[k]], weight * x[used[k]]
    for i in range(k):
        entry = of_feature[used[i]] - times * x[used[i]]
        row[i] = (entry - product(row, L[i], i)) / L[i, i]
    left = of_feature[used[k]] - times * x[used[k]] + ridge - product(row, row, k)
    row[k] = math.sqrt(left) if left > 0.0 else 0.0
    return left


@inlined
def solve_transposed(L, k, x):
    """Solve with the transpose of the k first rows of L, in place."""
    for a in range(k):
        i = k - 1 - a
        x[i] /= L[i, i]
        for j in range(i):
            x[j] -= L[i, j] * x[i]


@kernel
def feature_sign(
    H, x, weight, ridge, c, strength, w, positive, max_steps, L, work, used
):
    """Minimise ``w'Aw / 2 - c'w + strength'|w|`` in place; return the steps taken.

    ``A = H - weight * x x' + ridge * I`` (n, n) is positive semi-definite, c (n,) minus
    the slope at zero lies in its range, and the strengths (n,) are > 0. L (n, n), work
    (4, n) and used (n,) are written to. The factor of A on the support is kept as far
    as its order stays.
    """
    sign, at, slope, move = work
    n, k, factored, size = w.size, 0, 0, 0.0
    for j in range(n):
        size = max(size, abs(c[j]))
        sign[j] = np.sign(w[j])  # zero outside the support
        if w[j] != 0.0:
            used[k] = j
            k += 1
    for step in range(max_steps):
        for a in range(k):
            at[a] = w[used[a]]
        along = 0.0
        for a in range(k):
            along += weight * x[used[a]] * at[a]
        settled = True
        for a in range(k):
            j = used[a]
            total = ridge * at[a] - x[j] * along
            for b in range(k):
                total += H[j, used[b]] * at[b]
            slope[a] = c[j] - total - strength[j] * sign[j]
            if abs(slope[a]) > _ACCURACY * strength[j] + _ROUNDING * size:
                settled = False
        if settled:
            best, worst, side = -1, 0.0, 0.0
            for j in range(n):
                if sign[j] != 0.0:
                    continue
                g = c[j] + x[j] * along
                for b in range(k):
                    g -= H[j, used[b]] * at[b]
                over = (g if positive else abs(g)) - strength[j]
                allowed = _ACCURACY * strength[j] + _ROUNDING * size
                if over > allowed and over > worst * strength[j]:
                    best, worst, side = j, over / strength[j], np.sign(g)
            if best < 0:
                return step
            used[k], sign[best] = best, side
            k += 1
            continue
        full = True
        while full and factored < k:
            j = used[factored]
            own = H[j, j] - weight * x[j] * x[j] + ridge
            if add_row(L, H, x, weight, ridge, used, factored) > _FLAT * own:
                factored += 1
            else:
                full = False
        if full:  # to the minimum for these signs
            for a in range(k):
                move[a] = (slope[a] - product(L[a], move, a)) / L[a, a]
            solve_transposed(L, k, move)
        else:  # downwards along the direction that is flat
            for a in range(k):
                move[a] = -L[factored, a] if a < factored else 0.0
            solve_transposed(L, factored, move)
            move[factored] = 1.0
            if product(slope, move, factored + 1) < 0.0:
                for a in range(factored + 1):
                    move[a] = -move[a]
        first, reach, least = -1, np.inf, 0
        for a in range(k):
            if abs(at[a]) < abs(at[least]):
                least = a
            if sign[used[a]] * move[a] < 0.0 and -at[a] / move[a] < reach:
                first, reach = a, -at[a] / move[a]
        if full and reach >= 1.0:
            for a in range(k):
                w[used[a]] = at[a] + move[a]
            continue
        if first < 0:  # all rounding: there is nowhere to go
            first, reach = least, 0.0
        for a in range(k):
            w[used[a]] = at[a] + reach * move[a]
        j = used[first]
        w[j], sign[j] = 0.0, 0.0
        k -= 1
        for a in range(first, k):
            used[a] = used[a + 1]
        factored = min(factored, first)
    return max_steps


@kernel
def feature_signs(
    H, x, weight, ridge, C, strength, Wt, positive, max_steps, L, work, used
):
    """Run `feature_sign` on each row of C and Wt; return the most steps, or 1."""
    steps = 1
    for t in range(len(Wt)):
        H_t = H[t if len(H) > 1 else 0]
        at = x, weight, ridge, C[t], strength, Wt[t]
        done = feature_sign(H_t, *at, positive, max_steps, L, work, used)
        steps = max(steps, done)
    return steps
