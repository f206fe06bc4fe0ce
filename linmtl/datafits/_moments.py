"""Moments of each task: all that the squared loss knows of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.data._rows import among_tasks
from linmtl.datafits._base import centred_targets
from linmtl.designs._stacked import are_small_tasks
from linmtl.kernels._jit import readonly
from linmtl.kernels._mixed import small_moments

_PIECE_SIZE = 2**19  # numbers of X that are centred at a time
LARGEST_SPREAD = 4_000_000  # numbers of Hessians that tasks may no longer share


@dataclass(frozen=True)
class Moments:
    """Weighted sums over the rows of each task, about the task's means.

    They can be added, subtracted and scaled: those of a table are the sum of those of
    its parts, and a training part has those of all rows less those held out.

    Attributes
    ----------
    total : ndarray of shape (n_tasks,)
        Sum of the weights.
    x : ndarray of shape (n_tasks, n_features)
        Mean of the features; zero where sums are about zero.
    y : ndarray of shape (n_tasks,)
        Mean of the targets; zero where sums are about zero.
    H : ndarray of shape (n_columns or 1, n_features, n_features)
        Sums of ``w x x'``; one where all tasks have the same rows and weights.
    C : ndarray of shape (n_columns, n_features)
        Sums of ``w x y``.
    square : ndarray of shape (n_tasks,)
        Sums of ``w y^2``.
    column : ndarray of shape (n_tasks,)
        The column of W of each task; H and C are summed over those with the same.
    centred : bool
        Whether sums are about the means rather than about zero.
    """

    total: np.ndarray
    x: np.ndarray
    y: np.ndarray
    H: np.ndarray
    C: np.ndarray
    square: np.ndarray
    column: np.ndarray
    centred: bool = True

    @classmethod
    def of(cls, data: MultiTaskData) -> Moments:
        """Return the moments of data, with an intercept about the means.

        ``data`` is :class:`linmtl.data.MultiTaskData`.
        """
        design = data.design
        means, y = centred_targets(data)
        x = np.zeros((design.n_tasks, design.n_features))
        if data.fit_intercept:
            total = np.where(data.total > 0, data.total, 1.0)
            x = design.task_sums(data.weight) / total[:, None]
        sums = _shared if design.columns_alike(data.weight) else _by_task
        H, C = sums(data, y, x)
        square = data.task_sum(data.weight * y**2)
        column, centred = design.column, data.fit_intercept
        return cls(data.total.copy(), x, means, H, C, square, column, centred)

    @property
    def shared(self) -> bool:
        """Whether several tasks have the same rows and weights."""
        return len(self.H) == 1 < len(self.C)

    @property
    def tied(self) -> bool:
        """Whether several tasks have the same column of W."""
        return len(self.C) < self.total.size

    def __add__(self, other: Moments) -> Moments:
        return self._joined(other, 1.0)

    def __sub__(self, other: Moments) -> Moments:
        return self._joined(other, -1.0)

    def _joined(self, other, sign):
        """Sums about the means of both parts together; Chan, Golub, LeVeque (1983)."""
        if self.shared != other.shared:
            return self.spread()._joined(other.spread(), sign)
        total = self.total + sign * other.total
        share = np.divide(
            sign * other.total, total, out=np.zeros_like(total), where=total > 0
        )
        dx, dy = other.x - self.x, other.y - self.y
        H, C = self.H + sign * other.H, self.C + sign * other.C
        square = self.square + sign * other.square
        if self.centred:
            apart = share * self.total
            square = square + apart * dy**2
            np.add.at(C, self.column, (apart * dy)[:, None] * dx)
            for t in range(1) if self.shared else np.flatnonzero(apart):
                H[self.column[t]] += apart[t] * np.outer(dx[t], dx[t])
        diagonal = np.arange(H.shape[1])  # of a constant feature it may be below zero
        H[:, diagonal, diagonal] = np.maximum(H[:, diagonal, diagonal], 0.0)
        return replace(
            self,
            total=total,
            x=self.x + share[:, None] * dx,
            y=self.y + share * dy,
            H=H,
            C=C,
            square=np.maximum(square, 0.0),
        )

    def times(self, factor: np.ndarray) -> Moments:
        """Return the moments with the weights of each task times a factor."""
        factor = np.broadcast_to(np.asarray(factor, dtype=float), self.total.shape)
        alike = bool(np.all(factor == factor[0]))
        if self.shared and not alike:
            return self.spread().times(factor)
        if self.tied and not alike:
            raise ValueError("tasks of one model have one factor")
        per_column = factor[: len(self.C)]
        return replace(
            self,
            total=factor * self.total,
            H=per_column[: len(self.H), None, None] * self.H,
            C=per_column[:, None] * self.C,
            square=factor * self.square,
        )

    def shifted(self, data: MultiTaskData, shift: np.ndarray) -> Moments:
        """Return the moments with a shift of the targets, of mean zero in each task.

        ``data`` are the rows of these moments.
        """
        moved = data.weight * shift
        C = np.empty(self.C.T.shape)
        data.design.adjoint(moved, C)
        _, y = centred_targets(data)
        square = self.square + data.task_sum(moved * (2.0 * y + shift))
        return replace(self, C=self.C + C.T, square=np.maximum(square, 0.0))

    def about_zero(self) -> Moments:
        """Return sums about zero, for models without intercepts."""
        n, total = len(self.H), self.total[:, None]
        return replace(
            self,
            x=np.zeros_like(self.x),
            y=np.zeros_like(self.y),
            H=self.H + (total * self.x)[:n, :, None] * self.x[:n, None],
            C=self.C + total * self.y[:, None] * self.x,
            square=self.square + self.total * self.y**2,
            centred=False,
        )

    def with_ones(self, shift: float) -> Moments:
        """Return sums about zero, with a last feature that is one.

        The targets are less by ``shift``. Sums are about the means of each task here.
        """
        total, x, y = self.total, self.x, self.y - shift
        n = len(self.H)
        T, d = x.shape
        H, C = np.empty((n, d + 1, d + 1)), np.empty((T, d + 1))
        H[:, :d, :d] = self.H + (total[:, None] * x)[:n, :, None] * x[:n, None]
        H[:, d, :d] = H[:, :d, d] = (total[:, None] * x)[:n]
        H[:, d, d] = total[:n]
        C[:, :d] = self.C + (total * y)[:, None] * x
        C[:, d] = total * y
        zero = np.zeros(T)
        return replace(
            self,
            x=np.zeros((T, d + 1)),
            y=zero,
            H=H,
            C=C,
            square=self.square + total * y**2,
            centred=False,
        )

    def spread(self) -> Moments:
        """Return the same with a Hessian for each column."""
        return (
            replace(self, H=np.repeat(self.H, len(self.C), 0)) if self.shared else self
        )

    def among(self, positions: np.ndarray, n_tasks: int) -> Moments:
        """Return the moments of tasks among others that have no rows."""
        whole = self.spread()
        sums = {
            name: among_tasks(getattr(whole, name), positions, n_tasks)
            for name in ("total", "x", "y", "H", "C", "square")
        }
        return replace(whole, column=np.arange(n_tasks), **sums)

    def of_tasks(self, tasks: np.ndarray) -> Moments:
        """Return the moments of these tasks (positions) only."""
        if self.tied:
            raise ValueError("the sums of tasks of one model cannot be told apart")
        return Moments(
            self.total[tasks],
            self.x[tasks],
            self.y[tasks],
            self.H if self.shared else self.H[tasks],
            self.C[tasks],
            self.square[tasks],
            np.arange(len(tasks)),
            self.centred,
        )

    def restrict(self, features: np.ndarray) -> Moments:
        """Return the moments of these features only."""
        return replace(
            self,
            x=self.x[:, features],
            H=np.ascontiguousarray(self.H[:, features][:, :, features]),
            C=np.ascontiguousarray(self.C[:, features]),
        )

    def intercepts(self, W: np.ndarray) -> np.ndarray:
        """Return the best intercepts, (..., n_tasks); zeros where there are none.

        For one W (n_features, n_columns), or several.
        """
        if not self.centred:
            return np.zeros((*W.shape[:-2], self.y.size))
        return self.y - np.sum(self.x.T * W[..., self.column], axis=-2)

    def losses(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return half the weighted squared error of each task, (..., n_tasks).

        Parameters
        ----------
        W : ndarray of shape (..., n_features, n_tasks)
            Coefficients, of one model or of several.
        b : ndarray of shape (..., n_tasks)
            Intercepts.
        """
        if self.shared:
            product = self.H[0] @ W
        else:
            stack = np.atleast_3d(W.T)  # (n_tasks, n_features, n_models)
            product = (self.H @ stack).T.reshape(W.shape)
        curved = np.sum(W * product, axis=-2)
        straight = np.sum(self.C.T * W, axis=-2)
        shift = self.y - b - np.sum(self.x.T * W, axis=-2)
        squares = self.square - 2 * straight + curved + self.total * shift**2
        return np.maximum(squares, 0.0) / 2


