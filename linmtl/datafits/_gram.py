"""The squared loss through moments: its cost does not depend on the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy import linalg

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import UNIT, Datafit, SquaredSums, directions
from linmtl.datafits._moments import Moments
from linmtl.datafits._residual import ResidualFit
from linmtl.designs._base import used_rows
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import gram_adjoint
from linmtl.kernels._threads import blas_threads
from linmtl.losses import Loss

_SIZE_FOR_MANY = 2.0  # of Gram matrices relative to the data, for many problems
# features from which moments cost as much as some ten passes over the rows, and the
# multiplications from which that is worth a look
_MANY_FEATURES, _MUCH_WORK = 256, 1e10


class GramFit(SquaredSums):
    """Squared loss through the moments of each task; no row is looked at.

    Parameters
    ----------
    moments : Moments or None
        The moments; None if they are to be made of the rows when first asked for.
    loss : Loss
        The squared loss.
    data : MultiTaskData or callable, default=None
        The rows of these moments, where they are at hand, or what makes them.

    Attributes
    ----------
    H : ndarray of shape (n_columns or 1, n_features, n_features)
        Hessians; one where all columns share it.
    C : ndarray of shape (n_columns, n_features)
        Negative gradient at zero.
    """

    quadratic = bounded = True
    holds_rows = False

    def __init__(
        self,
        moments: Moments | None,
        loss: Loss,
        data: MultiTaskData | Callable[[], MultiTaskData] | None = None,
    ):
        self.loss, self._data = loss, data
        if moments is not None:
            self.moments = moments
            self.n_columns, self.n_features = moments.C.shape
        else:
            assert self.rows is not None
            design = self.rows.design
            self.n_columns, self.n_features = design.n_columns, design.n_features
        self._shift: np.ndarray | None = None
        self._last_projector: tuple | None = None
        self._curvature: dict[bool, tuple[np.ndarray, float]] = {}

    @cached_property
    def moments(self):
        assert self.rows is not None
        return _moments(self.rows)

    @property
    def pending(self):
        return "moments" not in self.__dict__

    def settle(self):
        _ = self.moments

    @property
    def H(self):
        return self.moments.H

    @property
    def C(self):
        return self.moments.C

    @cached_property
    def square(self):
        return float(self.moments.square.sum())

    @cached_property
    def b(self):
        return self.moments.y.copy()

    @cached_property
    def eigenbases(self) -> tuple[np.ndarray, np.ndarray]:
        h, Q = np.linalg.eigh(self.H)
        return h, Q

    @property
    def row_count(self):
        return self.n_features

    @property
    def largest_block(self):
        return self.n_features, len(self.H) == 1

    @cached_property
    def rounding(self):
        # of targets about a mean what varies is rounded once it is centred, and the
        # mean costs each of them one more rounding
        means = float(self.moments.total @ self.moments.y**2)
        return UNIT * (self.square + UNIT * (self.square + means))

    @cached_property
    def rows(self):
        return self._data() if callable(self._data) else self._data

    @cached_property
    def of_rows(self):
        return None if self.rows is None else ResidualFit(self.rows, self.loss)

    def error(self, W):
        # each entry of H and C is rounded relative to the norms of its two columns, so
        # that a small loss is a difference of what these norms make of W
        fitted = np.sum(self._column_norm.T * np.abs(W), axis=-2)
        return UNIT * np.sum((self._target_norm + fitted) ** 2, axis=-1)

    @cached_property
    def _column_norm(self):
        # moments by subtraction leave rounding where a feature is constant
        return np.sqrt(np.maximum(np.einsum("cjj->cj", self.H), 0.0))

    @cached_property
    def _target_norm(self):
        moments = self.moments
        square = np.bincount(moments.column, moments.square, minlength=self.n_columns)
        return np.sqrt(square)

    def evaluate(self, W, G, residuals=None):
        self._shift = None
        loss = self._evaluate(W, G)
        self.b = self.moments.intercepts(W)
        self._W = W
        return loss

    def loss_at(self, W):
        return self._evaluate(W, np.empty_like(W))

    def _evaluate(self, W, G):
        if self.H.shape[0] == 1:
            H = self.H[0]
            used = np.flatnonzero(used_rows(W))
            if used.size < self.n_features // 2:  # H is symmetric: rows for columns
                np.subtract(self.C.T, H[used].T @ W[used], out=G)
            else:
                np.subtract(self.C.T, H @ W, out=G)
        else:
            Gt = np.empty_like(self.C)
            Wt = np.ascontiguousarray(W.T)
            gram_adjoint(readonly(self.H), readonly(self.C), readonly(Wt), Gt)
            G[...] = Gt.T
        fitted = float(np.sum(W * self.C.T))
        self._linear = self.square - fitted  # sum theta y
        self._square = self._linear - float(np.vdot(W, G))
        return max(self._square, 0.0) / 2

    def small_hessians(self, size):
        return self.H if self.n_features < size and len(self.H) > 1 else None

    def hessians(self, features, dtype=np.float64, least=0.0):
        entries = (self.n_features * features[:, None] + features).ravel()
        chosen = self.H.reshape(len(self.H), -1).take(entries, axis=1)
        return chosen.reshape(len(self.H), features.size, features.size)

    # A projected residual is the residual at a shifted W.
    def project(self, parts, G):
        if self._shift is None:
            self._shift = np.zeros_like(self._W)
        columns, entries, over = directions(parts, G)
        solve = self._projector(parts, columns, entries)
        move = solve(over[None, :, None])[0, :, 0]
        first = 0
        for part, entry in zip(parts, entries, strict=True):
            rows, k = np.arange(self.n_features)[part.rows], entry.shape[1]
            last = first + k * rows.size
            own = move[first:last].reshape(k, rows.size).T
            self._shift[np.ix_(rows, columns)] += own @ entry.T
            first = last

    def _projector(self, parts, columns, entries):
        """Return the solver of a projection, kept for the next one on the same."""
        key = [columns.tobytes()]
        for part, entry in zip(parts, entries, strict=True):
            key += [np.asarray(part.rows).tobytes(), entry.tobytes()]
        if self._last_projector is None or self._last_projector[0] != key:
            system = np.block(
                [
                    [
                        self._between(first.rows, second.rows, V, U, columns)
                        for second, U in zip(parts, entries, strict=True)
                    ]
                    for first, V in zip(parts, entries, strict=True)
                ]
            )
            self._last_projector = key, scaled_solver(system[None])[0]
        return self._last_projector[1]

    def _between(self, rows, others, V, U, columns):
        """Return the Hessian between directions of some rows and of others."""
        if self.H.shape[0] == 1:
            return np.kron(V.T @ U, self.H[0][rows][:, others])
        H = self.H[columns][:, rows][:, :, others]
        block = np.einsum("ca,cb,cij->aibj", V, U, H, optimize=True)
        return block.reshape(V.shape[1] * H.shape[1], -1)

    def feature_scale(self):
        return self._column_norm.max(axis=0)

    def residual_norm(self):
        return float(np.sqrt(max(self._square, 0.0)))

    def refresh(self, G):
        if self._shift is not None:
            self._evaluate(self._W + self._shift, G)

    def curvature(self, scaled):
        if scaled not in self._curvature:
            self._curvature[scaled] = self._find_curvature(scaled)
        return self._curvature[scaled]

    def _find_curvature(self, scaled):
        metric = np.ones(self.n_features)
        if scaled:
            metric = np.einsum("cjj->cj", self.H).max(axis=0).copy()
            metric[metric <= 0] = 1.0
        scale = 1.0 / np.sqrt(metric)
        top = max(_top_eigenvalue(scale[:, None] * H * scale) for H in self.H)
        return metric, top

    def restrict(self, features):
        return GramFit(self.moments.restrict(features), self.loss)

    def of_tasks(self, tasks):
        part = GramFit(self.moments.of_tasks(tasks), self.loss)
        if "eigenbases" in self.__dict__ and not self.moments.shared:
            h, Q = self.eigenbases
            part.eigenbases = h[tasks], Q[tasks]
        return part


def additive_fit(data: MultiTaskData, loss: Loss) -> GramFit | ResidualFit:
    """Return the sum of the tasks' losses in the cheaper form.

    Gram matrices where the loss is squared and they are no larger than the data.
    """
    design = data.design
    d = design.n_features
    rows = design.task_ptr[1] if design.is_shared() else design.task_ptr[-1]
    if not loss.quadratic or _size_of_grams(data) > 1.0:
        return ResidualFit(data, loss)
    late = d >= _MANY_FEATURES and float(rows) * d * d >= _MUCH_WORK
    return GramFit(None if late else _moments(data), loss, data)


def for_many_problems(fit: Datafit) -> Datafit:
    """Return a squared loss in the form that is cheaper for many problems of it.

    Gram matrices, made once, where they are at most twice as large as the data.
    """
    if not (fit.quadratic and fit.holds_rows):
        return fit
    data = fit.data
    if _size_of_grams(data) > _SIZE_FOR_MANY:
        return fit
    return GramFit(_moments(data), fit.loss, data)


def _size_of_grams(data: MultiTaskData) -> float:
    """Return the size of Gram matrices relative to the data, infinite if not to be."""
    design, d = data.design, data.design.n_features
    grams = 1 if design.columns_alike(data.weight) else design.n_columns
    if 8.0 * grams * d * d > design.spare_bytes:
        return np.inf
    rows = design.task_ptr[1] if design.is_shared() else design.task_ptr[-1]
    return grams * d / max(int(rows), 1)


def _moments(data: MultiTaskData) -> Moments:
    design = data.design
    with blas_threads(float(np.diff(design.task_ptr).max()) * design.n_features**2):
        return Moments.of(data)


def scaled_solver(
    H: np.ndarray,
) -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """Return a solver of ``H_c X_c = G_c``, features of any scale alike.

    And the least eigenvalue that is not taken for rounding, of a matrix with a diagonal
    of ones.

    Parameters
    ----------
    H : ndarray of shape (n_matrices, n, n)
        Positive semi-definite matrices.
    """
    size = np.sqrt(np.einsum("cjj->cj", H))[:, :, None]
    size[size == 0] = 1.0
    eigenvalue, Q = np.linalg.eigh(H / size / size.transpose(0, 2, 1))
    cutoff = H.shape[1] * np.finfo(float).eps * eigenvalue.max(axis=1, initial=0.0)
    kept = eigenvalue > cutoff[:, None]
    inverse = np.divide(1.0, eigenvalue, out=np.zeros_like(eigenvalue), where=kept)
    least = float(eigenvalue.min(initial=1.0, where=kept))

    def solve(G):
        along = inverse[:, :, None] * (Q.transpose(0, 2, 1) @ (G / size))
        return Q @ along / size

    return solve, least


def _top_eigenvalue(H: np.ndarray) -> float:
    d = H.shape[0]
    if d == 0:
        return 0.0
    value = linalg.eigvalsh(H, subset_by_index=[d - 1, d - 1])[0]
    return max(float(value), 0.0)
