"""Differences of consecutive tasks: coefficients that are constant in pieces.

Beside `Fused` this file holds its sum with L1 and L21, whose prox is one after the
other: total variation, soft threshold, shrinkage of the row.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.kernels._jit import kernel, readonly
from linmtl.penalties._base import Penalty
from linmtl.penalties._chains import Chains, Ordered
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._parameters import (
    check_feature_weight,
    row_steps,
    row_strength,
    with_features,
)

_MOST_SWEEPS = 200  # of a descent: where it creeps, others do not


@kernel
def emit(y, start, stop, offset, mean, out):
    """Write the slope of the string from `start` to `stop` into `out`."""
    length = stop - start
    height = offset
    for t in range(start, stop):
        height += y[t] - mean
    slope = mean + height / length
    for t in range(start, stop):
        out[t] = slope


@kernel
def taut_string(y, strength, total, upper, lower, out):
    """Minimise ``||x - y||^2 / 2 + strength * sum_t |x_t - x_t+1|``.

    The running sums of x are the shortest string through a tube of radius `strength`
    around those of y, fixed at both ends. From the last knot on, `upper` holds the
    greatest convex curve below the upper wall and `lower` the least concave one above
    the lower wall; where one of them is a single segment and crosses the other, the
    string bends at the first knot of the other. Sums are those of ``y - mean(y)``.
    The work space has one more entry than y.
    """
    n = y.size
    if strength == 0.0:
        for t in range(n):
            out[t] = y[t]
        return
    mean = 0.0
    for t in range(n):
        mean += y[t]
    mean /= n
    if not abs(mean) < np.inf:
        for t in range(n):
            out[t] = np.nan
        return
    total[0] = 0.0
    widest = 0.0
    for t in range(n):
        total[t + 1] = total[t] + (y[t] - mean)
        if t < n - 1:
            widest = max(widest, abs(total[t + 1]))
    if strength >= widest:
        for t in range(n):
            out[t] = mean
        return
    apex = 0
    side = 0  # of the last knot: on the upper wall 1, on the lower -1, an end 0
    u_head = 0
    u_tail = 0
    l_head = 0
    l_tail = 0
    for k in range(1, n + 1):
        width = 1 if k < n else 0
        base = total[apex] + side * strength
        high = total[k] + width * strength
        low = total[k] - width * strength
        while u_tail > u_head:  # keep the upper curve convex
            last = upper[u_tail - 1]
            before = apex
            start = base
            if u_tail - u_head > 1:
                before = upper[u_tail - 2]
                start = total[before] + strength
            top = total[last] + strength
            if (top - start) * (k - last) < (high - top) * (last - before):
                break
            u_tail -= 1
        upper[u_tail] = k
        u_tail += 1
        while l_tail > l_head:  # keep the lower curve concave
            last = lower[l_tail - 1]
            before = apex
            start = base
            if l_tail - l_head > 1:
                before = lower[l_tail - 2]
                start = total[before] - strength
            bottom = total[last] - strength
            if (bottom - start) * (k - last) > (low - bottom) * (last - before):
                break
            l_tail -= 1
        lower[l_tail] = k
        l_tail += 1
        while u_tail - u_head == 1 and lower[l_head] < k:
            knot = lower[l_head]
            bottom = total[knot] - strength
            if (bottom - base) * (k - apex) <= (high - base) * (knot - apex):
                break
            emit(y, apex, knot, (-1 - side) * strength, mean, out)
            apex, side, base = knot, -1, bottom
            l_head += 1
        while l_tail - l_head == 1 and upper[u_head] < k:
            knot = upper[u_head]
            top = total[knot] + strength
            if (top - base) * (k - apex) >= (low - base) * (knot - apex):
                break
            emit(y, apex, knot, (1 - side) * strength, mean, out)
            apex, side, base = knot, 1, top
            u_head += 1
    emit(y, apex, n, -side * strength, mean, out)


@kernel
def fused_row(v, entry, fused, row, ptr, total, upper, lower, out):
    """Prox of a row of the composition; NaN anywhere makes it NaN.

    ``ptr`` has the bounds of the chains within which entries follow each other.
    """
    for c in range(ptr.size - 1):
        start, stop = ptr[c], ptr[c + 1]
        taut_string(v[start:stop], fused, total, upper, lower, out[start:stop])
    square = 0.0
    for t in range(v.size):
        x = out[t]
        if x > entry:
            x -= entry
        elif x < -entry:
            x += entry
        elif x == x:
            x = 0.0
        out[t] = x
        square += x * x
    norm = math.sqrt(square)
    if row > 0.0:
        factor = 0.0 if norm <= row else 1.0 - row / norm
        for t in range(v.size):
            out[t] *= factor


@kernel
def fused_value(w, entry, fused, row, ptr):
    """Penalty of a row."""
    square = 0.0
    size = 0.0
    for t in range(w.size):
        square += w[t] * w[t]
        size += abs(w[t])
    variation = 0.0
    for c in range(ptr.size - 1):
        start, stop = ptr[c], ptr[c + 1]
        before, after = w[start : stop - 1], w[start + 1 : stop]
        for t in range(after.size):
            variation += abs(after[t] - before[t])
    return entry * size + fused * variation + row * math.sqrt(square)


@kernel
def fused_rows(V, step, entry, fused, row, ptr, total, upper, lower, out):
    """`fused_row` of each row, one step per row; returns the penalty at `out`."""
    value = 0.0
    for j in range(V.shape[0]):
        a, b, c = step[j] * entry[j], step[j] * fused[j], step[j] * row[j]
        fused_row(V[j], a, b, c, ptr, total, upper, lower, out[j])
        value += fused_value(out[j], entry[j], fused[j], row[j], ptr)
    return value


@kernel
def fused_dual(G, entry, fused, row, ptr, total, upper, lower, p):
    """The smallest s whose prox is zero in every row, rounded up.

    With p the prox of a row g, ``<g, p> / penalty(p)`` is a lower bound of it, and the
    point to which Newton's method on the distance of g to the dual ball moves. It
    climbs until the prox is zero; what rounding then lacks is added. Rows without a
    penalty are left out.
    """
    s = 0.0
    for j in range(G.shape[0]):
        if entry[j] + fused[j] + row[j] == 0.0:
            continue
        excess = 1e-15
        found = False
        for _ in range(200):
            a, b, c = s * entry[j], s * fused[j], s * row[j]
            fused_row(G[j], a, b, c, ptr, total, upper, lower, p)
            inner = 0.0
            zero = True
            for t in range(p.size):
                inner += G[j, t] * p[t]
                zero = zero and p[t] == 0.0
            if zero:
                found = True
                break
            if not abs(inner) < np.inf:
                return abs(inner)
            size = fused_value(p, entry[j], fused[j], row[j], ptr)
            if size == 0.0:  # a level that nothing penalises
                return np.inf
            bound = inner / size
            if bound > s * (1.0 + excess):
                s = bound
            else:
                s *= 1.0 + excess
                excess *= 2.0
        if not found:  # the sums of squares are beyond the range of numbers
            return np.inf
    return s


@kernel
def fused_terms(W, G, C, entry, fused, row, ptr):
    """<W, G>, <W, C> and the penalty at W."""
    inner, fitted, value = 0.0, 0.0, 0.0
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            inner += W[j, t] * G[j, t]
            fitted += W[j, t] * C[j, t]
        value += fused_value(W[j], entry[j], fused[j], row[j], ptr)
    return inner, fitted, value


@kernel
def extrapolate(W, G, C, entry, fused, row, ptr, last_W, last_G, new_W, new_G):
    """Move to the least of the loss on the line through the last point, if that falls.

    Where coordinates creep they do along a line. The gradients at both points tell its
    curvature, and the gradient anywhere on it.
    """
    slope, curvature = 0.0, 0.0
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            move = W[j, t] - last_W[j, t]
            slope += G[j, t] * move
            curvature += (last_G[j, t] - G[j, t]) * move
    if not (curvature > 0.0 and slope > 0.0):
        return
    inner, fitted, value = fused_terms(W, G, C, entry, fused, row, ptr)
    best = value - 0.5 * (inner + fitted)
    step = slope / curvature
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            new_W[j, t] = W[j, t] + step * (W[j, t] - last_W[j, t])
            new_G[j, t] = G[j, t] + step * (G[j, t] - last_G[j, t])
    inner, fitted, value = fused_terms(new_W, new_G, C, entry, fused, row, ptr)
    if value - 0.5 * (inner + fitted) < best:
        for j in range(W.shape[0]):
            for t in range(W.shape[1]):
                W[j, t] = new_W[j, t]
                G[j, t] = new_G[j, t]


@kernel
def fused_descent(
    H, W, G, C, square, strengths, ptr, target, most, strings, v, p, last, new
):
    """Block coordinate descent of least squares and the composition, to a gap.

    H is (1, k, k), shared by all tasks, or (T, k, k); W (k, T) and the negative
    gradient G of the least squares at W are updated in place, C is that at zero. A row
    takes a step of its largest curvature. ``square`` is that of the targets, what
    follows ``most`` is work space. Returns the sweeps, one more than ``most`` where
    they were too few.
    """
    k, T = W.shape
    entry, fused, row = strengths
    total, upper, lower = strings
    own = H.shape[0] > 1
    for epoch in range(most + 1):
        if epoch % 4 == 0 or epoch == most:
            if epoch > 0:
                extrapolate(
                    W, G, C, entry, fused, row, ptr, last[0], last[1], new[0], new[1]
                )
            inner, fitted, value = fused_terms(W, G, C, entry, fused, row, ptr)
            residual, linear = square - fitted - inner, square - fitted
            size = fused_dual(G, entry, fused, row, ptr, total, upper, lower, p)
            scale = 1.0 / size if size > 1.0 else 1.0
            if residual > 0.0 and linear > 0.0:
                scale = min(scale, linear / residual)
            gap = 0.5 * residual + value
            gap -= scale * linear - 0.5 * scale * scale * residual
            if gap <= target:
                return epoch
        for j in range(k):
            for t in range(T):
                last[0, j, t] = W[j, t]
                last[1, j, t] = G[j, t]
        for j in range(k):
            top = 0.0
            for t in range(T):
                curvature = H[t if own else 0, j, j]
                top = curvature if curvature > top else top
            if top == 0.0:
                continue
            for t in range(T):
                v[t] = W[j, t] + G[j, t] / top
            a, b, c = entry[j] / top, fused[j] / top, row[j] / top
            fused_row(v, a, b, c, ptr, total, upper, lower, p)
            for t in range(T):
                change = p[t] - W[j, t]
                if change != 0.0:
                    W[j, t] = p[t]
                    s = t if own else 0
                    for i in range(k):
                        G[i, t] -= H[s, j, i] * change
    return most + 1


class Fused(Ordered):
    """``alpha * sum_j weight_j * sum_t |W_j,t - W_j,t+1|`` over ordered tasks.

    Coefficients change at few of the steps from a task to the next: tasks in the order
    of time, dose or place. The level of a feature is left free, so that it needs `L1`
    or `L21` beside it: ``L1(0.01) + Fused(0.1)``.
    Of more than two classes the changes are those of each class, from a task that has
    it to the next one that does.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised.

    See Also
    --------
    FusedSparseGroup : Together with L1 and L21.
    TemporalGroup : Squared differences of consecutive tasks, with L21.

    References
    ----------
    Tibshirani, Saunders, Rosset, Zhu, Knight (2005), Sparsity and smoothness via the
    fused lasso.
    The prox is a taut string: Davies, Kovac (2001), Local extremes, runs, strings and
    multiresolution.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import Fused
    >>> float(Fused(alpha=0.5).value(np.array([[1.0, 1.0, 4.0], [2.0, 2.0, 2.0]])))
    1.5
    """

    row_separable: ClassVar[bool] = True

    joins = "L1, L21 or both"

    def __init__(self, alpha: float = 1.0, *, feature_weight: ArrayLike | None = None):
        self.alpha = alpha
        self.feature_weight = feature_weight

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        # without changes at all a feature is not left out
        check_feature_weight(self, n_features, excludes=False)

    def joined(self, others):
        kinds: dict[type, Any] = {type(other): other for other in others}
        if len(kinds) == len(others) and kinds.keys() <= {L1, L21}:
            return FusedSparseRows(kinds.get(L1), self, kinds.get(L21))
        return super().joined(others)

    def value(self, W):
        variation = self.chains_of(W.shape[1]).changes(W)
        return float(row_strength(self, W.shape[0]) @ variation)

    def prox(self, V, step, out):
        none = np.zeros(V.shape[0])
        strengths = none, row_strength(self, V.shape[0]), none
        return _prox(V, step, strengths, self.chains, out)

    def prox_naive(self, V, step):
        threshold = (step * row_strength(self, V.shape[0])).tolist()
        chains, out = self.chains_of(V.shape[1]), np.empty(V.shape)
        for columns in np.split(chains.order, chains.ptr[1:-1]):
            for j, strength in enumerate(threshold):
                out[j, columns] = _fuse(V[j, columns], strength)
        return out

    def dual_norm(self, G):
        raise ValueError(_LEVEL)

    def free_rows(self, n_features):
        return row_strength(self, n_features) == 0


_LEVEL = (
    "Fused alone leaves the level of each feature free; add L1 or L21, e.g. "
    "L1(0.01) + Fused(0.1)"
)


class FusedSparseRows(Penalty):
    """The sum of a `Fused` with an `L1`, an `L21` or both."""

    row_separable: ClassVar[bool] = True
    ordered: ClassVar[bool] = True
    positive: ClassVar[bool] = False

    def __init__(self, l1: L1 | None, fused: Fused, l21: L21 | None):
        if l1 is None and l21 is None:
            raise ValueError(_LEVEL)
        for term in (l1, l21):
            if term is not None and term.positive:
                raise ValueError(
                    f"{type(term).__name__}(positive=True) is not available together "
                    "with Fused; drop positive"
                )
        self.l1 = l1
        self.fused = fused
        self.l21 = l21

    def check(self, n_features, tasks):
        for term in (self.l1, self.fused, self.l21):
            if term is not None:
                term.check(n_features, tasks)
        entry, fused, row = self.strengths(n_features)
        level = np.flatnonzero((fused > 0) & (entry == 0) & (row == 0))
        if level.size:
            raise ValueError(
                f"{_LEVEL}; here L1 and L21 have strength 0 for "
                f"{level.size} of {n_features} features, of which Fused is positive"
            )

    def strengths(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the strengths of each row in L1, Fused and L21."""
        none = np.zeros(n_features)
        entry, fused, row = (
            none if term is None else row_strength(term, n_features)
            for term in (self.l1, self.fused, self.l21)
        )
        return entry, fused, row

    def value(self, W):
        terms = (self.l1, self.fused, self.l21)
        return sum(term.value(W) for term in terms if term is not None)

    def prox(self, V, step, out):
        strengths = self.strengths(V.shape[0])
        return _prox(V, step, strengths, self.fused.chains, out)

    def prox_naive(self, V, step):
        V = self.fused.prox_naive(V, step)
        if self.l1 is not None:
            V = self.l1.prox_naive(V, step)
        return V if self.l21 is None else self.l21.prox_naive(V, step)

    def dual_norm(self, G):
        strengths = map(readonly, self.strengths(G.shape[0]))
        chains = self.fused.chains_of(G.shape[1])
        G = readonly(np.ascontiguousarray(G[:, chains.order]))
        return float(fused_dual(G, *strengths, *_work(chains), np.empty(G.shape[1])))

    def descend(
        self, H: np.ndarray, W: np.ndarray, C: np.ndarray, square: float, stop: float
    ) -> tuple[np.ndarray, bool]:
        """Minimise least squares plus this, and say whether to a gap of ``stop``.

        Parameters
        ----------
        H : ndarray of shape (1 or n_tasks, n_features, n_features)
            The Hessian of each task, or the one that all share.
        W, C : ndarray of shape (n_features, n_tasks)
            Where to start; the negative gradient at zero.
        square : float
            Twice the loss at zero.
        stop : float
            The gap.
        """
        chains = self.fused.chains_of(W.shape[1])
        columns, (ptr, *work) = chains.order, _work(chains)
        H = H if len(H) == 1 else np.ascontiguousarray(H[columns])
        W, C = np.ascontiguousarray(W[:, columns]), np.ascontiguousarray(C[:, columns])
        G = C - np.matmul(H, W.T[:, :, None])[:, :, 0].T
        entry, fused, row = map(readonly, self.strengths(len(W)))
        sweeps = fused_descent(
            readonly(H),
            W,
            G,
            readonly(C),
            float(square),
            (entry, fused, row),
            ptr,
            float(stop),
            _MOST_SWEEPS,
            tuple(work),
            *np.empty((2, W.shape[1])),
            *np.empty((2, 2, *W.shape)),
        )
        out = np.empty_like(W)
        out[:, columns] = W
        return out, sweeps <= _MOST_SWEEPS

    def on_features(self, features, n_features):
        l1 = None if self.l1 is None else with_features(self.l1, features)
        l21 = None if self.l21 is None else with_features(self.l21, features)
        fused = with_features(self.fused, features).along(self.fused.chains)
        return FusedSparseRows(l1, fused, l21)

    def free_rows(self, n_features):
        return np.all([a == 0 for a in self.strengths(n_features)], axis=0)


