"""Inverses of Hessians plus the second derivative of penalties, on what is in use."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from linmtl.penalties._compose import Composite
from linmtl.penalties._row_separable import RowSeparable


class PenalisedCurvature:
    """Inverses of Hessians plus the second derivative of penalties.

    The second derivative is a diagonal, less or more what couples the tasks:
    ``D - sign U U'``, U having one diagonal for each task; or a form over the tasks.

    Parameters
    ----------
    W : ndarray of shape (n, n_features, n_tasks)
        Solutions.
    terms : list of n Composite
        Their penalties.
    used : ndarray of bool of shape (n_features,)
        The features that matter.
    held : ndarray of bool of shape (n, n_features), default=None
        Those that stay as they are although they are in use; none by default.
    """

    def __init__(
        self,
        W: np.ndarray,
        terms: list[Composite],
        used: np.ndarray,
        held: np.ndarray | None = None,
    ):
        self.used = used
        self.held = np.zeros(W.shape[:2], dtype=bool) if held is None else held
        self.W = W = W[:, used].transpose(0, 2, 1)  # (n, T, k)
        self.mask = np.ones(W.shape, dtype=bool)
        self.U, self.sign = np.zeros(W.shape), np.ones((len(W), 1))
        self.form: list[np.ndarray] | None = None
        self.tangents: list[Any] = []
        self.norms: list[Any] = []  # of rows, and their lengths where these bend
        self.length = np.zeros((len(W), 1, W.shape[2]))
        forms: list[Any] = [term.quadratic for term in terms]
        norm = terms[0].norm
        if norm is not None and not isinstance(norm, RowSeparable):
            self.form = [form.dense() for form in forms]
            self.tangents = [
                term.norm.tangent(w.T)  # pyright: ignore[reportOptionalMemberAccess]
                for term, w in zip(terms, W, strict=True)
            ]
        elif norm is not None:
            self.D = np.array([form.diagonal for form in forms])[:, :, None]
            self._of_rows([term.norm for term in terms])
        elif all(form.is_diagonal for form in forms):
            self.D = np.array([form.diagonal for form in forms])[:, :, None]
        elif any(form.is_coupled or not form.equal_ridge for form in forms):
            self.form = [form.dense() for form in forms]
        else:
            T, d = W.shape[1], used.size
            own = np.array([form.on_deviations(d)[used] for form in forms])
            pull = (own - [form.on_mean(d)[used] for form in forms]) / T
            self.D = own[:, None]
            self.sign = np.where(pull < 0, -1.0, 1.0)
            self.U += np.sqrt(np.abs(pull))[:, None]
        self.coupled = bool(self.U.any())

    def _of_rows(self, norms):
        """Norms of rows bend where they are not zero; entries are used or not."""
        W, self.norms = self.W, norms
        length = np.linalg.norm(W, axis=1, keepdims=True)
        bend = np.zeros(length.shape)
        for i, norm in enumerate(norms):
            entry, row = norm.strengths(self.used.size)
            entry, row = entry[self.used], row[self.used]
            by_entry = (entry > 0) | norm.positive
            self.mask[i] = np.where(by_entry, W[i] != 0, (length[i] > 0) | (row == 0))
            self.mask[i] &= ~self.held[i, self.used]
            moves = (length[i] > 0) & ~self.held[i, self.used]
            np.divide(row, length[i], out=bend[i], where=moves)
        self.length = np.where(bend > 0, length, 0.0)
        self.D = self.D + bend
        direction = np.divide(W, length, out=np.zeros(W.shape), where=length > 0)
        self.U = np.sqrt(bend) * direction

    def inverse(self, H: np.ndarray) -> _Inverse:
        """Return the inverse, H being (1 or n, 1 or T, k, k)."""
        n, T, k = self.W.shape
        if self.form is not None:
            H = np.broadcast_to(H, (n, T, k, k))
            return _dense_inverse(H, self.form, self.tangents)
        D, one = np.broadcast_to(self.D, (n, self.D.shape[1], k)), np.eye(k)
        mask = self.mask
        if H.shape[1] == 1 and all(np.all(A[:, :1] == A) for A in (D, mask)):
            D, mask = D[:, :1], mask[:, :1]  # one inverse for all tasks
        if mask.all():
            alone = _inverted(H + D[..., None] * one)
        else:  # what is not used does not move
            both = mask[..., :, None] & mask[..., None, :]
            D = np.where(mask, D, 1.0)
            alone = _inverted(np.where(both, H, 0.0) + D[..., None] * one)
            alone = np.where(both, alone, 0.0)
        if not self.coupled:
            return _Inverse(np.broadcast_to(alone, (n, T, k, k)))
        U = self.U
        if alone.shape[1] == 1:
            inner = alone[:, 0] * (U.transpose(0, 2, 1) @ U)
        else:
            inner = np.sum(U[..., None] * alone * U[..., None, :], axis=1)
        middle = _inverted(self.sign[:, :, None] * one - inner)
        return _Inverse(alone, U, middle)

    def dense(self, levels: bool) -> np.ndarray:
        """Return the second derivative of the only penalty as a matrix.

        Unknowns are the columns of W one after the other, with ``levels`` each followed
        by its intercept, on which there is no penalty.
        """
        n, T, k = self.W.shape
        assert n == 1
        m = k + levels
        A, task, feature = np.zeros((T, m, T, m)), np.arange(T), np.arange(k)
        if self.form is not None:
            A[:, :k, :, :k] = np.einsum("ts,ab->tasb", self.form[0], np.eye(k))
        else:
            D = np.broadcast_to(self.D[0], (T, k))
            A[task[:, None], feature, task[:, None], feature] = D
            U = self.U[0]
            pairs = self.sign[0] * U[:, None] * U  # of tasks, by feature
            A[:, feature, :, feature] -= pairs.transpose(2, 0, 1)
        return A.reshape(T * m, T * m)

    def dense_inverse(self, A: np.ndarray, levels: bool) -> np.ndarray:
        """Return the inverse of a matrix such as `dense`, on what is in use."""
        _, T, k = self.W.shape
        if not self.tangents:
            used = np.ones((T, k + levels), dtype=bool)
            used[:, :k] = self.mask[0]
            at = np.ix_(used.ravel(), used.ravel())
            out = np.zeros(A.shape)
            out[at] = _inverted(A[at])
            return out
        basis, bend = self.tangents[0]
        n_basis, n_levels = basis.shape[-1], T * levels
        E = np.zeros((T, k + levels, n_basis + n_levels))
        E[:, :k, :n_basis] = basis.reshape(T, k, n_basis)
        if levels:
            E[np.arange(T), k, n_basis + np.arange(T)] = 1.0
        E = E.reshape(len(A), -1)
        inner = E.T @ A @ E
        inner[:n_basis, :n_basis] += bend
        return E @ _inverted(inner) @ E.T

    @property
    def is_flat(self) -> bool:
        """Whether the penalties have no second derivative on what is in use."""
        return self.form is None and not (self.coupled or self.D.any())

    @cached_property
    def both(self) -> np.ndarray:
        """Whether two entries of a task are used, (n, T, k, k)."""
        return self.mask[..., :, None] & self.mask[..., None, :]


def _inverted(A):
    """Return inverses; where coefficients are not unique, pseudo-inverses."""
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(A, hermitian=True)


class _Inverse:
    """Blocks of an inverse: ``alone_t`` if s = t, plus ``F_t middle F_s'``.

    ``F_t`` is ``alone_t`` times the diagonal ``U_t``.
    """

    def __init__(
        self,
        alone: np.ndarray,
        U: np.ndarray | None = None,
        middle: np.ndarray | None = None,
    ):
        self.alone, self.U, self.middle = alone, U, middle

    def blocks(self) -> np.ndarray:
        """Return those of each task with itself, (n, T, k, k)."""
        if self.U is None or self.middle is None:
            return self.alone
        F = self.alone * self.U[..., None, :]
        return self.alone + F @ self.middle[:, None] @ F.swapaxes(-1, -2)

    def traces(self, H: np.ndarray) -> np.ndarray:
        """Return the traces of the blocks times H (1 or n, 1 or T, k, k), (n, T)."""
        out = np.sum(self.alone * H, axis=(2, 3))
        if self.U is not None and self.middle is not None:
            inner = self.alone @ H @ self.alone * self.middle[:, None]
            out = out + np.sum((self.U[..., None, :] @ inner)[:, :, 0] * self.U, axis=2)
        return out

    def scaled(self, factor: float) -> _Inverse:
        """Return a number times an inverse without what couples the tasks."""
        return _Inverse(factor * self.alone)

    def between(self, X: np.ndarray, i: int) -> np.ndarray:
        """Return ``x_t' B_ts x_s`` for the rows of X (T, n_rows, k) in problem i.

        Of shape (n_rows, T, T).
        """
        T = len(X)
        out, P = np.zeros((X.shape[1], T, T)), X @ self.alone[i]
        out[:, range(T), range(T)] = np.sum(P * X, axis=-1).T
        if self.U is not None and self.middle is not None:
            P = (P * self.U[i][:, None]).transpose(1, 0, 2)
            out += P @ self.middle[i] @ P.transpose(0, 2, 1)
        return out

    def times(self, G: np.ndarray, i: int) -> np.ndarray:
        """Return the inverse of problem i times G (T, k)."""
        alone = self.alone[i]
        out = (alone @ G[:, :, None])[:, :, 0]
        if self.U is not None and self.middle is not None:
            inner = self.middle[i] @ np.sum(self.U[i] * out, axis=0)
            out += (alone @ (self.U[i] * inner)[:, :, None])[:, :, 0]
        return out


class _DenseInverse(_Inverse):
    """The same with all blocks at hand, (n, T, k, T, k)."""

    def __init__(self, whole: np.ndarray):
        super().__init__(np.einsum("ntatb->ntab", whole))
        self.whole = whole

    def between(self, X, i):
        return np.einsum("tra,tasb,srb->rts", X, self.whole[i], X, optimize=True)

    def times(self, G, i):
        return np.einsum("tasb,sb->ta", self.whole[i], G)


def _dense_inverse(H, forms, tangents) -> _DenseInverse:
    n, T, k, _ = H.shape
    A = np.zeros((n, T, k, T, k))
    for i, K in enumerate(forms):
        A[i] = np.einsum("ts,ab->tasb", K, np.eye(k))
        for t in range(T):
            A[i, t, :, t] += H[i, t]
    A = A.reshape(n, T * k, T * k)
    if not tangents:
        return _DenseInverse(_inverted(A).reshape(n, T, k, T, k))
    for i, (basis, bend) in enumerate(tangents):
        E = basis.reshape(T * k, -1)
        A[i] = E @ _inverted(E.T @ A[i] @ E + bend) @ E.T
    return _DenseInverse(A.reshape(n, T, k, T, k))
