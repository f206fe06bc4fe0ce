"""Partial likelihood of times to an event (Cox), each task with a hazard of its own."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._survival import risk_means, risk_sets
from linmtl.losses._base import Loss, Score

NOT_OF_ROWS = (
    "times to an event are ranked within their task, and this is for targets that each "
    "row has of its own"
)


class Cox(Loss):
    """Minus the log partial likelihood less that of the best predictors of each time.

    It belongs to all rows of a task, so that the formulas are those of `RiskSets`; this
    says what else is asked of a loss. Targets are times, negative where no event was
    seen; or whole numbers that tell strata and times in their order.

    Parameters
    ----------
    span : int, default=0
        Times of a stratum are between ``stratum * span`` and the next; zero for a
        single stratum a task.

    References
    ----------
    Cox (1972), Regression models and life-tables; Breslow (1974), Covariance analysis
    of censored survival data.
    """

    name = "cox"
    score = Score("partial log-likelihood", -1.0, "scores_path_", -1.0)
    ranked, of_rows = True, False
    likelihood = True

    span: int

    def __init__(self, span: int = 0):
        object.__setattr__(self, "span", span)  # the base is frozen

    def size(self, y):
        return np.full(y.shape, 1.0 + np.log(max(y.size, 1)))

    def mean(self, eta):
        return eta

    def residual(
        self, y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    ):
        rows = slice(task_ptr[0], task_ptr[-1])
        sets = RiskSets(self, y[rows], weight[rows], task_ptr - task_ptr[0])
        b[:] = 0.0
        theta[rows], task_loss[:] = sets.residuals(eta[rows])

    def _of_rows(self, *arguments: Any) -> NoReturn:
        raise ValueError(NOT_OF_ROWS)

    value: Any = _of_rows
    derivative: Any = _of_rows
    second_derivative: Any = _of_rows
    conjugate: Any = _of_rows
    domain: Any = _of_rows
    settings: Any = _of_rows


class RiskSets:
    """Who is at risk when: the rows of each task in the order of strata and times.

    Parameters
    ----------
    loss : Cox
        The loss.
    y, weight : ndarray of shape (n_observations,)
        Targets as the loss has them, and weights. Rows without one are at no risk.
    task_ptr : ndarray of int of shape (n_tasks + 1,)
        Where the tasks begin.

    Attributes
    ----------
    order : ndarray of int of shape (n_used,)
        The rows with a weight, by task, stratum and time.
    at_risk, hazard : ndarray of shape (n_used,)
        At the last predictors, logarithms of the sum over those at risk, and of the
        cumulative hazard where predictors are zero.
    """

    def __init__(
        self, loss: Cox, y: np.ndarray, weight: np.ndarray, task_ptr: np.ndarray
    ):
        task = np.repeat(np.arange(task_ptr.size - 1), np.diff(task_ptr))
        self.n_tasks, self.weight, self.event = task_ptr.size - 1, weight, ~(y < 0)
        self.time = np.abs(y)
        stratum = self.time // loss.span if loss.span else np.zeros(y.size)
        order = np.lexsort((self.time, task))
        self.order = order[weight[order] > 0]
        task, stratum, time = (a[self.order] for a in (task, stratum, self.time))
        change = (np.diff(task, prepend=-1) != 0) | (np.diff(stratum, prepend=-1) != 0)
        starts = np.flatnonzero(change)
        self.ptr = np.append(starts, self.order.size)
        self.task = task[starts]
        self.at_risk, self.hazard = np.empty(task.size), np.empty(task.size)
        self._loss = np.empty(starts.size)
        # of each event the place of its time among those with events
        met = self.event[self.order]
        new = change | (np.diff(time, prepend=-1.0) != 0)
        self.met, self.group = np.flatnonzero(met), (np.cumsum(new) - 1)[met]

    @property
    def _inputs(self) -> tuple[np.ndarray, ...]:
        return tuple(
            readonly(a)
            for a in (self.order, self.ptr, self.time, self.event, self.weight)
        )

    def residuals(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return minus the slope in the predictor of each row, and each task's loss."""
        written = self.at_risk, self.hazard, self._loss
        risk_sets(*self._inputs, readonly(eta), *written)
        theta = self.weight * self.event
        theta[self.order] -= self.expected(eta)[self.order]
        return theta, np.bincount(self.task, self._loss, self.n_tasks)

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Return the weight of the events expected of each row until its time."""
        out = np.zeros(eta.size)
        rows = self.order
        out[rows] = self.weight[rows] * np.exp(eta[rows] + self.hazard)
        return out

    def means(
        self, eta: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return means over those at risk, in `order`, as `risk_means` has them."""
        mean, past, highest = (np.empty(self.order.size) for _ in range(3))
        known = (readonly(a) for a in (eta, self.at_risk, self.hazard, values))
        risk_means(*self._inputs, *known, mean, past, highest)
        return mean, past, highest
