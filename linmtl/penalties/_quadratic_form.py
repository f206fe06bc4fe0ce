"""The quadratic form ``tr(W K W') / 2`` over the tasks, in structured form.

    K = diag(ridge) + centred (I - 11'/T) + mean 11'/T + Laplacian(adjacency) + matrix

The structure is kept, so that ten thousand tasks need no T x T matrix: with an equal
ridge for all tasks the consensus direction 1 is an eigenvector of K, and the deviations
from the consensus see ``(ridge + centred) I + Laplacian`` only; a general matrix is the
exception.
"""

from __future__ import annotations

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
        elif is_dense(self.laplacian):
            eigenvalue, Q = self._laplacian_eigen
            deviation = (deviation @ Q) * _pseudo_inverse(base + step * eigenvalue)
            deviation = deviation @ Q.T
        else:
            deviation = self._sparse_solve(deviation, base, step)
        return mean * on_mean + deviation

    @cached_property
    def _dense_eigen(self):
        eigenvalue, Q = np.linalg.eigh(self.dense())
        return _clean(eigenvalue), Q

    @cached_property
    def _laplacian_eigen(self):
        eigenvalue, Q = np.linalg.eigh(self.laplacian.toarray())
        return _clean(eigenvalue), Q

    @cached_property
    def _components(self):
        return connected_components(self.laplacian, directed=False)

    @cached_property
    def _factors(self):
        return {}

    def _sparse_solve(self, V, base, step):
        key = (base, step)
        if key not in self._factors:
            self._factors.clear()  # steps do not come back: keep the last one only
            matrix = step * self.laplacian + base * sparse.eye_array(self.n_tasks)
            keep = np.arange(self.n_tasks)
            if base == 0.0:  # ground one task of each component
                keep = np.setdiff1d(keep, np.unique(self._components[1], True)[1])
            factor = splu(sparse.csc_array(matrix)[:, keep][keep])
            self._factors[key] = keep, factor
        keep, factor = self._factors[key]
        if base == 0.0:
            V = V - self._component_mean(V)
        out = np.zeros_like(V)
        out[:, keep] = factor.solve(np.ascontiguousarray(V[:, keep].T)).T
        return out - self._component_mean(out) if base == 0.0 else out

    def _component_mean(self, V):
        count, label = self._components
        member = sparse.csr_array(
            (np.ones(self.n_tasks), (np.arange(self.n_tasks), label)),
            shape=(self.n_tasks, count),
        )
        return (V @ member / member.sum(axis=0)) @ member.T

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
            label = self._components[1]
            groups = [np.flatnonzero(label == c) for c in range(self._components[0])]
            return [group for group in groups if np.all(free[group])]
        return [np.array([t]) for t in np.flatnonzero(free)]


def is_dense(A: sparse.csr_array) -> bool:
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
