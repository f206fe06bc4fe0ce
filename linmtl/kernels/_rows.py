"""The hot core: kernels of penalties that are sums over the rows of W.

A row j is penalised by ``entry_j ||W_j||_1 + row_j ||W_j||_2``, with ``W_j >= 0`` if
``positive``: lasso, L21, sparse group lasso and their weighted forms are all of this
kind, so one set of kernels serves them. Block coordinate descent is jitted whole, with
Anderson extrapolation and its own duality gap.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from linmtl.kernels._jit import inlined, kernel, readonly, reduction

_MEMORY = 5  # iterates of an Anderson extrapolation
_CHECK = 3  # sweeps between two evaluations of the gap
_GROUP_STEPS = 3  # on a group of rows in a sweep, at most
_GROUP_ACCURACY = 0.01  # of the first one's squared length, that the last one may have
_TRIAL = 11  # sweeps on groups after which to look how far they have come
_NO_CLASSES = np.empty((0, 0), np.int64), np.empty((0, 0, 0, 0))


class Workspace(NamedTuple):
    """What a descent writes to; to compile the allocation of these takes long.

    R stands for what is kept up to date beside W: residuals, or the gradient.
    """

    past_W: np.ndarray
    past_R: np.ndarray
    new_W: np.ndarray
    new_R: np.ndarray
    M: np.ndarray
    c: np.ndarray
    G: np.ndarray
    a: np.ndarray
    h: np.ndarray
    v: np.ndarray


def workspace(W: np.ndarray, R: np.ndarray) -> Workspace:
    """Return what a descent from W and R writes to."""
    T = W.shape[1]
    return Workspace(
        np.empty((_MEMORY + 1, *W.shape)),
        np.empty((_MEMORY + 1, *R.shape), dtype=R.dtype),
        np.empty(W.shape),
        np.empty(R.shape, dtype=R.dtype),
        np.empty((_MEMORY, _MEMORY)),
        np.empty(_MEMORY),
        np.empty(W.shape),
        np.empty(T),
        np.empty(T),
        np.empty(T),
    )


class Coupling(NamedTuple):
    """A quadratic form ``w K w' / 2`` in each row w of W; K in compressed rows.

    ``bound`` is a diagonal matrix that K is at most: a row is minimised with it in the
    place of K.
    """

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    bound: np.ndarray


class ExactCoupling(NamedTuple):
    """The same, with which the minimum of a row is exact.

    The eigenvalues and the vectors (in columns) are those of the curvature of each row,
    K and the Hessian's diagonal. Where columns of W are classes of a task, the Hessian
    has blocks between column c and each other one of its task, ``siblings[c, i]`` (-1
    where there is none): ``between[c, i]``, zero for itself.
    """

    eigenvalues: np.ndarray
    vectors: np.ndarray
    siblings: np.ndarray
    between: np.ndarray


def coupled(K: np.ndarray) -> Coupling:
    """Return what couples tasks by K, (n_tasks, n_tasks), in every row."""
    task, other = np.nonzero(K)
    indptr = np.searchsorted(task, np.arange(len(K) + 1))
    # nonzero returns strided views: in a tuple Numba may take them for contiguous
    parts = indptr, np.ascontiguousarray(other), K[task, other], np.abs(K).sum(axis=1)
    return Coupling(*map(readonly, parts))


def coupled_exactly(
    K: np.ndarray,
    H: np.ndarray,
    classes: tuple[np.ndarray, np.ndarray] = _NO_CLASSES,
) -> ExactCoupling:
    """Return what couples tasks tightly; no entry has a strength or a sign then.

    K is (n_tasks, n_tasks), or (n_rows, n_tasks, n_tasks) where rows have their own; H
    is (1 or n_tasks, n_rows, n_rows), the Hessians; ``classes`` are siblings, and the
    blocks between them.
    """
    T = K.shape[-1]
    siblings, between = classes
    h = np.diagonal(H, axis1=1, axis2=2).T.astype(float)
    curvature = np.zeros((len(h), T, T)) + K
    curvature[:, np.arange(T), np.arange(T)] += h
    for c, i in zip(*np.nonzero(siblings >= 0), strict=True):
        curvature[:, c, siblings[c, i]] += np.diagonal(between[c, i])
    eigenvalues, vectors = np.linalg.eigh(curvature)
    parts = np.maximum(eigenvalues, 0.0), np.ascontiguousarray(vectors)
    return ExactCoupling(*map(readonly, (*parts, siblings, between)))


@inlined
def soft(v, threshold, positive):
    """Soft threshold of a number; NaN stays NaN."""
    if v > threshold:
        return v - threshold
    if v < -threshold and not positive:
        return v + threshold
    return v if v != v else 0.0


@kernel
def shrink(V, step, entry, row, positive, out):
    """Prox of the penalty, one step per row; returns its value at `out`."""
    value = 0.0
    for j in range(V.shape[0]):
        threshold = step[j] * entry[j]
        square = 0.0
        total = 0.0
        for t in range(V.shape[1]):
            v = soft(V[j, t], threshold, positive)
            out[j, t] = v
            square += v * v
            total += abs(v)
        norm = math.sqrt(square)
        threshold = step[j] * row[j]
        factor = 1.0
        if norm <= threshold:
            factor = 0.0
        elif threshold > 0.0:
            factor = 1.0 - threshold / norm
        if factor != 1.0:
            for t in range(V.shape[1]):
                out[j, t] *= factor
        value += factor * (entry[j] * total + row[j] * norm)
    return value


@kernel
def shrink_columns(V, task, step, strength, out):
    """Prox of the norms of the columns of each task; returns its value at `out`."""
    factor = np.zeros(strength.size)
    for j in range(V.shape[0]):
        for t in range(V.shape[1]):
            factor[task[t]] += V[j, t] * V[j, t]
    value = 0.0
    for k in range(strength.size):
        norm, threshold = math.sqrt(factor[k]), step * strength[k]
        factor[k] = 0.0 if norm <= threshold else 1.0 - threshold / norm
        value += strength[k] * factor[k] * norm
    for j in range(V.shape[0]):
        for t in range(V.shape[1]):
            out[j, t] = V[j, t] * factor[task[t]]
    return value


@kernel
def shrink_means(V, code, size, ridge, l1, step, out):
    """Prox of a ridge or L1 on the means over the columns of each class.

    ``size`` is the number of columns of a class, ``ridge`` and ``l1`` are of each row.
    Returns the value at `out`.
    """
    value = 0.0
    mean = np.empty(size.size)
    for j in range(V.shape[0]):
        mean[:] = 0.0
        for t in range(V.shape[1]):
            mean[code[t]] += V[j, t]
        for k in range(size.size):
            if size[k] > 0.0:
                m = soft(mean[k] / size[k], step * l1[j] / size[k], False)
                m /= 1.0 + step * ridge[j]
                value += ridge[j] / 2.0 * size[k] * m * m + l1[j] * abs(m)
                mean[k] = m
        for t in range(V.shape[1]):
            out[j, t] = mean[code[t]]
    return value


@reduction
def row_dual(G, j, entry, row, positive):
    """The smallest s with ``||(|g| - s entry)_+|| <= s row`` for row j; NaN stays NaN.

    The difference of the two sides is convex and decreasing in s, so that Newton's
    method from zero climbs to the root without passing it.
    """
    square = 0.0
    largest = 0.0
    for t in range(G.shape[1]):
        v = G[j, t] if positive else abs(G[j, t])
        v = 0.0 if v <= 0.0 else v
        square += v * v
    norm = math.sqrt(square)
    if entry == 0.0 or norm != norm:
        return norm / row if row > 0.0 else 0.0 * norm
    s = 0.0
    for _ in range(200):
        square = 0.0
        slope = 0.0
        for t in range(G.shape[1]):
            excess = (G[j, t] if positive else abs(G[j, t])) - s * entry
            largest = excess if excess > largest else largest
            if excess > 0.0:
                square += excess * excess
                slope += excess
        if row == 0.0:
            return largest / entry
        norm = math.sqrt(square)
        height = norm - s * row
        if norm == 0.0 or height <= 0.0:
            break
        new = s + height / (row + entry * slope / norm)
        if new <= s:
            break
        s = new
    return s


@kernel
def row_duals(G, entry, row, positive, out):
    """`row_dual` of each row of G."""
    for j in range(G.shape[0]):
        out[j] = row_dual(G, j, entry[j], row[j], positive)


@reduction
def penalty_value(W, entry, row):
    value = 0.0
    for j in range(W.shape[0]):
        square = 0.0
        total = 0.0
        for t in range(W.shape[1]):
            square += W[j, t] * W[j, t]
            total += abs(W[j, t])
        value += entry[j] * total + row[j] * math.sqrt(square)
    return value


@reduction
def solve_row(a, h, entry, row, positive, out):
    """Minimise ``sum_t h_t v_t^2 / 2 - a_t v_t`` plus the penalty of a row.

    With c the soft-thresholded a, the norm rho of the solution solves
    ``sum_t (c_t / (h_t rho + row))^2 = 1``; the reciprocal of the root of the sum is
    almost linear in rho, so Newton's method on it takes a few steps, from the left.
    A step of 1e-8 leaves an error of its square, which is rounding.
    """
    square = 0.0
    top = 0.0
    bottom = np.inf
    for t in range(a.size):
        c = soft(a[t], entry, positive)
        out[t] = c
        square += c * c
        top = h[t] if h[t] > top else top
        bottom = h[t] if h[t] < bottom else bottom
    norm = math.sqrt(square)
    floor = 0.0
    rho = 0.0
    if top > 0.0 and not norm <= row:
        rho = 1.0
        if row > 0.0:
            floor = 1e-14 * top  # where a task has no curvature its part stays bounded
            rho = (norm - row) / top
    known = bottom == top or row == 0.0 or rho == 0.0
    for _ in range(0 if known else 50):
        phi = 0.0
        slope = 0.0
        for t in range(a.size):
            curvature = floor if h[t] < floor else h[t]
            inverse = 1.0 / (curvature * rho + row)
            q = out[t] * inverse
            phi += q * q
            slope += q * q * (curvature * inverse)
        if not (phi > 1.0 and slope > 0.0):
            break
        root = math.sqrt(phi)
        change = (root - 1.0) * phi / slope
        rho += change
        if change <= 1e-8 * rho:
            break
    for t in range(a.size):
        d = (floor if h[t] < floor else h[t]) * rho + row
        out[t] = 0.0 if d == 0.0 else out[t] * (rho / d)


@reduction
def model_terms(W, Gt, Et, Ct, square, G):
    """<R, Y> and <R, R> of the residuals of a least-squares model, and its gradient.

    That is G' = Gt - Et = Ct - H W.
    """
    fitted = 0.0
    excess = 0.0
    for t in range(Gt.shape[0]):
        for j in range(Gt.shape[1]):
            G[j, t] = Gt[t, j] - Et[t, j]
            fitted += W[j, t] * Ct[t, j]
            excess += W[j, t] * G[j, t]
    return square - fitted, square - fitted - excess


@reduction
def model_fall(W, Et, new_W, new_E, Gt):
    """Fall of a quadratic model from W to another point, by the gradients G - E."""
    fall = 0.0
    for t in range(Gt.shape[0]):
        for j in range(Gt.shape[1]):
            slope = Gt[t, j] - 0.5 * (Et[t, j] + new_E[t, j])
            fall += slope * (new_W[j, t] - W[j, t])
    return fall


@inlined
def gap_of(linear, residual, W, G, entry, row, positive):
    """Duality gap of least squares: <R, Y>, <R, R>, the point, the gradient of R."""
    size = 1.0
    for j in range(G.shape[0]):
        s = row_dual(G, j, entry[j], row[j], positive)
        size = size if s <= size else s
    scale = 1.0 / size
    if residual > 0.0 and linear > 0.0:
        best = linear / residual
        scale = best if best < scale else scale
    dual = scale * linear - 0.5 * scale * scale * residual
    return 0.5 * residual + penalty_value(W, entry, row) - dual


@reduction
def anderson(past, M, c):
    """Coefficients of the extrapolation of K + 1 iterates; False where singular.

    With M_ij = <past_{i+1} - past_i, past_{j+1} - past_j> they solve ``M c ~ 1``, by
    elimination, and sum to one.
    """
    K = past.shape[0] - 1
    trace = 0.0
    for i in range(K):
        for j in range(i + 1):
            total = 0.0
            for p in range(past.shape[1]):
                for t in range(past.shape[2]):
                    total += (past[i + 1, p, t] - past[i, p, t]) * (
                        past[j + 1, p, t] - past[j, p, t]
                    )
            M[i, j] = total
        trace += M[i, i]
        c[i] = 1.0
    # M is positive definite: its lower half is enough
    for k in range(K):
        M[k, k] += 1e-12 * trace
        for j in range(k):
            f = M[k, j] / M[j, j]
            c[k] -= f * c[j]
            for i in range(k, K):
                M[i, k] -= f * M[i, j]
        if not M[k, k] > 0.0:
            return False
    total = 0.0
    for k in range(K - 1, -1, -1):
        for i in range(k + 1, K):
            c[k] -= M[i, k] * c[i]
        c[k] /= M[k, k]
        total += c[k]
    if not abs(total) > 0.0:
        return False
    for i in range(K):
        c[i] /= total
    return True


@kernel
def combine(past, c, out):
    """out = sum_i c_i past_{i+1}; returns its lowest entry."""
    lowest = np.inf
    for p in range(out.shape[0]):
        for t in range(out.shape[1]):
            total = 0.0
            for i in range(c.size):
                total += c[i] * past[i + 1, p, t]
            out[p, t] = total
            lowest = total if total < lowest else lowest
    return lowest


@kernel
def extrapolated(past_W, past_E, positive, M, c, new_W, new_E):
    """Extrapolate W and what is linear in it; False where there is no such point.

    Every few sweeps the last iterates tell where they are going (Anderson). Whether the
    objective falls there is for the caller to see.
    """
    if not anderson(past_W, M, c):
        return False
    lowest = combine(past_W, c, new_W)
    combine(past_E, c, new_E)
    return lowest >= 0.0 or not positive


@kernel
def copy(source, target):
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]


@reduction
def coupled_step(
    H, values, vectors, siblings, between, j, W, Gt, Et, strength, a, h, v
):
    """Minimise a row of tightly coupled tasks, in the basis of its curvature.

    What the coupling makes of a move is summed before it is added to Et: its parts are
    far larger, and Et may be in single precision. Returns as `sweep` does.
    """
    k, T = W.shape
    own = H.shape[0] > 1
    for i in range(T):
        a[i] = 0.0
        h[i] = 0.0
    for t in range(T):
        g, w = Gt[t, j] - Et[t, j], W[j, t]
        for i in range(T):
            h[i] += vectors[t, i] * g
            a[i] += vectors[t, i] * w
    for i in range(T):
        h[i] += values[i] * a[i]
    solve_row(h, values, 0.0, strength, False, v)
    length = 0.0
    used = False
    for i in range(T):
        used = used or v[i] != 0.0
        a[i] = v[i] - a[i]
        h[i] = values[i] * a[i]
        length += h[i] * a[i]
    if length == 0.0:
        return length
    for t in range(T):
        change = 0.0
        added = 0.0
        for i in range(T):
            change += vectors[t, i] * a[i]
            added += vectors[t, i] * h[i]
        if not used:
            change = -W[j, t]
        curvature = H[t if own else 0]
        W[j, t] += change
        Et[t, j] += added - curvature[j, j] * change
        c = H.dtype.type(change)
        for i in range(k):
            Et[t, i] += curvature[j, i] * c
        for n in range(siblings.shape[1]):
            s = siblings[t, n]
            if s >= 0:
                block = between[t, n, j]
                Et[s, j] -= block[j] * change  # it is in what was added
                for i in range(k):
                    Et[s, i] += block[i] * change
    return length


@inlined
def sweep(H, coupling, W, Gt, Et, entry, row, positive, a, h, v):
    """One pass over the rows in Gram form; Et (T, k) is kept up to date.

    H is (1, k, k), shared by all tasks, or (T, k, k). Returns the squared length of
    the move in the metric of the curvatures.
    """
    k, T = W.shape
    own = H.shape[0] > 1
    length = 0.0
    for j in range(k):
        for t in range(T):
            h[t] = H[t if own else 0, j, j]
            if coupling is not None:
                h[t] += coupling.bound[t]
            a[t] = Gt[t, j] - Et[t, j] + h[t] * W[j, t]
        solve_row(a, h, entry[j], row[j], positive, v)
        for t in range(T):
            change = v[t] - W[j, t]
            if change != 0.0:
                W[j, t] = v[t]
                length += h[t] * change * change
                s = t if own else 0
                c = H.dtype.type(change)  # in the precision of H: twice as fast
                for i in range(k):
                    Et[t, i] += H[s, j, i] * c
                if coupling is not None:
                    for p in range(coupling.indptr[t], coupling.indptr[t + 1]):
                        Et[coupling.indices[p], j] += coupling.values[p] * change
    return length


@reduction
def exact_sweep(H, exact, W, Gt, Et, row, a, h, v):
    """As `sweep`, with the exact minimum of each row of tightly coupled tasks."""
    values, vectors, siblings, between = exact
    length = 0.0
    for j in range(W.shape[0]):
        at = j, W, Gt, Et, row[j], a, h, v
        length += coupled_step(H, values[j], vectors[j], siblings, between, *at)
    return length


@kernel
def gram_descent(
    H,
    coupling,
    exact,
    W,
    Gt,
    Et,
    Ct,
    square,
    entry,
    row,
    positive,
    target,
    final,
    free,
    relative,
    max_epochs,
    work,
):
    """Block coordinate descent on the rows of W in Gram form, to a duality gap.

    H is (1, k, k), shared by all tasks, or (T, k, k); `coupling` or `exact` adds to it
    what couples the tasks in each row, if it is not None (what is None is not compiled,
    which takes a third of the time). The gradient is that at the start, Gt (T, k), less
    what the moves have made of it, Et (T, k): small, so that the precision of H is
    enough for it. W (k, T) and Et, which is zero at the start, are updated in place; Ct
    serves the gap, the gradient being C - H W. Every few sweeps the last iterates are
    extrapolated (Anderson); the point is taken if the objective falls. Stops at the gap
    `target`; if that is reached before `free` sweeps, goes on to the gap `final` or
    until `free` sweeps are done. Stops too when a sweep moves by at most `relative`
    times the first one. Returns the number of sweeps.
    """
    past_W, past_E, new_W, new_E, M, c, G, a, h, v = work
    first = 0.0
    kept = 0
    gap = np.inf
    epoch = 0
    while True:
        if epoch % _CHECK == 0 and target > -np.inf:
            linear, residual = model_terms(W, Gt, Et, Ct, square, G)
            gap = gap_of(linear, residual, W, G, entry, row, positive)
        reached = gap <= target and (gap <= final or epoch >= free)
        if reached or epoch >= max_epochs:
            break
        copy(W, past_W[kept])
        copy(Et, past_E[kept])
        if kept == _MEMORY:
            kept = 0
            if extrapolated(past_W, past_E, positive, M, c, new_W, new_E):
                fall = model_fall(W, Et, new_W, new_E, Gt)
                rise = penalty_value(new_W, entry, row) - penalty_value(W, entry, row)
                if rise < fall:
                    copy(new_W, W)
                    copy(new_E, Et)
            copy(W, past_W[0])
            copy(Et, past_E[0])
        kept += 1
        if exact is None:
            moved = sweep(H, coupling, W, Gt, Et, entry, row, positive, a, h, v)
        else:
            moved = exact_sweep(H, exact, W, Gt, Et, row, a, h, v)
        epoch += 1
        first = moved if moved > first else first
        if moved <= relative * relative * first:
            break
    return epoch


@reduction
def group_value(W, order, ptr, entry, group):
    """Value of a penalty of entries and of groups of rows; see `group_descent`."""
    value = 0.0
    for g in range(ptr.size - 1):
        square = 0.0
        for i in range(ptr[g + 1] - ptr[g]):
            j = order[ptr[g] + i]
            total = 0.0
            for t in range(W.shape[1]):
                square += W[j, t] * W[j, t]
                total += abs(W[j, t])
            value += entry[j] * total
        value += group[g] * math.sqrt(square)
    return value


@kernel
def group_bounds(H, order, ptr, out):
    """Bounds of the eigenvalues of the blocks of H that belong to groups of rows."""
    for t in range(H.shape[0]):
        for g in range(ptr.size - 1):
            rows = order[ptr[g] : ptr[g + 1]]
            bound = 0.0
            for i in range(rows.size):
                total = 0.0
                for j in range(rows.size):
                    total += abs(H[t, rows[i], rows[j]])
                bound = total if total > bound else bound
            out[t, g] = bound


@kernel
def group_step(H, rows, top, entry, strength, positive, W, G, moved, a, h, v):
    """Steps of the prox on one group of rows, each as long as its own block allows.

    W and the gradient G, both (rows.size, T), are updated in place; `top` (1 or T,) has
    the bounds of the block. The first step is exact where the block is diagonal. With
    one bound for all coefficients of a task, it is their norm that has to be found.
    """
    p, T = W.shape
    own = H.shape[0] > 1
    first = 0.0
    most = _GROUP_STEPS if p > 1 else 1
    for t in range(T):
        h[t] = top[t if own else 0]
    for step in range(most):
        for t in range(T):
            a[t] = 0.0
        for i in range(p):
            threshold = entry[rows[i]]
            for t in range(T):
                c = soft(G[i, t] + h[t] * W[i, t], threshold, positive)
                moved[i, t] = c
                a[t] += c * c
        for t in range(T):
            a[t] = math.sqrt(a[t])
        solve_row(a, h, 0.0, strength, False, v)
        for t in range(T):
            v[t] = 0.0 if a[t] == 0.0 else v[t] / a[t]
        length = 0.0
        for i in range(p):
            for t in range(T):
                new = v[t] * moved[i, t]
                change = new - W[i, t]
                moved[i, t] = change
                W[i, t] = new
                length += h[t] * change * change
        first = length if length > first else first
        if length <= _GROUP_ACCURACY * first or step + 1 == most:
            break
        for t in range(T):
            block = H[t if own else 0]
            for i in range(p):
                row, change = block[rows[i]], moved[i, t]
                for j in range(p):
                    G[j, t] -= row[rows[j]] * change


@kernel
def group_sweep(H, order, ptr, top, W, Gt, Et, entry, group, positive, room, a, h, v):
    """One pass over the groups; Et is kept up to date. Returns as `sweep` does."""
    k, T = W.shape
    own = H.shape[0] > 1
    length = 0.0
    for g in range(ptr.size - 1):
        rows = order[ptr[g] : ptr[g + 1]]
        p = rows.size
        new, G, moved = room[0, :p], room[1, :p], room[2, :p]
        for i in range(p):
            for t in range(T):
                new[i, t] = W[rows[i], t]
                G[i, t] = Gt[t, rows[i]] - Et[t, rows[i]]
        at = new, G, moved, a, h, v
        group_step(H, rows, top[:, g], entry, group[g], positive, *at)
        moves = False
        for i in range(p):
            j = rows[i]
            for t in range(T):
                change = new[i, t] - W[j, t]
                moves = moves or change != 0.0
                length += top[t if own else 0, g] * change * change
                W[j, t] = new[i, t]
                new[i, t] = change
        if not moves:
            continue
        fours = 4 * (p // 4)
        for t in range(T):
            block, fitted = H[t if own else 0], Et[t]
            for i in range(0, fours, 4):  # each number of E is taken up once for four
                r0, r1, r2, r3 = (
                    block[rows[i]],
                    block[rows[i + 1]],
                    block[rows[i + 2]],
                    block[rows[i + 3]],
                )
                c0, c1 = H.dtype.type(new[i, t]), H.dtype.type(new[i + 1, t])
                c2, c3 = H.dtype.type(new[i + 2, t]), H.dtype.type(new[i + 3, t])
                for m in range(k):
                    fitted[m] += r0[m] * c0 + r1[m] * c1 + r2[m] * c2 + r3[m] * c3
            for i in range(fours, p):
                row = block[rows[i]]
                c = H.dtype.type(new[i, t])
                for m in range(k):
                    fitted[m] += row[m] * c
    return length


@kernel
def group_descent(
    H,
    order,
    ptr,
    W,
    Gt,
    Et,
    entry,
    group,
    positive,
    relative,
    max_epochs,
    room,
    work,
):
    """Block coordinate descent on groups of the rows of W, in Gram form.

    As :func:`gram_descent` without a gap to reach, for a penalty of ``entry_j`` on the
    entries of a row and ``group_g`` on the norm of all rows of a group, which are
    ``order[ptr[g]:ptr[g + 1]]``. `room` is (3, largest group, T). Returns the number of
    sweeps; the most, too, where it soon turns out that they will not do.
    """
    past_W, past_E, new_W, new_E, M, c, _, a, h, v = work
    top = np.empty((H.shape[0], ptr.size - 1))
    group_bounds(H, order, ptr, top)
    pace = relative ** (2.0 * _TRIAL / max_epochs)
    first = 0.0
    kept = 0
    for epoch in range(max_epochs):
        copy(W, past_W[kept])
        copy(Et, past_E[kept])
        if kept == _MEMORY:
            kept = 0
            if extrapolated(past_W, past_E, positive, M, c, new_W, new_E):
                fall = model_fall(W, Et, new_W, new_E, Gt)
                rise = group_value(new_W, order, ptr, entry, group)
                rise -= group_value(W, order, ptr, entry, group)
                if rise < fall:
                    copy(new_W, W)
                    copy(new_E, Et)
            copy(W, past_W[0])
            copy(Et, past_E[0])
        kept += 1
        at = W, Gt, Et, entry, group, positive, room, a, h, v
        moved = group_sweep(H, order, ptr, top, *at)
        first = moved if moved > first else first
        if moved <= relative * relative * first:
            return epoch + 1
        if epoch + 1 == _TRIAL and moved > pace * first:  # it will not get there
            break
    return max_epochs


@kernel
def sweep_block(L, ridge, W, G, entry, row, positive, a, h, v, change):
    """One pass over the rows of a block, with its local Gram matrix L.

    G holds the block's gradient and is kept up to date for the rows still to come;
    the moves of W are left in `change`. Returns whether any row moved.
    """
    size, T = W.shape
    moves = False
    for j in range(size):
        curvature = L[j, j] + ridge
        for t in range(T):
            a[t] = G[j, t] + L[j, j] * W[j, t]
            h[t] = curvature
        solve_row(a, h, entry[j], row[j], positive, v)
        moved = False
        for t in range(T):
            change[j, t] = v[t] - W[j, t]
            if change[j, t] != 0.0:
                moved = True
        if moved:
            moves = True
            for t in range(T):
                W[j, t] = v[t]
            for i in range(j + 1, size):
                g = L[j, i]
                for t in range(T):
                    G[i, t] -= g * change[j, t]
    return moves


@kernel
def subtract(A, B):
    for i in range(A.shape[0]):
        for t in range(A.shape[1]):
            A[i, t] -= B[i, t]


@reduction
def square_of(W, R, ridge):
    """<R, R>, a ridge penalty being as many more samples with targets zero."""
    total = 0.0
    for i in range(R.shape[0]):
        for t in range(R.shape[1]):
            total += R[i, t] * R[i, t]
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            total += ridge * W[j, t] * W[j, t]
    return total


@kernel
def residual_gap(A, ridge, W, G, R, entry, row, positive):
    """Duality gap from residuals R; G is a workspace."""
    for start in range(0, A.shape[0], 128):  # R stays in the cache
        stop = min(start + 128, A.shape[0])
        np.dot(A[start:stop], R, G[start:stop])
    residual = square_of(W, R, ridge)
    linear = residual  # <R, Y>, since Y = R + A' W
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            G[j, t] -= ridge * W[j, t]
            linear += W[j, t] * G[j, t]
    return gap_of(linear, residual, W, G, entry, row, positive)


@kernel
def residual_descent(
    A, L, ridge, W, R, entry, row, positive, target, final, free, max_epochs, work
):
    """Block coordinate descent with residuals, for more rows of W than samples.

    A is (k, n), one row per feature; L (blocks, B, B) has the Gram matrices of
    consecutive blocks of B features; W (k, T) and R = Y - A' W (n, T) are updated in
    place. Matrix products bring a block's gradient in and its moves out. Stops at the
    gaps of :func:`gram_descent`. Returns the number of sweeps.
    """
    k, T = W.shape
    n = R.shape[0]
    B = L.shape[1]
    past_W, past_R, new_W, new_R, M, c, G, a, h, v = work
    change = np.empty((B, T))
    block_G = np.empty((B, T))
    moved = np.empty((n, T))
    kept = 0
    gap = np.inf
    epoch = 0
    while epoch < max_epochs and (gap > target or (gap > final and epoch < free)):
        copy(W, past_W[kept])
        copy(R, past_R[kept])
        if kept == _MEMORY:
            kept = 0
            if extrapolated(past_W, past_R, positive, M, c, new_W, new_R):
                fall = square_of(W, R, ridge) - square_of(new_W, new_R, ridge)
                rise = penalty_value(new_W, entry, row) - penalty_value(W, entry, row)
                if rise < 0.5 * fall:
                    copy(new_W, W)
                    copy(new_R, R)
            copy(W, past_W[0])
            copy(R, past_R[0])
        kept += 1
        for block in range(L.shape[0]):
            start = block * B
            stop = min(start + B, k)
            size = stop - start
            np.dot(A[start:stop], R, block_G[:size])
            moves = sweep_block(
                L[block],
                ridge,
                W[start:stop],
                block_G[:size],
                entry[start:stop],
                row[start:stop],
                positive,
                a,
                h,
                v,
                change[:size],
            )
            if moves:
                np.dot(A[start:stop].T, change[:size], moved)
                subtract(R, moved)
        epoch += 1
        if epoch % _CHECK == 0:
            gap = residual_gap(A, ridge, W, G, R, entry, row, positive)
    return epoch


@reduction
def task_moments(A, start, task_ptr, weight, centre, mean, curvature):
    """Weighted means of the features of each task, and squares about them.

    A has one row per feature; those of task t begin at column ``start[t]``.
    """
    for t in range(start.size):
        n = task_ptr[t + 1] - task_ptr[t]
        w = weight[task_ptr[t] : task_ptr[t + 1]]
        total = 0.0
        for i in range(n):
            total += w[i]
        for j in range(A.shape[0]):
            x = A[j, start[t] : start[t] + n]
            m = 0.0
            if centre and total > 0.0:
                for i in range(n):
                    m += w[i] * x[i]
                m /= total
            square = 0.0
            for i in range(n):
                square += w[i] * (x[i] - m) * (x[i] - m)
            mean[j, t] = m
            curvature[j, t] = square


@reduction
def task_gradient(A, start, task_ptr, mean, theta, j, out):
    """out_t = <feature j about its mean, theta> over the rows of task t."""
    for t in range(start.size):
        r = theta[0, task_ptr[t] : task_ptr[t + 1]]
        x = A[j, start[t] : start[t] + r.size]
        m = mean[j, t]
        total = 0.0
        for i in range(r.size):
            total += (x[i] - m) * r[i]
        out[t] = total


@kernel
def task_move(A, start, task_ptr, weight, mean, theta, j, t, change):
    """Residuals of task t after coefficient j has changed, intercepts at their best."""
    w = weight[task_ptr[t] : task_ptr[t + 1]]
    r = theta[0, task_ptr[t] : task_ptr[t + 1]]
    x = A[j, start[t] : start[t] + r.size]
    for i in range(r.size):
        r[i] -= change * w[i] * (x[i] - mean)


@reduction
def weighted_square(theta, weight, W, ridge):
    """Sum of ``theta^2 / weight``, a ridge being as many more samples."""
    total = 0.0
    for p in range(weight.size):
        if weight[p] > 0.0:
            total += theta[0, p] * theta[0, p] / weight[p]
    for j in range(W.shape[0]):
        for t in range(W.shape[1]):
            total += ridge * W[j, t] * W[j, t]
    return total


@kernel
def task_gap(
    A, start, task_ptr, weight, mean, ridge, W, G, theta, entry, row, positive
):
    """Duality gap from the residuals of tasks with rows of their own."""
    residual = weighted_square(theta, weight, W, ridge)
    linear = residual
    for j in range(W.shape[0]):
        task_gradient(A, start, task_ptr, mean, theta, j, G[j])
        for t in range(W.shape[1]):
            G[j, t] -= ridge * W[j, t]
            linear += W[j, t] * G[j, t]
    return gap_of(linear, residual, W, G, entry, row, positive)


@kernel
def task_descent(
    A,
    start,
    task_ptr,
    weight,
    centre,
    ridge,
    W,
    theta,
    entry,
    row,
    positive,
    target,
    final,
    free,
    relative,
    max_epochs,
    work,
):
    """Block coordinate descent with the residuals of tasks with rows of their own.

    For more rows of W than a task has samples. A (k, n) has one row per feature,
    uncentred; those of task t begin at column ``start[t]``. W (k, T) and the weighted
    residuals theta (1, n_observations), whose sums over the tasks are zero where
    intercepts are fitted (``centre``), are updated in place. Stops as
    :func:`gram_descent` does. Returns the number of sweeps.
    """
    k, T = W.shape
    past_W, past_R, new_W, new_R, M, c, G, a, h, v = work
    mean, curvature = np.empty((k, T)), np.empty((k, T))
    task_moments(A, start, task_ptr, weight, centre, mean, curvature)
    first = 0.0
    kept = 0
    gap = np.inf
    epoch = 0
    while epoch < max_epochs and (gap > target or (gap > final and epoch < free)):
        copy(W, past_W[kept])
        copy(theta, past_R[kept])
        if kept == _MEMORY:
            kept = 0
            if extrapolated(past_W, past_R, positive, M, c, new_W, new_R):
                fall = weighted_square(theta, weight, W, ridge)
                fall -= weighted_square(new_R, weight, new_W, ridge)
                rise = penalty_value(new_W, entry, row) - penalty_value(W, entry, row)
                if rise < 0.5 * fall:
                    copy(new_W, W)
                    copy(new_R, theta)
            copy(W, past_W[0])
            copy(theta, past_R[0])
        kept += 1
        moved = 0.0
        for j in range(k):
            task_gradient(A, start, task_ptr, mean, theta, j, a)
            for t in range(T):
                h[t] = curvature[j, t] + ridge
                a[t] += curvature[j, t] * W[j, t]
            solve_row(a, h, entry[j], row[j], positive, v)
            for t in range(T):
                change = v[t] - W[j, t]
                if change != 0.0:
                    W[j, t] = v[t]
                    moved += h[t] * change * change
                    m = mean[j, t]
                    task_move(A, start, task_ptr, weight, m, theta, j, t, change)
        epoch += 1
        first = moved if moved > first else first
        if moved <= relative * relative * first:
            break
        if epoch % _CHECK == 0 and target > -np.inf:
            gap = task_gap(
                A,
                start,
                task_ptr,
                weight,
                mean,
                ridge,
                W,
                G,
                theta,
                entry,
                row,
                positive,
            )
    return epoch
