"""Accelerated proximal gradient with backtracking: smooth losses without a bound.

Beck, Teboulle (2009), A fast iterative shrinkage-thresholding algorithm; Scheinberg,
Goldfarb, Bai (2014), Fast first-order methods for composite convex optimization with
backtracking; O'Donoghue, Candes (2015), Adaptive restart for accelerated gradient
schemes.
"""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import extrapolate, gradient_step, restart_test
from linmtl.penalties._accelerated import extrapolation
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._objective import Objective

_CHECK = 10  # iterations between two certificates
_EASE = 0.95  # what the curvature is multiplied by after each step
_HARDEN = 2.0  # and where a step was too long
_MAX_HALVINGS = 60


class Backtracking:
    """Steps of the curvature that the loss turns out to have along them."""

    name = "backtracking"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        norm = objective.penalty.norm
        if norm is not None and not norm.convex:
            return "a convex penalty"
        if objective.fit.reweightable:
            return "a loss without kinks"
        return None

    def solve(self, objective, W, stop, max_iter, monitor, start=0):
        fit, penalty = objective.fit, objective.penalty
        norm, quadratic = penalty.norm, penalty.quadratic
        scaled = quadratic.is_zero if norm is None else norm.row_separable
        metric, curvature = fit.curvature(scaled)
        curvature = max(curvature, np.finfo(float).tiny)
        if norm is not None:
            smooth, added = objective.smooth, quadratic.top

            def smooth_value(point):
                return fit.loss_at(point) + quadratic.value(point)
        else:
            norm, smooth, added = quadratic, fit.evaluate, 0.0
            smooth_value = fit.loss_at

        V, G, trial = W.copy(), np.empty_like(W), np.empty_like(W)
        point = objective.gradient  # certificates write there, and not in between
        momentum, last_step = 1.0, np.inf
        for iteration in range(1, max_iter + 1):
            value = smooth(V, G)
            for _ in range(_MAX_HALVINGS):
                bound = curvature * metric + added
                step = 1.0 / np.maximum(bound, np.finfo(float).tiny)
                gradient_step(readonly(V), readonly(step), readonly(G), point)
                if norm is quadratic and scaled:
                    trial[...] = point
                elif norm is quadratic:
                    trial[...] = quadratic.prox(point, float(step[0]))
                else:
                    norm.prox(point, step if scaled else float(step[0]), trial)
                move = trial - V
                square = float(bound @ np.einsum("ij,ij->i", move, move)) / 2.0
                rise = smooth_value(trial) - value + float(np.vdot(G, move))
                if rise <= square:
                    break
                # of nearly equal values the difference is rounding, not that of the
                # gradients; for a convex loss it is at least the former
                smooth(trial, point)
                if float(np.vdot(np.subtract(G, point, out=point), move)) <= square:
                    break
                curvature *= _HARDEN
            if restart_test(readonly(V), readonly(trial), readonly(W), step) > 0:
                momentum = 1.0
            ratio = min(float(last_step / step.max()), 1.0) if last_step < np.inf else 1
            beta, momentum = extrapolation(momentum, ratio)
            extrapolate(readonly(trial), W, beta, V)
            last_step = float(step.max())
            curvature *= _EASE
            last = iteration == max_iter
            if (iteration % _CHECK == 0 or last) and monitor.done(
                W, start + iteration, stop
            ):
                return


def first_order(objective: Objective) -> AcceleratedProximalGradient | Backtracking:
    """Return the method that goes on where models of second order lead nowhere."""
    if AcceleratedProximalGradient.missing(objective) is None:
        return AcceleratedProximalGradient()
    return Backtracking()