class FusedSparseGroup(Ordered):
    """``alpha_l1 ||W||_1 + alpha_fused sum |W_j,t - W_j,t+1| + alpha_group ||W||_21``.

    For ordered tasks: few features are used at all, each with few changes from a task
    to the next, and possibly not by all tasks. It is the sum of `L1`, `Fused` and
    `L21` under one name (convex fused sparse group lasso).
    Of more than two classes the changes are those of each class, from a task that has
    it to the next one that does.

    Parameters
    ----------
    alpha_l1 : float, default=1.0
        Strength of the entries, >= 0.
    alpha_fused : float, default=1.0
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
    alpha_group : float, default=1.0
        Strength of the norms of the rows, >= 0.

    See Also
    --------
    Fused : The differences alone.
    TemporalGroup : Squared differences instead.

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import FusedSparseGroup
    >>> penalty = FusedSparseGroup(alpha_l1=1.0, alpha_fused=10.0, alpha_group=100.0)
    >>> float(penalty.value(np.array([[3.0, 4.0], [0.0, 0.0]])))
    517.0
    """

    row_separable: ClassVar[bool] = True

    def __init__(
        self,
        alpha_l1: float = 1.0,
        alpha_fused: float = 1.0,
        alpha_group: float = 1.0,
    ):
        self.alpha_l1 = alpha_l1
        self.alpha_fused = alpha_fused
        self.alpha_group = alpha_group

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        if self.alpha_fused > 0 and self.alpha_l1 == 0 and self.alpha_group == 0:
            raise ValueError(
                "FusedSparseGroup: alpha_fused is positive but alpha_l1 and "
                "alpha_group are 0, which leaves the level of each feature free; give "
                "one of them a positive value"
            )

    def expand(self, tasks):
        rows = self._rows()
        return [rows.l1, rows.fused, rows.l21]

    def _rows(self) -> FusedSparseRows:
        fused = Fused(self.alpha_fused).along(self.chains)
        return FusedSparseRows(L1(self.alpha_l1), fused, L21(self.alpha_group))

    def value(self, W):
        return self._rows().value(W)

    def prox(self, V, step, out):
        return self._rows().prox(V, step, out)

    def prox_naive(self, V, step):
        return self._rows().prox_naive(V, step)

    def dual_norm(self, G):
        return self._rows().dual_norm(G)

    def free_rows(self, n_features):
        return self._rows().free_rows(n_features)


