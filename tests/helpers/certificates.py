"""Points at which certificates are asked for."""

import numpy as np

from linmtl.solvers import minimise, null_model

# errors of the evaluation of an objective, relative to that of the null model
ROUNDING = 1e-13


def solution(objective):
    """Return a near-optimal point, its objective and that of the null model."""
    _, scale = null_model(objective)
    result = minimise(objective, tol=1e-11, max_iter=100_000)
    return result.point, result.objective, scale


def points(objective, best, rng):
    """Yield zero, and points near and far from the best."""
    yield np.zeros(best.shape)
    for size in [0.0, 1e-9, 1e-6, 1e-3, 1.0, 1e3]:
        W = best + size * rng.normal(size=best.shape)
        yield np.abs(W) if objective.penalty.positive else W
