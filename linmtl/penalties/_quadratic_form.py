"""The quadratic form ``tr(W K W') / 2`` over the tasks, in structured form.

    K = diag(ridge) + centred (I - 11'/T) + mean 11'/T + Laplacian(adjacency) + matrix

The structure is kept, so that ten thousand tasks need no T x T matrix: with an equal
ridge for all tasks the consensus direction 1 is an eigenvector of K, and the deviations
from the consensus see ``(ridge + centred) I + Laplacian`` only; a general matrix is the
exception.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.csgraph import laplacian as graph_laplacian
from scipy.sparse.linalg import splu

# up to this many tasks a graph is handled by dense matrices, unless there are more than
# a few and no more than this part of the pairs is joined
_DENSE_TASKS, _SPARSE = 2000, 0.05
_FEW_TASKS = 300  # for which one product with K is cheaper than its parts
# Entries of a sparse factor for each task, and factors, beyond which there are others:
# dense ones, or conjugate gradients, since graphs whose factors fill up have
# well-conditioned Laplacians.
_MOST_FILL, _FEW_FACTORS = 30, 20
_MAX_CG, _CG_TOL = 1000, 1e-13


class QuadraticForm:
    """A positive semi-definite quadratic form, the same for every row of W.

    Parameters
    ----------
    n_tasks : int
        Number of columns of W.
    ridge : float or ndarray of shape (n_tasks,), default=0.0
        Diagonal part.
    centred : float, default=0.0
        Strength on the deviations from the mean of the tasks.
    mean : float, default=0.0
        Strength on the mean of the tasks.
    adjacency : sparse array of shape (n_tasks, n_tasks), default=None
        Symmetric adjacency of a graph over the tasks.
    matrix : ndarray of shape (n_tasks, n_tasks), default=None
        Any symmetric positive semi-definite matrix.
    """

    def __init__(
        self,
        n_tasks: int,
        ridge: float | np.ndarray = 0.0,
        centred: float = 0.0,
        mean: float = 0.0,
        adjacency: sparse.csr_array | None = None,
        matrix: np.ndarray | None = None,
    ):
        self.n_tasks = n_tasks
        ridge = np.asarray(ridge, dtype=float)
        if ridge.ndim and np.all(ridge == ridge.flat[0]):
            ridge = ridge.flat[0]
        self.ridge = float(ridge) if np.ndim(ridge) == 0 else ridge
        # one task has no deviation from the mean
        self.centred = float(centred) if n_tasks > 1 else 0.0
        self.mean = float(mean)
        self.laplacian: Any = None  # CSR, of a graph with edges
        if adjacency is not None and adjacency.nnz:
            laplacian = sparse.csr_array(graph_laplacian(adjacency))
            if laplacian.nnz and abs(laplacian).max() > 0:
                self.laplacian = laplacian
        self.matrix = matrix if matrix is not None and matrix.any() else None
        self._last: _SparseFactor | None = None

    def __add__(self, other: QuadraticForm) -> QuadraticForm:
        total = QuadraticForm(
            self.n_tasks,
            np.asarray(self.ridge) + np.asarray(other.ridge),
            self.centred + other.centred,
            self.mean + other.mean,
        )
        parts = [q.laplacian for q in (self, other) if q.laplacian is not None]
        total.laplacian = sum(parts[1:], parts[0]) if parts else None
        parts = [q.matrix for q in (self, other) if q.matrix is not None]
        total.matrix = sum(parts[1:], parts[0]) if parts else None
        return total

    def __rmul__(self, factor: float) -> QuadraticForm:
        scaled = QuadraticForm(
            self.n_tasks,
            factor * np.asarray(self.ridge),
            factor * self.centred,
            factor * self.mean,
        )
        if self.laplacian is not None and factor > 0:
            scaled.laplacian = factor * self.laplacian
        if self.matrix is not None and factor > 0:
            scaled.matrix = factor * self.matrix
        return scaled

    @property
    def equal_ridge(self) -> bool:
        return isinstance(self.ridge, float)

    @cached_property
    def is_zero(self) -> bool:
        return not (
            np.any(self.ridge)
            or self.centred
            or self.mean
            or self.laplacian is not None
            or self.matrix is not None
        )

    @property
    def is_diagonal(self) -> bool:
        """Whether the tasks are penalised apart from each other."""
        return not self.is_coupled and self.centred == self.mean

    @property
    def is_coupled(self) -> bool:
        """Whether single pairs of tasks are coupled, beyond all through their mean."""
        return self.laplacian is not None or self.matrix is not None

    @property
    def diagonal(self) -> np.ndarray:
        """Diagonal of K where `is_diagonal`, (n_tasks,)."""
        return np.full(self.n_tasks, self.centred) + self.ridge

    @cached_property
    def top(self) -> float:
        """An upper bound of the largest eigenvalue of K."""
        bound = float(np.max(self.ridge)) + max(self.centred, self.mean)
        if self.laplacian is not None:
            bound += 2.0 * float(self.laplacian.diagonal().max())
        if self.matrix is not None:
            bound += float(np.linalg.eigvalsh(self.matrix)[-1])
        return bound

    @cached_property
    def _K(self) -> np.ndarray | None:
        """K where it is small and couples pairs of tasks, else None."""
        return self.dense() if self.is_coupled and self.n_tasks <= _FEW_TASKS else None

    def dense(self) -> np.ndarray:
        """Return K as an array of shape (n_tasks, n_tasks)."""
        T = self.n_tasks
        K = np.full((T, T), (self.mean - self.centred) / T)
        K[np.diag_indices(T)] += self.centred + self.ridge
        if self.laplacian is not None:
            K += self.laplacian.toarray()
        if self.matrix is not None:
            K += self.matrix
        return K

    def gradient(self, W: np.ndarray) -> np.ndarray:
        """Return ``W K``."""
        if self.is_diagonal:
            return W * self.diagonal
        if self._K is not None:
            return W @ self._K
        mean = W.mean(axis=1, keepdims=True)
        out = W * self.ridge + self.centred * (W - mean) + self.mean * mean
        if self.laplacian is not None:
            out += W @ self.laplacian
        if self.matrix is not None:
            out += W @ self.matrix
        return out

    def value(self, W: np.ndarray) -> float:
        """Return ``tr(W K W') / 2``, as a sum of squares where it is one."""
        if self.is_zero:
            return 0.0
        if self._K is not None:
            return max(float(np.vdot(W, W @ self._K)), 0.0) / 2
        mean = W.mean(axis=1, keepdims=True)
        value = np.sum(W**2 * self.ridge)
        value += self.centred * np.sum((W - mean) ** 2)
        value += self.mean * self.n_tasks * np.sum(mean**2)
        if self.laplacian is not None:
            value += max(np.sum(W * (W @ self.laplacian)), 0.0)
        if self.matrix is not None:
            value += max(np.sum(W * (W @ self.matrix)), 0.0)
        return float(value) / 2

    def prox(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return ``V (I + step K)^-1``."""
        return self._apply_inverse(V, 1.0, step)

    def conjugate(self, G: np.ndarray) -> float:
        """Return ``tr(G K^+ G') / 2``, for rows of G in the range of K."""
        if self.is_zero or G.size == 0:
            return 0.0
        return float(np.sum(G * self.pseudo_inverse(G))) / 2

    def pseudo_inverse(self, G: np.ndarray) -> np.ndarray:
        """Return ``G K^+``."""
        return self._apply_inverse(G, 0.0, 1.0)

    def resolvent(self, shift: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function of V with the rows ``v_j (shift_j I + K)^+``.

        Shifts of sparse graphs have a factor each, made once for those that are equal.
        """
        if not self.is_sparse:
            return lambda V: self._apply_inverse(V, shift[:, None], 1.0)
        L, base = self.laplacian, shift + (self.ridge + self.centred)
        on_mean = _pseudo_inverse(shift + (self.ridge + self.mean))[:, None]
        bases, which = np.unique(base, return_inverse=True)
        factors = [_SparseFactor(L, 1.0, bases[-1])]
        if bases.size <= _FEW_FACTORS or factors[0].sparse:
            factors = [_SparseFactor(L, 1.0, b) for b in bases[:-1]] + factors

        def apply(V):
            mean = V.mean(axis=1, keepdims=True)
            out = V - mean
            if len(factors) < bases.size:
                out = _conjugate_gradients(L, base[:, None], out)
            else:
                for k, factor in enumerate(factors):
                    out[which == k] = factor.solve(out[which == k])
            return mean * on_mean + out

        return apply

    def _apply_inverse(self, V, shift, step):
        """``V (shift I + step K)^+``; zero eigenvalues are left out."""
        if self.is_diagonal:
            return V * _pseudo_inverse(shift + step * self.diagonal)
        if not self.equal_ridge or self.matrix is not None:
            eigenvalue, Q = self._dense_eigen
            return (V @ Q) * _pseudo_inverse(shift + step * eigenvalue) @ Q.T
        mean = V.mean(axis=1, keepdims=True)
        deviation = V - mean
        on_mean = _pseudo_inverse(shift + step * (self.ridge + self.mean))
        base = shift + step * (self.ridge + self.centred)
        if self.laplacian is None:
            deviation = deviation * _pseudo_inverse(base)
        elif not self.is_sparse:
            eigenvalue, Q = self._laplacian_eigen
            deviation = (deviation @ Q) * _pseudo_inverse(base + step * eigenvalue)
            deviation = deviation @ Q.T
        else:
            deviation = self._sparse_factor(step, base).solve(deviation)
        return mean * on_mean + deviation

    @cached_property
    def is_sparse(self) -> bool:
        """Whether inverses are by sparse factors of the graph."""
        alone = self.equal_ridge and self.matrix is None
        if not alone or self.laplacian is None or is_dense(self.laplacian):
            return False
        T = self.n_tasks
        return T > _DENSE_TASKS or _SparseFactor(self.laplacian, 1.0, 1.0).sparse

    @cached_property
    def _dense_eigen(self):
        eigenvalue, Q = np.linalg.eigh(self.dense())
        return _clean(eigenvalue), Q

    @cached_property
    def _laplacian_eigen(self):
        eigenvalue, Q = np.linalg.eigh(self.laplacian.toarray())
        return _clean(eigenvalue), Q

    @cached_property
    def _components(self) -> Any:
        return connected_components(self.laplacian, directed=False)

    def _sparse_factor(self, step, base):
        # steps do not come back: keep the last one only
        if self._last is None or self._last.key != (step, base):
            self._last = _SparseFactor(self.laplacian, step, base)
        return self._last

    def null_space(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return a basis of the combinations of tasks that cost nothing.

        Pairs of columns and of vectors over them, (n_of_these_columns, n_vectors);
        columns of different pairs are different.
        """
        if self.matrix is not None:
            eigenvalue, Q = self._dense_eigen
            vectors = Q[:, eigenvalue == 0]
            return [(np.arange(self.n_tasks), vectors)] if vectors.size else []
        groups = self._null_groups()
        return [(group, np.ones((group.size, 1))) for group in groups]

    def _null_groups(self) -> list[np.ndarray]:
        """Return the groups of tasks over which a common shift costs nothing."""
        T = self.n_tasks
        free = np.broadcast_to(np.asarray(self.ridge) == 0, T)
        if self.mean > 0:
            # then the deviations are penalised as well, or it is the ridge of one task
            if self.centred > 0 or T == 1:
                return []
            raise ValueError(
                "a penalty on the mean of the tasks needs one on their deviations "
                "from it as well"
            )
        if self.centred > 0:
            return [np.arange(T)] if np.all(free) else []
        if self.laplacian is not None:
            count, label = self._components
            groups = [np.flatnonzero(label == c) for c in range(count)]
            return [group for group in groups if np.all(free[group])]
        return [np.array([t]) for t in np.flatnonzero(free)]


class _SparseFactor:
    """A factor of ``step * laplacian + base I``; its pseudo-inverse where base = 0."""

    def __init__(self, laplacian: Any, step: float, base: float):
        self.key = step, base
        n_tasks = laplacian.shape[0]
        matrix = step * laplacian + base * sparse.eye_array(n_tasks)
        self._keep: Any = np.arange(n_tasks)
        self._member: Any = None
        if base == 0.0:  # ground one task of each component
            count, label = connected_components(laplacian, directed=False)
            self._keep = np.setdiff1d(
                self._keep, np.unique(label, return_index=True)[1]
            )
            self._member = sparse.csr_array(
                (np.ones(n_tasks), (np.arange(n_tasks), label)), shape=(n_tasks, count)
            )
        self._factor = splu(sparse.csc_array(matrix)[:, self._keep][self._keep])
        self.sparse = self._factor.nnz <= _MOST_FILL * n_tasks

    def solve(self, V: np.ndarray) -> np.ndarray:
        """Return V, (n_rows, n_tasks), times the inverse."""
        V, out = self._centred(V), np.zeros_like(V)
        out[:, self._keep] = self._factor.solve(
            np.ascontiguousarray(V[:, self._keep].T)
        ).T
        return self._centred(out)

    def _centred(self, V):
        member = self._member
        if member is None:
            return V
        return V - (V @ member / member.sum(axis=0)) @ member.T


def _conjugate_gradients(L: Any, base: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return the rows ``v_j (base_j I + L)^-1``, all at once."""
    diagonal = base + L.diagonal()
    precondition = _pseudo_inverse(diagonal)
    X, R = np.zeros_like(V), V.copy()
    Q = precondition * R
    product = np.sum(R * Q, axis=1, keepdims=True)
    stop = _CG_TOL**2 * product
    for _ in range(_MAX_CG):
        H = base * Q + Q @ L
        step = product * _pseudo_inverse(np.sum(Q * H, axis=1, keepdims=True))
        X += step * Q
        R -= step * H
        Z = precondition * R
        following = np.sum(R * Z, axis=1, keepdims=True)
        if np.all(following <= stop):
            break
        Q = Z + following * _pseudo_inverse(product) * Q
        product = following
    return X


def is_dense(A: Any) -> bool:
    """Whether a matrix over the tasks is handled by dense factors."""
    T = A.shape[0]
    return T <= _DENSE_TASKS and (T <= _FEW_TASKS or A.nnz > _SPARSE * T**2)


def _pseudo_inverse(eigenvalue):
    eigenvalue = np.asarray(eigenvalue, dtype=float)
    out = np.zeros_like(eigenvalue)
    np.divide(1.0, eigenvalue, out=out, where=eigenvalue > 0)
    return out


def _clean(eigenvalue):
    """Set to zero the eigenvalues that are zero up to rounding."""
    cutoff = eigenvalue.size * np.finfo(float).eps * max(eigenvalue[-1], 0.0)
    return np.where(eigenvalue > cutoff, eigenvalue, 0.0)