def _work(chains: Chains) -> tuple[np.ndarray, ...]:
    """Return the bounds of the chains, and the work space of `taut_string`."""
    size = chains.order.size + 1
    work = np.empty(size), np.empty(size, np.int64), np.empty(size, np.int64)
    return readonly(chains.ptr), *work


def _prox(
    V: np.ndarray,
    step: float | np.ndarray,
    strengths: tuple[np.ndarray, np.ndarray, np.ndarray],
    chains: Chains | None,
    out: np.ndarray,
) -> float:
    step = row_steps(step, np.maximum(strengths[0], strengths[2]))
    work = _work(chains or Chains.of_tasks(V.shape[1]))
    arguments = readonly(step), *map(readonly, strengths), *work
    if chains is None:
        return fused_rows(readonly(np.ascontiguousarray(V)), *arguments, out)
    moved = np.empty(V.shape)
    V = readonly(np.ascontiguousarray(V[:, chains.order]))
    value = fused_rows(V, *arguments, moved)
    out[:, chains.order] = moved
    return value


def _fuse(v: np.ndarray, strength: float) -> np.ndarray:
    """Return the prox of the total variation by following its path from strength 0.

    Blocks of equal entries move at speeds of -1, 0 or 1 per step to the next level over
    their length, and never part once they have met (Friedman, Hastie, Hoefling,
    Tibshirani, 2007, Pathwise coordinate optimization).
    """
    level, length, reached = v.astype(float).tolist(), [1] * len(v), 0.0
    while True:
        gap = np.diff(level)
        for i in np.flatnonzero(gap == 0.0)[::-1]:
            length[i] += length.pop(i + 1)
            level.pop(i)
        gap = np.diff(level)
        pull = np.concatenate([[0.0], np.sign(gap), [0.0]])
        speed = np.diff(pull) / length
        closing = -np.diff(speed) * np.sign(gap)
        times = np.full(gap.shape, np.inf)
        np.divide(np.abs(gap), closing, out=times, where=closing > 0)
        time = min(strength - reached, times.min(initial=np.inf))
        if not time > 0.0:
            return np.repeat(level, length)
        following = np.array(level) + time * speed
        for i in np.flatnonzero(times == time):
            following[i + 1] = following[i]
        level, reached = following.tolist(), reached + time
        if reached >= strength:
            return np.repeat(level, length)
