"""Features of which others have explained their part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import linalg, sparse

from linmtl.designs._base import Design, Matrix

_RANK = 1e-12  # singular values, relative to the largest, that are rounding


@dataclass(frozen=True)
class Elimination:
    """What some features explain in each task, intercepts apart.

    With ``A = sqrt(weight) (x_i - mean)`` the block of these features in a task and
    ``A = U S V'``, the coefficients that are best for residuals r, a ridge included,
    leave ``K r``, where ``K = I - U diag(share) U'``: half its square is the loss with
    the ridge. Columns of U that are rounding have no share.

    Attributes
    ----------
    U : ndarray of shape (n_rows, n_vectors)
        Of all observations, or of those of the one task that all others are like.
    share, fitted : ndarray of shape (n_tasks, n_vectors)
        Above, and the part of ``U' r`` that is fitted: ``1 - (1 - share)^2``.
    ridge : ndarray of shape (n_tasks, n_vectors)
        What the ridge costs the coefficients of U.
    back : ndarray of shape (n_tasks, n_features, n_vectors)
        From the coefficients of U to those of the features.
    root : ndarray of shape (n_observations,)
        The roots of the weights.
    task_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks.
    """

    U: np.ndarray
    share: np.ndarray
    fitted: np.ndarray
    ridge: np.ndarray
    back: np.ndarray
    root: np.ndarray
    task_ptr: np.ndarray

    @classmethod
    def of(
        cls, design: Design, weight: np.ndarray, centre: bool, ridge: float
    ) -> Elimination:
        """Return what the features of a design explain."""
        T, f = design.n_tasks, design.n_features
        alike = design.columns_alike(weight)
        U = np.zeros((int(design.task_ptr[1 if alike else T]), f))
        fitted, cost = np.zeros((T, f)), np.zeros((T, f))
        back = np.zeros((T, f, f))
        for t in range(1 if alike else T):
            A = design.centred_block(np.array([t]), weight, centre)
            raw = A
            if centre:
                raw = design.centred_block(np.array([t]), weight, False)
            rows = slice(design.task_ptr[t], design.task_ptr[t + 1])
            _decompose(A, raw, ridge, U[rows], fitted[t], cost[t], back[t])
        if alike:
            for array in (fitted, cost, back):
                array[1:] = array[0]
        share = 1.0 - np.sqrt(1.0 - fitted)
        return cls(U, share, fitted, cost, back, np.sqrt(weight), design.task_ptr)

    def reweighted(self, weight: np.ndarray, centre: bool) -> Elimination:
        """Return what the same features explain at other weights.

        Coefficients of the result are those of this U.
        """
        T, k = self.share.shape
        U = np.zeros((weight.size, k))
        fitted, cost, back = np.zeros((T, k)), np.zeros((T, k)), np.zeros((T, k, k))
        for t, (i, j) in enumerate(pairwise(self.task_ptr.tolist())):
            w, root = weight[i:j, None], self.root[i:j, None]
            old = self.vectors(t)
            V = np.divide(old, root, out=np.zeros_like(old), where=root > 0)
            if centre:
                V -= np.sum(w * V, axis=0) / max(w.sum(), np.finfo(float).tiny)
            size = np.sqrt(np.where(self.ridge[t] > 0, self.ridge[t], 1.0))
            A, ridge = np.sqrt(w) * V / size, float(self.ridge[t].any())
            _decompose(A, A, ridge, U[i:j], fitted[t], cost[t], back[t])
        share = 1.0 - np.sqrt(1.0 - fitted)
        root = np.sqrt(weight)
        return Elimination(U, share, fitted, cost, back, root, self.task_ptr)

    def units(self) -> Iterator[np.ndarray]:
        """Yield the coefficients of each column of U, (n_tasks, n_vectors)."""
        for k in range(self.share.shape[1]):
            c = np.zeros(self.share.shape)
            c[:, k] = 1.0
            yield c

    def first(self) -> Elimination:
        """Return that of the first task."""
        stop, kept = int(self.task_ptr[1]), slice(0, 1)
        return Elimination(
            self.U[:stop],
            self.share[kept],
            self.fitted[kept],
            self.ridge[kept],
            self.back[kept],
            self.root[:stop],
            self.task_ptr[:2],
        )

    @property
    def alike(self) -> bool:
        """Whether all tasks have the same U."""
        return len(self.U) < self.task_ptr[-1]

    def vectors(self, task: int) -> np.ndarray:
        """Return U of one task."""
        if self.alike:
            return self.U
        return self.U[self.task_ptr[task] : self.task_ptr[task + 1]]

    def along(self, r: np.ndarray) -> np.ndarray:
        """Return ``U' r`` of each task for a flat r, (n_tasks, n_vectors)."""
        if self.alike:
            return r.reshape(len(self.share), -1) @ self.U
        parts = pairwise(self.task_ptr.tolist())
        return np.stack([r[i:j] @ self.U[i:j] for i, j in parts])

    def spread(self, c: np.ndarray) -> np.ndarray:
        """Return ``U c_t`` of each task, flat."""
        if self.alike:
            return (c @ self.U.T).ravel()
        parts = pairwise(self.task_ptr.tolist())
        return np.concatenate(
            [self.U[i:j] @ c_t for c_t, (i, j) in zip(c, parts, strict=True)]
        )

    def explained(self, r: np.ndarray) -> np.ndarray:
        """Return ``r - K r`` for a flat r."""
        return self.spread(self.share * self.along(r))

    def unscaled(self, r: np.ndarray) -> np.ndarray:
        """Return ``r / root``, zero where the weight is."""
        return np.divide(r, self.root, out=np.zeros_like(r), where=self.root > 0)

    def rest(self, values: np.ndarray) -> np.ndarray:
        """Return what is left of values of all observations, weights apart."""
        return values - self.unscaled(self.explained(self.root * values))

    def rest_of_block(self, task: int, A: np.ndarray) -> np.ndarray:
        """Return ``K A`` for the rows of a task."""
        U = self.vectors(task)
        return A - U @ (self.share[task][:, None] * (U.T @ A))

    def coefficients(self, residuals: np.ndarray) -> np.ndarray:
        """Return the best coefficients of the features, (n_features, n_tasks)."""
        c = self.fitted * self.along(self.root * residuals)
        return np.einsum("tfr,tr->ft", self.back, c)


