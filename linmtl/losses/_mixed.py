"""Tasks of different kinds: for each task a loss of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from linmtl.losses._base import Loss, Score


class MixedLoss(Loss):
    """The loss of each observation is that of its task.

    Solvers see one loss. Its formulas are taken task by task, so that it has to know
    the tasks of the observations (:meth:`on`).

    Parameters
    ----------
    losses : sequence of Loss
        The losses.
    kind : ndarray of int of shape (n_tasks,)
        Which of them each task has.
    task_ptr : ndarray of shape (n_tasks + 1,), default=(0,)
        Where the tasks of the observations begin, once these are known.
    """

    name = "mixed"
    score = Score("loss", 1.0, "losses_path_", 1.0)
    one_sided = "a single class, or counts of zero only"

    def __init__(
        self,
        losses: Sequence[Loss],
        kind: np.ndarray,
        task_ptr: np.ndarray | Sequence[int] = (0,),
    ):
        # the base is a frozen dataclass
        vars(self).update(
            losses=tuple(losses), kind=kind, task_ptr=np.asarray(task_ptr)
        )

    losses: tuple[Loss, ...]
    kind: np.ndarray
    task_ptr: np.ndarray

    def on(self, data: Any) -> MixedLoss:
        return MixedLoss(self.losses, data.kind, data.task_ptr)

    @property
    def curvature(self) -> Any:
        """The bound of each observation, None where a loss has none."""
        bounds = [self.losses[k].curvature for k in self.kind]
        if None in bounds:
            return None
        return np.repeat(np.array(bounds, dtype=float), np.diff(self.task_ptr))

    def of_task(self, task: int) -> Loss:
        """Return the loss of a task, given as a position."""
        return self.losses[self.kind[task]]

    def check(self):
        for loss in self.losses:
            loss.check()

    def own_sides(self, y, weight, task_ptr):
        sides = [
            loss.own_sides(y, weight, task_ptr[tasks.start : tasks.stop + 1])
            for loss, tasks in self._runs()
        ]
        return np.concatenate(sides)

    def residual(
        self, y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    ):
        for loss, tasks in self._runs():
            loss.residual(
                y,
                eta,
                weight,
                task_ptr[tasks.start : tasks.stop + 1],
                total[tasks],
                fit_intercept,
                b[tasks],
                theta,
                task_loss[tasks],
            )

    def prox(self, y, v, strength, start):
        eta, u = np.empty_like(v), np.empty_like(v)
        for loss, rows in self._parts():
            eta[rows], u[rows] = loss.prox(y[rows], v[rows], strength, start[rows])
        return eta, u

    def size(self, y):
        return self._each(lambda loss, rows: loss.size(y[rows]))

    def domain(self, y):
        bounds = [
            np.broadcast_arrays(y[rows], *loss.domain(y[rows]))[1:]
            for loss, rows in self._parts()
        ]
        low, high = (np.concatenate(side) for side in zip(*bounds, strict=True))
        return low, high

    def hessian(self, y, theta, weight):
        return self._each(
            lambda loss, rows: loss.hessian(y[rows], theta[rows], weight[rows])
        )

    def dual_value(self, y, theta, weight, scale):
        values = (
            loss.dual_value(y[rows], theta[rows], weight[rows], scale)
            for loss, rows in self._parts()
        )
        return float(sum(values))

    def dual_limit(self, y, theta, weight):
        limits = (
            loss.dual_limit(y[rows], theta[rows], weight[rows])
            for loss, rows in self._parts()
        )
        return float(min(limits, default=np.inf))

    def _each(self, values: Callable[[Loss, slice], np.ndarray]) -> np.ndarray:
        return np.concatenate([values(loss, rows) for loss, rows in self._parts()])

    def _parts(self) -> Iterator[tuple[Loss, slice]]:
        """Yield the losses, each with a range of observations."""
        for loss, tasks in self._runs():
            yield loss, slice(*self.task_ptr[[tasks.start, tasks.stop]])

    def _runs(self) -> Iterator[tuple[Loss, slice]]:
        """Yield the losses, each with a range of tasks that have it in common."""
        start = 0
        for k, run in groupby(self.kind.tolist()):
            stop = start + len(list(run))
            yield self.losses[k], slice(start, stop)
            start = stop
