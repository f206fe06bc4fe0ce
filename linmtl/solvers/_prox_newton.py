"""Proximal Newton on working sets: logistic loss, row-separable norms.

The loss on the working set is replaced by its second-order model, the intercepts
eliminated, and the model is minimised by coordinate descent, with a Hessian for each
task or with residuals. Few Newton steps are needed, provided that each model is solved
accurately.

Lee, Sun, Saunders (2014), Proximal Newton-type methods for minimizing composite
functions.
"""

from __future__ import annotations

import numpy as np

from linmtl._datafit import GramFit
from linmtl._design import used_rows
from linmtl._objective import Certificate, Objective
from linmtl.penalties._sum import Composite
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._working_set import (
    RowChoice,
    RowStrengths,
    descend_on_grams,
    descend_on_rows,
    gram_pays,
    lacks_rows,
)

_MODEL_ACCURACY = 1e-4  # relative size of the last sweep on a model
_MODEL_SWEEPS = 1000
_ARMIJO = 1e-4
_SATURATED = 1e-6  # smallest curvature of a sample: a model needs some to be bounded
_NEAR = 0.95  # of its bound: a gradient beyond may make a row enter
_MAX_STEPS = 30


class ProxNewton:
    """Newton steps on the rows that matter, certified on all."""

    name = "prox_newton"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        return lacks_rows(objective)

    def solve(self, objective, W, stop, max_iter, monitor):
        norm, quadratic = objective.penalty.norm, objective.penalty.quadratic
        rows, steps, fit = RowChoice(W), 0, None
        while not rows.exhausted:
            chosen, _ = rows.choose(W, objective.row_sizes, monitor.best_gap)
            part_norm = RowStrengths(norm, chosen, W.shape[0])
            penalty = Composite(part_norm, quadratic, np.zeros(chosen.size, dtype=bool))
            fit = objective.fit.gather(chosen, fit)
            fit.start_intercepts(objective.fit)
            part = Objective(fit, penalty)
            target = max(0.05 * monitor.gap, 0.3 * stop)
            W_part = np.ascontiguousarray(W[chosen])
            known = objective.fit.residuals
            certificate = part.certificate(W_part, known)
            limit = max(max_iter - steps, 1)
            grams = isinstance(fit, GramFit) or gram_pays(fit.data.design, W.shape[0])
            steps += newton_steps(part, W_part, certificate, target, limit, grams)
            W[chosen] = W_part
            if monitor.done(W, steps, stop, fit.residuals) or steps >= max_iter:
                return
        # where the model is far from the loss, small steps get on
        W[:] = monitor.best_W
        finish = AcceleratedProximalGradient()
        finish.solve(objective, W, stop, max_iter - steps, monitor, start=steps)


def newton_steps(
    part: Objective,
    W: np.ndarray,
    certificate: Certificate,
    target: float,
    limit: int,
    grams: bool,
) -> int:
    """Minimise the objective of a working set in place; return the steps taken.

    ``certificate`` is the one just made at W; ``grams`` says whether Gram matrices
    pay.
    """
    fit, norm = part.fit, part.penalty.norm
    ridge = float(part.penalty.quadratic.diagonal[0])
    for step in range(min(limit, _MAX_STEPS)):
        if certificate.gap <= target:
            return step
        G = part.D.copy()
        new = model_minimum(part, W, G, ridge, grams)
        if not np.all(np.isfinite(new)):
            return step + 1
        # the fall that the first-order model promises for the whole step
        promise = float(np.sum(G * (new - W))) + norm.value(W) - norm.value(new)
        # near the optimum it is less than rounding, while the gap still has to close
        slack = 4 * np.finfo(float).eps * (abs(certificate.primal) + fit.square)
        before, size, trial = certificate, 1.0, new
        while True:
            certificate = part.certificate(trial)
            fallen = before.primal - _ARMIJO * size * promise + slack
            if certificate.primal <= fallen or size < 1e-8:
                break
            size /= 2
            trial = W + size * (new - W)
        if size < 1e-8 and not certificate.primal < before.primal:
            part.certificate(W)
            return step + 1
        W[:] = trial
    return min(limit, _MAX_STEPS)


def model_minimum(part, W, G, ridge, grams):
    """Return the minimum of the second-order model at W, where the gradient is -G.

    Rows that are zero and within their bounds stay so: what they would add to the
    Hessians is most of the work.
    """
    fit, norm = part.fit, part.penalty.norm
    rows = np.flatnonzero(used_rows(W) | (part.row_sizes > _NEAR))
    entry, row = (strength[rows] for strength in norm.strengths(len(W)))
    penalty = entry, row, bool(norm.positive)
    stop = -np.inf, -np.inf, 0, _MODEL_ACCURACY, _MODEL_SWEEPS
    new, chosen = W.copy(), np.ascontiguousarray(W[rows])
    design, data = fit.data.design, fit.data
    if not grams:
        weight = _curvature(fit)
        design = design.restrict(rows)
        new[rows], _ = descend_on_rows(
            design, data, weight, fit.theta, chosen, ridge, penalty, stop
        )
        return new
    H = task_hessians(fit, rows)
    G = np.ascontiguousarray(G[rows])
    new[rows], _ = descend_on_grams(H, chosen, G, 0.0, ridge, penalty, stop)
    return new


def _curvature(fit) -> np.ndarray:
    """Return the weights of the Hessian, not quite zero where a sample saturates."""
    return np.maximum(fit.hessian_weight, _SATURATED * fit.data.weight)


def task_hessians(fit, rows: np.ndarray) -> np.ndarray:
    """Return the Hessian of each column at the last point, on some features."""
    if isinstance(fit, GramFit):
        return np.ascontiguousarray(fit.H[:, rows][:, :, rows])
    centre = fit.data.fit_intercept
    return fit.data.design.hessians(_curvature(fit), centre, rows)
