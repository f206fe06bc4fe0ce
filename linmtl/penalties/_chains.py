"""Tasks in an order: which columns of W follow each other."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from linmtl.data._classes import ClassColumns
from linmtl.penalties._base import Penalty


@dataclass(frozen=True, eq=False)
class Chains:
    """The columns of W, a chain after another.

    Attributes
    ----------
    order : ndarray of int of shape (n_columns,)
        The columns, those of a chain next to each other.
    ptr : ndarray of int of shape (n_chains + 1,)
        Bounds of the chains.
    """

    order: np.ndarray
    ptr: np.ndarray

    @classmethod
    def of_tasks(cls, n_tasks: int) -> Chains:
        """Return the one chain of tasks that have a column each."""
        return cls(np.arange(n_tasks), np.array([0, n_tasks], dtype=np.int64))

    @classmethod
    def of_classes(cls, classes: ClassColumns) -> Chains:
        """Return a chain for each class, of the tasks that have it."""
        size = np.bincount(classes.code, minlength=classes.classes.size)
        ptr = np.concatenate([[0], np.cumsum(size[size > 0])]).astype(np.int64)
        return cls(np.argsort(classes.code, kind="stable"), ptr)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns from which, and those to which, a chain goes on."""
        last = np.zeros(self.order.size, dtype=bool)
        last[self.ptr[1:] - 1] = True
        first = np.flatnonzero(~last)
        return self.order[first], self.order[first + 1]

    def changes(self, W: np.ndarray) -> np.ndarray:
        """Return the sum of the absolute changes along the chains, (n_features,)."""
        first, second = self.steps()
        return np.abs(W[:, second] - W[:, first]).sum(axis=1)


class Ordered(Penalty):
    """Base of the penalties on changes from a task to the next.

    Of more than two classes those of each class, from a task that has it to the next
    one that does.
    """

    ordered: ClassVar[bool] = True
    takes_classes: ClassVar[bool] = True
    chains: Chains | None = None  # of the columns, where tasks have several

    def of_classes(self, classes) -> Self:
        return self.along(Chains.of_classes(classes))

    def along(self, chains: Chains | None) -> Self:
        """Return the penalty with these chains of columns."""
        out = copy(self)
        out.chains = chains
        return out

    def chains_of(self, n_columns: int) -> Chains:
        return self.chains or Chains.of_tasks(n_columns)
