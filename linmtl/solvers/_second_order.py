"""Newton's method for curved losses with norms that have no coordinate descent.

Accelerated steps come first, then alternating directions with a copy of the loss; where
both would take long, Newton's method. Each of its steps minimises the second-order
model of the loss plus the penalty: a squared loss of working responses, mostly by
moments, for which alternating directions care little how badly conditioned features
are. Losses without a bound on their curvature have no accelerated steps; a few of
Newton's come first, which on paths is often all that it takes.

Lee, Sun, Saunders (2014), Proximal Newton-type methods for minimizing composite
functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._gram import additive_fit
from linmtl.losses import Squared
from linmtl.penalties._decomposition import joined
from linmtl.solvers._admm import (
    AlternatingDirections,
    is_far_from_zero,
    lacks_norm,
)
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._backtracking import first_order
from linmtl.solvers._loss_splitting import LossSplitting
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective
from linmtl.solvers._squares import couples_tasks

# Accelerated steps left to do, for which others are too dear; those that take no
# singular values or sorting are cheap.
_FEW_STEPS, _CHEAP_STEPS = 100, 300
_MOST_ENTRIES = 10_000_000  # of the Hessians of all tasks
_LEAST_CURVATURE = 1e-6  # of an observation, relative to the largest
_ACCURACY = 0.03  # of a step, as a part of what the last one promised
# Of the gap, and of the value relative to the gap: from which on a step was idle.
_LEAST_FALL, _LEAST_FALL_OF_VALUE = 0.9, 1e-3
_MOST_STEPS = 500  # of alternating directions for one of Newton's, or it was idle
# The same for Newton's method where it comes first, and of all its steps together.
_MOST_AT_FIRST, _TOTAL_AT_FIRST = 60, 200
_MAX_IDLE = 3  # steps in a row
_ARMIJO = 1e-4  # the least fall of the objective, of what the model promises
_SHORT, _SHORTEST = 0.5, 1e-6  # steps
# Where a step was cut short curvatures move towards their bound, so far at first and
# so many times as far then.
_FIRST_DAMPING, _LEAST_DAMPING, _HARDEN = 0.03, 0.003, 4.0


class SecondOrder:
    """Accelerated steps, then a copy of the loss, then Newton's method."""

    name = "second_order"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        fit = objective.whole_fit
        apart = fit.additive and fit.n_columns == fit.b.size
        if fit.quadratic or not (apart and fit.holds_rows):
            return "a loss other than the squared one, the sum of those of the tasks"
        if fit.n_columns * fit.n_features**2 > _MOST_ENTRIES:
            return "fewer features"
        return lacks_norm(objective)

    def solve(self, objective, W, stop, max_iter, monitor):
        fit = objective.whole_fit
        first, cheap = first_order(objective), objective.penalty.norm.row_separable
        few = _CHEAP_STEPS if cheap else _FEW_STEPS
        if isinstance(first, AcceleratedProximalGradient) and first.begin(
            objective, W, stop, max_iter, monitor, few
        ):
            return
        if fit.loss.curvature is None and (
            self._steps(objective, W, stop, max_iter, monitor, at_first=True) is None
        ):
            return
        splitting = LossSplitting()
        # of coupled tasks and a bounded curvature the models need less
        coupled = couples_tasks(objective.penalty.base_quadratic)
        apart = LossSplitting.missing(objective) is None
        pays = apart and not (coupled and fit.bounded)
        if pays and splitting.begin(objective, W, stop, max_iter, monitor):
            return
        start = self._steps(objective, W, stop, max_iter, monitor)
        if start is not None and apart and (not pays or is_far_from_zero(fit)):
            if splitting.begin(objective, W, stop, max_iter, monitor, last=True):
                return
            start = monitor.n_iter
        if start is not None:
            left = max_iter - start
            first.solve(objective, W, stop, left, monitor, start=start)

    def _steps(self, objective, W, stop, max_iter, monitor, at_first=False):
        """Take Newton steps; return the iterations where they lead nowhere.

        With ``at_first`` a single one that is idle is enough to say so.
        """
        iteration, idle, damping = monitor.n_iter, 0, 0.0
        patience, longest, end = _MAX_IDLE, _MOST_STEPS, max_iter
        if at_first:
            patience, longest = 1, _MOST_AT_FIRST
            end = min(iteration + _TOTAL_AT_FIRST, max_iter)
        promise = min(monitor.best_gap, monitor.best_value)
        inner = AlternatingDirections()  # one: rho serves from model to model
        while iteration < end and idle < patience:
            gap, value = monitor.best_gap, objective.value(W)
            model = _model_at(objective, W, damping)
            accuracy = max(_ACCURACY * promise, 10 * objective.rounding)
            limit = min(max_iter - iteration, longest)
            new, steps = _least(inner, model, W, accuracy, limit)
            iteration += max(steps, 1)
            before, promise = promise, model.value(W) - model.value(new)
            most, part = value + 4 * objective.rounding, _ARMIJO * promise
            size, trial = 1.0, new
            while not objective.loss_and_penalty(trial) <= most - size * part:
                size /= 2
                if size < _SHORTEST:
                    break
                trial = W + size * (new - W)
            W[:] = trial
            if size < _SHORT:
                damping = min(max(_HARDEN * damping, _FIRST_DAMPING), 1.0)
            else:
                damping = damping / _HARDEN if damping > _LEAST_DAMPING else 0.0
            if monitor.done(W, iteration, stop):
                return None
            moves = (
                monitor.best_gap < _LEAST_FALL * gap
                or value - monitor.best_value > _LEAST_FALL_OF_VALUE * gap
                # of a weak penalty the gap closes last, in the end at once
                or 10 * objective.rounding < promise < _LEAST_FALL * before
            )
            idle = 0 if moves and steps < limit else idle + 1
        W[:] = monitor.best_W
        return iteration


def _model_at(objective: Objective, W: np.ndarray, damping: float) -> Objective:
    """Return the problem with the second-order model of its loss at W."""
    fit: Any = objective.whole_fit
    penalty = objective.penalty
    W = joined(W) if penalty.is_split else W
    fit.loss_at(W)
    data, h, top = fit.data, fit.hessian_weight, fit.loss.curvature
    if top is None:
        top = float((h / np.where(data.weight > 0, data.weight, 1.0)).max(initial=0.0))
    bound = top * data.weight
    h = np.maximum(h + damping * (bound - h), _LEAST_CURVATURE * bound)
    design, theta = fit.model(np.arange(fit.n_features), h)
    y = np.empty_like(theta)
    design.predict(W, y)
    y += np.divide(theta, h, out=np.zeros_like(theta), where=h > 0)
    working = replace(data, design=design, y=y, weight=h, offset=None)
    return Objective(
        additive_fit(working, Squared()), replace(penalty, intercepts=False)
    )


def _least(
    inner: AlternatingDirections,
    model: Objective,
    W: np.ndarray,
    stop: float,
    limit: int,
) -> tuple[np.ndarray, int]:
    """Return the minimum of a model from W to a gap of ``stop``, and the iterations."""
    monitor, W = Monitor(model), W.copy()
    if not monitor.done(W, 0, stop):
        inner.solve(model, W, stop, limit, monitor)
    assert monitor.best_W is not None
    return monitor.best_W, monitor.n_iter
