"""Times to an event: the partial likelihood of each task, and its dual."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._coupled import CoupledFit
from linmtl.losses._cox import Cox, RiskSets


class CoxFit(CoupledFit):
    """Cox's partial likelihood, in which the rows of a task are at risk together.

    At the time k of events, of weight D_k, the loss is ``D_k log(sum over those at risk
    of weight exp(eta) / D_k)`` less the weighted predictors of the events: a logarithm
    of a sum of exponentials, whose conjugate is an entropy. A point of the dual problem
    is a distribution q_k over those at risk at each time; its residuals are ``D_k (e_k
    - q_k)``, with e_k the distribution of the events. Scaling residuals by s <= 1 mixes
    e_k into it, and where predictors move, p_k at the solution is moved along its own
    slope, ``p_k (1 + v - mean_k(v))``.

    Parameters
    ----------
    data : MultiTaskData
        The observations, with intercepts, which nothing depends on; targets are as
        `Cox` has them.
    loss : Cox
        The loss.
    centres : ndarray of shape (n_features,), default=None
        As for `ResidualFit`.
    """

    def __init__(
        self, data: MultiTaskData, loss: Cox, centres: np.ndarray | None = None
    ):
        super().__init__(data, loss, centres)
        self.sets = RiskSets(loss, data.y, data.weight, data.task_ptr)
        self._moved: np.ndarray | None = None

    def _residual(self, first, stop):
        self.data.add_offset(self._eta, first, stop)
        self.theta[:], self.task_loss[:] = self.sets.residuals(self._eta)
        self._moved = None

    @property
    def hessian_weight(self):
        """The diagonal of a matrix that is no smaller than the Hessian."""
        return self.sets.expected(self._eta)

    @property
    def largest_weight(self) -> Any:
        """The same of the null model: there is no bound."""
        loss: Any = self.loss
        eta = self.data.null_predictor()
        sets = RiskSets(loss, self.data.y, self.data.weight, self.data.task_ptr)
        sets.residuals(eta)
        return sets.expected(eta)

    def _curved(self, eta):
        rows, out = self.sets.order, np.zeros_like(eta)
        past = self.sets.means(self._eta, eta)[1]
        out[rows] = self.sets.expected(self._eta)[rows] * (eta[rows] - past)
        return out

    def _move(self, eta):
        super()._move(eta)
        self._moved = eta.copy() if self._moved is None else self._moved + eta

    def _recentre(self, h):
        """Nothing: residuals at risk add up to zero."""

    def resume(self, residuals):
        raise NotImplementedError  # those at risk are not known

    def dual_limit(self):
        if self._moved is None:
            return 1.0
        highest = self.sets.means(self._eta, self._moved)[2]
        least = np.min(1.0 + self._moved[self.sets.order] - highest, initial=1.0)
        return 1.0 if least >= 0.0 else 0.0

    def dual_value(self, scale):
        sets, eta, weight = self.sets, self._eta, self.data.weight
        events = sets.order[sets.met]
        log_at_risk, of_event = sets.at_risk[sets.met], weight[events]
        # sum over those at risk of q log(q / weight), at first for q = p
        inside = sets.means(eta, eta)[0][sets.met] - log_at_risk
        p = of_event * np.exp(eta[events] - log_at_risk)
        if self._moved is not None:
            v = self._moved
            mean, square, product = (
                sets.means(eta, values)[0][sets.met] for values in (v, v * v, eta * v)
            )
            inside += product - mean * (inside + log_at_risk)
            # log(1 + a) <= a: a bound of second order, where times are many
            inside += np.maximum(square - mean**2, 0.0)
            p *= 1.0 + v[events] - mean
        n = int(sets.group.max(initial=-1)) + 1
        total = np.bincount(sets.group, of_event, n)[sets.group]
        share = of_event / total  # of the event among those of its time
        # each time once, by the share that each of its events has in it
        q = (1.0 - scale) * share + scale * p
        value = of_event @ (scale * inside + np.log(total))
        value += xlogy(scale, scale) * of_event.sum()
        value -= total @ xlogy(scale * p, scale * p / of_event)
        value += total @ xlogy(q, q / of_event)
        return -float(value) - self.offset_value(scale)
