"""Points at which certificates are asked for."""

import numpy as np

from linmtl.solvers import minimise, null_model

# errors of the evaluation of an objective, relative to that of the null model
ROUNDING = 1e-13


def solution(objective):
    """Return a near-optimal point, its objective and that of the null model."""
    _, scale = null_model(objective)
    result = minimise(objective, tol=1e-11, max_iter=100_000)
    gap = objective.certificate(result.point).gap
    if gap > 1e-8 * scale and not objective.fit.reweightable:
        # of points whose values are alike to rounding the first is not the nearest
        other = minimise(objective, tol=1e-11, max_iter=100_000, solver="backtracking")
        result = min(result, other, key=lambda r: objective.certificate(r.point).gap)
    return result.point, result.objective, scale


def points(objective, best, rng):
    """Yield zero, and points near and far from the best."""
    yield np.zeros(best.shape)
    for size in [0.0, 1e-9, 1e-6, 1e-3, 1.0, 1e3]:
        W = best + size * rng.normal(size=best.shape)
        yield np.abs(W) if objective.penalty.positive else W
