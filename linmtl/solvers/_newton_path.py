"""Paths of smooth problems by Newton's method, which says how far it has to go.

A step promises half its decrement. Where that is within the tolerance it is the last.
The Hessian of the step before promises nearly the same, and makes nearly the same step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.penalties import compose
from linmtl.solvers._choice import choose_method
from linmtl.solvers._direct import Newton, line_search, newton_system
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._quadratic_system import Solve

_MOST_STEPS = 10


class NewtonPath(PlainPath):
    """Solutions of losses other than the squared one with quadratic penalties."""

    @staticmethod
    def serves(fit, penalty, tasks):
        whole = compose(penalty, fit.n_features, tasks)
        if fit.quadratic or whole.norm is not None or not fit.additive:
            return False
        if fit.row_count < fit.n_features:  # a start has to be in the span of the rows
            return False
        objective = Objective(fit, whole)
        free = objective.without_free is not None or objective.free_means.any()
        return not free and choose_method(objective) is Newton

    def solution(self, penalty, start):
        tol = self.tol * self.slack()
        whole = compose(penalty, self.fit.n_features, self.tasks)
        objective = Objective(self.fit, whole)
        stop = tol * self.scale + objective.rounding
        point: Any = np.array(objective.start if start is None else start, order="C")
        G = np.empty_like(point)
        solve: Solve | None = None
        known = None
        for _ in range(min(self.max_iter, _MOST_STEPS)):
            value = objective.smooth(point, G, known)
            move = G if solve is None else solve(G)
            near = solve is not None and _promised(G, move) <= stop
            if not near:
                solve = newton_system(objective)
                move = solve(G)
            trial, _ = line_search(objective, point, value, move, G)
            if trial is None:
                break
            point, known = trial, objective.fit.residuals
            if near or _promised(G, move) <= stop:
                W, b = whole.coefficients(point), objective.intercepts(point)
                return Point(W, b, point)
        return minimise(
            objective, tol=tol, max_iter=self.max_iter, W0=point, scale=self.scale
        )


def _promised(G, move):
    """Return what a step along which the negative gradient is G gains."""
    return float(np.sum(G * move)) / 2
