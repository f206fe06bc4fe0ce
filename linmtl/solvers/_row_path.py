"""Paths of norms of rows in small problems: coordinate descent on moments.

All rows form one working set, and the descent computes the gap itself. On a small
problem the general solver would spend more time around the descent than in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.penalties import compose
from linmtl.solvers._feature_sign import lasso_of_tasks
from linmtl.solvers._objective import Objective
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MOST_FEATURES = 100
_MOST_SWEEPS = 100
_SAFE = 0.8  # of the tolerance, for what rounding does to a gap


class RowPath(PlainPath):
    """Solutions of small problems with norms of rows, from moments."""

    @staticmethod
    def serves(fit, penalty, tasks):
        if not fit.quadratic or fit.holds_rows or fit.n_features > _MOST_FEATURES:
            return False
        whole = compose(penalty, fit.n_features, tasks)
        if whole.is_split or whole.intercepts or whole.norm is None:
            return False
        return whole.norm.convex and lacks_rows(Objective(fit, whole)) is None

    def solution(self, penalty, start):
        fit, tol = self.fit, self.tol * self.slack()
        stop, limit = tol * self.scale + fit.rounding, min(self.max_iter, _MOST_SWEEPS)
        whole = compose(penalty, fit.n_features, self.tasks)
        if whole.norm is None:  # of the strength zero
            return self._in_general(Objective(fit, whole), tol, start)
        norm: Any = whole.norm
        ridge = float(whole.base_quadratic.diagonal[0])
        entry, row = norm.strengths(fit.n_features)
        W = np.zeros(self.shape) if start is None else np.array(start, order="C")
        if norm.positive:
            np.maximum(W, 0.0, out=W)
        G = np.empty_like(W)
        fit.evaluate(W, G)
        H, D = fit.H, G - ridge * W
        if row.any():
            goal = _SAFE * stop, _SAFE * stop, 0, 0.0, limit
            penalised = entry, row, bool(norm.positive)
            H = H.copy() if ridge else H
            W, steps = descend_on_grams(H, W, D, fit.square, ridge, penalised, goal)
        else:  # tasks apart from each other
            H = H + ridge * np.eye(len(W)) if ridge else H
            steps = lasso_of_tasks(H, D, W, entry, norm.positive)
        if steps < limit and fit.error(W) <= stop:
            return Point(W, fit.moments.intercepts(W), W)
        return self._in_general(Objective(fit, whole), tol, W)
