"""The square-root loss: the sum over the tasks of the root mean squared residual.

    sum_t sqrt(lambda_t q_t),    q_t = sum_i weight_i r_i^2 = lambda_t noise_t^2
      = min over sigma >= 0 of sum_t q_t / (2 sigma_t) + lambda_t sigma_t / 2

The minimum is at ``sigma_t = noise_t``. For fixed sigma it is a squared loss with the
weights of each task divided by sigma_t.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import UNIT, Datafit, best_scale
from linmtl.datafits._gram import GramFit, additive_fit, for_many_problems
from linmtl.datafits._moments import LARGEST_SPREAD
from linmtl.datafits._residual import JoinedFit, ResidualFit
from linmtl.losses import Loss

_ROUNDING = 1e-12  # root mean squares relative to those of y that are all rounding


class RootFit(JoinedFit):
    """The square-root loss, through the residuals of all observations.

    It is always evaluated by residuals: Gram matrices would give a small noise level
    as a difference of large numbers.

    Parameters
    ----------
    data : MultiTaskData
        The data.
    loss : Loss
        The squared loss.
    squares : Datafit, default=None
        The squared loss of the same data, where it is known already.

    Attributes
    ----------
    noise : ndarray of shape (n_tasks,)
        Root mean squared residual of each task at the last W evaluated.
    null_noise : ndarray of shape (n_tasks,)
        The same with no coefficients.
    floor : ndarray of shape (n_tasks,)
        Residuals are divided by the noise level, or by this where it is larger: they
        are a point of the dual problem in either case, and where nothing is left of
        the residuals of a task they are not all rounding.
    shift : ndarray of shape (n_observations,) or None
        What is added to the residuals before: multipliers of tasks that may be fitted
        exactly, whose residuals alone have no direction.
    level : ndarray of shape (n_tasks,)
        Root mean square of the residuals of each task with the shift.
    """

    reweightable = True

    def __init__(self, data: MultiTaskData, loss: Loss, squares: Datafit | None = None):
        super().__init__(data, loss)
        self._squares = squares
        self.task_square = data.task_sum(data.weight * self.y**2)
        self.square = float(self.task_square.sum())
        self.null_noise = self._noise(self.task_square)
        self.noise = self.null_noise.copy()
        self.level = self.noise
        self.floor = np.zeros_like(self.noise)
        self.shift: np.ndarray | None = None
        self._size = np.diff(data.task_ptr)

    def _mean(self, sums):
        """Return weighted sums over the tasks as means."""
        total = self.data.total
        return np.divide(sums, total, out=np.zeros_like(total), where=total > 0)

    def _noise(self, squares):
        return np.sqrt(self._mean(squares))

    def loss_at(self, W):
        loss = super().loss_at(W)
        self.level = self.noise
        if self.shift is not None:
            self.theta += self.data.weight * self.shift
            self.level = self._noise(self.data.task_sum(self.squares(self.theta)))
        divisor = np.maximum(self.level, self.floor)
        inverse = np.divide(1.0, divisor, out=np.zeros_like(divisor), where=divisor > 0)
        inverse = self.per_row(inverse)
        self._hessian = self.data.weight * inverse
        self.theta *= inverse
        if self.data.fit_intercept:  # of small residuals the mean is mostly rounding
            excess = self._mean(self.data.task_sum(self.theta))
            self.theta -= self.data.weight * self.per_row(excess)
        return loss

    def join(self, task_loss):
        self.noise = self._noise(2.0 * task_loss)
        return float(self.data.total @ self.noise)

    def directions(self, tasks: np.ndarray) -> np.ndarray:
        """Return the residuals of some tasks (a mask), zero for the others.

        Divided by the noise level, at the point last evaluated.
        """
        direction = np.zeros_like(self.theta)
        used = self.per_row(tasks) & (self.data.weight > 0)
        direction[used] = self.theta[used] / self.data.weight[used]
        return direction

    def size(self, residual: np.ndarray) -> np.ndarray:
        """Return the root mean square of residuals, of each task."""
        return self._noise(self.data.task_sum(self.data.weight * residual**2))

    def per_row(self, of_tasks: np.ndarray) -> np.ndarray:
        """Return what each task has, for each observation."""
        return np.repeat(of_tasks, self._size)

    def dual_limit(self):
        largest = float(
            self._noise(self.data.task_sum(self.squares(self.theta))).max(initial=0)
        )
        return 1.0 / largest if largest > 0 else np.inf

    def best_scale(self, conjugate, limit, support=0.0):
        linear = float(self.theta @ self.y)
        return best_scale(linear - support, 2.0 * conjugate, limit)

    def dual_value(self, scale):
        return scale * float(self.theta @ self.y)

    def curvature(self, scaled):
        """Return that at the noise level without coefficients; it has no bound."""
        noise = np.where(self.null_noise > 0, self.null_noise, 1.0)
        return self.weighted(noise).curvature(scaled)

    def of_tasks(self, tasks):
        squares = None if self._squares is None else self._squares.of_tasks(tasks)
        return RootFit(self.data.of_tasks(tasks), self.loss, squares)

    def weighted(self, sigma: np.ndarray) -> Datafit:
        """Return the squared loss with the weights of each task over ``sigma``.

        The shift is part of the targets. Gram matrices are scaled, without looking at
        the data again.
        """
        inverse = 1.0 / sigma
        y = self.data.y if self.shift is None else self.data.y + self.shift
        weight = self.data.weight * self.per_row(inverse)
        data = replace(self.data, y=y, weight=weight)
        if self._squares is None:
            self._squares = for_many_problems(additive_fit(self.data, self.loss))
        grams = self._squares
        if grams.holds_rows or grams.n_columns < inverse.size:
            return ResidualFit(data, self.loss)
        alike = np.all(inverse == inverse[0])
        if grams.moments.shared and not alike:
            d = grams.n_features
            if (
                inverse.size * d * d > LARGEST_SPREAD
                and inverse.size * d > self._size[0]
            ):
                return ResidualFit(data, self.loss)
        moments = grams.moments
        if self.shift is not None:
            moments = moments.shifted(self.data, self.shift)
        return GramFit(moments.times(inverse), self.loss)

    def fitted_attributes(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """Return noise levels and weights; NaN weights where nothing is left."""
        self.loss_at(W)
        data = self.data
        raw = self._noise(data.task_sum(data.weight * data.y**2))
        left = self.noise > _ROUNDING * raw
        noise, weight = np.where(left, self.noise, 0.0), np.full(left.shape, np.nan)
        np.divide(data.total, noise, out=weight, where=left)
        return {"noise_": noise, "task_weight_": weight}

    @property
    def rounding(self):
        # of the loss where nothing at all is fitted, not even the intercepts
        data = self.data
        raw = data.task_sum(data.weight * data.y**2)
        return UNIT * float(data.total @ self._noise(raw))