def _decompose(A, raw, ridge, U, fitted, cost, back):
    """Write U, what is fitted, what it costs and the way back for one task."""
    if not A.size:
        return
    # columns of any scale count alike; one that is constant is rounding, not a column
    norm, size = np.linalg.norm(A, axis=0), np.ones(A.shape[1])
    kept = norm > _RANK * np.linalg.norm(raw, axis=0)
    if not ridge:
        size[kept] = norm[kept]
    vectors, s, Vt = linalg.svd(
        np.where(kept, A, 0.0) / size, full_matrices=False, check_finite=False
    )
    rank = int(np.sum(s > _RANK * max(s[0], np.finfo(float).tiny)))
    vectors, s, Vt = vectors[:, :rank], s[:rank], Vt[:rank]
    U[:, :rank] = vectors
    fitted[:rank] = s**2 / (s**2 + ridge)
    cost[:rank] = ridge / s**2
    back[:, :rank] = Vt.T / s / size[:, None]


class EliminatedDesign(Design):
    """Another design, less what other features explain in each task.

    Parameters
    ----------
    design : Design
        The features that are left.
    gone : Elimination
        What the others explain, for the weights at which this design is used, up to a
        factor for each task.
    """

    def __init__(self, design: Design, gone: Elimination):
        self.design, self.gone = design, gone
        self.n_features = design.n_features
        self.task_ptr = design.task_ptr
        self.dtype = design.dtype

    @property
    def spare_bytes(self):
        return self.design.spare_bytes

    def predict(self, W, eta):
        self.design.predict(W, eta)
        eta[...] = self.gone.rest(eta)

    def adjoint(self, r, G):
        gone = self.gone
        explained = gone.root * gone.explained(gone.unscaled(np.asarray(r)))
        self.design.adjoint(r - explained, G)

    def restrict(self, features):
        return EliminatedDesign(self.design.restrict(features), self.gone)

    def gather(self, features, last=None):
        last = last.design if isinstance(last, EliminatedDesign) else None
        return EliminatedDesign(self.design.gather(features, last), self.gone)

    def block(self, task):
        gone, X = self.gone, self.design.block(task)
        X = X.toarray() if sparse.issparse(X) else np.asarray(X)
        rows = slice(self.task_ptr[task], self.task_ptr[task + 1])
        root = gone.root[rows][:, None]
        A = root * X
        left = np.array(X, dtype=np.float64)
        np.divide(gone.rest_of_block(task, A), root, out=left, where=root > 0)
        return left

    def centred_block(self, tasks, weight, centre, features=None):
        blocks = [
            self.gone.rest_of_block(
                t, self.design.centred_block(np.array([t]), weight, centre, features)
            )
            for t in tasks
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        if not self.is_sparse:
            return super().hessians(weight, centre, features, dtype)
        return self.hessians_less_explained(weight, centre, features, dtype)

    def hessians_less_explained(self, weight, centre, features=None, dtype=np.float64):
        """Return the Hessians of the other design, less what is explained.

        The features need not be held without it; small differences are less exact.
        """
        design, gone = self.design, self.gone
        H = design.hessians(weight, centre, features, dtype)
        chosen = slice(None) if features is None else features
        root, G = np.sqrt(weight), np.empty((self.n_features, design.n_columns))
        B = np.empty((*H.shape[:2], gone.share.shape[1]))
        for k, unit in enumerate(gone.units()):
            design.adjoint(root * gone.spread(np.sqrt(gone.fitted) * unit), G)
            B[:, :, k] = G[chosen].T
        H -= (B @ B.transpose(0, 2, 1)).astype(dtype, copy=False)
        return H

    def centred_features(
        self, features: np.ndarray, weight: np.ndarray, centre: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is left of those of the other design, which has a shared X."""
        design: Matrix = self.design
        A, mean = design.centred_features(features, weight, centre)
        return np.ascontiguousarray(self.gone.rest_of_block(0, A.T).T), mean

    def feature_rows(self):
        A = np.empty((self.n_features, int(self.task_ptr[-1])))
        for t, (start, stop) in enumerate(pairwise(self.task_ptr.tolist())):
            A[:, start:stop] = self.block(t).T
        return A, self.task_ptr[:-1]

    def first(self) -> EliminatedDesign:
        """Return the design of the first task alone, where all are alike."""
        shared: Matrix = self.design
        return EliminatedDesign(shared.first(), self.gone.first())

    def gram(self) -> np.ndarray:
        """Return the product of the one block that all tasks share with itself."""
        X = self.block(0)
        return X.T @ X

    def is_shared(self):
        return self.design.is_shared()

    def columns_alike(self, weight):
        return self.gone.alike and self.design.columns_alike(weight)

    # what is explained takes from the curvature: that of the other design is a bound
    def column_scale(self, weight, centre):
        return self.design.column_scale(weight, centre)

    def column_eigenvalues(self, weight, centre, metric):
        return self.design.column_eigenvalues(weight, centre, metric)
