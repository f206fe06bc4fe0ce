"""Linear systems ``H_c w_c + (W K)_c = c_c``: squared losses, quadratic penalties.

H_c is the Hessian of column c, K couples the columns. How the system is solved follows
its structure: apart for each column, through the consensus of the tasks, in a common
eigenbasis, by one Cholesky factor, or by conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import LinearOperator, cg

from linmtl.kernels._jit import readonly
from linmtl.kernels._mixed import small_inverses
from linmtl.penalties._quadratic_form import QuadraticForm

# unknowns up to which one Cholesky factor is used; and up to which it takes the place
# of conjugate gradients that are slow
_SMALL_SYSTEM, DENSE_SYSTEM = 300, 2500
_FEW_STEPS, _MANY_STEPS = 200, 500  # of conjugate gradients
_CG_TOL = 1e-12  # relative; the direct solver refines
_LEAST_CURVATURE = 1e-10  # of a preconditioner, relative to the largest
_ALIKE = 4.0  # times each other: eigenvalues that a preconditioner takes for one
_EPS = np.finfo(float).eps
# Reciprocal condition of rows, by their number, of which none can be rounding.
_SAFELY_INDEPENDENT = 1e3 * _EPS
_NARROW = 4  # times the width of a band of tasks: as many pay to factor the band
_WORST_CONDITION = 1e13  # of a matrix that is inverted
_SIDE_BY_SIDE = (
    40  # features up to which LAPACK is slower than several matrices at once
)
LOOPED = 65  # features from which a loop over the columns costs nothing

Solve = Callable[[np.ndarray], np.ndarray]


class Block:
    """The Hessian of one column, from its rows ``A`` or as a matrix ``H``."""

    def __init__(self, A: Any = None, H: Any = None):
        if H is None and A.shape[0] >= A.shape[1]:
            A, H = None, A.T @ A
        self.A, self.H = A, H

    def matrix(self) -> np.ndarray:
        return self.A.T @ self.A if self.H is None else self.H

    def times(self, v: np.ndarray) -> np.ndarray:
        return self.A.T @ (self.A @ v) if self.H is None else self.H @ v

    def _kernel(self, ridge: float) -> np.ndarray:
        K = self.A @ self.A.T
        K.flat[:: len(K) + 1] += ridge
        return K

    def _through_rows(self, inner: Solve, ridge: float) -> Solve:
        return lambda g: (g - self.A.T @ inner(self.A @ g)) / ridge

    def ridge_inverse_and_root(self, ridge: float) -> tuple[Solve, np.ndarray | None]:
        """Return that solver, and R with ``R'R = H (H + ridge I)^-1``.

        R is None unless it has fewer rows than features and its digits.
        """
        if self.H is not None or ridge == 0 or not len(self.A):
            return self.ridge_inverse(ridge), None
        size, _, factor = _scaled_factor(self._kernel(ridge))
        if factor is None:
            return self.ridge_inverse(ridge), None
        scaled = (self.A.T / size).T
        root = linalg.solve_triangular(
            factor[0], scaled, trans=1, lower=factor[1], check_finite=False
        )
        return self._through_rows(_factor_solver(size, factor), ridge), root

    def ridge_inverse(self, ridge: float) -> Solve:
        """Return the solver of ``(H + ridge I) w = g``, least-norm if singular."""
        if self.H is None:  # fewer rows than features: a system in the rows
            if ridge == 0:
                return _least_norm(self.A)
            return self._through_rows(symmetric_inverse(self._kernel(ridge)), ridge)
        return symmetric_inverse(self.matrix() + ridge * np.eye(self.matrix().shape[0]))


def symmetric_inverse(H: np.ndarray) -> Solve:
    """Return the solver of ``H w = g``: Cholesky, or the pseudo-inverse.

    What is rounding is told at a diagonal of ones: unknowns of any scale count alike.
    """
    if not H.size:  # LAPACK refuses what is empty
        return np.copy
    size, scaled, factor = _scaled_factor(H)
    if factor is not None:
        return _factor_solver(size, factor)
    eigenvalue, Q = np.linalg.eigh(scaled)
    cutoff = eigenvalue.size * _EPS * max(eigenvalue[-1], 0.0)
    kept = eigenvalue > cutoff
    null = np.linalg.qr((Q[:, ~kept].T / size).T)[0]
    Q, eigenvalue = (Q[:, kept].T / size).T, eigenvalue[kept]

    def solve(g):
        w = Q @ ((Q.T @ g).T / eigenvalue).T
        return w - null @ (null.T @ w)  # of all solutions the shortest

    return solve


def _scaled_factor(H: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return sizes of the unknowns, H between them, and its factor if it has one."""
    size = np.sqrt(np.abs(np.diag(H)))
    size[size == 0] = 1.0
    scaled = H / np.outer(size, size)
    try:
        factor = linalg.cho_factor(scaled, check_finite=False)
    except linalg.LinAlgError:
        return size, scaled, None
    smallest = np.abs(np.diag(factor[0])).min(initial=np.inf)
    return size, scaled, factor if smallest**2 > H.shape[0] * 1e2 * _EPS else None


