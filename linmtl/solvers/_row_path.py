"""Paths of norms of rows in small problems: coordinate descent on moments.

All rows form one working set, and the descent computes the gap itself. On a small
problem the general solver would spend more time around the descent than in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties import Penalty, compose
from linmtl.solvers._feature_sign import lasso_of_tasks
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import move_on_line
from linmtl.solvers._result import Result
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MOST_FEATURES = 100
_MOST_SWEEPS = 100
_SAFE = 0.8  # of the tolerance, for what rounding does to a gap


@dataclass(frozen=True)
class Point:
    """A solution without its certificate, named as in `Result`."""

    W: np.ndarray
    b: np.ndarray
    converged: bool = True

    @property
    def point(self) -> np.ndarray:
        return self.W


class RowPath:
    """Solutions of small problems with norms of rows.

    Parameters
    ----------
    fit : Datafit
        The loss, by moments.
    tasks : ndarray of shape (n_columns,)
        Labels of the columns of W.
    tol, max_iter
        As for :func:`linmtl.solvers.minimise`.
    slack : callable
        Returns what to multiply the tolerance of the next one by; 1 by default.
    """

    def __init__(
        self,
        fit: Datafit,
        tasks: np.ndarray,
        *,
        tol: float,
        max_iter: int,
        slack: Callable[[], float] = lambda: 1.0,
    ):
        self.fit, self.tasks, self.tol, self.max_iter = fit, tasks, tol, max_iter
        self.slack, self.shape = slack, (fit.n_features, fit.n_columns)
        self.scale = fit.loss_at(np.zeros(self.shape))
        self.limit = min(max_iter, _MOST_SWEEPS)

    @staticmethod
    def serves(fit: Datafit, penalty: Penalty, tasks: np.ndarray) -> bool:
        """Whether it serves this problem."""
        if not fit.quadratic or fit.holds_rows or fit.n_features > _MOST_FEATURES:
            return False
        whole = compose(penalty, fit.n_features, tasks)
        if whole.is_split or whole.intercepts or whole.norm is None:
            return False
        return whole.norm.convex and lacks_rows(Objective(fit, whole)) is None

    def follow(
        self,
        penalties: Sequence[Penalty],
        strengths: Sequence[float] | None,
        W0: np.ndarray | None,
    ) -> Iterator[Point | Result]:
        """Yield that for each; see :func:`linmtl.solvers._path.follow`."""
        W, before = np.zeros(self.shape) if W0 is None else W0, None
        for i, penalty in enumerate(penalties):
            start = W
            if before is not None and strengths is not None:
                start = W + move_on_line(*strengths[i - 2 : i + 1]) * (W - before)
            before = W if i else None
            result = self.solution(penalty, start)
            W = result.W
            yield result

    def solution(self, penalty: Penalty, start: np.ndarray) -> Point | Result:
        """Return that for one penalty."""
        fit, tol = self.fit, self.tol * self.slack()
        stop = tol * self.scale + fit.rounding
        whole = compose(penalty, fit.n_features, self.tasks)
        norm: Any = whole.norm
        ridge = float(whole.base_quadratic.diagonal[0])
        entry, row = norm.strengths(fit.n_features)
        W = np.array(start, order="C")
        if norm.positive:
            np.maximum(W, 0.0, out=W)
        G = np.empty_like(W)
        fit.evaluate(W, G)
        H, D = fit.H, G - ridge * W
        if row.any():
            goal = _SAFE * stop, _SAFE * stop, 0, 0.0, self.limit
            penalised = entry, row, bool(norm.positive)
            H = H.copy() if ridge else H
            W, steps = descend_on_grams(H, W, D, fit.square, ridge, penalised, goal)
        else:  # tasks apart from each other
            H = H + ridge * np.eye(len(W)) if ridge else H
            steps = lasso_of_tasks(H, D, W, entry, norm.positive)
        if steps < self.limit and fit.error(W) <= stop:
            return Point(W, fit.moments.intercepts(W))
        return minimise(
            Objective(fit, whole),
            tol=tol,
            max_iter=self.max_iter,
            W0=W,
            scale=self.scale,
        )
