"""Models along a path without certificates, for scores.

They are about as near the optimum as the solutions of :mod:`linmtl.solvers._path`, and
less so where their score is clearly worse than the best. One in four is solved for:
between near strengths most models are near enough to the line through two solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties import Penalty, compose
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import DIRECT, follow, move_on_line, point_on_line
from linmtl.solvers._quadratic_path import QuadraticPath, pieces
from linmtl.solvers._result import Result
from linmtl.solvers._row_path import Point, RowPath

_ON_ROWS = "auto", "working_set"  # solvers of norms of rows by coordinate descent
# Strengths between which solutions hardly bend: steps of the grid, and ratio.
_LONGEST_BLOCK, _LARGEST_RATIO = 4, 2.0
# An excess of a score over the best, as a share of it, from which tolerances grow in
# proportion; and what they grow to.
_TELLING_EXCESS, _LARGEST_SLACK = 0.005, 50.0


@dataclass
class Models:
    """Some of the models along a path.

    Attributes
    ----------
    W : ndarray of shape (n_models, n_features, n_columns)
        Coefficients.
    b : ndarray of shape (n_models, n_tasks)
        Intercepts.
    end : ndarray
        The last solution, to start another path from.
    unconverged : int
        The number of models that did not converge.
    """

    W: np.ndarray
    b: np.ndarray
    end: np.ndarray
    unconverged: int


def models(
    fit: Datafit,
    penalties: Sequence[Penalty],
    tasks: np.ndarray,
    forms: Sequence[QuadraticForm] | None,
    *,
    strengths: Sequence[float] | np.ndarray | None = None,
    tol: float,
    max_iter: int,
    solver: str = "auto",
    W0: np.ndarray | None = None,
    score: Callable[[Result | Point], float] | None = None,
) -> Iterator[Models]:
    """Yield the models for all penalties in pieces.

    Parameters
    ----------
    fit, penalties, tasks, strengths, tol, max_iter, solver, W0
        As for :func:`linmtl.solvers._path.follow`.
    forms : sequence of QuadraticForm or None
        What :func:`linmtl.solvers._quadratic_path.quadratic_forms` makes of the
        penalties.
    score : callable, default=None
        The loss of a model on other data, if that is what models are for. Those of
        strengths between others may then have features of both in use.
    """
    shape = fit.n_features, fit.n_columns
    path = QuadraticPath.of(fit, forms) if solver in DIRECT else None
    exact: dict[str, Any] = {"tol": tol, "max_iter": max_iter}
    if path is not None:
        yield from _quadratic(fit, path, penalties, tasks, exact)
        return
    solved, curve = np.ones(len(penalties), dtype=bool), _Curve(score)
    if score is not None and strengths is not None:
        whole = compose(penalties[0], fit.n_features, tasks)
        if whole.norm is None or whole.norm.convex:
            solved = _far_apart(np.asarray(strengths, dtype=float))
    chosen = np.flatnonzero(solved).tolist()
    some = [penalties[i] for i in chosen]
    along = None if strengths is None else [strengths[i] for i in chosen]
    near: Callable[..., Any]
    if solver in _ON_ROWS and RowPath.serves(fit, penalties[0], tasks):
        rows = RowPath(fit, tasks, slack=curve.slack, **exact)
        results, near = rows.follow(some, along, W0), rows.between
    else:
        exact["solver"] = solver
        results = follow(
            fit, some, tasks, strengths=along, W0=W0, slack=curve.slack, **exact
        )
        near = partial(_near, fit, tasks, curve, exact)
    if score is not None:
        results = _filled(results, near, penalties, strengths, chosen, curve)
    for part in pieces(len(penalties), shape):
        found = list(islice(results, part.stop - part.start))
        W = np.array([result.W for result in found])
        b = np.array([result.b for result in found])
        failures = sum(not result.converged for result in found)
        yield Models(W, b, found[-1].point, failures)


def _quadratic(fit, path, penalties, tasks, exact):
    """Yield those of quadratic problems."""
    shape = fit.n_features, fit.n_columns
    for part in pieces(len(penalties), shape):
        W, good = path.solutions(part, exact["tol"])
        b, failures = path.fit.moments.intercepts(W), 0
        for i in np.flatnonzero(~good).tolist():
            penalty = compose(penalties[part][i], fit.n_features, tasks)
            result = minimise(Objective(fit, penalty), **exact)
            W[i], b[i] = result.W, result.b
            failures += not result.converged
        yield Models(W, b, W[-1], failures)


def _far_apart(strengths):
    """Return which strengths to solve for: the others are near to both neighbours."""
    solved, last = np.zeros(strengths.size, dtype=bool), 0
    for i in range(1, strengths.size):
        far = (
            i - last > _LONGEST_BLOCK
            or not strengths[last] <= _LARGEST_RATIO * strengths[i]
        )
        if far:
            last = max(i - 1, last + 1)
            solved[last] = True
    solved[[0, -1]] = True
    return solved


class _Curve:
    """The scores of models along a path, as far as it is known."""

    def __init__(self, score: Callable[[Result | Point], float] | None):
        self._score, self._best, self._excess = score, np.inf, 0.0
        self._last = np.nan

    def add(self, result: Result | Point) -> None:
        """Add a model."""
        if self._score is None:
            return
        score, last = self._score(result), self._last
        self._best, self._last = min(self._best, score), score
        # where the curve is steep neither end is the best
        excess = max(min(score, last) - self._best, abs(score - last))
        self._excess = excess / self._best if self._best > 0 else 0.0

    def slack(self) -> float:
        """Return what to multiply tolerances with behind the last model."""
        slack = self._excess / _TELLING_EXCESS
        return min(slack, _LARGEST_SLACK) if slack > 1.0 else 1.0


def _filled(results, near, penalties, strengths, chosen, curve):
    """Yield results for all penalties, the others from the line between two chosen.

    That in the middle is farthest from the line: if it is near enough, so are all.
    """

    def between(i, before, j, after):
        if j - i < 2:
            return
        k = (i + j) // 2
        known = (strengths[i], before), (strengths[j], after)
        middle, bends = near(penalties[k], known, strengths[k])
        if bends:
            yield from between(i, before, k, middle)
            yield middle
            yield from between(k, middle, j, after)
            return
        for other in range(i + 1, j):
            yield middle if other == k else _on_line(known, strengths[other])

    before = next(results)
    curve.add(before)
    yield before
    for (i, j), after in zip(pairwise(chosen), results, strict=True):
        curve.add(after)
        yield from between(i, before, j, after)
        yield after
        before = after


def _on_line(known, strength):
    (first, before), (second, after) = known
    move = move_on_line(first, second, strength)
    W = after.W + move * (after.W - before.W)
    b = after.b + move * (after.b - before.b)
    return Point(W, b, before.converged and after.converged)


def _near(fit, tasks, curve, exact, penalty, known, strength):
    """Return the solution that is about on the line, and whether it had to be found."""
    objective = Objective(fit, compose(penalty, fit.n_features, tasks))
    ends = [(alpha, end.point, end.residuals) for alpha, end in known]
    start, residuals = point_on_line(objective, ends, strength)
    result = minimise(
        objective,
        **{**exact, "tol": exact["tol"] * curve.slack()},
        W0=start,
        residuals=residuals,
        scale=known[0][1].scale,
    )
    return result, len(result.history) > 1