def _factor_solver(size: np.ndarray, factor: Any) -> Solve:
    def solve(g):
        w = linalg.cho_solve(factor, (g.T / size).T, check_finite=False)
        return (w.T / size).T

    return solve


def _least_norm(A: np.ndarray) -> Solve:
    """Return the solver of ``A'A w = g``, rows of any scale counting alike."""
    size = np.linalg.norm(A, axis=1, keepdims=True)
    size[size == 0] = 1.0
    Q = _span([A / size])
    _, R = np.linalg.qr(A @ Q)
    if not R.size:
        return np.zeros_like

    def solve(g):
        w = linalg.solve_triangular(R, Q.T @ g, trans=1, check_finite=False)
        return Q @ linalg.solve_triangular(R, w, check_finite=False)

    return solve


def system_solver(
    blocks: list[Block],
    quadratic: QuadraticForm,
    n_features: int,
    most_dense: int = 0,
    in_span: bool = True,
) -> Solve:
    """Return a function that maps C (n_features, n_columns) to the solution W.

    Parameters
    ----------
    blocks : list of Block
        One per column, or a single one that all columns share.
    quadratic : QuadraticForm
        The coupling K.
    n_features : int
        Number of rows of W.
    most_dense : int, default=0
        Unknowns up to which a system without structure is factored, more than the few
        where that is done anyway: it pays the sooner the more often it is solved.
    in_span : bool, default=True
        Whether C lies in the span of the blocks' rows, but for rounding. That of a loss
        does not where observations without curvature have a slope.
    """
    T = quadratic.n_tasks
    if quadratic.proportion is not None:
        return _rescaled(blocks, *quadratic.proportion, in_span)
    if quadratic.varies:
        return _by_rows(blocks, quadratic, n_features, in_span)
    if quadratic.is_diagonal:
        return _separate(blocks, quadratic)
    rows = sum(n_features if B.A is None else len(B.A) for B in blocks)
    if rows < n_features:
        return _in_span_of_rows(blocks, quadratic, n_features, in_span)
    if len(blocks) == 1:
        return _common_eigenbasis(blocks[0], quadratic)
    if not quadratic.is_coupled and quadratic.equal_ridge:
        return _consensus(blocks, quadratic)
    if n_features * T <= most_dense:
        banded = _banded(blocks, quadratic, n_features)
        return banded or _dense(blocks, quadratic, n_features)
    if n_features * T <= _SMALL_SYSTEM:
        return _dense(blocks, quadratic, n_features)
    return _conjugate_gradients(blocks, quadratic, n_features)


def small_systems(H: np.ndarray, quadratic: QuadraticForm) -> Solve | None:
    """Return what `system_solver` does, of small matrices all at once.

    Parameters
    ----------
    H : ndarray of shape (n_columns, n_features, n_features)
        The Hessians.
    quadratic : QuadraticForm
        The coupling K.

    Returns
    -------
    callable or None
        None where a matrix is singular, or K couples pairs of columns or has rows
        that are not multiples of one.
    """
    if quadratic.proportion is not None:
        factor, form = quadratic.proportion
        scale = 1.0 / np.sqrt(factor)
        rescaled = small_systems(H * scale * scale.T, form)
        return None if rescaled is None else lambda C: scale * rescaled(scale * C)
    inverses = SmallInverses.of(H, quadratic)
    return None if inverses is None else inverses.solver(quadratic)


