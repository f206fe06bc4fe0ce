"""How X is held: shared by the tasks or stacked task after task, dense or sparse.

X may be in single precision. It is never converted as a whole: every product converts
a piece at a time, so that results are in double precision at half the memory.

Everything else sees only the operations of :class:`Design`. Linear predictors are
flat and sorted by task: observation ``i`` of task ``t`` lies at ``task_ptr[t] + i``.
Coefficients W are (n_features, n_columns); ``column`` maps each task to its column of
W (the identity, except where tasks are tied to one model).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.linalg import get_blas_funcs
from scipy.sparse.linalg import LinearOperator, eigsh

from linmtl._jit import readonly
from linmtl._kernels import (
    feature_adjoint,
    feature_predict,
    gather_features,
    mirror,
    sparse_adjoint,
    sparse_predict,
    stacked_adjoint,
    stacked_predict,
    transpose_tasks,
    weight_features,
)

# below this size a dense eigendecomposition is cheaper than a Lanczos iteration
_DENSE_EIGEN = 400
# residuals this small stay in the cache while a few features at a time pass by
_CACHED = 10_000
_FEATURES = 128
_FAST = 2**20  # bytes of X that stay in the cache from one pass to the next
_TILE = 64  # rows that are transposed at a time
_PIECE = 2**19  # numbers that are converted to double precision at a time


def used_rows(W: np.ndarray) -> np.ndarray:
    """Return the mask of the rows that are not all zero; faster than ``any``."""
    return np.abs(W) @ np.ones(W.shape[1]) != 0.0


def pieces(X: np.ndarray, axis: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of X along an axis in double precision: all of it if it is so."""
    if X.dtype == np.float64:
        yield slice(None), X
        return
    step = max(_PIECE // max(X.shape[1 - axis], 1), 1)
    for start in range(0, X.shape[axis], step):
        part = slice(start, start + step)
        piece = X[part] if axis == 0 else X[:, part]
        yield part, piece.astype(np.float64)


class Design:
    """Operations on X that losses, solvers and certificates are built from."""

    n_features: int
    task_ptr: np.ndarray  # (n_tasks + 1,)
    dtype: np.dtype

    @property
    def n_tasks(self) -> int:
        return self.task_ptr.size - 1

    @property
    def n_columns(self) -> int:
        return self.n_tasks

    @property
    def column(self) -> np.ndarray:
        return np.arange(self.n_tasks)

    def predict(self, W: np.ndarray, eta: np.ndarray) -> None:
        """Write ``eta_i = x_i . w_t`` (no intercepts) into ``eta``."""
        raise NotImplementedError

    def adjoint(self, r: np.ndarray, G: np.ndarray) -> None:
        """Write ``G[:, c] = sum over the tasks of column c of X_t' r_t``."""
        raise NotImplementedError

    def evaluate(
        self,
        W: np.ndarray,
        eta: np.ndarray,
        residual: Callable[[int, int], None],
        theta: np.ndarray,
        G: np.ndarray,
    ) -> None:
        """Write the predictors of W into ``eta``, and the adjoint of ``theta`` into G.

        In between, ``residual(first, stop)`` writes ``theta`` for a range of tasks,
        from their part of ``eta``.
        """
        self.predict(W, eta)
        residual(0, self.n_tasks)
        self.adjoint(theta, G)

    def task_sums(self, weight: np.ndarray) -> np.ndarray:
        """Return ``sum_i weight_i x_i`` over each task, (n_tasks, n_features)."""
        sums = np.empty((self.n_features, self.n_tasks))
        self.adjoint(weight, sums)
        return np.ascontiguousarray(sums.T)

    def restrict(self, features: np.ndarray) -> Design:
        """Return the design with only these features (an index or boolean array)."""
        raise NotImplementedError

    def gather(self, features: np.ndarray, last: Design | None = None) -> Design:
        """Return :meth:`restrict` in the form that a working set is solved on.

        Parameters
        ----------
        features : ndarray of int
            The features.
        last : Design, default=None
            What this method returned for an earlier set, to copy from.
        """
        return self.restrict(features)

    def with_hessians(self, centre: bool) -> Design:
        """Return this design in the form in which many Hessians are made.

        For one solver at a time: they may be written over each other.
        """
        return self

    def take(self, rows: np.ndarray) -> Design:
        """Return the design with only these observations (increasing flat indices).

        With a shared X they must be the same samples for every task.
        """
        raise NotImplementedError

    def block(self, task: int) -> np.ndarray | sparse.csr_array:
        """Return the rows of one task, (n_t, n_features)."""
        raise NotImplementedError

    def is_shared(self) -> bool:
        """Whether all tasks have the same rows."""
        return False

    def columns_alike(self, weight: np.ndarray) -> bool:
        """Whether all tasks have the same rows and weights, hence one Hessian."""
        return False

    def columns(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each column of W with the tasks that use it."""
        column = self.column
        if self.n_columns == self.n_tasks:
            yield from ((t, np.array([t])) for t in range(self.n_tasks))
        else:
            for c in range(self.n_columns):
                yield c, np.flatnonzero(column == c)

    def centred_block(
        self,
        tasks: np.ndarray,
        weight: np.ndarray,
        centre: bool,
        features: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return ``sqrt(weight_i) (x_i - mean of its task)`` for the rows of tasks.

        ``weight`` is flat over all observations; the means are weighted by it. With
        ``A`` this block, ``A'A`` is the Hessian of the weighted squared loss of these
        tasks once their intercepts are eliminated.
        """
        blocks = []
        for t in tasks:
            w = weight[self.task_ptr[t] : self.task_ptr[t + 1]]
            X_t = self.block(t)
            X_t = X_t if features is None else X_t[:, features]
            X_t = X_t.toarray() if sparse.issparse(X_t) else X_t
            total = w.sum()
            if centre and total > 0:
                X_t = X_t - (w @ X_t) / total
            blocks.append(np.sqrt(w)[:, None] * X_t)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def feature_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return X with one row per feature, and the column where each task begins."""
        raise NotImplementedError

    def hessians(
        self,
        weight: np.ndarray,
        centre: bool,
        features: np.ndarray | None = None,
        dtype: type = np.float64,
    ) -> np.ndarray:
        """Return ``A'A`` of :meth:`centred_block` of each column of W.

        An array of shape (n_columns, n_features, n_features), of the features given.
        """
        k = self.n_features if features is None else features.size
        H = np.empty((self.n_columns, k, k), dtype=dtype)
        for c, tasks in self.columns():
            A = self.centred_block(tasks, weight, centre, features)
            A = A.astype(dtype, copy=False)
            np.dot(A.T, A, out=H[c])
        return H

    def column_scale(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return the largest diagonal of the tasks' Hessians, (n_features,)."""
        scale = np.zeros(self.n_features)
        for _, tasks in self.columns():
            A = self._centred_or_none(tasks, weight, centre)
            diagonal = (
                np.einsum("ij,ij->j", A, A)
                if A is not None
                else self._sparse_diagonal(tasks, weight, centre)
            )
            np.maximum(scale, diagonal, out=scale)
        return scale

    def column_eigenvalues(
        self, weight: np.ndarray, centre: bool, metric: np.ndarray
    ) -> np.ndarray:
        """Return the largest eigenvalue of ``D^-1/2 H_c D^-1/2`` of each column.

        ``H_c`` is the Hessian of :meth:`centred_block`, ``D = diag(metric)``.
        """
        scale = 1.0 / np.sqrt(metric)
        largest = np.zeros(self.n_columns)
        for c, tasks in self.columns():
            A = self._centred_or_none(tasks, weight, centre)
            if A is not None:
                largest[c] = largest_eigenvalue(A * scale)
            else:
                largest[c] = self._sparse_eigenvalue(tasks, weight, centre, scale)
        return largest

    # A sparse design is never made dense as a whole: its centring is implicit.
    def _centred_or_none(self, tasks, weight, centre):
        if sparse.issparse(self.block(int(tasks[0]))):
            return None
        return self.centred_block(tasks, weight, centre)

    def _sparse_parts(self, tasks, weight, centre):
        for t in tasks:
            w = weight[self.task_ptr[t] : self.task_ptr[t + 1]]
            X_t = self.block(t)
            total = w.sum()
            centred = centre and total > 0
            mean = (X_t.T @ w) / total if centred else np.zeros(self.n_features)
            yield X_t, w, mean, total

    def _sparse_diagonal(self, tasks, weight, centre):
        diagonal = np.zeros(self.n_features)
        for X_t, w, mean, total in self._sparse_parts(tasks, weight, centre):
            X_t = X_t.astype(np.float64)
            diagonal += X_t.multiply(X_t).T @ w - total * mean**2
        return np.maximum(diagonal, 0.0)

    def _sparse_eigenvalue(self, tasks, weight, centre, scale):
        parts = list(self._sparse_parts(tasks, weight, centre))

        def product(v):
            v = scale * v.ravel()
            out = np.zeros(self.n_features)
            for X_t, w, mean, total in parts:
                out += X_t.T @ (w * (X_t @ v)) - total * mean * (mean @ v)
            return scale * out

        return _operator_eigenvalue(product, self.n_features)


def _transposed(X: np.ndarray | sparse.csr_array) -> np.ndarray:
    X = X.toarray() if sparse.issparse(X) else X
    return np.ascontiguousarray(X.T)


def largest_eigenvalue(A: np.ndarray) -> float:
    """Return the largest eigenvalue of ``A'A``, from its smaller side."""
    side = min(A.shape)
    if side == 0:
        return 0.0
    if side <= _DENSE_EIGEN:
        gram = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
        return max(float(np.linalg.eigvalsh(gram)[-1]), 0.0)
    return _operator_eigenvalue(lambda v: A.T @ (A @ v.ravel()), A.shape[1])


def _operator_eigenvalue(product, size: int) -> float:
    if size <= 2:  # too small for a Lanczos iteration
        matrix = np.column_stack([product(column) for column in np.eye(size)])
        return max(float(np.linalg.eigvalsh(matrix)[-1]), 0.0)
    start = np.random.default_rng(0).standard_normal(size)
    if not np.any(product(start)):
        return 0.0
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    value = eigsh(
        operator, k=1, v0=start, tol=1e-4, return_eigenvectors=False, maxiter=1000
    )
    # a Ritz value lies below the eigenvalue by less than the tolerance
    return max(float(value[0]), 0.0) * (1 + 1e-3)


class SharedDesign(Design):
    """One X (n_samples, n_features), dense or sparse, that all tasks share."""

    def __init__(self, X: np.ndarray | sparse.csr_array, n_tasks: int):
        self.X = X
        n_samples, self.n_features = X.shape
        self.task_ptr = np.arange(n_tasks + 1, dtype=np.int64) * n_samples
        self.dtype = X.dtype

    def predict(self, W, eta):
        eta = eta.reshape(self.n_tasks, -1)
        if sparse.issparse(self.X):
            eta[...] = (self.X @ W).T
            return
        used = np.flatnonzero(used_rows(W))
        if used.size < self.n_features // 4:  # sparse coefficients: fewer columns
            X = self.X[:, used].astype(np.float64, copy=False)
            np.dot(W[used].T, X.T, out=eta)
        elif self.dtype == np.float64:
            np.dot(W.T, self.X.T, out=eta)
        else:
            for rows, X in pieces(self.X, axis=0):
                eta[:, rows] = np.dot(W.T, X.T)

    def adjoint(self, r, G):
        R = r.reshape(self.n_tasks, -1)
        if sparse.issparse(self.X):
            G[...] = self.X.T @ R.T
        elif self.dtype != np.float64:
            for features, X in pieces(self.X, axis=1):
                G[features] = np.dot(R, X).T
        elif R.size <= _CACHED and self.X.flags.f_contiguous:
            R = np.ascontiguousarray(R.T)
            for j in range(0, self.n_features, _FEATURES):
                some = slice(j, j + _FEATURES)
                np.dot(self.X[:, some].T, R, out=G[some])
        else:  # in this order the product is a third faster than its transpose
            G[...] = np.dot(R, self.X).T

    def restrict(self, features):
        return SharedDesign(self.X[:, features], self.n_tasks)

    def take(self, rows):
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        return SharedDesign(X[rows[rows < self.task_ptr[1]]], self.n_tasks)

    def block(self, task):
        return self.X

    def is_shared(self):
        return True

    def centred_features(
        self, features: np.ndarray, weight: np.ndarray, centre: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return :meth:`centred_block` of one task transposed, and the means.

        ``weight`` is that of the samples, (n_samples,).
        """
        if sparse.issparse(self.X):
            A = np.ascontiguousarray(self.X[:, features].toarray().T)
        else:
            A = np.ascontiguousarray(self.X[:, features].T)
        A = A.astype(np.float64, copy=False)
        mean = np.zeros(len(A))
        if centre:
            mean = A @ weight / weight.sum()
            A -= mean[:, None]
        A *= np.sqrt(weight)
        return A, mean

    def feature_rows(self):
        return _transposed(self.X), np.zeros(self.n_tasks, dtype=np.int64)

    def task_sums(self, weight):
        if self.n_tasks == 1 or not self.columns_alike(weight):
            return super().task_sums(weight)
        sums = self._first().task_sums(weight[: self.task_ptr[1]])
        return np.repeat(sums, self.n_tasks, axis=0)

    def gram(self) -> np.ndarray:
        """Return ``X'X`` of a dense X."""
        H = np.zeros((self.n_features, self.n_features))
        for _, X in pieces(self.X, axis=0):
            H += X.T @ X
        return H

    def columns_alike(self, weight):
        weight = weight.reshape(self.n_tasks, -1)
        return bool(np.all(weight == weight[0]))

    def column_scale(self, weight, centre):
        if self.n_tasks > 1 and self.columns_alike(weight):
            return self._first().column_scale(weight[: self.task_ptr[1]], centre)
        return super().column_scale(weight, centre)

    def column_eigenvalues(self, weight, centre, metric):
        if self.n_tasks > 1 and self.columns_alike(weight):
            first = self._first()
            value = first.column_eigenvalues(weight[: self.task_ptr[1]], centre, metric)
            return np.repeat(value, self.n_tasks)
        return super().column_eigenvalues(weight, centre, metric)

    def _first(self):
        return SharedDesign(self.X, 1)


class StackedDesign(Design):
    """Rows sorted by task, dense (C order) or sparse (CSR)."""

    def __init__(self, X: np.ndarray | sparse.csr_array, task_ptr: np.ndarray):
        self.n_features = X.shape[1]
        self.task_ptr = task_ptr
        self.dtype = X.dtype
        self.sparse = sparse.issparse(X)
        if self.sparse:
            self.X = sparse.csr_array(X)
            self._csr = (
                readonly(self.X.data),
                readonly(self.X.indices.astype(np.int64)),
                readonly(self.X.indptr.astype(np.int64)),
            )
        else:
            self.X = np.ascontiguousarray(X)

    def predict(self, W, eta):
        Wt = readonly(np.ascontiguousarray(W.T))
        task_ptr = readonly(self.task_ptr)
        if not W.any():
            eta[...] = 0.0
        elif self.sparse:
            sparse_predict(*self._csr, task_ptr, Wt, eta)
        else:
            stacked_predict(readonly(self.X), task_ptr, Wt, eta)

    def adjoint(self, r, G):
        Gt = np.empty((self.n_tasks, self.n_features), dtype=G.dtype)
        task_ptr = readonly(self.task_ptr)
        if self.sparse:
            sparse_adjoint(*self._csr, task_ptr, readonly(r), Gt)
        else:
            stacked_adjoint(readonly(self.X), task_ptr, readonly(r), Gt)
        G[...] = Gt.T

    def evaluate(self, W, eta, residual, theta, G):
        """As of any design; X is read once, as many tasks at a time as are cached."""
        if self.sparse or not W.any():
            super().evaluate(W, eta, residual, theta, G)
            return
        X, theta = readonly(self.X), readonly(theta)
        Wt = readonly(np.ascontiguousarray(W.T))
        Gt = np.empty((self.n_tasks, self.n_features), dtype=G.dtype)
        for first, stop in self._ranges:
            task_ptr = readonly(self.task_ptr[first : stop + 1])
            stacked_predict(X, task_ptr, Wt[first:stop], eta)
            residual(first, stop)
            stacked_adjoint(X, task_ptr, theta, Gt[first:stop])
        G[...] = Gt.T

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        """Ranges of tasks whose rows stay in the cache together, or of one task."""
        most = max(_FAST // max(self.n_features * self.dtype.itemsize, 1), 1)
        bounds, ranges, first = self.task_ptr.tolist(), [], 0
        while first < self.n_tasks:
            stop = bisect_right(bounds, bounds[first] + most) - 1
            stop = max(stop, first + 1)
            ranges.append((first, stop))
            first = stop
        return ranges

    def restrict(self, features):
        return StackedDesign(self.X[:, features], self.task_ptr)

    def gather(self, features, last=None):
        if self.sparse:
            return self.restrict(features)
        return FeatureMajorDesign.gather_from(self, features, last)

    def with_hessians(self, centre):
        return self if self.sparse else HessianDesign(self, centre)

    def feature_rows(self):
        return _transposed(self.X), self.task_ptr[:-1]

    def take(self, rows):
        return StackedDesign(self.X[rows], np.searchsorted(rows, self.task_ptr))

    def block(self, task):
        return self.X[self.task_ptr[task] : self.task_ptr[task + 1]]


class FeatureMajorDesign(Design):
    """Some features of dense stacked rows, one contiguous row per feature.

    Working sets live in this form: what they keep from one set to the next is copied
    in long pieces, and only new features are looked up in X.

    Parameters
    ----------
    A : ndarray of shape (n_chosen, n_rows)
        The chosen features.
    features : ndarray of shape (n_chosen,)
        Their indices in the design that they come from.
    task_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks.
    room : ndarray of shape (at least n_chosen, n_rows), default=None
        Where A is the beginning of; the rest is for features to come.
    """

    def __init__(
        self,
        A: np.ndarray,
        features: np.ndarray,
        task_ptr: np.ndarray,
        room: np.ndarray | None = None,
    ):
        self.A = A
        self.room = A if room is None else room
        self.features = features
        self.n_features = features.size
        self.task_ptr = task_ptr
        self.dtype = A.dtype

    @classmethod
    def gather_from(
        cls, design: StackedDesign, features: np.ndarray, last: Design | None
    ) -> FeatureMajorDesign:
        """Return features of a design, those of an earlier set copied from there."""
        k, n = features.size, design.X.shape[0]
        known = last.features if isinstance(last, FeatureMajorDesign) else features[:0]
        missing = np.arange(k)
        if known.size and np.array_equal(known, features[: known.size]):
            # wider: in place as long as there is room
            room = last.room
            if len(room) < k:
                room = _room(k, n, design)
                room[: known.size] = last.A
            missing = missing[known.size :]
        else:
            room = _room(k, n, design)
            _, here, there = np.intersect1d(
                features, known, assume_unique=True, return_indices=True
            )
            if here.size:
                room[here] = last.A[there]
                missing = np.delete(missing, here)
        A = room[:k]
        gather_features(
            readonly(design.X), readonly(features[missing]), readonly(missing), A
        )
        return cls(A, features, design.task_ptr, room)

    def predict(self, W, eta):
        W = readonly(np.ascontiguousarray(W))
        feature_predict(readonly(self.A), readonly(self.task_ptr), W, eta)

    def adjoint(self, r, G):
        feature_adjoint(readonly(self.A), readonly(self.task_ptr), readonly(r), G)

    def feature_rows(self):
        return self.A, self.task_ptr[:-1]

    def restrict(self, features):
        return FeatureMajorDesign(
            self.A[features], self.features[features], self.task_ptr
        )

    def block(self, task):
        return self.A[:, self.task_ptr[task] : self.task_ptr[task + 1]].T

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        if features is None:
            features = np.arange(self.n_features)
        H = np.empty((self.n_tasks, features.size, features.size), dtype=dtype)
        A = readonly(self.A)
        blocks = [(A, start) for start in self.task_ptr[:-1].tolist()]
        feature_hessians(blocks, self.task_ptr, weight, centre, features, H)
        return H


class HessianDesign(StackedDesign):
    """Dense stacked rows, and their transpose in single precision for Hessians.

    Parameters
    ----------
    design : StackedDesign
        The rows.
    centre : bool
        Whether Hessians are about the means of the tasks.
    """

    def __init__(self, design: StackedDesign, centre: bool):
        super().__init__(design.X, design.task_ptr)
        n, d = design.X.shape
        # at once: the system takes smaller pieces back after every fit
        memory = np.empty(d * n + self.n_tasks * d**2, dtype=np.float32)
        A, self._room = memory[: d * n], memory[d * n :]
        X, task_ptr = readonly(design.X), readonly(design.task_ptr)
        shift, tile = np.empty(d), np.empty((_TILE, d), dtype=np.float32)
        transpose_tasks(X, task_ptr, bool(centre), shift, tile, A)
        A = readonly(A)
        self._blocks = [
            (A[d * start : d * stop].reshape(d, stop - start), 0)
            for start, stop in pairwise(task_ptr.tolist())
        ]
        self.centred = centre

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        """As of any design; those in single precision last until the next ones."""
        if dtype != np.float32 or centre != self.centred:
            return super().hessians(weight, centre, features, dtype)
        if features is None:
            features = np.arange(self.n_features)
        k = features.size
        H = self._room[: self.n_tasks * k**2].reshape(self.n_tasks, k, k)
        feature_hessians(self._blocks, self.task_ptr, weight, centre, features, H)
        return H


def feature_hessians(blocks, task_ptr, weight, centre, features, H):
    """Write the Hessian of each task into H.

    ``blocks`` has for each task an array with one row per feature, and the column where
    the rows of the task begin.
    """
    k, bounds = features.size, task_ptr.tolist()
    syrk = get_blas_funcs("syrk", dtype=H.dtype)
    piece = np.empty(k * int(np.diff(task_ptr).max(initial=0)), dtype=H.dtype)
    root = readonly(np.sqrt(weight).astype(blocks[0][0].dtype, copy=False))
    features, weight = readonly(features), readonly(weight)
    for H_t, (A, column), (start, stop) in zip(
        H, blocks, pairwise(bounds), strict=True
    ):
        size = stop - start
        if not size or not k:
            H_t[...] = 0.0
            continue
        block = piece[: k * size].reshape(k, size)
        w, r = weight[start:stop], root[start:stop]
        weight_features(A, features, column, w, r, bool(centre), block)
        # one half only, into H itself
        syrk(1.0, block.T, c=H_t.T, trans=1, overwrite_c=1)
        mirror(H_t)


def _room(k, n, design):
    """Return space for k features and some more; pages are used when written to."""
    return np.empty((min(4 * k, design.n_features), n), dtype=design.X.dtype)


class TiedDesign(Design):
    """All tasks of another design share one column of W, each with its intercept."""

    def __init__(self, design: Design):
        self.design = design
        self.n_features = design.n_features
        self.task_ptr = design.task_ptr
        self.dtype = design.dtype

    @property
    def n_columns(self):
        return 1

    @property
    def column(self):
        return np.zeros(self.n_tasks, dtype=np.intp)

    def predict(self, W, eta):
        W_all = np.repeat(W, self.n_tasks, axis=1)
        self.design.predict(W_all, eta)

    def adjoint(self, r, G):
        G_all = np.empty((self.n_features, self.n_tasks), dtype=G.dtype)
        self.design.adjoint(r, G_all)
        G[:, 0] = G_all.sum(axis=1)

    def restrict(self, features):
        return TiedDesign(self.design.restrict(features))

    def gather(self, features, last=None):
        last = last.design if isinstance(last, TiedDesign) else None
        return TiedDesign(self.design.gather(features, last))

    def take(self, rows):
        return TiedDesign(self.design.take(rows))

    def task_sums(self, weight):
        return self.design.task_sums(weight)

    def feature_rows(self):
        return self.design.feature_rows()

    def block(self, task):
        return self.design.block(task)
