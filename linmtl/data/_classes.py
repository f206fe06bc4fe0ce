"""Several classes: a column of W for each class that a task has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.designs._classes import ClassesDesign


def on_classes(
    said: np.ndarray, own: np.ndarray, classes: np.ndarray, unknown: float = -np.inf
) -> np.ndarray:
    """Return what a model says of its own classes as of all, the last axis.

    Parameters
    ----------
    said : ndarray of shape (..., n_own) or (n_rows,)
        By class of `own`, or the linear predictor of the second of two.
    own, classes : ndarray
        Labels, sorted; the first are among the second.
    unknown : float, default=-inf
        What is said of classes that the model does not know: minus infinity for linear
        predictors.
    """
    if said.ndim == 1:
        said = np.column_stack([np.zeros(said.size), said])
    out = np.full((*said.shape[:-1], classes.size), unknown)
    out[..., np.searchsorted(classes, own)] = said
    return out


@dataclass(frozen=True, eq=False)
class ClassColumns:
    """The classes that tasks have, one pair of a task and a class after another.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Labels of the tasks; only one where they are tied.
    classes : ndarray of shape (n_classes,)
        Labels of the classes of all tasks.
    task, code : ndarray of int of shape (n_pairs,)
        Task and class of each pair, positions; sorted.
    n_tasks : int
        How many tasks have intercepts of their own.
    tied : bool
        Whether a class has one column of W for all tasks.
    """

    tasks: np.ndarray
    classes: np.ndarray
    task: np.ndarray
    code: np.ndarray
    n_tasks: int
    tied: bool

    @classmethod
    def of(
        cls, data: MultiTaskData, tasks: np.ndarray, classes: np.ndarray
    ) -> ClassColumns:
        """Return those of data whose targets are positions in `classes`.

        A task has the classes of its rows of positive weight.
        """
        shown = np.zeros((data.design.n_tasks, classes.size), dtype=bool)
        used = data.weight > 0
        code = np.repeat(np.arange(len(shown)), np.diff(data.task_ptr))
        shown[code[used], data.y[used].astype(int)] = True
        tied = data.design.n_columns < data.design.n_tasks
        task, code = np.nonzero(shown)
        return cls(tasks, classes, task, code, len(shown), tied)

    @property
    def column(self) -> np.ndarray:
        """The column of W of each pair."""
        if not self.tied:
            return np.arange(self.task.size)
        return np.unique(self.code, return_inverse=True)[1]

    @cached_property
    def labels(self) -> np.ndarray:
        """A name for each column of W: task and class, or the class alone."""
        if self.tied:
            return self.classes[np.unique(self.code)]
        pairs = zip(
            self.tasks[self.task].tolist(),
            self.classes[self.code].tolist(),
            strict=True,
        )
        out = np.empty(self.task.size, dtype=object)
        out[:] = list(pairs)
        return out

    def expand(self, data: MultiTaskData) -> MultiTaskData:
        """Return the data with a class of a task in place of a task.

        Targets are one for observations of the class, and zero for others.
        """
        rows = data.design.untied()
        design = ClassesDesign(rows, self.task, self.column if self.tied else None)
        own = np.repeat(self.code, np.diff(design.task_ptr))
        y = (design.spread(data.y) == own).astype(float)
        return replace(data, design=design, y=y, weight=design.spread(data.weight))

    def by_task(
        self, coef: np.ndarray, b: np.ndarray, n_tasks: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return models by task and class, NaN where a task has no such class.

        Parameters
        ----------
        coef : ndarray of shape (n_columns, n_features)
            Coefficients.
        b : ndarray of shape (n_pairs,)
            Intercepts.
        n_tasks : int
            How many tasks there are, also where they are one here.

        Returns
        -------
        coef : ndarray of shape (n_tasks, n_classes, n_features)
            Coefficients.
        b : ndarray of shape (n_tasks, n_classes)
            Intercepts.
        """
        out = self._fill(coef[self.column]), self._fill(b)
        if self.n_tasks == n_tasks:
            return out
        return np.repeat(out[0], n_tasks, axis=0), np.repeat(out[1], n_tasks, axis=0)

    def _fill(self, values):
        shape = self.n_tasks, self.classes.size, *values.shape[1:]
        out = np.full(shape, np.nan)
        out[self.task, self.code] = values
        return out

    def columns_of(self, coef: np.ndarray) -> np.ndarray:
        """Return the coefficients of the columns of W, (n_columns, n_features).

        From those by task and class; of columns that tasks share, the mean.
        """
        if self.tied or len(coef) > self.n_tasks:
            return coef.mean(axis=0)[np.unique(self.code)]
        return coef[self.task, self.code]

    @staticmethod
    def spread(data: MultiTaskData, values: np.ndarray) -> np.ndarray:
        """Return values of the observations for each class; data are expanded."""
        design: Any = data.design
        return design.spread(values)

    def by_row(self, data: MultiTaskData, eta: np.ndarray) -> np.ndarray:
        """Return linear predictors of observations by class, the last axis.

        From those of expanded data (..., n); minus infinity for classes that a task
        does not have.
        """
        rows = self.spread(data, np.arange(data.y.size))
        own = np.repeat(self.code, np.diff(data.task_ptr))
        shape = *eta.shape[:-1], int(rows.max()) + 1, self.classes.size
        out = np.full(shape, -np.inf)
        out[..., rows, own] = eta
        return out