class SmallInverses:
    """Inverses of small matrices and their ridges, for any strength on the mean.

    Parameters
    ----------
    H : ndarray of shape (n_columns, n_features, n_features)
        The Hessians.
    inverse : ndarray of the same shape
        The inverses of these and the ridge of each.
    """

    def __init__(self, H: np.ndarray, inverse: np.ndarray):
        self._H, self._inverse = H, inverse

    @classmethod
    def of(cls, H: np.ndarray, quadratic: QuadraticForm) -> SmallInverses | None:
        """Return those with the strengths on deviations of a form.

        None where a matrix is singular, or the form couples pairs of columns or has
        strengths that differ by row.
        """
        if quadratic.varies or quadratic.is_coupled:
            return None
        if not (quadratic.is_diagonal or quadratic.equal_ridge):
            return None
        own = np.full(len(H), quadratic.ridge + quadratic.centred, dtype=float)
        inverse = _ridge_inverses(H, own)
        return None if inverse is None else cls(H, inverse)

    def solver(self, quadratic: QuadraticForm) -> Solve:
        """Return the solver of the system with a form of these strengths."""
        if quadratic.is_diagonal:
            return self._apart
        a = quadratic.ridge + quadratic.centred  # as in _consensus
        m = quadratic.ridge + quadratic.mean
        product, total = self._sums
        part = product + m * total
        for_mean = symmetric_inverse((part + part.T) / (2 * len(self._inverse)))

        def solve(C):
            alone = self._apart(C)
            mean = for_mean(alone.mean(axis=1))
            return alone + (a - m) * (self._inverse @ mean).T

        return solve

    def _apart(self, C):
        return np.matmul(self._inverse, C.T[:, :, None])[:, :, 0].T

    @cached_property
    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums over the columns of the inverses times H, and of the inverses."""
        d = self._H.shape[1]
        wide = self._inverse.transpose(1, 0, 2).reshape(d, -1)  # a copy
        sums = wide @ self._H.reshape(-1, d), wide.reshape(d, -1, d).sum(axis=1)
        del self._H
        return sums


def _rescaled(blocks, factor, form, in_span):
    """Rows whose penalties are multiples of one: that of coefficients times roots."""
    scale = 1.0 / np.sqrt(factor)
    across = scale.T
    part = [
        Block(A=B.A * across) if B.H is None else Block(H=B.H * scale * across)
        for B in blocks
    ]
    solve = system_solver(part, form, len(scale), in_span=in_span)
    return lambda C: scale * solve(scale * C)


def _by_rows(blocks, quadratic, n_features, in_span):
    """Rows with penalties of their own."""
    if quadratic.is_coupled or not quadratic.equal_ridge:
        if n_features * quadratic.n_tasks <= _SMALL_SYSTEM:
            return _dense(blocks, quadratic, n_features)
        return _conjugate_gradients(blocks, quadratic, n_features)
    if all(B.H is None for B in blocks) and sum(len(B.A) for B in blocks) < n_features:
        return _most_in_span_of_rows(blocks, quadratic, n_features, in_span)
    return _consensus_by_rows(blocks, quadratic, n_features)


def _span(A: list[np.ndarray]) -> np.ndarray:
    """Return an orthonormal basis of the span of all rows, its vectors as columns.

    Directions that are rounding would be null directions of what is left, and centred
    samples have one for each task.
    """
    rows = np.concatenate(A)
    if 0 < len(rows) <= rows.shape[1]:  # pivots cost ten times as much
        Q, R = np.linalg.qr(rows.T)
        # R is its own factor U beside an L of ones: for triangles alone there is no
        # such routine in the oldest SciPy
        [estimate] = linalg.get_lapack_funcs(("gecon",), dtype=R.dtype)
        condition, _ = estimate(R, np.abs(R).sum(axis=0).max())
        if condition > len(rows) * _SAFELY_INDEPENDENT:
            return Q
    factors: Any = linalg.qr(rows.T, mode="economic", pivoting=True)
    Q, R, _ = factors
    length = np.abs(np.diag(R))
    return Q[:, : np.count_nonzero(length > len(length) * _EPS * length.max(initial=0))]


def _most_in_span_of_rows(blocks, quadratic, n_features, in_span):
    """Fewer samples than features: most rows, alike once scaled, lie in their span."""
    a, m = quadratic.on_deviations(n_features), quadratic.on_mean(n_features)
    ratio = np.where(np.isfinite(a), m / a, np.inf)
    typical = ratio[np.argmin(ratio == np.inf)]
    alike = np.isclose(ratio, typical, rtol=1e-12, atol=0.0) & np.isfinite(ratio)
    scale = 1.0 / np.sqrt(a[alike])[:, None]
    A = [block.A[:, alike] * scale.T for block in blocks]
    Q = _span(A)
    part = [
        Block(A=np.hstack([A_t @ Q, block.A[:, ~alike]]))
        for A_t, block in zip(A, blocks, strict=True)
    ]
    one, r = np.ones(Q.shape[1]), Q.shape[1]
    form = QuadraticForm(
        quadratic.n_tasks,
        centred=np.append(one, a[~alike]),
        mean=np.append(typical * one, m[~alike]),
    )
    inner = _consensus_by_rows(part, form, len(part[0].matrix()))
    same = QuadraticForm(quadratic.n_tasks, centred=1.0, mean=typical)
    beyond = _no_rows if in_span else same.resolvent(np.zeros(len(scale)))

    def solve(C):
        out = np.empty_like(C)
        scaled = scale * C[alike]
        along = Q.T @ scaled
        found = inner(np.vstack([along, C[~alike]]))
        out[alike] = scale * (Q @ found[:r] + beyond(scaled - Q @ along))
        out[~alike] = found[r:]
        return out

    return solve


def _consensus_by_rows(blocks, quadratic, n_features):
    """The consensus of the tasks where strengths on deviations, a, differ by row.

    They are written ``a = p / v``, of which neither is large and v is zero where a is
    infinite. With ``B_t = diag(v) H_t + diag(p)`` each task is ``w_t = B_t^-1 (v c_t +
    (p - v m) w_mean)``, and the gradients sum to zero where ``sum_t B_t^-T (H_t + diag(
    m)) w_mean = sum_t B_t^-T c_t``, which subtracts nothing.
    """
    T = quadratic.n_tasks
    H = np.stack([block.matrix() for block in blocks])
    size = np.einsum("tjj->j", H) / len(H)
    size[size <= 0] = 1.0
    scale = 1.0 / np.sqrt(size)  # features of any scale count alike
    H *= scale[:, None] * scale
    a = quadratic.on_deviations(n_features) / size
    m = quadratic.on_mean(n_features) / size
    v = 1.0 / (1.0 + a)
    p = 1.0 / (1.0 + np.divide(1.0, a, out=np.full_like(a, np.inf), where=a > 0))
    system = v[:, None] * H
    diagonal = np.arange(n_features)
    system[:, diagonal, diagonal] += p
    inverse, _ = _inverses(system)
    H[:, diagonal, diagonal] += m
    total = np.einsum("tkj,tkl->jl", inverse, H, optimize=True) * (T / len(H))
    for_mean = _inverses(total[None])[0][0]
    shared = quadratic.shared_rows
    scale, v, pull = scale[:, None], v[:, None], (p - v * m)[:, None]

    def solve(C):
        C = scale * C
        mean = for_mean @ np.einsum("tkj,kt->j", inverse_of_all, C, optimize=True)
        mean = mean[:, None]
        right = v * C + pull * mean
        out = np.matmul(inverse, right.T[:, :, None])[:, :, 0].T
        out[shared] = mean[shared]
        return scale * out

    inverse_of_all = np.broadcast_to(inverse, (T, n_features, n_features))
    return solve


def _ridge_inverses(H: np.ndarray, ridge: np.ndarray) -> np.ndarray | None:
    """Return inverses of ``H_t + ridge_t I``, None where one is near singular.

    No H has a negative eigenvalue, but for rounding.
    """
    T, d = H.shape[:2]
    if d <= _SIDE_BY_SIDE and T > 1:
        inverse, condition = np.empty((T, d, d)), np.empty(T)
        given = readonly(H), readonly(ridge)
        small_inverses(*given, np.empty((d + 3, d, 8)), inverse, condition)
        return inverse if np.all(condition < _WORST_CONDITION) else None
    diagonal = np.arange(d)
    size = np.sqrt(H[:, diagonal, diagonal] + ridge[:, None])
    if not size.all():
        return None
    across = size[:, :, None] * size[:, None]  # any scale counts alike
    system = H.copy()
    system[:, diagonal, diagonal] += ridge[:, None]
    inverse, poor = _inverses(system / across)
    return None if poor.any() else inverse / across


def _inverses(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inverses, (n_matrices, n, n), and which are but pseudo-inverses."""
    try:
        inverse = np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrices), np.ones(len(matrices), dtype=bool)
    condition = np.abs(matrices).sum(axis=1).max(axis=1, initial=0.0)
    condition *= np.abs(inverse).sum(axis=1).max(axis=1, initial=0.0)
    poor = ~(condition < _WORST_CONDITION)
    if poor.any():
        inverse[poor] = np.linalg.pinv(matrices[poor], rcond=matrices.shape[1] * _EPS)
    return inverse, poor


