"""Paths of smooth problems by Newton's method, which says how far it has to go.

A step promises half its decrement. Where that is within the tolerance it is the last.
The Hessian of the step before promises nearly the same, and makes nearly the same step.
So does that of a path before this one, of another strength on the mean of the tasks:
inverses for the same strength on deviations serve again, and solutions differ by nearly
as much as they did one strength before.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from linmtl.penalties import compose
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._choice import choose_method
from linmtl.solvers._direct import Newton, line_search, newton_system
from linmtl.solvers._objective import Objective
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._quadratic_system import LOOPED, SmallInverses, Solve

_MOST_STEPS = 10
_MOST_USES = 2  # of a system that is not of the point, before a new one is faster
_RATE = 0.1  # what a step by such a system leaves of what is promised, at first
_MAX_NUMBERS = 10_000_000  # of the inverses that are kept


class NewtonPath(PlainPath):
    """Solutions of losses other than the squared one with quadratic penalties."""

    def __init__(self, fit, tasks, **settings):
        super().__init__(fit, tasks, **settings)
        self._difference: Any = 0.0  # of the last solution from that beside it
        self._serve = True  # whether systems of other paths do; weaker ones the less

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
        form: Any = whole.quadratic
        strength = _strength_on_deviations(form)
        beside = None if strength is None else self.kept.get(strength)
        solve: Solve | None = None
        borrowed = False
        if beside is not None and self._serve:
            solve, borrowed = beside.inverses.solver(form), True
            start = beside.point + self._difference
        point: Any = np.array(objective.start if start is None else start, order="C")
        G = np.empty_like(point)
        known = inverses = None
        promised, rate = np.inf, _RATE
        for _ in range(min(self.max_iter, _MOST_STEPS)):
            value, usable = objective.smooth(point, G, known), False
            if solve is not None:
                move, before = solve(G), promised
                promised = _promised(G, move)
                if np.isfinite(before):
                    rate = promised / before
                soon = borrowed and promised * rate**_MOST_USES <= stop
                usable = soon or promised <= stop
            if not usable:
                solve, inverses = _system(objective)
                borrowed, move = False, solve(G)
                promised = _promised(G, move)
            trial, step = line_search(objective, point, value, move, G)
            if trial is None:
                break
            point, known = trial, objective.fit.residuals
            if borrowed and step < 1.0:
                self._serve, solve = False, None
            elif promised <= stop:
                self._keep(strength, point, inverses)
                W, b = whole.coefficients(point), objective.intercepts(point)
                return Point(W, b, point)
        return self._in_general(objective, tol, point)

    def _keep(self, strength, point, inverses):
        """Leave a solution to the paths after this one."""
        beside = self.kept.get(strength)
        if beside is not None:
            self._difference = point - beside.point
            inverses = inverses or beside.inverses
        room = point.size * len(point) * (len(self.kept) + 1) <= _MAX_NUMBERS
        if strength is not None and inverses is not None and (room or beside):
            self.kept[strength] = _Solved(point, inverses)


class _Solved(NamedTuple):
    """A solution, and the system of a step to it or to one near it."""

    point: np.ndarray
    inverses: SmallInverses


def _strength_on_deviations(form: QuadraticForm) -> float | None:
    """Return the one on deviations from the mean, None where these have several."""
    strength = form.ridge + form.centred
    one = np.ndim(strength) == 0 and not (form.varies or form.is_coupled)
    return float(strength) if one else None


def _system(objective: Objective) -> tuple[Solve, SmallInverses | None]:
    """Return the solver of the system at the last W, and what it is made of.

    The latter is None where it serves no other strength on the mean.
    """
    form: Any = objective.penalty.quadratic
    small = None
    if _strength_on_deviations(form) is not None:
        small = objective.fit.small_hessians(LOOPED)
    inverses = None if small is None else SmallInverses.of(small, form)
    if inverses is None:
        return newton_system(objective), None
    return inverses.solver(form), inverses


def _promised(G, move):
    """Return what a step along which the negative gradient is G gains."""
    return float(np.sum(G * move)) / 2
