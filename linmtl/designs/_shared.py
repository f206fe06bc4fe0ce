"""One X that all tasks share."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from linmtl.designs._base import (
    Design,
    Matrix,
    _transposed,
    far_centres,
    moved_columns,
    pieces,
    scaled_columns,
    spare_bytes,
    used_rows,
)

# residuals this small stay in the cache while a few features at a time pass by
_MAX_CACHED = 10_000
_FEATURES_AT_A_TIME = 128


class SharedDesign(Design):
    """One X (n_samples, n_features), dense or sparse, that all tasks share."""

    def __init__(self, X: Matrix, n_tasks: int):
        self.X = X
        n_samples, self.n_features = X.shape
        self.task_ptr = np.arange(n_tasks + 1, dtype=np.int64) * n_samples
        self.dtype = X.dtype

    @property
    def spare_bytes(self):
        return spare_bytes(self.X)

    def may_be_constant(self):
        return sparse.issparse(self.X) or bool(np.any(self.X[:1] == self.X[-1:]))

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
        elif R.size <= _MAX_CACHED and self.X.flags.f_contiguous:
            R = np.ascontiguousarray(R.T)
            for j in range(0, self.n_features, _FEATURES_AT_A_TIME):
                some = slice(j, j + _FEATURES_AT_A_TIME)
                np.dot(self.X[:, some].T, R, out=G[some])
        else:  # in this order the product is a third faster than its transpose
            G[...] = np.dot(R, self.X).T

    def restrict(self, features):
        return SharedDesign(self.X[:, features], self.n_tasks)

    def scaled(self, factor):
        return SharedDesign(scaled_columns(self.X, factor), self.n_tasks)

    def about_zero(self):
        centres = far_centres(self.X)
        if centres is None:
            return None
        return SharedDesign(moved_columns(self.X, centres), self.n_tasks), centres

    def take(self, rows):
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        return SharedDesign(X[rows[rows < self.task_ptr[1]]], self.n_tasks)

    def of_tasks(self, tasks):
        return SharedDesign(self.X, len(tasks))

    def samples(self, rows):
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        return X[rows % X.shape[0]]

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
        sums = self.first().task_sums(weight[: self.task_ptr[1]])
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
            return self.first().column_scale(weight[: self.task_ptr[1]], centre)
        return super().column_scale(weight, centre)

    def column_squares(self, weight, centre):
        if self.n_tasks > 1 and self.columns_alike(weight):
            first = self.first().column_squares(weight[: self.task_ptr[1]], centre)
            return self.n_tasks * first
        return super().column_squares(weight, centre)

    def column_eigenvalues(self, weight, centre, metric):
        if self.n_tasks > 1 and self.columns_alike(weight):
            first = self.first()
            value = first.column_eigenvalues(weight[: self.task_ptr[1]], centre, metric)
            return np.repeat(value, self.n_tasks)
        return super().column_eigenvalues(weight, centre, metric)

    def first(self) -> SharedDesign:
        """Return the design of the first task alone."""
        return SharedDesign(self.X, 1)