def residual(blocks, quadratic, C, W):
    """Return ``C - H W - W K``."""
    if len(blocks) == 1:
        product = blocks[0].times(W)
    else:
        product = np.column_stack(
            [B.times(w) for B, w in zip(blocks, W.T, strict=True)]
        )
    return C - product - quadratic.gradient(W)


def _separate(blocks, quadratic):
    ridge = quadratic.diagonal
    if len(blocks) == 1 and np.all(ridge == ridge[0]):
        return blocks[0].ridge_inverse(ridge[0])
    if len(blocks) == 1:
        blocks = blocks * len(ridge)
    inverses = [B.ridge_inverse(r) for B, r in zip(blocks, ridge, strict=True)]
    return lambda C: np.column_stack(
        [inverse(c) for inverse, c in zip(inverses, C.T, strict=True)]
    )


def _no_rows(C):
    """Return zero: there is nothing beyond the span of the rows but rounding."""
    return 0.0


def _in_span_of_rows(blocks, quadratic, n_features, in_span):
    """Fewer samples than features in all: the Hessians are in the span of the samples.

    Beyond it the penalty is alone.
    """
    Q = _span([block.A for block in blocks])
    beyond = _no_rows if in_span else quadratic.resolvent(np.zeros(n_features))
    if Q.shape[1] == 0:  # features that do not vary
        return lambda C: np.zeros_like(C) + beyond(C)
    part = [Block(A=block.A @ Q) for block in blocks]
    solve = system_solver(part, quadratic, Q.shape[1])

    def solve_both(C):
        along = Q.T @ C
        return Q @ solve(along) + beyond(C - Q @ along)

    return solve_both


