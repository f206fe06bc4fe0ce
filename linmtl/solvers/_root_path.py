"""Paths of the square-root loss with norms of rows, in small problems: from moments.

As in :mod:`linmtl.solvers._concomitant` coefficients and noise levels take turns, but
noise levels are told from moments, and a bound of the optimum from the gradient that
coordinate descent needs anyway. Where little noise is left, moments do not tell it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.penalties import compose
from linmtl.solvers._concomitant import FixedPoint
from linmtl.solvers._objective import Objective
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MOST_FEATURES, _MAX_NUMBERS = 100, 1_000_000  # the latter of the Hessians
_MOST_SWEEPS, _MOST_STEPS = 100, 30
_SAFE = 0.8  # of the tolerance, for what rounding does to a gap
_LEAST_NOISE = 1e-4  # relative to that without coefficients, that moments tell
# The residuals of a squared loss with a gap g are a point of the dual problem once they
# are scaled by what costs the square-root loss about the root of g times its value: the
# gap to reach, as a share of the squares of those now and in the end.
_INNER = 0.1


class RootPath(PlainPath):
    """Solutions of small problems with the square-root loss, from moments."""

    def __init__(self, fit, tasks, **settings):
        super().__init__(fit, tasks, **settings)
        self._null: np.ndarray = fit.null_noise
        self._moments = moments = fit.weighted(np.ones(self._null.size)).moments
        self._H = np.broadcast_to(moments.H, (fit.n_columns, *moments.H.shape[1:]))

    @staticmethod
    def serves(fit: Any, penalty, tasks):
        d = fit.n_features
        if not fit.reweightable or d > _MOST_FEATURES:
            return False
        if fit.n_columns * d * d > _MAX_NUMBERS or not np.all(fit.null_noise > 0):
            return False
        whole = compose(penalty, d, tasks)
        if whole.is_split or whole.intercepts or whole.norm is None:
            return False
        if not (whole.norm.convex and whole.base_quadratic.is_zero):
            return False
        part = fit.weighted(np.ones(fit.null_noise.size))
        if part.holds_rows or part.moments.tied or whole.free.any():
            return False
        return lacks_rows(Objective(part, whole)) is None

    def solution(self, penalty, start):
        fit, tol = self.fit, self.tol * self.slack()
        stop = _SAFE * (tol * self.scale + fit.rounding)
        limit = min(self.max_iter, _MOST_SWEEPS)
        whole = compose(penalty, fit.n_features, self.tasks)
        W = np.zeros(self.shape) if start is None else np.array(start, order="C")
        if whole.norm is None:  # of the strength zero
            return self._in_general(Objective(fit, whole), tol, W)
        norm: Any = whole.norm
        strengths = *norm.strengths(fit.n_features), bool(norm.positive)
        if norm.positive:
            np.maximum(W, 0.0, out=W)
        fixed_point, sigma = FixedPoint(fit.data.total), None
        for _ in range(_MOST_STEPS):
            noise, D = self._noise(W)
            if not np.all(noise > _LEAST_NOISE * self._null):
                break
            value, bound = self._bounds(norm, W, noise, D)
            gap = value - bound
            if gap <= stop:
                return Point(W, self._moments.intercepts(W), W)
            sigma = noise if sigma is None else fixed_point.next(sigma, noise)
            inverse = 1.0 / sigma
            accuracy = _INNER * max(min(gap, value) ** 2, stop**2) / value
            H, square = inverse[:, None, None] * self._H, inverse @ self._moments.square
            goal = accuracy, accuracy, 0, 0.0, limit
            W, _ = descend_on_grams(H, W, D * inverse, square, 0.0, strengths, goal)
        return self._in_general(Objective(fit, whole), tol, W)

    def _noise(self, W):
        """Return the noise levels, and minus the slope of the half squares at W."""
        moments = self._moments
        fitted = (self._H @ W.T[:, :, None])[:, :, 0]
        D = moments.C - fitted
        squares = moments.square - np.sum(W.T * (moments.C + D), axis=1)
        return np.sqrt(np.maximum(squares, 0.0) / self.fit.data.total), D.T

    def _bounds(self, norm, W, noise, D):
        """Return the objective, and a bound of the least one."""
        size = norm.dual_norm(D / noise)
        linear = (self._moments.square - np.sum(W.T * self._moments.C, axis=1)) / noise
        value = float(self.fit.data.total @ noise) + norm.value(W)
        return value, float(linear.sum()) / max(size, 1.0)
