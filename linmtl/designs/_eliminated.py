"""Features of which others have explained their part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from linmtl.designs._base import Design, Matrix
from linmtl.designs._stacked import FeatureMajorDesign
from linmtl.designs._wrapped import WrappedDesign
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import (
    feature_adjoint,
    feature_predict,
    take_explained,
    take_products,
    task_products,
)

_RANK = 1e-12  # singular values, relative to the largest, that are rounding
_SUSPECT = 1e-6  # part of a square that is left, where it may be rounding
_RANK_OF_SQUARES = 1e-10  # the same of squares of them that are to have some digits
_WIDER = 1.25  # the most that tasks decomposed together differ by in rows
_SMALL_PRODUCT = 25  # entries of a product of each task that are no work for a library


def products_of_tasks(A: np.ndarray, B: np.ndarray, task_ptr: np.ndarray) -> np.ndarray:
    """Return ``A_t B_t'`` of each task, (n_tasks, n_rows_of_A, n_rows_of_B).

    A and B have a column for each observation.
    """
    if len(A) * len(B) > _SMALL_PRODUCT:
        bounds = pairwise(task_ptr.tolist())
        return np.stack([A[:, i:j] @ B[:, i:j].T for i, j in bounds])
    out = np.empty((task_ptr.size - 1, len(A), len(B)))
    A, B = np.ascontiguousarray(A), np.ascontiguousarray(B)
    task_products(readonly(A), readonly(B), readonly(task_ptr), out)
    return out


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
        sizes = np.diff(design.task_ptr[: 2 if alike else T + 1])
        raw = np.sqrt(design.squares(weight, False).T)
        width = np.ceil(np.log(np.maximum(sizes, 1)) / np.log(_WIDER))
        for some in np.unique(width[sizes > 0]):
            tasks = np.flatnonzero((width == some) & (sizes > 0))
            # rows of zeros change nothing
            A = np.zeros((tasks.size, sizes[tasks].max(), f))
            filled = np.arange(A.shape[1]) < sizes[tasks][:, None]
            A[filled] = design.centred_block(tasks, weight, centre)
            vectors, *rest = _decompose(A, raw[tasks], ridge)
            k = vectors.shape[2]
            for t, block in zip(tasks, vectors, strict=True):
                U[design.task_ptr[t] : design.task_ptr[t + 1], :k] = block[: sizes[t]]
            for array, values in zip((fitted, cost, back), rest, strict=True):
                array[tasks, ..., :k] = values
        if alike:
            for array in (fitted, cost, back):
                array[1:] = array[0]
        share = 1.0 - np.sqrt(1.0 - fitted)
        return cls(U, share, fitted, cost, back, np.sqrt(weight), design.task_ptr)

    def reweighted(self, weight: np.ndarray, centre: bool) -> Elimination:
        """Return what the same features explain at other weights, for a model.

        By the squares of singular values, of which half the digits are lost.
        Coefficients of the result are those of this U.
        """
        root, sizes = np.sqrt(weight), np.diff(self.task_ptr)
        A = self.unscaled(self.of_observations())
        if centre:
            V = np.vstack([A.T, np.ones(len(A))])
            sums = products_of_tasks(weight[None], V, self.task_ptr)[:, 0]
            mean = sums[:, :-1] / np.maximum(sums[:, -1:], np.finfo(float).tiny)
            A -= np.repeat(mean, sizes, axis=0)
        size = np.sqrt(np.where(self.ridge > 0, self.ridge, 1.0))
        A *= root[:, None] / np.repeat(size, sizes, axis=0)
        across = np.ascontiguousarray(A.T)
        H = products_of_tasks(across, across, self.task_ptr)
        ridge = self.ridge.any(axis=1, keepdims=True).astype(float)
        scale = np.sqrt(np.einsum("tkk->tk", H))
        scale[(ridge > 0) | (scale == 0)] = 1.0
        square, Q = np.linalg.eigh(H / scale[:, :, None] / scale[:, None, :])
        least = _RANK_OF_SQUARES * square.max(axis=1, initial=0.0)
        kept = square > np.maximum(least, np.finfo(float).tiny)[:, None]
        square = np.where(kept, square, 1.0)
        fitted = np.where(kept, square / (square + ridge), 0.0)
        cost = np.where(kept, ridge / square, 0.0)
        back = kept[:, None] * Q / np.sqrt(square)[:, None] / scale[:, :, None]
        U = np.empty_like(A)
        for t, (i, j) in enumerate(pairwise(self.task_ptr.tolist())):
            np.dot(A[i:j], back[t], out=U[i:j])
        share = 1.0 - np.sqrt(1.0 - fitted)
        return Elimination(U, share, fitted, cost, back, root, self.task_ptr)

    def leaves(self, design: Any, weight: np.ndarray, centre: bool) -> np.ndarray:
        """Return what is left of features of another design, not all of it rounding.

        An array of bool of shape (n_features, n_tasks); with a ridge something is.
        """
        T = len(self.share)
        left = np.ones((design.n_features, T), dtype=bool)
        if self.ridge.any():
            return left
        if self.alike and T > 1:
            stop = int(self.task_ptr[1])
            first = self.first().leaves(design.first(), weight[:stop], centre)
            return np.broadcast_to(first, left.shape)
        # of a constant the rest is rounding too
        square, G = design.squares(weight, False), np.empty(left.shape)
        rest = square.copy()
        if centre:
            design.adjoint(weight, G)
            total = [weight[i:j].sum() for i, j in pairwise(self.task_ptr.tolist())]
            rest -= G**2 / np.maximum(total, np.finfo(float).tiny)
        for unit in self.units():
            design.adjoint(self.root * self.spread(unit), G)
            rest -= G**2
        left = square > 0.0  # of a sparse X most features are zero in some task
        suspect = left & (rest <= _SUSPECT * square)
        for t in range(T):
            chosen = np.flatnonzero(suspect[:, t])
            if not chosen.size:
                continue
            A = design.centred_block(np.array([t]), weight, centre, chosen)
            size = np.linalg.norm(self.rest_of_block(t, A), axis=0)
            left[chosen, t] = size > _RANK * np.sqrt(square[chosen, t])
        return left

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

    @cached_property
    def _across(self) -> np.ndarray:
        """U with one row for each vector."""
        return np.ascontiguousarray(self.U.T)

    def along(self, r: np.ndarray) -> np.ndarray:
        """Return ``U' r`` of each task for a flat r, (n_tasks, n_vectors)."""
        if self.alike:
            return r.reshape(len(self.share), -1) @ self.U
        out, task_ptr = np.empty(self.share.T.shape), readonly(self.task_ptr)
        r = readonly(np.ascontiguousarray(r, dtype=np.float64))
        feature_adjoint(readonly(self._across), task_ptr, r, out)
        return out.T

    def spread(self, c: np.ndarray) -> np.ndarray:
        """Return ``U c_t`` of each task, flat."""
        if self.alike:
            return (c @ self.U.T).ravel()
        out, task_ptr = np.empty(len(self.U)), readonly(self.task_ptr)
        c = readonly(np.ascontiguousarray(c.T))
        feature_predict(readonly(self._across), task_ptr, c, out)
        return out

    def explained(self, r: np.ndarray) -> np.ndarray:
        """Return ``r - K r`` for a flat r."""
        return self.spread(self.share * self.along(r))

    def of_observations(self) -> np.ndarray:
        """Return the row of U of each observation."""
        return np.tile(self.U, (len(self.share), 1)) if self.alike else self.U

    def unscaled(self, r: np.ndarray) -> np.ndarray:
        """Return ``r / root``, zero where the weight is."""
        root = self.root if r.ndim == 1 else self.root[:, None]
        return np.divide(r, root, out=np.zeros_like(r), where=root > 0)

    def rest(self, values: np.ndarray) -> np.ndarray:
        """Return what is left of values of all observations, weights apart."""
        return values - self.unscaled(self.explained(self.root * values))

    def undone(self, theta: np.ndarray) -> np.ndarray:
        """Return weighted residuals of which K leaves these, root apart."""
        kept = 1.0 - self.share
        factor = np.divide(self.share, kept, out=np.zeros_like(kept), where=kept > 0)
        return theta + self.root * self.spread(
            factor * self.along(self.unscaled(theta))
        )

    def rest_of_features(self, A: np.ndarray) -> np.ndarray:
        """Return what is left of features, one row each, of tasks with own rows."""
        A, out = np.ascontiguousarray(A, dtype=np.float64), np.empty(A.shape)
        arrays = A, self._across, self.root, self.share, self.task_ptr
        take_explained(*(readonly(a) for a in arrays), out)
        return out

    def rest_of_block(self, task: int, A: np.ndarray) -> np.ndarray:
        """Return ``K A`` for the rows of a task."""
        U = self.vectors(task)
        return A - U @ (self.share[task][:, None] * (U.T @ A))

    def coefficients(self, residuals: np.ndarray) -> np.ndarray:
        """Return the best coefficients of the features, (n_features, n_tasks)."""
        c = self.fitted * self.along(self.root * residuals)
        return np.einsum("tfr,tr->ft", self.back, c)