def _common_eigenbasis(block, quadratic):
    """One Hessian for all columns: in its eigenbasis a system in K for each row."""
    h, P = np.linalg.eigh(block.matrix())
    h[h <= h.size * _EPS * h.max(initial=0.0)] = 0.0
    inverse = quadratic.resolvent(h)
    return lambda C: P @ inverse(P.T @ C)


def _mean_inverse(mean, quadratic):
    """Return about the inverse for columns that all have about this Hessian."""
    h, P = np.linalg.eigh(mean)
    h = np.maximum(h, max(_LEAST_CURVATURE * h.max(initial=0.0), np.finfo(float).tiny))
    if quadratic.is_sparse:  # eigenvalues that are near each other share a factor
        h = _ALIKE ** np.round(np.log(h) / np.log(_ALIKE))
    inverse = quadratic.resolvent(h)
    return lambda C: P @ inverse(P.T @ C)


def _dense(blocks, quadratic, n_features):
    T = quadratic.n_tasks
    system = np.zeros((T, n_features, T, n_features))
    for rows, form in quadratic.kinds(n_features):
        system[:, rows, :, rows] = form.dense()
    system = system.reshape(T * n_features, -1)
    own = blocks * T if len(blocks) == 1 else blocks
    for t, block in enumerate(own):
        rows = slice(t * n_features, (t + 1) * n_features)
        system[rows, rows] += block.matrix()
    if not quadratic.shared_rows.size:
        inverse = symmetric_inverse(system)
        return lambda C: inverse(C.T.ravel()).reshape(T, n_features).T
    # rows that all tasks share have one unknown each
    unknown = np.arange(T * n_features).reshape(T, n_features)
    unknown[:, quadratic.shared_rows] = quadratic.shared_rows
    which = np.unique(unknown, return_inverse=True)[1].ravel()
    tie = np.eye(which.max() + 1)[which]
    inverse = symmetric_inverse(tie.T @ system @ tie)
    return lambda C: (tie @ inverse(tie.T @ C.T.ravel())).reshape(T, n_features).T


