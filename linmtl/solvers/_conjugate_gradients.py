"""Conjugate gradients: quadratic penalties where factors would be larger than X.

For the squared loss the solution of one linear system, for others a Newton step in each
iteration, its system solved as accurately as the step is worth. X is only multiplied.

Nash (2000), A survey of truncated-Newton methods.
"""

from __future__ import annotations

import numpy as np

from linmtl.solvers._backtracking import first_order
from linmtl.solvers._objective import Objective

_CHECK = 10  # iterations between two certificates
_ACCURACY = 1e-10  # of the system of a squared loss, before it is set up anew
_FORCING = 0.1  # of the system of a Newton step, at most
_STEP_ITERATIONS = 250  # for one Newton step
_ARMIJO = 1e-4
_LEAST_STEP = 1e-10
_FLAT = 1e-12  # curvature, relative to that of the preconditioner, that is none


class ConjugateGradients:
    """Conjugate gradients, preconditioned by the curvature of features or tasks."""

    name = "cg"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if objective.penalty.norm is not None:
            return "a penalty that is quadratic over the tasks"
        fit = objective.fit
        if not ((fit.additive or fit.coupled) and fit.holds_rows):
            return "rows, and a loss that is the sum of the tasks' losses"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        fit = objective.fit
        # what certificates write to is free between them
        R = np.empty_like(W) if fit.quadratic else objective.gradient
        first, iteration = 0.0, 0
        while iteration < max_iter:
            value = objective.smooth(W, R)
            length = float(np.linalg.norm(R))
            first = max(first, length)
            accuracy, limit = _ACCURACY, max_iter - iteration
            move = W  # of a squared loss every part of the way is a step
            if not fit.quadratic:
                accuracy = min(_FORCING, np.sqrt(length / first)) if first else 0.0
                limit = min(limit, _STEP_ITERATIONS)
                move = np.zeros_like(W)
            before, promise = iteration, 0.0
            for left, gain in _iterate(objective, move, R, limit):
                iteration += 1
                promise += gain
                due = fit.quadratic and iteration % _CHECK == 0
                if due and monitor.done(W, iteration, stop):
                    return
                if left <= accuracy * length:
                    break
            if iteration == before and length:  # the loss is flat where it is
                break
            if not fit.quadratic:
                size = _line_search(objective, W, move, value, _ARMIJO * promise)
                if size == 0.0:
                    break
                W += size * move
            if monitor.done(W, iteration, stop) or not length:
                return
        W[:] = monitor.best_W
        left = max_iter - iteration
        first_order(objective).solve(objective, W, stop, left, monitor, iteration)


def _iterate(objective, move, R, limit):
    """Add the Newton step to ``move``, R being what is left of the gradient.

    Yield its length, and the product of the gradient and the last part of the step.
    """
    fit, quadratic = objective.fit, objective.penalty.quadratic
    precondition = _preconditioner(objective)
    P = precondition(R)
    along = float(np.vdot(R, P))
    for _ in range(limit):
        HP = fit.hessian_product(P)
        if not quadratic.is_zero:
            quadratic.add_gradient(P, 1.0, HP)
            HP = objective.penalty.base_quadratic.shared(HP)
        curvature = float(np.vdot(P, HP))
        if not curvature > _FLAT * along:
            return
        size = along / curvature
        HP *= size
        R -= HP
        np.multiply(P, size, out=HP)
        move += HP
        del HP
        yield float(np.linalg.norm(R)), size * along
        Z = precondition(R)
        before, along = along, float(np.vdot(R, Z))
        P *= along / before
        P += Z
        del Z


def _preconditioner(objective):
    fit, quadratic = objective.fit, objective.penalty.quadratic
    data = fit.data
    size = data.design.column_scale(fit.hessian_weight, data.fit_intercept)
    if quadratic.is_diagonal:
        ridge = quadratic.diagonal
        scale = size[:, None] + (ridge[:1] if quadratic.equal_ridge else ridge)
        scale[scale <= 0] = 1.0
        return lambda R: R / scale
    typical = max(float(size.mean()), np.finfo(float).tiny)

    def precondition(R):
        Z = quadratic.prox(R, 1.0 / typical)
        Z /= typical
        return Z

    return precondition


def _line_search(objective, W, move, value, promise):
    """Return the part of a step that lowers the objective, zero where none does."""
    size = 1.0
    while size > _LEAST_STEP:
        if objective.loss_and_penalty(W + size * move) <= value - size * promise:
            return size
        size /= 2
    return 0.0
