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
_SATURATED = 1e-10  # smallest curvature of a sample: models need some to be bounded
_NEAR = 0.95  # of its bound: a gradient beyond may make a row enter
_MAX_STEPS = 30
_FEW, _GROWTH = 32, 3  # Hessians make rows dear: start with few, then grow fast


class ProxNewton:
    """Newton steps on the rows that matter, certified on all."""

    name = "prox_newton"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        return lacks_rows(objective)

    def solve(self, objective, W, stop, max_iter, monitor):
        rows, steps, part = RowChoice(W, _FEW, _GROWTH), 0, None
        chosen = np.arange(0)
        while not rows.exhausted:
            needed, _ = rows.choose(W, objective.row_sizes, monitor.best_gap)
            before, chosen = chosen, _widened(chosen, needed)
            if part is None or chosen is not before:
                part, certificate = _enter(objective, chosen, W, part, monitor)
                fit = part.fit
                grams = isinstance(fit, GramFit)
                # in single precision twice as many numbers are no larger than X
                grams = grams or gram_pays(fit.data.design, 2 * W.shape[0])
            left = objective.row_sizes > 1.0
            left[chosen] = False
            # one more step costs less than to look at all rows for nothing
            fraction = 0.05 if left.any() else 0.002
            target = max(fraction * monitor.gap, 0.3 * stop)
            W_part = np.ascontiguousarray(W[chosen])
            limit = max(max_iter - steps, 1)
            done, certificate = newton_steps(
                part, W_part, certificate, target, limit, grams
            )
            steps += done
            W[chosen] = W_part
            if monitor.done(W, steps, stop, fit.residuals) or steps >= max_iter:
                return
        # where the model is far from the loss, small steps get on
        W[:] = monitor.best_W
        finish = AcceleratedProximalGradient()
        finish.solve(objective, W, stop, max_iter - steps, monitor, start=steps)


def _widened(chosen: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Return a working set with the rows needed, the last one first if it is of use.

    Models leave out what is not needed; to copy what is kept would cost more.
    """
    missing = np.setdiff1d(needed, chosen, assume_unique=True)
    if chosen.size + missing.size > 2 * needed.size:
        return needed
    return np.concatenate([chosen, missing]) if missing.size else chosen


def _enter(objective, chosen, W, last, monitor) -> tuple[Objective, Certificate]:
    """Return the problem of a working set, in the state of the whole at W."""
    norm, quadratic = objective.penalty.norm, objective.penalty.quadratic
    part_norm = RowStrengths(norm, chosen, W.shape[0])
    penalty = Composite(part_norm, quadratic, np.zeros(chosen.size, dtype=bool))
    fit = objective.fit.gather(chosen, None if last is None else last.fit)
    part = Objective(fit, penalty)
    known = objective.fit.residuals
    if known is None:
        return part, part.certificate(np.ascontiguousarray(W[chosen]))
    fit.resume(known)
    part.D, part.row_sizes = objective.D[chosen], objective.row_sizes[chosen]
    return part, Certificate(monitor.value, monitor.value - monitor.gap)


def newton_steps(
    part: Objective,
    W: np.ndarray,
    certificate: Certificate,
    target: float,
    limit: int,
    grams: bool,
) -> tuple[int, Certificate]:
    """Minimise the objective of a working set in place.

    ``certificate`` is the one just made at W; ``grams`` says whether Gram matrices
    pay. Returns the steps taken and the certificate where they end.
    """
    fit, norm = part.fit, part.penalty.norm
    ridge = float(part.penalty.quadratic.diagonal[0])
    for step in range(min(limit, _MAX_STEPS)):
        if certificate.gap <= target:
            return step, certificate
        G = part.D.copy()
        new = model_minimum(part, W, G, ridge, grams)
        if not np.all(np.isfinite(new)):
            return step + 1, certificate
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
            return step + 1, part.certificate(W)
        W[:] = trial
    return min(limit, _MAX_STEPS), certificate


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
    return fit.data.design.hessians(_curvature(fit), centre, rows, np.float32)
