"""Rows stacked task after task, and the forms in which Newton steps need them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import get_blas_funcs

from linmtl.designs._base import (
    Design,
    Matrix,
    _transposed,
    far_centres,
    moved_columns,
    scaled_columns,
    spare_bytes,
    used_rows,
)
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import (
    columns_to_rows,
    feature_adjoint,
    feature_predict,
    gather_features,
    mirror,
    mixed_predict,
    rows_to_columns,
    several_predict,
    small_hessians,
    sparse_adjoint,
    sparse_predict,
    stacked_adjoint,
    stacked_predict,
    task_deviations,
    task_squares,
    transpose_tasks,
    weight_features,
)
from linmtl.kernels._mixed import small_moments

_CACHE_BYTES = 2**20  # bytes of X that stay in the cache from one pass to the next
# Bytes of coefficients that are copied at a time, and tasks at least: a line of memory
# holds eight of their numbers.
_COPY_BYTES, _LEAST_COPIED = 2**21, 8
_LARGE = (
    100_000  # coefficients that NumPy transposes at the speed of memory, not caches
)
_LOOK_UP = 32  # what a number of X looked up costs, relative to one that is passed
_SMALL_HESSIAN = 64  # features of which those of all tasks are made in one kernel
_TILE_ROWS = 64  # rows that are transposed at a time
# Tasks so small that calls of BLAS for each cost more than the arithmetic: features, or
# products of two features in a task on average.
_FEW_FEATURES, _FEW_PRODUCTS = 8, 100_000


def are_small_tasks(n_rows: int, n_features: int, n_tasks: int) -> bool:
    """Whether moments of all tasks are faster in one loop than by BLAS for each."""
    few = n_rows * n_features**2 <= _FEW_PRODUCTS * n_tasks
    return few or n_features <= _FEW_FEATURES


def predict_each(X: Matrix, codes: np.ndarray, Wt: np.ndarray) -> np.ndarray:
    """Return ``x_i . w_t`` of each row for its own task, rows in any order.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        The rows.
    codes : ndarray of shape (n_samples,), dtype int64
        The task of each.
    Wt : ndarray of shape (n_tasks, n_features)
        Coefficients.
    """
    eta = np.empty(len(codes))
    if not sparse.issparse(X):
        X, Wt = np.ascontiguousarray(X), np.ascontiguousarray(Wt)
        mixed_predict(readonly(X), readonly(codes), readonly(Wt), eta)
        return eta
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=len(Wt))
    task_ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    in_order = np.empty(len(codes))
    design = StackedDesign(sparse.csr_array(X)[order], task_ptr)
    design.predict(np.ascontiguousarray(Wt.T), in_order)
    eta[order] = in_order
    return eta


def _first_is_last(A, task_ptr):
    """Return where a task's first and last row agree, (n_features, n_filled_tasks)."""
    first, stop = task_ptr[:-1], task_ptr[1:]
    filled = first < stop
    return A[:, first[filled]] == A[:, stop[filled] - 1]


