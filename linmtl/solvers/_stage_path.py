"""Paths of penalties that are not convex, in small problems: stages on moments.

The stages are those of :mod:`linmtl.solvers._stages`. What their tangents leave free is
eliminated; the rest is coordinate descent, which knows its gap. The convex problems
that the stages begin with are the same ones along the path, each started at the last.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import for_many_problems, scaled_solver
from linmtl.penalties import compose
from linmtl.penalties._fused import FusedSparseRows
from linmtl.penalties._nonconvex import Nonconvex
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._feature_sign import lasso_of_tasks
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._stages import MAX_STAGES, STARTS
from linmtl.solvers._working_set import descend_on_grams

_MOST_FEATURES = 100
_MOST_SWEEPS = 300
_SAFE = 0.8  # of the tolerance, for what rounding does to a gap


class StagePath(PlainPath):
    """Solutions of small problems with penalties that are not convex, from moments."""

    def __init__(self, fit, tasks, **settings):
        fit = for_many_problems(fit)
        super().__init__(fit, tasks, **settings)
        self._starts: list[np.ndarray | None] = [None] * len(STARTS)
        self._part: _Squares | None = None

    @staticmethod
    def serves(fit, penalty, tasks):
        if not fit.quadratic or fit.n_features > _MOST_FEATURES:
            return False
        whole = compose(penalty, fit.n_features, tasks)
        norm, quadratic = whole.norm, whole.base_quadratic
        if whole.is_split or whole.intercepts or not isinstance(norm, Nonconvex):
            return False
        if whole.free.any() or not (quadratic.is_diagonal and quadratic.equal_ridge):
            return False
        known = isinstance(norm.start(), (RowSeparable, FusedSparseRows))
        return known and not for_many_problems(fit).holds_rows

    def solution(self, penalty, start):
        whole = compose(penalty, self.fit.n_features, self.tasks)
        stop = self.tol * self.slack() * self.scale + self.fit.rounding
        if whole.norm is not None:
            W = self._in_stages(whole, start, stop)
            if self.fit.error(W) <= stop:
                return Point(W, self.fit.moments.intercepts(W), W)
        objective = Objective(self.fit, whole)
        return minimise(objective, tol=self.tol, max_iter=self.max_iter, W0=start)

    def _in_stages(self, whole, start, stop) -> np.ndarray:
        """Return the lowest end of the stages."""
        norm: Any = whole.norm
        part, best, least = self._part_of(whole.base_quadratic), None, np.inf
        for k, fraction in enumerate(STARTS):
            first = copy.copy(norm)
            first.alpha = fraction * norm.alpha
            last = self._starts[k]
            W = part.minimum(first.start(), start if last is None else last, stop / 2)
            self._starts[k] = start_of_part = W
            W = _last_stage(part, norm, W, stop / 2)
            value = part.loss(W) + norm.value(W)
            if best is None or value < least - stop:
                best, least = W, value
            if not start_of_part.any():
                break
        assert best is not None
        return best

    def _part_of(self, quadratic) -> _Squares:
        if self._part is None or self._part.ridge != quadratic.diagonal[0]:
            self._part = _Squares(self.fit, quadratic, self.max_iter)
        return self._part


def _last_stage(part: _Squares, norm: Any, W: np.ndarray, stop: float) -> np.ndarray:
    """Return where the stages from W on no longer fall by more than ``stop``."""
    for _ in range(MAX_STAGES):
        tangent = norm.majoriser(W)
        last, W = W, part.minimum(tangent, W, stop)
        if (
            part.loss(last) + tangent.value(last)
            <= part.loss(W) + tangent.value(W) + stop
        ):
            break
    return W


class _Squares:
    """The loss of a fit and a ridge, as least squares in W."""

    def __init__(self, fit: Datafit, quadratic: QuadraticForm, max_iter: int):
        self.fit, self.quadratic, self.max_iter = fit, quadratic, max_iter
        self.C, self.square, self.ridge = fit.C.T, fit.square, quadratic.diagonal[0]
        self.H = fit.H
        if self.ridge:
            self.H = fit.H + self.ridge * np.eye(fit.n_features)
        self._free = np.zeros(fit.n_features, dtype=bool)
        self._without: tuple[Any, ...] | None = None

    def loss(self, W: np.ndarray) -> float:
        fitted = np.matmul(self.H, W.T[:, :, None])[:, :, 0].T
        return float(self.square / 2 - np.sum(W * (self.C - fitted / 2)))

    def minimum(self, norm: Any, start: np.ndarray | None, stop: float) -> np.ndarray:
        """Return the minimum of this and a norm of rows, to a gap of ``stop``."""
        W = np.zeros(self.C.shape) if start is None else np.array(start, order="C")
        free = norm.free_rows(len(W))
        if not free.any():
            W, done = _descend(self.H, self.C, self.square, norm, W, stop)
        else:
            W, done = self._without_free(norm, free, W, stop)
        return W if done else self._in_general(norm, W, stop)

    def _without_free(self, norm, free, W, stop):
        left, done = ~free, True
        if self._without is None or not np.array_equal(free, self._free):
            self._free, self._without = free, self._eliminated(free)
        fitted, across, H, C, square = self._without
        if left.any():
            norm = norm.on_features(left, len(W))
            part = np.ascontiguousarray(W[left])
            W[left], done = _descend(H, C, square, norm, part, stop)
        W[free] = (fitted - across @ W[left].T[:, :, None])[:, :, 0].T
        return W, done

    def _in_general(self, norm, W, stop):
        """Return that where coordinates creep."""
        whole = compose(norm, len(W), np.arange(W.shape[1]))
        objective = Objective(self.fit, replace(whole, quadratic=self.quadratic))
        return minimise(objective, tol=stop, max_iter=self.max_iter, W0=W, scale=1.0).W

    def _eliminated(self, free):
        """Return the free features at their best, and least squares of the others."""
        H_f, C_f = self.H[:, free], self.C[free].T[:, :, None]
        H_fp = H_f[:, :, ~free]
        solve, _ = scaled_solver(H_f[:, :, free])
        across, fitted = solve(H_fp), solve(C_f)
        H = self.H[:, ~free][:, :, ~free] - H_fp.transpose(0, 2, 1) @ across
        C = self.C[~free] - (H_fp.transpose(0, 2, 1) @ fitted)[:, :, 0].T
        return fitted, across, H, C, self.square - float(np.sum(C_f * fitted))


def _descend(H, C, square, norm, W, stop):
    """Return the minimum of least squares and a norm, and whether it was reached."""
    if isinstance(norm, FusedSparseRows):
        return norm.descend(H, W, C, square, stop)
    entry, row = norm.strengths(len(W))
    D = C - np.matmul(H, W.T[:, :, None])[:, :, 0].T
    if row.any():
        goal = _SAFE * stop, _SAFE * stop, 0, 0.0, _MOST_SWEEPS
        W, steps = descend_on_grams(H, W, D, square, 0.0, (entry, row, False), goal)
        return W, steps < _MOST_SWEEPS
    lasso_of_tasks(H, D, W, entry, False)
    return W, True