def _by_task(data, y, x):
    design, root = data.design, np.sqrt(data.weight)
    d = design.n_features
    if design.is_sparse:
        G = np.empty((d, design.n_columns))
        design.adjoint(data.weight * y, G)  # centred targets centre X too
        H = design.hessians(data.weight, data.fit_intercept)
        return H, np.ascontiguousarray(G.T)
    H, C = np.zeros((design.n_columns, d, d)), np.zeros((design.n_columns, d))
    rows = design.stacked_rows()
    few = are_small_tasks(len(data.y), d, design.n_tasks)
    if rows is not None and few:
        arrays = map(readonly, (rows, design.task_ptr, data.weight, y))
        small_moments(*arrays, bool(data.fit_intercept), np.empty_like(C), H, C)
        return H, C
    step, weighted = max(_PIECE_SIZE // max(d, 1), 1), np.any(root != 1.0)
    memory = np.empty((min(step, np.diff(data.task_ptr).max(initial=0)), d))
    for t, c in enumerate(design.column):
        start, stop = data.task_ptr[t], data.task_ptr[t + 1]
        if start == stop:
            continue
        X, w = design.block(t), root[start:stop, None]
        target = root[start:stop] * y[start:stop]
        for first in range(0, stop - start, step):  # small copies stay in the cache
            part = slice(first, first + step)
            A = memory[: len(X[part])]
            np.subtract(X[part], x[t], out=A)
            if weighted:
                A *= w[part]
            H[c] += A.T @ A
            C[c] += target[part] @ A
    return H, C


def _shared(data, y, x):
    """One Hessian; without a copy of X where its means are small."""
    design = data.design
    weight = data.weight[: design.task_ptr[1]]
    Y = y.reshape(design.n_tasks, -1)
    if design.is_sparse:
        G = np.empty((design.n_features, design.n_tasks))
        design.adjoint(data.weight * y, G)
        H = design.first().hessians(weight, data.fit_intercept)
        return H, np.ascontiguousarray(G.T)
    if np.all(weight == weight[:1]):
        w, total, mean = weight[0] if weight.size else 0.0, data.total[0], x[0]
        H = w * design.gram() - total * np.outer(mean, mean)
        # a mean of the size of the standard deviation would cost digits here
        if np.all(total * mean**2 <= 0.01 * np.diag(H)):
            G = np.empty((design.n_features, design.n_tasks))
            design.adjoint(Y.ravel(), G)
            return H[None], w * G.T  # centred targets centre X too
    A = design.centred_block(np.array([0]), data.weight, data.fit_intercept)
    return (A.T @ A)[None], (np.sqrt(weight) * Y) @ A
