"""The lasso of one task: Newton steps on the support, signs changed one by one.

Where features are collinear coordinates creep along directions in which the loss is
flat; a linear system on the support does not. Along a direction without curvature the
point moves until a coefficient is zero, so that a support never depends linearly.

Lee, Battle, Raina, Ng (2006), Efficient sparse coding algorithms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

_MAX_STEPS = 10_000
_FLAT = 1e-11  # curvature, relative to that of each coefficient, that is rounding
_ROUNDING = 1e-13  # of a gradient, relative to that at zero
_ACCURACY = 1e-9  # of a bound on the gradient


def lasso_of_tasks(
    H: Sequence[np.ndarray] | np.ndarray,
    G: np.ndarray,
    W: np.ndarray,
    strength: np.ndarray,
    positive: bool,
) -> int:
    """Minimise for each task in place; return the most steps that one took.

    Parameters
    ----------
    H : sequence of ndarray of shape (n_features, n_features)
        The Hessian of each task, or the one that all share.
    G, W : ndarray of shape (n_features, n_tasks)
        Minus the slope of the loss at W, and where to start.
    strength : ndarray of shape (n_features,)
        The strengths.
    positive : bool
        Whether W is restricted to be non-negative.
    """
    steps = 1
    for t in range(W.shape[1]):
        H_t, w = H[t if len(H) > 1 else 0], W[:, t].copy()
        c = G[:, t] + H_t @ w
        done = feature_sign(H_t, c, strength, w, positive, _MAX_STEPS)
        W[:, t], steps = w, max(steps, done)
    return steps


def feature_sign(
    H: np.ndarray,
    c: np.ndarray,
    strength: np.ndarray,
    w: np.ndarray,
    positive: bool,
    max_steps: int,
) -> int:
    """Minimise ``w'Hw / 2 - c'w + strength'|w|`` in place; return the steps taken.

    Parameters
    ----------
    H : ndarray of shape (n, n)
        Positive semi-definite; c lies in its range.
    c, strength : ndarray of shape (n,)
        Minus the slope at zero, and the strengths, > 0.
    w : ndarray of shape (n,)
        Where to start.
    positive : bool
        Whether w is restricted to be non-negative.
    max_steps : int
        Steps at most.
    """
    sign = np.sign(w)
    rounding = _ROUNDING * np.abs(c).max(initial=0.0)
    allowed = _ACCURACY * strength + rounding
    used = [int(j) for j in np.flatnonzero(sign)]
    for step in range(max_steps):
        if used:
            g = c[used] - H[np.ix_(used, used)] @ w[used]
            slope = g - strength[used] * sign[used]
            if np.any(np.abs(slope) > allowed[used]):
                dropped = _step(H, used, slope, sign, w)
                if dropped is None:
                    continue
                w[dropped], sign[dropped] = 0.0, 0.0
                used.remove(dropped)
                continue
        g = c - H[:, used] @ w[used]
        over = (g if positive else np.abs(g)) - strength
        over[used] = -np.inf
        j = int(np.argmax(over / strength))
        if over[j] <= allowed[j]:
            return step
        sign[j] = np.sign(g[j])
        used.append(j)
    return max_steps


def _step(H, used, slope, sign, w):
    """Move towards the minimum for these signs; return the first to become zero."""
    part = H[np.ix_(used, used)]
    size = np.sqrt(np.diag(part))
    size[size == 0] = 1.0
    scaled = part / np.outer(size, size)
    move, full = None, True
    try:
        factor = linalg.cho_factor(scaled, check_finite=False)
        if np.abs(np.diag(factor[0])).min() ** 2 > _FLAT:
            move = linalg.cho_solve(factor, slope / size, check_finite=False) / size
    except linalg.LinAlgError:
        pass
    if move is None:
        _, Q = np.linalg.eigh(scaled)
        move, full = Q[:, 0] / size, False  # the flattest direction, downwards
        if slope @ move < 0:
            move = -move
    at, s = w[used], sign[used]
    inward = s * move < 0
    reach = np.full(len(used), np.inf)
    np.divide(-at, move, out=reach, where=inward)
    first = int(np.argmin(reach))
    if full and reach[first] >= 1.0:
        w[used] = at + move
        return None
    if not np.isfinite(reach[first]):  # all rounding: there is nowhere to go
        return used[int(np.argmin(np.abs(at)))]
    w[used] = at + reach[first] * move
    return used[first]
