"""The canonical form of the data: a design, targets and weights sorted by task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from linmtl.data._absent import mean_model
from linmtl.designs._base import Design

_ZERO_COEFFICIENT = 1e-9  # relative to the largest coefficient


@dataclass(frozen=True, eq=False, repr=False)
class MultiTaskData:
    """Canonical data: a design, labels and weights sorted by task.

    Attributes
    ----------
    design : Design
        How X is held.
    y : ndarray of shape (n_observations,)
        Targets; labels -1 and +1 for a classification loss.
    weight : ndarray of shape (n_observations,)
        ``lambda_t s_i / S_t``; zero where a label is not observed.
    fit_intercept : bool
        Whether each task has an intercept.
    offset : ndarray of shape (n_observations,) or None
        What is added to the linear predictors. There is none for a loss of ``y - eta``,
        since targets take it up.
    kind : ndarray of int of shape (n_tasks,) or None
        Which loss each task has, where they are of different kinds.
    """

    design: Design
    y: np.ndarray
    weight: np.ndarray
    fit_intercept: bool = True
    offset: np.ndarray | None = None
    kind: np.ndarray | None = None

    def __repr__(self) -> str:
        return (
            f"<MultiTaskData: {self.design.n_tasks} tasks, {self.y.size} observations, "
            f"{self.design.n_features} features>"
        )

    @property
    def task_ptr(self) -> np.ndarray:
        return self.design.task_ptr

    @cached_property
    def total(self) -> np.ndarray:
        """Sum of the weights of each task, (n_tasks,)."""
        return self.task_sum(self.weight)

    def task_sum(self, values: np.ndarray) -> np.ndarray:
        """Return sums over tasks of values of all observations, (n_tasks, ...)."""
        T, shape = self.design.n_tasks, values.shape[1:]
        if self.design.is_shared():
            return values.reshape(T, -1, *shape).sum(axis=1)
        out = np.zeros((T, *shape))
        filled = np.diff(self.task_ptr) > 0
        out[filled] = np.add.reduceat(values, self.task_ptr[:-1][filled])
        return out

    def add_offset(
        self, eta: np.ndarray, first: int = 0, stop: int | None = None
    ) -> None:
        """Add the offset to the linear predictors of a range of tasks, in place.

        ``eta`` are those of all tasks, (..., n_observations).
        """
        if self.offset is not None:
            stop = self.design.n_tasks if stop is None else stop
            rows = slice(self.task_ptr[first], self.task_ptr[stop])
            eta[..., rows] += self.offset[rows]

    def mean_offset(self, weight: np.ndarray) -> np.ndarray:
        """Return the weighted mean of the offsets of each task, (n_tasks,)."""
        total = self.task_sum(weight)
        if self.offset is None:
            return np.zeros_like(total)
        total[total <= 0] = 1.0
        return self.task_sum(weight * self.offset) / total

    def null_predictor(self) -> np.ndarray:
        """Return the linear predictors without coefficients and intercepts."""
        return np.zeros(self.y.size) if self.offset is None else self.offset.copy()

    def of_tasks(self, tasks: np.ndarray) -> MultiTaskData:
        """Return the data of these tasks (positions) only."""
        rows = self.design.observations(tasks)
        kind = None if self.kind is None else self.kind[tasks]
        return replace(self._some(self.design.of_tasks(tasks), rows), kind=kind)

    def take(self, rows: np.ndarray) -> MultiTaskData:
        """Return some of the observations only (increasing flat indices).

        With a shared X they must be the same samples for every task.
        """
        return self._some(self.design.take(rows), rows)

    def _some(self, design: Design, rows: np.ndarray) -> MultiTaskData:
        offset = None if self.offset is None else self.offset[rows]
        return replace(
            self,
            design=design,
            y=self.y[rows],
            weight=self.weight[rows],
            offset=offset,
        )

    def restrict(self, features: np.ndarray) -> MultiTaskData:
        """Return the data with only these features."""
        return replace(self, design=self.design.restrict(features))


def far_intercept(side: np.ndarray, total: np.ndarray | float) -> np.ndarray:
    """Return the intercept of tasks whose best one is infinite, on the side given.

    The log-odds, or the log of the rate, if half an observation had been otherwise;
    ``total`` is the number of observations, or the sum of their sample weights.
    """
    return side * np.log(2 * total + 1)


def lent(
    W: np.ndarray,
    b: np.ndarray,
    alone: np.ndarray,
    others: np.ndarray,
    mean: np.ndarray,
    present: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return models in which tasks left out of the loss take the mean of the others.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_tasks)
        Coefficients.
    b : ndarray of shape (n_tasks,)
        Intercepts.
    alone : ndarray of int of shape (n_alone,)
        The tasks left out. Where their coefficients are zero they become the mean of
        the others'.
    others : ndarray of bool of shape (n_tasks,)
        The tasks in the loss.
    mean : ndarray of shape (n_alone, n_features)
        Where the linear predictors of the tasks left out stay what they are.
    present : ndarray of bool of shape (n_features, n_tasks), default=None
        Which features each task has; all by default.
    """
    least = _ZERO_COEFFICIENT * np.abs(W).max(initial=0.0)
    nothing = np.abs(W[:, alone]).max(axis=0, initial=0.0) <= least
    if not nothing.any() or not others.any():
        return W, b
    mask = None if present is None else present.T[others]
    consensus = mean_model(W.T[others], mask)
    W, b = W.copy(), b.copy()
    W[:, alone[nothing]] = consensus[:, None]
    b[alone[nothing]] -= mean[nothing] @ consensus
    return W, b
