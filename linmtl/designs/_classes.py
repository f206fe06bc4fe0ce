"""Several columns of W for each task, one a class, all on the rows of the task."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from linmtl.designs._base import Design
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import ranges_of_tasks
from linmtl.designs._wrapped import WrappedDesign
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import (
    classes_adjoint,
    classes_predict,
    sparse_adjoint,
    sparse_predict,
)


class ClassesDesign(WrappedDesign):
    """The rows of another design, with a linear predictor for each class of a task.

    To all else a class of a task is a task: observation i of one lies at
    ``task_ptr[pair] + i``, and the classes of a task lie next to each other. X is held
    once.

    Parameters
    ----------
    design : Design
        The rows, sorted by task.
    task : ndarray of int of shape (n_pairs,)
        The task of each pair of a task and a class, increasing; every task has one.
    column : ndarray of int of shape (n_pairs,), default=None
        The column of W of each pair; by default its own.

    Attributes
    ----------
    group_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks among the pairs.
    """

    group_ptr: np.ndarray  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self, design: Design, task: np.ndarray, column: np.ndarray | None = None
    ):
        super().__init__(design)
        self.task = task
        self._column = np.arange(task.size) if column is None else column
        self._n_columns = int(self._column.max(initial=-1)) + 1
        size = np.diff(design.task_ptr)[task]
        self.task_ptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        bounds = np.arange(design.n_tasks + 1)
        self.group_ptr = np.searchsorted(task, bounds).astype(np.int64)

    @property
    def column(self):
        return self._column

    @property
    def n_columns(self):
        return self._n_columns

    def _on(self, design: Design) -> ClassesDesign:
        return ClassesDesign(design, self.task, self._column)

    @cached_property
    def _parts(self) -> list[tuple[SharedDesign, slice, slice]]:
        """Rows that some pairs share, these pairs and their observations."""
        if self.is_shared():
            whole = SharedDesign(self.block(0), self.n_tasks)
            return [(whole, slice(0, self.n_tasks), slice(0, self.task_ptr[-1]))]
        found = []
        for t in range(self.design.n_tasks):
            first, stop = self.group_ptr[t : t + 2].tolist()
            rows = slice(self.task_ptr[first], self.task_ptr[stop])
            part = SharedDesign(self.design.block(t), stop - first)
            found.append((part, slice(first, stop), rows))
        return found

    @cached_property
    def _rows(self) -> Any:
        """Dense rows in double precision, where each task has its own."""
        rows = None if self.is_shared() else self.design.stacked_rows()
        return None if rows is None or rows.dtype != np.float64 else rows

    def predict(self, W, eta):
        if self._rows is not None:
            Wt = np.ascontiguousarray(W.T[self._column])
            classes_predict(*map(readonly, self._of_kernels), readonly(Wt), eta)
            return
        if self._sparse_rows is not None:
            for pairs, *where in self._sparse_ranges:
                Wt = readonly(np.ascontiguousarray(W.T[self._column[pairs]]))
                sparse_predict(*self._sparse_rows, *where, Wt, eta)
            return
        for part, pairs, rows in self._parts:
            part.predict(W[:, self._column[pairs]], eta[rows])

    @cached_property
    def _sparse_rows(self) -> Any:
        """Sparse rows, where each task has its own."""
        return None if self.is_shared() else self.design.sparse_rows()

    @cached_property
    def _sparse_ranges(self) -> list[tuple[slice, np.ndarray, np.ndarray]]:
        """Pairs, their first rows and the bounds of their observations."""
        first, found = self.design.task_ptr[self.task], []
        for start, stop in ranges_of_tasks(self.n_tasks, self.n_features):
            bounds = readonly(self.task_ptr[start : stop + 1])
            found.append((slice(start, stop), readonly(first[start:stop]), bounds))
        return found

    @property
    def _of_kernels(self):
        return self._rows, self.design.task_ptr, self.group_ptr

    def adjoint(self, r, G):
        G[...] = 0.0
        if self._rows is not None:
            Gt = np.empty((self.n_tasks, self.n_features))
            classes_adjoint(*map(readonly, self._of_kernels), readonly(r), Gt)
            self._add(Gt.T, slice(None), G)
            return
        if self._sparse_rows is not None:
            for pairs, *where in self._sparse_ranges:
                Gt = np.empty((len(where[0]), self.n_features), dtype=G.dtype)
                sparse_adjoint(*self._sparse_rows, *where, readonly(r), Gt)
                self._add(Gt.T, pairs, G)
            return
        for part, pairs, rows in self._parts:
            G_part = np.empty((self.n_features, part.n_tasks), dtype=G.dtype)
            part.adjoint(r[rows], G_part)
            self._add(G_part, pairs, G)

    def _add(self, G_part, pairs, G):
        if self.n_columns == self.n_tasks:
            G[:, pairs] = G_part
        else:  # several pairs have one column
            where: Any = slice(None), self._column[pairs]
            np.add.at(G, where, G_part)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return values of the observations of the other design, for every pair."""
        return values[self._observations]

    @property
    def _observations(self) -> np.ndarray:
        """The observation of the other design of each one here."""
        return self.design.observations(self.task)

    def restrict(self, features):
        return self._on(self.design.restrict(features))

    def scaled(self, factor):
        return self._on(self.design.scaled(factor))

    def about_zero(self):
        moved = self.design.about_zero()
        return None if moved is None else (self._on(moved[0]), moved[1])

    def take(self, rows):
        chosen = np.zeros(int(self.design.task_ptr[-1]), dtype=bool)
        chosen[self._observations[rows]] = True
        return self._on(self.design.take(np.flatnonzero(chosen)))

    def of_tasks(self, tasks):
        """Return the design of these pairs, which are all of their tasks."""
        own, task = np.unique(self.task[tasks], return_inverse=True)
        column = np.unique(self._column[tasks], return_inverse=True)[1]
        return ClassesDesign(self.design.of_tasks(own), task, column)

    def block(self, task):
        return self.design.block(int(self.task[task]))

    def is_shared(self):
        return self.design.is_shared()

    def columns_alike(self, weight):
        if not self.is_shared() or self.n_columns < self.n_tasks:
            return False
        weight = weight.reshape(self.n_tasks, -1)
        return bool(np.all(weight == weight[0]))

    def column_scale(self, weight, centre):
        own = self._weight_of_tasks(weight)
        if own is None:
            return super().column_scale(weight, centre)
        return self.design.column_scale(own, centre)

    def column_eigenvalues(self, weight, centre, metric):
        own = self._weight_of_tasks(weight)
        if own is None:
            return super().column_eigenvalues(weight, centre, metric)
        return self.design.column_eigenvalues(own, centre, metric)[self.task]

    def _weight_of_tasks(self, weight: np.ndarray) -> np.ndarray | None:
        """Return the weights of the rows where all pairs of a task have the same."""
        if self.n_columns < self.n_tasks:
            return None
        own = np.empty(int(self.design.task_ptr[-1]))
        own[self._observations] = weight
        return own if np.array_equal(self.spread(own), weight) else None
