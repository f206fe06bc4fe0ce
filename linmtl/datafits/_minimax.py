"""The smoothed worst task: the tasks' losses joined by a smooth maximum.

With F_t the loss of task t relative to that of its null model,

    mu log(1/T sum_t exp(F_t / mu))
      = max over pi in the simplex of sum_t pi_t F_t - mu sum_t pi_t log(T pi_t)

It lies between the mean and the maximum of F. The maximum is at the softmax of F / mu:
for fixed pi it is a weighted loss, whose dual bounds bound this one as well.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import UNIT, best_scale
from linmtl.datafits._residual import JoinedFit
from linmtl.losses import Loss

MU = 0.05  # of the smoothing, in units of the null losses
_LEAST_SHARE = 1e-100  # a share of a task that is as good as none


class MinimaxFit(JoinedFit):
    """The smoothed maximum of the tasks' losses, through the residuals.

    Parameters
    ----------
    data : MultiTaskData
        The data; the weight of a task is one over its null loss.
    loss : Loss
        The loss of each observation.

    Attributes
    ----------
    share : ndarray of shape (n_tasks,)
        The softmax of the losses at the last W evaluated, pi.
    """

    def __init__(self, data: MultiTaskData, loss: Loss):
        super().__init__(data, loss)
        self._size = np.diff(data.task_ptr)
        self._used = data.total > 0  # the others are left out of the loss
        self.share = self._used / max(self._used.sum(), 1)
        self._weight = data.weight

    def join(self, task_loss):
        F = task_loss[self._used]
        if F.size == 0:
            return 0.0
        top = F.max()
        share = np.exp((F - top) / MU)
        mean = share.mean()
        share /= share.sum()
        share[share < _LEAST_SHARE] = 0.0
        self.share = np.zeros_like(task_loss)
        self.share[self._used] = share
        return float(top + MU * np.log(mean))

    def loss_at(self, W):
        value = super().loss_at(W)
        per_row = np.repeat(self.share, self._size)
        self._weight = self.data.weight * per_row
        hessian = self.loss.hessian(self.y, self.theta, self.data.weight)
        self._hessian = hessian * per_row
        self.theta *= per_row
        return value

    def dual_limit(self):
        return self.loss.dual_limit(self.y, self.theta, self._weight)

    def best_scale(self, conjugate, limit, support=0.0):
        if not self.loss.quadratic:
            return min(1.0, limit)
        linear, square = self.loss.dual_terms(self.y, self.theta, self._weight)
        return best_scale(linear - support, square + 2.0 * conjugate, limit)

    def dual_value(self, scale):
        value = self.loss.dual_value(self.y, self.theta, self._weight, scale)
        value -= self.offset_value(scale)
        count = max(int(self._used.sum()), 1)
        return value - MU * float(xlogy(self.share, count * self.share).sum())

    def curvature(self, scaled):
        """Return that of the mean of the tasks' losses; it has no bound."""
        count = max(int(self._used.sum()), 1)
        metric, top = super().curvature(scaled)
        return metric, top / count

    def fitted_attributes(self, W: np.ndarray) -> dict[str, np.ndarray]:
        self.loss_at(W)
        return {"task_weight_": self.share * self.data.total}

    @property
    def rounding(self):
        # that of the losses, and of the targets about a mean
        raw = self.data.weight @ self.loss.size(self.data.y)
        raw /= max(int(self._used.sum()), 1)
        return UNIT * (1.0 + float(np.finfo(float).eps) * raw)