def _banded(blocks, quadratic, n_features):
    """A chain, ring or other narrow graph of tasks: a factor of the band.

    None where the graph is not narrow, or the system near singular.
    """
    K, T, d = quadratic.dense(), quadratic.n_tasks, n_features
    if len(blocks) != T:
        return None
    order = reverse_cuthill_mckee(sparse.csr_array(K), symmetric_mode=True)
    K = K[np.ix_(order, order)]
    first, second = np.nonzero(K)
    width = int(np.abs(first - second).max(initial=0))
    if _NARROW * width > T:
        return None
    band = np.zeros((width * d + d, T, d))  # entry (i - j, j) is that of (i, j)
    own = np.stack([blocks[t].matrix() for t in order])
    for j in range(d):
        band[: d - j, :, j] = own[:, j:, j].T
    for k in range(width + 1):
        band[k * d, np.arange(T - k)] += np.diagonal(K, -k)[:, None]
    band = band.reshape(len(band), -1)
    size = np.sqrt(band[0])
    if not size.all():
        return None
    for i in range(len(band)):  # features of any scale count alike
        band[i, : T * d - i] /= size[i:] * size[: T * d - i]
    try:
        factor = linalg.cholesky_banded(band, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    if not np.min(factor[0]) ** 2 > T * d * 1e2 * _EPS:
        return None

    def solve(C):
        right = C.T[order].ravel() / size
        w = linalg.cho_solve_banded((factor, True), right, check_finite=False)
        out = np.empty_like(C)
        out[:, order] = (w / size).reshape(T, d).T
        return out

    return solve


def _consensus(blocks, quadratic):
    """Ridge, pull to the mean, penalty on the mean: a system for the consensus.

    With A_t = H_t + a I each task is ``w_t = A_t^-1 (c_t + (a - m) w_mean)``, where a
    is the strength on deviations and m the one on the mean; averaging over the tasks
    leaves ``(1/T sum_t A_t^-1 (H_t + m I)) w_mean = 1/T sum_t A_t^-1 c_t``, a form that
    subtracts nothing. It is symmetric, since A_t^-1 and H_t commute.
    """
    a = quadratic.ridge + quadratic.centred
    m = quadratic.ridge + quadratic.mean
    inverses: list[Solve] = []
    roots: list[np.ndarray] = []
    system: Any = 0.0
    for block in blocks:
        # of few rows A_t^-1 (H_t + m I) is m / a I + (1 - m / a) R'R
        inverse, root = block.ridge_inverse_and_root(a)
        inverses.append(inverse)
        if root is None or m > a:  # of which digits would cancel
            H = block.matrix()
            part = inverse(H + m * np.eye(H.shape[0]))
            system = system + (part + part.T) / 2
        else:
            roots.append(root)
            if sum(map(len, roots)) >= root.shape[1]:
                system = system + _sum_of_shares(roots, m / a)
                roots.clear()
    if roots:
        system = system + _sum_of_shares(roots, m / a)
    system = system / len(blocks)
    for_mean = symmetric_inverse(system)

    def solve(C):
        alone = np.column_stack([f(c) for f, c in zip(inverses, C.T, strict=True)])
        mean = for_mean(alone.mean(axis=1))
        return alone + (a - m) * np.column_stack([f(mean) for f in inverses])

    return solve


def _sum_of_shares(roots: list[np.ndarray], least: float) -> np.ndarray:
    """Return the sum of ``least I + (1 - least) R'R``, in one product."""
    R = np.vstack(roots)
    out = (1.0 - least) * (R.T @ R)
    out.flat[:: len(out) + 1] += least * len(roots)
    return out


def _conjugate_gradients(blocks, quadratic, n_features):
    """Preconditioned by the mean Hessian with all couplings."""
    T = quadratic.n_tasks
    mean = sum(B.matrix() for B in blocks) / len(blocks)
    if quadratic.varies:
        size = np.diag(mean)[:, None]
        size = np.maximum(size, _LEAST_CURVATURE * max(size.max(), 1.0))

        kinds = [
            (rows, form.resolvent(size[rows, 0]))
            for rows, form in quadratic.kinds(n_features)
        ]

        def precondition(C):
            out = np.empty_like(C)
            for rows, inverse in kinds:
                out[rows] = inverse(C[rows])
            return out
    else:
        precondition = _mean_inverse(mean, quadratic)

    def as_operator(function):
        def product(w):
            return function(w.reshape(n_features, T)).ravel()

        shape = (n_features * T, n_features * T)
        # SciPy makes an object of another class
        return LinearOperator(shape, matvec=product, dtype=np.float64)  # pyright: ignore[reportCallIssue]

    zero = np.zeros((n_features, T))
    shared = quadratic.shared
    system = as_operator(lambda W: -shared(residual(blocks, quadratic, zero, W)))
    inverse = as_operator(precondition)
    small = n_features * T <= DENSE_SYSTEM
    most = _FEW_STEPS if small else _MANY_STEPS
    other: list[Solve] = []

    def solve(C):
        if other:
            return other[0](C)
        right = shared(C).ravel()
        w, failed = cg(system, right, rtol=_CG_TOL, maxiter=most, M=inverse)
        if failed and small:
            other.append(_dense(blocks, quadratic, n_features))
            return other[0](C)
        return shared(w.reshape(n_features, T))

    return solve