def ranges_of_tasks(n_tasks: int, n_features: int) -> list[tuple[int, int]]:
    """Return ranges of tasks whose coefficients are copied together.

    Beside a sparse X a copy of all of them may be large.
    """
    step = max(_COPY_BYTES // (8 * max(n_features, 1)), _LEAST_COPIED)
    return [(k, min(k + step, n_tasks)) for k in range(0, n_tasks, step)]


class StackedDesign(Design):
    """Rows sorted by task, dense (C order) or sparse (CSR)."""

    X: Matrix

    def __init__(self, X: Matrix, task_ptr: np.ndarray):
        self.n_features = X.shape[1]
        self.task_ptr = task_ptr
        self.dtype = X.dtype
        self.sparse = sparse.issparse(X)
        self._backwards = False
        if self.sparse:
            self.X = X = sparse.csr_array(X)
            self._csr = readonly(X.data), readonly(X.indices), readonly(X.indptr)
        else:
            self.X = np.ascontiguousarray(X)

    @property
    def spare_bytes(self):
        return spare_bytes(self.X)

    def predict(self, W, eta):
        if not W.any():
            eta[...] = 0.0
            return
        used = self._few_used(W)
        if used is not None:
            A = np.empty((used.size, len(self.X)), dtype=self.dtype)
            where = np.arange(used.size)
            gather_features(readonly(self.X), readonly(used), readonly(where), A)
            W = readonly(np.ascontiguousarray(W[used]))
            feature_predict(readonly(A), readonly(self.task_ptr), W, eta)
            return
        for first, stop in self._parts:
            task_ptr = readonly(self.task_ptr[first : stop + 1])
            Wt = readonly(_rows_of(W, first, stop))
            if self.sparse:
                sparse_predict(*self._csr, task_ptr[:-1], task_ptr, Wt, eta)
            else:
                stacked_predict(readonly(self.X), task_ptr, Wt, eta)

    def predict_several(self, W, eta):
        X = self.X
        alike = len(W) > 1 and X.dtype == W.dtype
        if self.sparse or not alike or X.nbytes > self.n_tasks * _CACHE_BYTES:
            super().predict_several(W, eta)
            return
        most = len(W) * int(np.diff(self.task_ptr).max(initial=0))
        Wt = readonly(np.ascontiguousarray(W.transpose(2, 0, 1)))
        several_predict(readonly(X), readonly(self.task_ptr), Wt, np.empty(most), eta)

    def adjoint(self, r, G):
        for first, stop in self._parts:
            task_ptr = readonly(self.task_ptr[first : stop + 1])
            Gt = np.empty((stop - first, self.n_features), dtype=G.dtype)
            if self.sparse:
                sparse_adjoint(*self._csr, task_ptr[:-1], task_ptr, readonly(r), Gt)
            else:
                stacked_adjoint(readonly(self.X), task_ptr, readonly(r), Gt)
            if G.size >= _LARGE and G.flags.c_contiguous:
                rows_to_columns(readonly(Gt), first, G)
            else:
                G[:, first:stop] = Gt.T

    def may_be_constant(self):
        return self.sparse or bool(np.any(_first_is_last(self.X.T, self.task_ptr)))

    def _few_used(self, W):
        """Return the rows of W in use, where to look up those costs less than X.

        None where the rows of a task stay in the cache from product to product.
        """
        if self.sparse or self.X.nbytes <= self.n_tasks * _CACHE_BYTES:
            return None
        used = np.flatnonzero(used_rows(W))
        return used if _LOOK_UP * used.size <= self.n_features else None

    @cached_property
    def _parts(self) -> list[tuple[int, int]]:
        """Ranges of tasks whose coefficients are copied together."""
        if self.sparse:
            return ranges_of_tasks(self.n_tasks, self.n_features)
        return [(0, self.n_tasks)]

    def squares(self, weight, centre):
        if self.sparse:
            return super().squares(weight, centre)
        out = np.empty((self.n_tasks, self.n_features))
        task_ptr, weight = readonly(self.task_ptr), readonly(weight)
        if centre:
            task_deviations(readonly(self.X), task_ptr, weight, np.empty_like(out), out)
        else:
            task_squares(readonly(self.X), task_ptr, weight, out)
        return out.T

    def column_scale(self, weight, centre):
        if self.sparse:
            return super().column_scale(weight, centre)
        return self.squares(weight, centre).max(axis=1, initial=0.0)

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        n, d = int(self.task_ptr[-1]), self.n_features
        whole = features is None and self.dtype == dtype == np.float64
        if self.sparse or not (whole and are_small_tasks(n, d, self.n_tasks)):
            return super().hessians(weight, centre, features, dtype)
        H, unused = np.empty((self.n_tasks, d, d)), np.empty((2, self.n_tasks, d))
        arrays = map(readonly, (self.X, self.task_ptr, weight, np.zeros(n)))
        small_moments(*arrays, bool(centre), unused[0], H, unused[1])
        return H

    def column_eigenvalues(self, weight, centre, metric):
        n, d = int(self.task_ptr[-1]), self.n_features
        one_loop = not self.sparse and are_small_tasks(n, d, self.n_tasks)
        if not one_loop or d == 0 or d * self.n_tasks > n:  # rows are the smaller side
            return super().column_eigenvalues(weight, centre, metric)
        scale = 1.0 / np.sqrt(metric)
        H = self.hessians(weight, centre) * scale[:, None] * scale
        return np.maximum(np.linalg.eigvalsh(H)[:, -1], 0.0)

    def evaluate(self, W, eta, residual, theta, G):
        """Write predictors and adjoint with X read once, some tasks at a time.

        As many as fit in the cache, and from the end where the last pass ended, whose
        rows may still be there; see :meth:`Design.evaluate`.
        """
        if self.sparse or not W.any() or self._few_used(W) is not None:
            super().evaluate(W, eta, residual, theta, G)
            return
        X, theta = readonly(self.X), readonly(theta)
        Wt = readonly(np.ascontiguousarray(W.T))
        Gt = np.empty((self.n_tasks, self.n_features), dtype=G.dtype)
        bounds = readonly(self.task_ptr)
        ranges = self._ranges[::-1] if self._backwards else self._ranges
        self._backwards = not self._backwards
        for first, stop in ranges:
            task_ptr = bounds[first : stop + 1]
            stacked_predict(X, task_ptr, Wt[first:stop], eta)
            residual(first, stop)
            stacked_adjoint(X, task_ptr, theta, Gt[first:stop])
        G[...] = Gt.T

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        """Ranges of tasks whose rows stay in the cache together, or of one task."""
        most = max(_CACHE_BYTES // max(self.n_features * self.dtype.itemsize, 1), 1)
        bounds, ranges, first = self.task_ptr.tolist(), [], 0
        while first < self.n_tasks:
            stop = bisect_right(bounds, bounds[first] + most) - 1
            stop = max(stop, first + 1)
            ranges.append((first, stop))
            first = stop
        return ranges

    def restrict(self, features):
        if self.sparse:
            return StackedDesign(self.X[:, features], self.task_ptr)
        chosen = np.arange(self.n_features)[features]
        return StackedDesign(np.take(self.X, chosen, axis=1), self.task_ptr)

    def scaled(self, factor):
        return StackedDesign(scaled_columns(self.X, factor), self.task_ptr)

    def about_zero(self):
        centres = far_centres(self.X)
        if centres is None:
            return None
        return StackedDesign(moved_columns(self.X, centres), self.task_ptr), centres

    def gather(self, features, last=None):
        if self.sparse:
            return self.restrict(features)
        return FeatureMajorDesign.gather_from(self, features, last)

    def with_hessians(self, centre):
        return self if self.sparse else HessianDesign(self, centre)

    def sparse_rows(self):
        return self._csr if self.sparse else None

    def stacked_rows(self):
        return None if self.sparse else self.X

    def feature_rows(self):
        return _transposed(self.X), self.task_ptr[:-1]

    def take(self, rows):
        return StackedDesign(self.X[rows], np.searchsorted(rows, self.task_ptr))

    def of_tasks(self, tasks):
        size = np.diff(self.task_ptr)[tasks]
        task_ptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        return StackedDesign(self.X[self.observations(tasks)], task_ptr)

    def samples(self, rows):
        return self.X[rows]

    def block(self, task):
        return self.X[self.task_ptr[task] : self.task_ptr[task + 1]]


def _rows_of(W: np.ndarray, first: int, stop: int) -> np.ndarray:
    """Return some columns of W as the rows of a contiguous matrix."""
    if W.size < _LARGE or not W.flags.c_contiguous:
        return np.ascontiguousarray(W[:, first:stop].T)
    Wt = np.empty((stop - first, len(W)), dtype=W.dtype)
    columns_to_rows(readonly(W), first, Wt)
    return Wt


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
        last = last if isinstance(last, FeatureMajorDesign) else None
        known = features[:0] if last is None else last.features
        missing = np.arange(k)
        if last is not None and np.array_equal(known, features[: known.size]):
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
            if last is not None:
                room[here] = last.A[there]
                missing = np.delete(missing, here)
        A = room[:k]
        gather_features(
            readonly(design.X), readonly(features[missing]), readonly(missing), A
        )
        return cls(A, features, design.task_ptr, room)

    def may_be_constant(self):
        return bool(np.any(_first_is_last(self.A, self.task_ptr)))

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
        first, stride = self.task_ptr[:-1], np.full(self.n_tasks, self.A.shape[1])
        feature_hessians(
            self.A, first, stride, self.task_ptr, weight, centre, features, H
        )
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
        shift, tile = np.empty(d), np.empty((_TILE_ROWS, d), dtype=np.float32)
        transpose_tasks(X, task_ptr, bool(centre), shift, tile, A)
        self._A, self._first, self._stride = A, d * task_ptr[:-1], np.diff(task_ptr)
        self.centred = centre

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        """Return the Hessian of each task on some features.

        Those in single precision are overwritten by the next call.
        """
        if dtype != np.float32 or centre != self.centred:
            return super().hessians(weight, centre, features, dtype)
        if features is None:
            features = np.arange(self.n_features)
        k = features.size
        H = self._room[: self.n_tasks * k**2].reshape(self.n_tasks, k, k)
        places = self._first, self._stride, self.task_ptr
        feature_hessians(self._A, *places, weight, centre, features, H)
        return H


def feature_hessians(A, first, stride, task_ptr, weight, centre, features, H):
    """Write the Hessian of each task into H.

    In A, in which feature j of task t begins at the position ``first[t] + j *
    stride[t]``, features have their observations next to each other.
    """
    k, A = features.size, readonly(A.ravel())
    piece = np.empty(k * int(np.diff(task_ptr).max(initial=0)), dtype=H.dtype)
    root = readonly(np.sqrt(weight).astype(A.dtype, copy=False))
    features, weight = readonly(features), readonly(weight)
    if not piece.size:
        H[...] = 0.0
    elif k <= _SMALL_HESSIAN:
        places = readonly(first), readonly(stride), features, readonly(task_ptr)
        small_hessians(A, *places, weight, root, bool(centre), piece, H)
        H[np.diff(task_ptr) == 0] = 0.0
    else:
        syrk: Any = get_blas_funcs("syrk", dtype=H.dtype)
        bounds = pairwise(task_ptr.tolist())
        for H_t, (start, stop), at, step in zip(H, bounds, first, stride, strict=True):
            size = stop - start
            if not size:
                H_t[...] = 0.0
                continue
            block = piece[: k * size].reshape(k, size)
            w, r = weight[start:stop], root[start:stop]
            weight_features(A, int(at), int(step), features, w, r, bool(centre), block)
            # one half only, into H itself
            syrk(1.0, block.T, c=H_t.T, trans=1, overwrite_c=1)
            mirror(H_t)


def _room(k, n, design):
    """Return space for k features and some more; pages are used when written to."""
    return np.empty((min(4 * k, design.n_features), n), dtype=design.X.dtype)
