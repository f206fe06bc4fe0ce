"""A penalty of tasks, on the columns of each class by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from linmtl.data._classes import ClassColumns
from linmtl.penalties._base import DualTerms, Penalty


class ByClass(Penalty):
    """The sum over the classes of a penalty on the tasks that have the class.

    Parameters
    ----------
    penalty : Penalty
        The penalty on tasks.
    classes : ClassColumns
        The task and the class of each column of W.
    """

    def __init__(self, penalty: Penalty, classes: ClassColumns):
        self.penalty = penalty
        self.classes = classes

    def _each(self) -> Iterator[np.ndarray]:
        """Yield the columns of each class."""
        code = self.classes.code
        return (np.flatnonzero(code == k) for k in np.unique(code))

    def value(self, W):
        return sum(self.penalty.value(W[:, own]) for own in self._each())

    def prox(self, V, step, out):
        value = 0.0
        for own in self._each():
            part = np.empty((len(V), own.size))
            value += self.penalty.prox(V[:, own], step, part)
            out[:, own] = part
        return value

    def prox_naive(self, V, step):
        out = np.empty(V.shape)
        for own in self._each():
            out[:, own] = self.penalty.prox_naive(V[:, own], step)
        return out

    def dual_norm(self, G):
        return max(self.penalty.dual_norm(G[:, own]) for own in self._each())

    def dual_terms(self, D):
        parts = (self.penalty.dual_terms(D[:, own]) for own in self._each())
        return DualTerms.together(parts)

    def alpha_max(self, G0):
        return max(self.penalty.alpha_max(G0[:, own]) for own in self._each())

    def free_rows(self, n_features):
        return self.penalty.free_rows(n_features)

    def fitted_attributes(self, W, parts, tasks):
        """Return what is found of each class: a column, or a matrix on a first axis.

        -1 or NaN where a task does not have the class.
        """
        T, K = len(self.classes.tasks), self.classes.classes.size
        out: dict[str, np.ndarray] = {}
        for own in self._each():
            k, task = self.classes.code[own[0]], self.classes.task[own]
            found = self.penalty.fitted_attributes(W[:, own], {}, tasks[own])
            for name, value in found.items():
                if value.ndim == 1:
                    out.setdefault(name, np.full((T, K), -1))[task, k] = value
                else:
                    of_tasks = out.setdefault(name, np.full((K, T, T), np.nan))
                    of_tasks[k][np.ix_(task, task)] = value
        return out