def _decompose(
    A: np.ndarray, norm_of_raw: np.ndarray, ridge: float
) -> tuple[np.ndarray, ...]:
    """Return U, what is fitted, what it costs and the way back, of tasks of one size.

    ``A`` is of shape (n_tasks, n_rows, n_features).
    """
    # columns of any scale count alike; one that is constant is rounding, not a column
    norm = np.linalg.norm(A, axis=1)
    kept = norm > _RANK * norm_of_raw
    size = np.where(kept & (not ridge), norm, 1.0)[:, None]
    U, s, Vt = np.linalg.svd(
        np.where(kept[:, None], A, 0.0) / size, full_matrices=False
    )
    largest = s.max(axis=1, keepdims=True, initial=0.0)
    used = s > _RANK * np.maximum(largest, np.finfo(float).tiny)
    s = np.where(used, s, 1.0)
    fitted = np.where(used, s**2 / (s**2 + ridge), 0.0)
    cost = np.where(used, ridge / s**2, 0.0)
    back = used[:, None] * Vt.transpose(0, 2, 1) / s[:, None] / size.transpose(0, 2, 1)
    return used[:, None] * U, fitted, cost, back


class EliminatedDesign(WrappedDesign):
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
        super().__init__(design)
        self.gone = gone

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
        if self.is_sparse or self.is_shared():
            return EliminatedDesign(self.design.gather(features), self.gone)
        A, _ = self.design.gather(features).feature_rows()
        left = self.gone.rest_of_features(A)
        return FeatureMajorDesign(left, features, self.task_ptr)

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
        B = np.empty((gone.share.shape[1], *H.shape[:2]), dtype=dtype)
        for k, unit in enumerate(gone.units()):
            design.adjoint(root * gone.spread(np.sqrt(gone.fitted) * unit), G)
            B[k] = G[chosen].T
        take_products(readonly(B), H)
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
