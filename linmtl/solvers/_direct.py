"""Exact solutions: squared loss with quadratic penalties, and Newton's method.

Both solve linear systems of :mod:`linmtl.solvers._quadratic_system`, the direct solver
one (with refinement), Newton's method one in each iteration.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.solvers._backtracking import first_order
from linmtl.solvers._loss_splitting import LossSplitting
from linmtl.solvers._objective import Objective
from linmtl.solvers._quadratic_system import (
    LOOPED,
    Block,
    Solve,
    small_systems,
    system_solver,
)

_REFINEMENTS = 3
_ARMIJO = 1e-4
_LEAST_STEP = 1e-10
_SHORT_STEP = 0.3  # of a Newton step
_MAX_SHORT = 5
_MAX_STEPS = 100
_CLOSED_GAP = 1e3  # rounding errors: a gap that no other steps would close


def hessian_blocks(fit: Datafit) -> list[Block]:
    """Return the Hessian of each column, or the one that all columns share."""
    return _blocks(fit, fit.small_hessians(LOOPED))


def _blocks(fit: Datafit, small: np.ndarray | None) -> list[Block]:
    if not fit.holds_rows:
        return [Block(H=H) for H in fit.H]
    if small is not None and fit.fewest_rows >= fit.n_features:
        return [Block(H=H) for H in small]
    return [Block(A=A) for A in fit.hessian_rows()]


def newton_system(objective: Objective) -> Solve:
    """Return the solver of the system at the last W."""
    fit = objective.fit
    quadratic: Any = objective.penalty.quadratic
    small = fit.small_hessians(LOOPED)
    solve = None if small is None else small_systems(small, quadratic)
    if solve is None:
        blocks, d = _blocks(fit, small), fit.n_features
        solve = system_solver(blocks, quadratic, d, in_span=_is_curved(fit))
    return solve


def _is_curved(fit: Datafit) -> bool:
    """Whether all observations have a curvature, as those of any slope need one."""
    if fit.quadratic or not fit.holds_rows:
        return True
    return bool(np.all(fit.hessian_weight[fit.data.weight > 0] > 0))


def line_search(
    objective: Objective, W: np.ndarray, value: float, move: np.ndarray, G: np.ndarray
) -> tuple[np.ndarray | None, float]:
    """Return a point on the way from W that is lower, None if none is, and its step.

    ``value`` and ``G`` are the objective and its negative gradient at W.
    """
    slope, step = float(np.sum(G * move)), 1.0
    while step > _LEAST_STEP:
        trial = W + step * move
        if objective.loss_and_penalty(trial) <= value - _ARMIJO * step * slope:
            return trial, step
        step /= 2
    return None, step


class Direct:
    """The solution of the normal equations, refined until it stops improving."""

    name = "direct"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not objective.fit.quadratic:
            return "the squared loss"
        if objective.penalty.norm is not None:
            return "a penalty that is quadratic over the tasks"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        solve = newton_system(objective)
        W[:] = 0.0
        G = np.empty_like(W)
        for iteration in range(1, _REFINEMENTS + 2):
            objective.smooth(W, G)
            W += solve(G)
            previous = monitor.best_gap
            done = monitor.done(W, iteration, stop)
            if done and not monitor.best_gap < 0.1 * previous:
                break
        W[:] = monitor.best_W


class Newton:
    """Newton's method with backtracking: a smooth loss, quadratic penalties."""

    name = "newton"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if objective.penalty.norm is not None:
            return "a penalty that is quadratic over the tasks"
        if not objective.fit.additive:
            return "a loss that is the sum of the tasks' losses"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        if objective.fit.row_count < W.shape[0]:
            W[:] = 0.0  # a start outside the span of the samples would never leave it
        G = np.empty_like(W)
        short = 0  # steps in a row
        for iteration in range(1, max_iter + 1):
            value = objective.smooth(W, G)
            move = newton_system(objective)(G)
            trial, step = line_search(objective, W, value, move, G)
            stalled = trial is None
            if trial is not None:
                W[:] = trial
            if monitor.done(W, iteration, stop):
                return
            if stalled and monitor.best_gap <= _CLOSED_GAP * objective.rounding:
                return
            short = short + 1 if step < _SHORT_STEP else 0
            if stalled or short >= _MAX_SHORT or iteration >= _MAX_STEPS:
                break
        # Where the curvature is nothing beyond a short way (samples far from their
        # margins, outliers), models lead astray, and small steps get on, or those with
        # a copy of the loss.
        W[:] = monitor.best_W
        if LossSplitting.pays(objective):
            if LossSplitting().begin(objective, W, stop, max_iter, monitor, last=True):
                return
            iteration = monitor.n_iter
        left = max_iter - iteration
        first_order(objective).solve(objective, W, stop, left, monitor, iteration)
