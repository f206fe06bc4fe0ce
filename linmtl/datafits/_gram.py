"""The squared loss through Gram matrices: once built, no row is looked at again."""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from linmtl.data import MultiTaskData
from linmtl.datafits._base import Datafit, _excess, _square, best_scale, centred_targets
from linmtl.designs._base import used_rows
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import gram_adjoint
from linmtl.losses import Loss


class GramFit(Datafit):
    """Squared loss through ``H_c = X'DX`` and ``X'Dy`` of each column, centred.

    Attributes
    ----------
    H : ndarray of shape (n_columns or 1, n_features, n_features)
        Hessians; one where all columns share it.
    C : ndarray of shape (n_columns, n_features)
        Negative gradient at zero.
    """

    def __init__(self, data: MultiTaskData, loss: Loss):
        self.loss = loss
        self.data = data
        design = data.design
        alike = design.columns_alike(data.weight)
        d = design.n_features
        self.y_mean, y = centred_targets(data)
        self.x_mean = np.zeros((design.n_tasks, d))
        if data.fit_intercept:
            total = np.where(data.total > 0, data.total, 1.0)
            self.x_mean = design.task_sums(data.weight) / total[:, None]
        self.b = self.y_mean.copy()
        self.square = _square(data, y)
        self.C = np.zeros((design.n_columns, d))
        if alike:
            self._from_shared(y)
        else:
            root = np.sqrt(data.weight)
            self.H = np.zeros((design.n_columns, d, d))
            for c, tasks in design.columns():
                for t in tasks:  # one task at a time keeps the copies small
                    A = design.centred_block(
                        np.array([t]), data.weight, data.fit_intercept
                    )
                    rows = slice(data.task_ptr[t], data.task_ptr[t + 1])
                    self.H[c] += A.T @ A
                    self.C[c] += (root[rows] * y[rows]) @ A
        self._shift = None

    def _from_shared(self, y):
        """One Hessian; without a copy of X where its means are small."""
        data, design = self.data, self.data.design
        weight = data.weight[: design.task_ptr[1]]
        Y = y.reshape(design.n_tasks, -1)
        dense = not sparse.issparse(design.block(0))
        if dense and np.all(weight == weight[0]):
            w, total, mean = weight[0], data.total[0], self.x_mean[0]
            square = w * design.gram()
            H = square - total * np.outer(mean, mean)
            # a mean of the size of the standard deviation would cost digits here
            if np.all(total * mean**2 <= 0.01 * np.diag(H)):
                self.H = H[None]
                G = np.empty((design.n_features, design.n_tasks))
                design.adjoint(Y.ravel(), G)
                self.C[:] = w * G.T  # centred targets centre X too
                return
        A = design.centred_block(np.array([0]), data.weight, data.fit_intercept)
        self.H = (A.T @ A)[None]
        self.C[:] = (np.sqrt(weight) * Y) @ A

    def evaluate(self, W, G, residuals=None):
        self._shift = None
        loss = self._evaluate(W, G)
        self.b = self.y_mean - np.einsum(
            "td,dt->t", self.x_mean, W[:, self.data.design.column]
        )
        if not self.data.fit_intercept:
            self.b = np.zeros_like(self.b)
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

    @property
    def hessian_weight(self):
        return self.data.weight

    # A projected residual is the residual at a shifted W.
    def project(self, columns, rows, target, G, vectors=None):
        if self._shift is None:
            self._shift = np.zeros_like(self._W)
        shared = self.H.shape[0] == 1
        which = np.zeros(len(columns), dtype=int) if shared else columns
        H = self.H[which][:, rows][:, :, rows]
        vectors, excess = _excess(G[rows][:, columns], target, vectors)
        r, k = excess.shape
        system = np.einsum("ca,cb,cij->aibj", vectors, vectors, H, optimize=True)
        move = _symmetric_solve(system.reshape(k * r, k * r), excess.T.ravel())
        self._shift[np.ix_(rows, columns)] += move.reshape(k, r).T @ vectors.T

    def refresh(self, G):
        if self._shift is not None:
            self._evaluate(self._W + self._shift, G)

    def dual_limit(self):
        return np.inf

    def best_scale(self, conjugate, limit, support=0.0):
        return best_scale(self._linear - support, self._square + 2 * conjugate, limit)

    def dual_value(self, scale):
        return scale * self._linear - scale**2 * self._square / 2

    def curvature(self, scaled):
        metric = np.ones(self.n_features)
        if scaled:
            metric = np.einsum("cjj->cj", self.H).max(axis=0).copy()
            metric[metric <= 0] = 1.0
        scale = 1.0 / np.sqrt(metric)
        top = max(_top_eigenvalue(scale[:, None] * H * scale) for H in self.H)
        return metric, top

    def restrict(self, features):
        return GramFit.assemble(
            self.data.restrict(features),
            self.loss,
            H=np.ascontiguousarray(self.H[:, features][:, :, features]),
            C=np.ascontiguousarray(self.C[:, features]),
            square=self.square,
            x_mean=self.x_mean[:, features],
            y_mean=self.y_mean,
        )

    def of_tasks(self, tasks):
        data = self.data.of_tasks(tasks)
        y = data.y - np.repeat(self.y_mean[tasks], np.diff(data.task_ptr))
        return GramFit.assemble(
            data,
            self.loss,
            H=self.H if len(self.H) == 1 else self.H[tasks],
            C=self.C[tasks],
            square=_square(data, y),
            x_mean=self.x_mean[tasks],
            y_mean=self.y_mean[tasks],
        )

    @classmethod
    def assemble(
        cls,
        data: MultiTaskData,
        loss: Loss,
        *,
        H: np.ndarray,
        C: np.ndarray,
        square: float,
        x_mean: np.ndarray,
        y_mean: np.ndarray,
    ) -> GramFit:
        """Make a datafit from its parts, without looking at the data."""
        fit = object.__new__(cls)
        fit.data, fit.loss = data, loss
        fit.H, fit.C, fit.square = H, C, square
        fit.x_mean, fit.y_mean = x_mean, y_mean
        fit.b = y_mean.copy()
        fit._shift = None
        return fit


def _symmetric_solve(H: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return ``H^+ g`` for a positive semi-definite H."""
    eigenvalue, Q = np.linalg.eigh(H)
    cutoff = eigenvalue.size * np.finfo(float).eps * max(eigenvalue[-1], 0.0)
    inverse = np.zeros_like(eigenvalue)
    np.divide(1.0, eigenvalue, out=inverse, where=eigenvalue > cutoff)
    return Q @ (inverse * (Q.T @ g))


def _top_eigenvalue(H: np.ndarray) -> float:
    d = H.shape[0]
    if d == 0:
        return 0.0
    value = linalg.eigvalsh(H, subset_by_index=[d - 1, d - 1])[0]
    return max(float(value), 0.0)
