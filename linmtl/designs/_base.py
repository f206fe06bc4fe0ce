"""What a design is: the operations on X that everything else is built from.

X may be in single precision. It is never converted as a whole: every product converts
a piece at a time, so that results are in double precision at half the memory.

Linear predictors are flat and sorted by task: observation ``i`` of task ``t`` lies at
``task_ptr[t] + i``. Coefficients W are (n_features, n_columns); ``column`` maps each
task to its column of W (the identity, except where tasks are tied to one model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

# dense or CSR: two types that have no operator in common
Matrix = Any

# below this size a dense eigendecomposition is cheaper than a Lanczos iteration
_MAX_DENSE_EIGEN = 400
_SMALL_BYTES = 2**21  # dense arrays of this size are of no account
# spreads that a feature is from zero where digits of predictions matter, and the rows
# that tell
_FAR_FROM_ZERO, _FEW_ROWS = 1e4, 100
ROUNDED_SPREAD = 1e4 * np.finfo(float).eps ** 2  # relative variance of a constant
_PIECE_SIZE = 2**19  # numbers that are converted to double precision at a time


def used_rows(W: np.ndarray) -> np.ndarray:
    """Return the mask of the rows that are not all zero; faster than ``any``."""
    ones = np.ones(W.shape[1])
    step = max(_PIECE_SIZE // max(W.shape[1], 1), 1)
    if len(W) <= step:
        return np.abs(W) @ ones != 0.0
    parts = (W[first : first + step] for first in range(0, len(W), step))
    return np.concatenate([np.abs(part) @ ones != 0.0 for part in parts])


def spare_bytes(X: Matrix) -> float:
    """Return the size that dense copies of X may have: half of it, if it is sparse."""
    if not sparse.issparse(X):
        return np.inf
    parts = [getattr(X, name, None) for name in ("data", "indices", "indptr")]
    own = sum(part.nbytes for part in parts if part is not None)
    return float(max(own // 2, _SMALL_BYTES))


def pieces(X: Matrix, axis: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices along an axis with that part of X, in double precision.

    There is one slice for all of X where X is in double precision already.
    """
    if X.dtype == np.float64:
        yield slice(None), X
        return
    step = max(_PIECE_SIZE // max(X.shape[1 - axis], 1), 1)
    for start in range(0, X.shape[axis], step):
        part = slice(start, start + step)
        piece = X[part] if axis == 0 else X[:, part]
        yield part, piece.astype(np.float64)


class Design:
    """Operations on X that losses, solvers and certificates are built from."""

    n_features: int
    task_ptr: np.ndarray  # (n_tasks + 1,)
    dtype: np.dtype
    # bounds of the tasks, where what is a task here is a class of a task
    group_ptr: np.ndarray | None = None

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

    def predict_several(self, W: np.ndarray, eta: np.ndarray) -> None:
        """Write the predictors of several models into ``eta``, one row for each."""
        for each, out in zip(W, eta, strict=True):
            self.predict(each, out)

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

    def scaled(self, factor: np.ndarray) -> Design:
        """Return the design with each feature times a factor, (n_features,)."""
        raise NotImplementedError

    def about_zero(self) -> tuple[Design, np.ndarray] | None:
        """Return the design with features far from zero moved there, and by how much.

        None where there are none, or where X is sparse.
        """
        return None

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

        It serves one solver at a time: Hessians may be written over each other.
        """
        return self

    def stacked_rows(self) -> np.ndarray | None:
        """Return dense rows sorted by task, each with its own column of W, if held."""
        return None

    def sparse_rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the arrays of sparse rows sorted by task (CSR), if held."""
        return None

    def take(self, rows: np.ndarray) -> Design:
        """Return the design with only these observations (increasing flat indices).

        With a shared X they must be the same samples for every task.
        """
        raise NotImplementedError

    def of_tasks(self, tasks: np.ndarray) -> Design:
        """Return the design of these tasks only (positions), in this order."""
        raise NotImplementedError

    def untied(self) -> Design:
        """Return the same rows where tasks that share a column do not."""
        return self

    def observations(self, tasks: np.ndarray) -> np.ndarray:
        """Return the flat indices of the observations of these tasks."""
        starts, stops = self.task_ptr[:-1][tasks], self.task_ptr[1:][tasks]
        rows = [np.arange(*bounds) for bounds in zip(starts, stops, strict=True)]
        return np.concatenate([np.empty(0, dtype=np.int64), *rows])

    def samples(self, rows: np.ndarray) -> np.ndarray | sparse.csr_array:
        """Return the samples of these observations (flat indices), one a row."""
        raise NotImplementedError

    def block(self, task: int) -> Matrix:
        """Return the rows of one task, (n_t, n_features)."""
        raise NotImplementedError

    @property
    def spare_bytes(self) -> float:
        """The size that dense copies may have; infinite where X is dense itself."""
        return np.inf

    @property
    def is_sparse(self) -> bool:
        """Whether X is sparse."""
        return np.isfinite(self.spare_bytes)

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
            if self.is_sparse:
                H[c] = self._sparse_hessian(tasks, weight, centre, features)
                continue
            A = self.centred_block(tasks, weight, centre, features)
            A = A.astype(dtype, copy=False)
            np.dot(A.T, A, out=H[c])
        return H

    def column_scale(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return the largest diagonal of the tasks' Hessians, (n_features,)."""
        scale = np.zeros(self.n_features)
        for diagonal in self._diagonals(weight, centre):
            np.maximum(scale, diagonal, out=scale)
        return scale

    def squares(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return the diagonals of the Hessians, (n_features, n_columns)."""
        return np.column_stack(list(self._diagonals(weight, centre)))

    def varies(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return in which columns a feature varies by more than rounding, (n_columns,).

        Centred constants are not quite zero. Not centred, what is not zero varies.
        """
        return np.any(self.varying(weight, centre), axis=0)

    def varying(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return the same of each feature, (n_features, n_columns)."""
        within, whole = (self.squares(weight, c) for c in (centre, False))
        return within > ROUNDED_SPREAD * whole

    def may_be_constant(self) -> bool:
        """Whether a feature may be constant within a task: a look at two rows of it."""
        return True

    def column_squares(self, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return the sum of the diagonals of the tasks' Hessians, (n_features,)."""
        return self.squares(weight, centre).sum(axis=1)

    def _diagonals(self, weight, centre):
        for _, tasks in self.columns():
            A = self._centred_or_none(tasks, weight, centre)
            if A is not None:
                yield np.einsum("ij,ij->j", A, A)
            else:
                yield self._sparse_diagonal(tasks, weight, centre)

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
        if self.is_sparse:
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

    def _sparse_hessian(self, tasks, weight, centre, features):
        chosen = slice(None) if features is None else features
        H: Any = 0.0
        for X_t, w, mean, total in self._sparse_parts(tasks, weight, centre):
            X_t = sparse.csc_array(X_t[:, chosen]).astype(np.float64, copy=False)
            product = X_t.T @ (w[:, None] * X_t).tocsc()
            H = H + product.toarray()
            if mean.any():
                H -= total * np.outer(mean[chosen], mean[chosen])
        diagonal = np.arange(len(H))  # of a constant feature it may be below zero
        H[diagonal, diagonal] = np.maximum(H[diagonal, diagonal], 0.0)
        return H

    def _sparse_diagonal(self, tasks, weight, centre):
        diagonal = np.zeros(self.n_features)
        for X_t, w, mean, total in self._sparse_parts(tasks, weight, centre):
            step = max(_PIECE_SIZE // 8 * X_t.shape[0] // max(X_t.nnz, 1), 1)
            for start in range(0, X_t.shape[0], step):  # small copies
                rows = slice(start, start + step)
                piece = X_t[rows].astype(np.float64)
                piece.data **= 2
                diagonal += piece.T @ w[rows]
            diagonal -= total * mean**2
        return np.maximum(diagonal, 0.0)

    def _sparse_eigenvalue(self, tasks, weight, centre, scale):
        parts = list(self._sparse_parts(tasks, weight, centre))

        def product(v):
            v = scale * v.ravel()
            out = np.zeros(self.n_features)
            for X_t, w, mean, total in parts:
                out += X_t.T @ (w * (X_t @ v)) - total * mean * (mean @ v)
            return scale * out

        def on_rows(u):  # the same from the other side
            (X, w, mean, _), u = parts[0], np.sqrt(parts[0][1]) * u.ravel()
            v = scale**2 * (X.T @ u - u.sum() * mean)
            return np.sqrt(w) * (X @ v - mean @ v)

        rows = parts[0][0].shape[0]
        if len(parts) == 1 and rows < self.n_features:
            return _operator_eigenvalue(on_rows, rows)
        return _operator_eigenvalue(product, self.n_features)


def far_centres(X: Matrix) -> np.ndarray | None:
    """Return the means of the features that are far from zero for their spread.

    Zero for the others; None where there are none, as some of the rows tell.
    """
    if sparse.issparse(X) or not len(X):
        return None
    some = X[:: max(len(X) // _FEW_ROWS, 1)].astype(np.float64)
    spread = np.ptp(some, axis=0)
    far = np.abs(some[0]) > _FAR_FROM_ZERO * spread
    far[spread == 0] = False
    return np.where(far, X.mean(axis=0, dtype=np.float64), 0.0) if far.any() else None


def moved_columns(X: Matrix, centres: np.ndarray) -> np.ndarray:
    """Return dense X less a number for each column, in the precision of X."""
    out = np.empty_like(X)
    for rows, piece in pieces(X, axis=0):
        out[rows] = piece - centres
    return out


def scaled_columns(X: Matrix, factor: np.ndarray) -> Matrix:
    """Return X with each column times a factor, in the precision of X."""
    factor = factor.astype(X.dtype)
    return X @ sparse.diags_array(factor) if sparse.issparse(X) else X * factor


def _transposed(X: Matrix) -> np.ndarray:
    X = X.toarray() if sparse.issparse(X) else X
    return np.ascontiguousarray(X.T)


def largest_eigenvalue(A: np.ndarray) -> float:
    """Return the largest eigenvalue of ``A'A``, from its smaller side."""
    side = min(A.shape)
    if side == 0:
        return 0.0
    if side <= _MAX_DENSE_EIGEN:
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
    # SciPy makes an object of another class, and has an integer as default tolerance
    shape = (size, size)
    operator = LinearOperator(shape, matvec=product, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    value: Any = eigsh(
        operator,
        k=1,
        v0=start,
        tol=1e-4,  # pyright: ignore[reportArgumentType]
        return_eigenvectors=False,
        maxiter=1000,
    )
    # a Ritz value lies below the eigenvalue by less than the tolerance
    return max(float(value[0]), 0.0) * (1 + 1e-3)
