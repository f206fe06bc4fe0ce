"""A design with a feature of ones, which stands for the intercepts."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from linmtl.designs._base import Design, Matrix
from linmtl.designs._wrapped import WrappedDesign


class WithOnes(WrappedDesign):
    """Another design with a last feature that is one, of which X holds no copy."""

    def __init__(self, design: Design):
        super().__init__(design, design.n_features + 1)

    def predict(self, W, eta):
        self.design.predict(W[:-1], eta)
        eta += np.repeat(W[-1], np.diff(self.task_ptr))

    def adjoint(self, r, G):
        self.design.adjoint(r, G[:-1])
        G[-1] = self._task_sum(r)

    def evaluate(self, W, eta, residual, theta, G):
        def with_ones(first, stop):
            rows = slice(*self.task_ptr[[first, stop]])
            eta[rows] += np.repeat(
                W[-1, first:stop], np.diff(self.task_ptr[first : stop + 1])
            )
            residual(first, stop)

        self.design.evaluate(W[:-1], eta, with_ones, theta, G[:-1])
        G[-1] = self._task_sum(theta)

    def _task_sum(self, r):
        sums, filled = np.zeros(self.n_tasks), np.diff(self.task_ptr) > 0
        sums[filled] = np.add.reduceat(r, self.task_ptr[:-1][filled])
        return sums

    def restrict(self, features):
        features = np.arange(self.n_features)[features]
        ones = features == self.n_features - 1
        if not ones.any():
            return self.design.restrict(features)
        return WithOnes(self.design.restrict(features[~ones]))  # they come last

    def take(self, rows):
        return WithOnes(self.design.take(rows))

    def of_tasks(self, tasks):
        return WithOnes(self.design.of_tasks(tasks))

    def block(self, task):
        X = self.design.block(task)
        if not sparse.issparse(X):
            return np.column_stack([X, np.ones(len(X), dtype=X.dtype)])
        ones = np.ones((X.shape[0], 1), dtype=X.dtype)
        return sparse.csr_array(sparse.hstack([X, sparse.csr_array(ones)]))

    def is_shared(self):
        return self.design.is_shared()

    def columns_alike(self, weight):
        return self.design.columns_alike(weight)

    def first(self) -> WithOnes:
        """Return the design of the first task alone, where all share X."""
        shared: Matrix = self.design
        return WithOnes(shared.first())

    def gram(self) -> np.ndarray:
        """Return the product of the one block that all tasks share with itself."""
        X = self.block(0).astype(np.float64, copy=False)
        return X.T @ X
