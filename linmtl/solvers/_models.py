"""Models along a path without certificates, for scores.

They are about as near the optimum as the solutions of :mod:`linmtl.solvers._path`. To
find roughly where the best strength is, less will do: one strength in eight is solved
for, less accurately where its score is clearly worse than the best, and models between
two of them are taken from the line through both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties import Penalty, compose
from linmtl.solvers._minimise import minimise
from linmtl.solvers._newton_path import NewtonPath
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import DIRECT, follow, move_on_line
from linmtl.solvers._plain_path import PlainPath, Point
from linmtl.solvers._quadratic_path import QuadraticForms, QuadraticPath, pieces
from linmtl.solvers._result import Result
from linmtl.solvers._root_path import RootPath
from linmtl.solvers._row_path import RowPath
from linmtl.solvers._stage_path import StagePath

# Paths without certificates, and the solvers that they stand for.
_PLAIN: tuple[tuple[type[PlainPath], str], ...] = (
    (RowPath, "working_set"),
    (RootPath, "concomitant"),
    (NewtonPath, "newton"),
    (StagePath, "auto"),
)
_LEAST_ROUGH_TOL = 1e-5  # below it all models are as exact as asked for
# Strengths between which solutions hardly bend: steps of the grid, and ratio.
_LONGEST_BLOCK, _LARGEST_RATIO = 8, 2.5
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
    exact : bool
        Whether all are within the tolerance.
    """

    W: np.ndarray
    b: np.ndarray
    end: np.ndarray
    unconverged: int
    exact: bool = True


def models(
    fit: Datafit,
    penalties: Sequence[Penalty],
    tasks: np.ndarray,
    forms: QuadraticForms | None,
    *,
    strengths: Sequence[float] | np.ndarray | None = None,
    tol: float,
    max_iter: int,
    solver: str = "auto",
    W0: np.ndarray | None = None,
    score: Callable[[Result | Point], float] | None = None,
    kept: dict[Any, Any] | None = None,
) -> Iterator[Models]:
    """Yield the models for all penalties in pieces.

    Parameters
    ----------
    fit, penalties, tasks, strengths, tol, max_iter, solver, W0
        As for :func:`linmtl.solvers._path.follow`.
    forms : QuadraticForms or None
        What :func:`linmtl.solvers._quadratic_path.quadratic_forms` makes of the
        penalties.
    score : callable, default=None
        The loss of a model on other data, if models only have to show roughly where it
        is lowest. They are rough then, unless ``tol`` is below 1e-5 or the penalty is
        not convex; one on the line between two uses the features of both.
    kept : dict, default=None
        One for all paths of this loss, empty before the first: what they have in common
        is computed once.
    """
    shape = fit.n_features, fit.n_columns
    path = QuadraticPath.of(fit, forms) if solver in DIRECT else None
    exact: dict[str, Any] = {"tol": tol, "max_iter": max_iter}
    if path is not None:
        yield from _quadratic(fit, path, penalties, tasks, exact)
        return
    norm = compose(penalties[0], fit.n_features, tasks).norm
    rough = score is not None and tol >= _LEAST_ROUGH_TOL
    # of a penalty that is not convex the start decides which solution is found
    rough = rough and (norm is None or norm.convex)
    curve = _Curve(score if rough else None)
    solved = np.ones(len(penalties), dtype=bool)
    if rough and strengths is not None:
        solved = far_apart(np.asarray(strengths, dtype=float))
    chosen = np.flatnonzero(solved).tolist()
    some = [penalties[i] for i in chosen]
    along = None if strengths is None else [strengths[i] for i in chosen]
    exact["slack"] = curve.slack
    for plain, name in _PLAIN:
        if solver in ("auto", name) and plain.serves(fit, penalties[0], tasks):
            results = plain(fit, tasks, kept=kept, **exact).follow(some, along, W0)
            break
    else:
        results = follow(
            fit, some, tasks, strengths=along, W0=W0, solver=solver, **exact
        )
    results = _filled(results, strengths, chosen, curve)
    for part in pieces(len(penalties), shape):
        found = list(islice(results, part.stop - part.start))
        W = np.array([result.W for result in found])
        b = np.array([result.b for result in found])
        failures = sum(not result.converged for result in found)
        yield Models(W, b, found[-1].point, failures, not rough)


def _quadratic(fit, path, penalties, tasks, exact):
    """Yield the models of quadratic problems in pieces."""
    shape = fit.n_features, fit.n_columns
    for part in pieces(len(penalties), shape):
        points, good = path.solutions(part, exact["tol"])
        (W, b), failures = path.coefficients(points), 0
        for i in np.flatnonzero(~good).tolist():
            penalty = compose(penalties[part][i], fit.n_features, tasks)
            result = minimise(Objective(fit, penalty), **exact)
            W[i], b[i], points[i] = result.W, result.b, result.point
            failures += not result.converged
        yield Models(W, b, points[-1], failures)


def far_apart(strengths: np.ndarray) -> np.ndarray:
    """Return which strengths to solve for, as booleans: the others lie near to two.

    Parameters
    ----------
    strengths : ndarray of shape (n_strengths,)
        Decreasing.
    """
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
        """Return what to multiply the tolerance by after the last model."""
        slack = self._excess / _TELLING_EXCESS
        return min(slack, _LARGEST_SLACK) if slack > 1.0 else 1.0


def _filled(results, strengths, chosen, curve):
    """Yield results for all strengths: between two chosen ones, points on the line."""
    before = next(results)
    curve.add(before)
    yield before
    for (i, j), after in zip(pairwise(chosen), results, strict=True):
        curve.add(after)
        for k in range(i + 1, j):
            move = move_on_line(strengths[i], strengths[j], strengths[k])
            W = after.W + move * (after.W - before.W)
            b = after.b + move * (after.b - before.b)
            yield Point(W, b, W)
        yield after
        before = after
