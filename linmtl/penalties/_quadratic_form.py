"""The quadratic form ``tr(W K W') / 2`` over the tasks, in structured form.

    K = diag(ridge) + centred (I - 11'/T) + mean 11'/T
        + weight (Laplacian(adjacency) + matrix)

or ``sum_j w_j K_j w_j' / 2`` over the rows w_j of W, where the last three strengths may
be one for each. The structure is kept, so that ten thousand tasks need no T x T matrix:
with an equal ridge for all tasks the consensus direction 1 is an eigenvector of K, and
the deviations from the consensus see ``(ridge + centred) I + Laplacian`` only; a
general matrix is the exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.csgraph import laplacian as graph_laplacian
from scipy.sparse.linalg import splu

from linmtl.kernels._rows import Coupling, coupled
from linmtl.penalties._blocks import Blocks

# up to this many tasks a graph is handled by dense matrices, unless there are more than
# a few and no more than this part of the pairs is joined
_DENSE_TASKS, _SPARSE = 2000, 0.05
_FEW_TASKS = 300  # for which a graph is dense in products
# Entries of a sparse factor for each task, and factors, beyond which there are others:
# dense ones, or conjugate gradients, since graphs whose factors fill up have
# well-conditioned Laplacians.
_MOST_FILL, _FEW_FACTORS = 30, 20
_MAX_CG, _CG_TOL = 1000, 1e-13
_PIECE_SIZE = 2**17  # numbers that are worked on at a time


class QuadraticForm:
    """A positive semi-definite quadratic form in each row of W.

    Parameters
    ----------
    n_tasks : int
        Number of columns of W.
    ridge : float or ndarray of shape (n_tasks,), default=0.0
        Diagonal part.
    centred : float or ndarray of shape (n_features,), default=0.0
        Strength on the deviations from the mean of the tasks; infinite for rows that
        all tasks share.
    mean : float or ndarray of shape (n_features,), default=0.0
        Strength on the mean of the tasks.
    adjacency : sparse array of shape (n_tasks, n_tasks), default=None
        Symmetric adjacency of a graph over the tasks.
    matrix : ndarray of shape (n_tasks, n_tasks) or Blocks, default=None
        Any symmetric positive semi-definite matrix.
    weight : ndarray of shape (n_features,), default=None
        Factors on graph and matrix, for each row.
    """

    def __init__(
        self,
        n_tasks: int,
        ridge: float | np.ndarray = 0.0,
        centred: float | np.ndarray = 0.0,
        mean: float | np.ndarray = 0.0,
        adjacency: sparse.csr_array | None = None,
        matrix: np.ndarray | Blocks | None = None,
        weight: float | np.ndarray | None = None,
    ):
        self.n_tasks = n_tasks
        ridge = np.asarray(ridge, dtype=float)
        if ridge.ndim and np.all(ridge == ridge.flat[0]):
            ridge = ridge.flat[0]
        self.ridge = float(ridge) if np.ndim(ridge) == 0 else ridge
        # one task has no deviation from the mean
        self.centred: Any = _by_row(centred) if n_tasks > 1 else 0.0
        self.mean: Any = _by_row(mean)
        self.weight: Any = 1.0 if weight is None else _by_row(weight)
        self.laplacian: Any = None  # CSR, of a graph with edges
        if adjacency is not None and adjacency.nnz:
            laplacian = sparse.csr_array(graph_laplacian(adjacency))
            if laplacian.nnz and abs(laplacian).max() > 0:
                self.laplacian = laplacian
        if isinstance(matrix, np.ndarray):
            matrix = Blocks.whole(matrix)
        self.matrix = matrix if matrix is not None and matrix.any() else None
        self._last: _SparseFactor | None = None
        self._kinds: list[tuple[np.ndarray, QuadraticForm]] | None = None

    def _with(self, **strengths: Any) -> QuadraticForm:
        """Return the form with other strengths; graph and matrix stay."""
        out = QuadraticForm(
            self.n_tasks,
            **{"ridge": self.ridge, "centred": self.centred, "mean": self.mean}
            | strengths,
        )
        out.laplacian, out.matrix = self.laplacian, self.matrix
        out.weight = _by_row(strengths.get("weight", self.weight))
        return out

    def __add__(self, other: QuadraticForm) -> QuadraticForm:
        total = QuadraticForm(
            self.n_tasks,
            np.asarray(self.ridge) + np.asarray(other.ridge),
            self.centred + other.centred,
            self.mean + other.mean,
        )
        coupled = [q for q in (self, other) if q.is_coupled]
        if len(coupled) == 2 and not np.array_equal(self.weight, other.weight):
            raise ValueError(
                "two penalties on a graph or matrix of the tasks have different "
                "feature_weight; pass the same to both"
            )
        if coupled:
            total.weight = coupled[0].weight
        parts = [q.laplacian for q in coupled if q.laplacian is not None]
        total.laplacian = sum(parts[1:], parts[0]) if parts else None
        parts = [q.matrix for q in coupled if q.matrix is not None]
        total.matrix = sum(parts[1:], parts[0]) if parts else None
        if total.is_coupled and total.shared_rows.size:
            raise ValueError(
                "infinite weights do not go with a graph or matrix over the tasks; "
                "pass large finite ones"
            )
        return total

    def __rmul__(self, factor: float) -> QuadraticForm:
        scaled = self._with(
            ridge=factor * np.asarray(self.ridge),
            centred=_times(factor, self.centred),
            mean=factor * self.mean,
        )
        scaled.laplacian = scaled.matrix = None
        if self.laplacian is not None and factor > 0:
            scaled.laplacian = factor * self.laplacian
        if self.matrix is not None and factor > 0:
            scaled.matrix = factor * self.matrix
        return scaled

    def rows(self, chosen: np.ndarray) -> QuadraticForm:
        """Return the form in some of the rows (mask or positions)."""
        if not self.varies:
            return self
        parts = {"centred": self.centred, "mean": self.mean, "weight": self.weight}
        return self._with(
            **{k: v[chosen] if np.ndim(v) else v for k, v in parts.items()}
        )

    def above(self, row: QuadraticForm, n_rows: int) -> QuadraticForm:
        """Return the form in these n rows, with another one in a row below."""
        if row.is_coupled or not (self.equal_ridge and row.equal_ridge):
            raise ValueError(
                "intercept_weight goes with a common ridge only, not with one for "
                "each task"
            )

        def joined(of_rows, below):
            return np.append(np.broadcast_to(np.ravel(of_rows), n_rows), below)

        return self._with(
            ridge=0.0,
            centred=joined(self.ridge + self.centred, row.ridge + row.centred),
            mean=joined(self.ridge + self.mean, row.ridge + row.mean),
            weight=joined(self.weight, 0.0) if self.is_coupled else 1.0,
        )

    @cached_property
    def varies(self) -> bool:
        """Whether rows have strengths of their own."""
        return any(np.ndim(v) for v in (self.centred, self.mean, self.weight))

    @cached_property
    def shared_rows(self) -> np.ndarray:
        """The rows that all tasks share, positions."""
        return np.flatnonzero(np.isinf(np.ravel(self.centred)))

    @cached_property
    def free_rows(self) -> np.ndarray:
        """The rows that cost nothing, positions."""
        if not self.varies or not self.equal_ridge or self.ridge > 0:
            return np.arange(0)
        parts = [self.centred, self.mean] + [self.weight] * self.is_coupled
        return np.flatnonzero(np.ravel(sum(p > 0 for p in parts)) == 0)

    def shared(self, W: np.ndarray) -> np.ndarray:
        """Return W with the rows that all tasks share replaced by their means."""
        rows = self.shared_rows
        if rows.size:
            W = W.copy()
            W[rows] = W[rows].mean(axis=1, keepdims=True)
        return W

    @property
    def equal_ridge(self) -> bool:
        return isinstance(self.ridge, float)

    @cached_property
    def is_zero(self) -> bool:
        return not (
            np.any(self.ridge)
            or np.any(self.centred)
            or np.any(self.mean)
            or self.laplacian is not None
            or self.matrix is not None
        )

    @property
    def is_diagonal(self) -> bool:
        """Whether the tasks are penalised apart from each other, all rows alike."""
        alike = not (self.is_coupled or self.varies)
        return alike and self.centred == self.mean

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
        bound = np.max(self.ridge) + np.max(np.maximum(self._finite, self.mean))
        weight = np.max(self.weight)
        if self.laplacian is not None:
            bound += 2.0 * weight * self.laplacian.diagonal().max()
        if self.matrix is not None:
            bound += weight * self.matrix.top
        return float(bound)

    @cached_property
    def _finite(self) -> Any:
        """Strengths on deviations, zero where there are none."""
        return np.where(np.isinf(self.centred), 0.0, self.centred)

    @cached_property
    def _strengths(self) -> tuple[bool, ...]:
        """Whether there is any on each task, on deviations and on the mean."""
        parts = self.ridge, self._finite, self.mean
        return tuple(bool(np.any(strength)) for strength in parts)

    @cached_property
    def _graph(self) -> Any:
        """The Laplacian, dense for few tasks."""
        few = self.n_tasks <= _FEW_TASKS
        return self.laplacian.toarray() if few else self.laplacian

    def dense(self) -> np.ndarray:
        """Return K, which all rows have, as an array of shape (n_tasks, n_tasks).

        Of rows that all tasks share, that on the mean and of the ridge.
        """
        T = self.n_tasks
        centred = np.asarray(self._finite).item()
        K = np.full((T, T), (self.mean - centred) / T)
        K[np.diag_indices(T)] += centred + self.ridge
        if self.laplacian is not None:
            K += self.weight * self.laplacian.toarray()
        if self.matrix is not None:
            K += self.weight * self.matrix.dense()
        return K

    def dense_by_row(self, n_rows: int) -> np.ndarray:
        """Return K, where it differs that of each row, (n_rows, n_tasks, n_tasks)."""
        if not self.varies:
            return self.dense()
        K = np.empty((n_rows, self.n_tasks, self.n_tasks))
        for rows, form in self.kinds(n_rows):
            K[rows] = form.dense()
        return K

    @cached_property
    def coupling(self) -> Coupling:
        """K, which all rows have, as coordinate descent takes it."""
        return coupled(self.dense())

    def kinds(self, n_rows: int) -> list[tuple[np.ndarray, QuadraticForm]]:
        """Return the rows that have the same form, positions, and that form."""
        if not self.varies:
            return [(np.arange(n_rows), self)]
        if self._kinds is None:
            self._kinds = self._find_kinds(n_rows)
        return self._kinds

    def _find_kinds(self, n_rows):
        parts = self.centred, self.mean, self.weight
        table = np.column_stack([np.broadcast_to(np.ravel(p), n_rows) for p in parts])
        first, which = np.unique(table, axis=0, return_index=True, return_inverse=True)[
            1:
        ]
        kinds = []
        for k, row in enumerate(first):
            form = self.rows(np.array([row]))
            form.varies = False
            kinds.append((np.flatnonzero(which.ravel() == k), form))
        return kinds

    @cached_property
    def proportion(self) -> tuple[np.ndarray, QuadraticForm] | None:
        """Factors of the rows, (n_rows, 1), on one form; None where there is none.

        They are positive and finite.
        """
        if not self.varies or np.any(self.ridge):
            return None
        parts = {"centred": self.centred, "mean": self.mean}
        if self.is_coupled:
            parts["weight"] = self.weight
        strength = next(v for v in parts.values() if np.ndim(v))
        if not (np.all(strength > 0) and np.all(np.isfinite(strength))):
            return None
        factor = strength / strength.flat[0]
        base = {k: float(np.ravel(v)[0]) for k, v in parts.items()}
        if not all(
            np.allclose(v, base[k] * factor, rtol=1e-14, atol=0.0)
            for k, v in parts.items()
        ):
            return None
        return factor, self._with(**base)

    def gradient(self, W: np.ndarray) -> np.ndarray:
        """Return ``W K``; of rows that all tasks share, what their mean costs."""
        if self.is_diagonal:
            return W * self.diagonal
        ridge, centred, on_mean = self._strengths
        out = W * self.ridge if ridge else np.zeros(W.shape)
        if centred or on_mean or self.laplacian is not None:
            mean = _mean_of_tasks(W)
            D = W - mean
            if centred:
                out += self._finite * D
            if on_mean:
                out += self.mean * mean
            if self.laplacian is not None:  # of what the tasks share rounding is left
                out += self.weight * (D @ self._graph)
        if self.matrix is not None:
            out += self.weight * self.matrix.of_rows(W)
        return out

    def add_gradient(self, W: np.ndarray, factor: float, G: np.ndarray) -> None:
        """Add a factor times :meth:`gradient` to G, in place."""
        for rows in self._pieces(W):
            added = self.gradient(W[rows])
            added *= factor
            G[rows] += added

    def _pieces(self, W: np.ndarray) -> Iterator[slice]:
        """Yield slices of rows, so that what is computed of them is small beside W.

        One for all rows where they have strengths of their own.
        """
        n = len(W)
        step = n if self.varies else max(_PIECE_SIZE // max(self.n_tasks, 1), 1)
        yield from (slice(first, first + step) for first in range(0, n, max(step, 1)))

    def value(self, W: np.ndarray) -> float:
        """Return ``tr(W K W') / 2``, as a sum of squares where it is one."""
        if self.is_zero:
            return 0.0
        return sum(self._value(W[rows]) for rows in self._pieces(W)) / 2

    def _value(self, W):
        mean = _mean_of_tasks(W)
        D = W - mean
        parts = (self.ridge, W), (self._finite, D), (self.n_tasks * self.mean, mean)
        value = sum(
            strength * np.vdot(P, P)
            if np.ndim(strength) == 0
            else np.sum(strength * P**2)
            for strength, P in parts
            if np.any(strength)
        )
        if self.laplacian is not None:
            value += max(np.sum(self.weight * D * (D @ self._graph)), 0.0)
        if self.matrix is not None:
            value += max(np.sum(self.weight * W * self.matrix.of_rows(W)), 0.0)
        if np.any(W[self.shared_rows] != W[self.shared_rows, :1]):
            return np.inf
        return float(value)

    def prox(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return ``V (I + step K)^-1``."""
        return self._apply_inverse(V, 1.0, step)

    def conjugate(self, G: np.ndarray) -> float:
        """Return ``tr(G K^+ G') / 2``, for rows of G in the range of K."""
        if self.is_zero or G.size == 0:
            return 0.0
        parts = (G[rows] for rows in self._pieces(G))
        return (
            sum(float(np.sum(part * self.pseudo_inverse(part))) for part in parts) / 2
        )

    def pseudo_inverse(self, G: np.ndarray) -> np.ndarray:
        """Return ``G K^+``."""
        return self._apply_inverse(G, 0.0, 1.0)

    def on_deviations(self, n_rows: int) -> np.ndarray:
        """Return the strength on deviations of each row, with an equal ridge."""
        # one task has none, and its mean stands for them
        strength = self.centred if self.n_tasks > 1 else self.mean
        return np.broadcast_to(np.ravel(self.ridge + strength), n_rows).copy()

    def on_mean(self, n_rows: int) -> np.ndarray:
        """Return the strength on the mean of each row, with an equal ridge."""
        return np.broadcast_to(np.ravel(self.ridge + self.mean), n_rows).copy()

    def resolvent(self, shift: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function of V with the rows ``v_j (shift_j I + K)^+``.

        All rows have the same K. Shifts of sparse graphs have a factor each, made once
        for those that are equal.
        """
        if not self.is_sparse:
            return lambda V: self._apply_inverse(V, shift[:, None], 1.0)
        L, base = self.weight * self.laplacian, shift + (self.ridge + self.centred)
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
        if self.shared_rows.size and not self.varies:  # of all rows: one unknown each
            on_mean = shift + step * (np.mean(self.ridge) + self.mean)
            mean = V.mean(axis=1, keepdims=True) * _pseudo_inverse(on_mean)
            return np.repeat(mean, self.n_tasks, axis=1)
        apart = not self.equal_ridge or self.matrix is not None
        if self.varies and (apart or self.laplacian is not None):
            if self.proportion is not None and not self.proportion[1].is_sparse:
                factor, form = self.proportion
                return form._apply_inverse(V, shift, step * factor)
            out = np.empty_like(V)
            for rows, form in self.kinds(len(V)):
                out[rows] = form._apply_inverse(V[rows], shift, step)
            return out
        if apart:
            out, blocks = np.empty_like(V), self._apart
            for own, (eigenvalue, Q) in zip(blocks.columns, blocks.eigen, strict=True):
                scale = _pseudo_inverse(shift + step * eigenvalue)
                out[:, own] = (V[:, own] @ Q) * scale @ Q.T
            return out
        mean = V.mean(axis=1, keepdims=True)
        deviation = V - mean
        on_mean = _pseudo_inverse(shift + step * (self.ridge + self.mean))
        base = shift + step * (self.ridge + self.centred)
        if self.laplacian is None:
            deviation *= _pseudo_inverse(base)  # none, where it is infinite
        elif not self.is_sparse:
            eigenvalue, Q = self._laplacian_eigen
            deviation = (deviation @ Q) * _pseudo_inverse(base + step * eigenvalue)
            deviation = deviation @ Q.T
        else:
            deviation = self._sparse_factor(step, base).solve(deviation)
        deviation += mean * on_mean
        return deviation

    @cached_property
    def is_sparse(self) -> bool:
        """Whether inverses are by sparse factors of the graph."""
        alone = self.equal_ridge and self.matrix is None and not self.varies
        if not alone or self.laplacian is None or is_dense(self.laplacian):
            return False
        T = self.n_tasks
        return T > _DENSE_TASKS or _SparseFactor(self.laplacian, 1.0, 1.0).sparse

    @cached_property
    def _apart(self) -> Blocks:
        """K in the blocks of its matrix, where nothing else joins them."""
        joined = self.laplacian is not None or self.centred != self.mean
        if self.matrix is None or joined:
            return Blocks.whole(self.dense())
        return (self.weight * self.matrix).plus_diagonal(self.diagonal)

    @cached_property
    def _laplacian_eigen(self):
        eigenvalue, Q = np.linalg.eigh(self.weight * self.laplacian.toarray())
        return _clean(eigenvalue), Q

    @cached_property
    def _components(self) -> Any:
        return connected_components(self.laplacian, directed=False)

    def _sparse_factor(self, step, base):
        # steps do not come back: keep the last one only
        if self._last is None or self._last.key != (step, base):
            self._last = _SparseFactor(self.weight * self.laplacian, step, base)
        return self._last

    def null_space(
        self, n_rows: int
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return a basis of the combinations of tasks that cost nothing.

        Triples of rows (mask), columns and vectors over them, (n_of_these_columns,
        n_vectors); of the same rows, columns of different triples are different.
        """
        found: dict[tuple, Any] = {}
        for rows, form in self.kinds(n_rows):
            for columns, vectors in form._null_vectors():
                key = columns.tobytes(), vectors.tobytes()
                found.setdefault(key, (np.zeros(n_rows, bool), columns, vectors))
                found[key][0][rows] = True
        return list(found.values())

    def _null_vectors(self) -> list[tuple[np.ndarray, np.ndarray]]:
        if self.matrix is not None:
            free = [Q[:, eigenvalue == 0] for eigenvalue, Q in self._apart.eigen]
            pairs = zip(self._apart.columns, free, strict=True)
            return [(own, vectors) for own, vectors in pairs if vectors.size]
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
        if self.laplacian is not None and self.weight > 0:
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


def _mean_of_tasks(W: np.ndarray) -> np.ndarray:
    """Return the mean of each row, (n_rows, 1): a third of the time of ``W.mean``."""
    mean = np.add.reduce(W, axis=1, keepdims=True)
    mean /= W.shape[1]
    return mean


def _by_row(strength: Any) -> Any:
    """Return one strength for all rows, or a column where they differ."""
    strength = np.asarray(strength, dtype=float)
    if strength.ndim == 0 or strength.size == 0:
        return float(strength) if strength.ndim == 0 else 0.0
    first = strength.flat[0]
    alike = np.isfinite(first) and np.all(strength == first)
    return float(first) if alike else strength.reshape(-1, 1)


def _times(factor: float, strength: Any) -> Any:
    """Return the product, infinite where the strength is."""
    return np.where(np.isinf(strength), np.inf, factor * strength)


def _pseudo_inverse(eigenvalue):
    eigenvalue = np.asarray(eigenvalue, dtype=float)
    out = np.zeros_like(eigenvalue)
    np.divide(1.0, eigenvalue, out=out, where=eigenvalue > 0)
    return out


def _clean(eigenvalue):
    """Set to zero the eigenvalues that are zero up to rounding."""
    cutoff = eigenvalue.size * np.finfo(float).eps * max(eigenvalue[-1], 0.0)
    return np.where(eigenvalue > cutoff, eigenvalue, 0.0)
