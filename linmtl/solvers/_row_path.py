"""Paths of norms of rows in small problems: coordinate descent on moments.

All rows form one working set, and the descent computes the gap itself. On a small
problem the general solver would spend more time around the descent than in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties import Penalty, compose
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._result import Result
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MOST_FEATURES = 100
_MOST_SWEEPS = 300
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


def is_small(fit: Datafit, penalty: Penalty, tasks: np.ndarray) -> bool:
    """Whether :func:`descend` serves this problem."""
    if not fit.quadratic or fit.holds_rows or fit.n_features > _MOST_FEATURES:
        return False
    whole = compose(penalty, fit.n_features, tasks)
    if whole.is_split or whole.intercepts or whole.norm is None:
        return False
    return whole.norm.convex and lacks_rows(Objective(fit, whole)) is None


def descend(
    fit: Datafit,
    penalties: Sequence[Penalty],
    tasks: np.ndarray,
    *,
    tol: float,
    max_iter: int,
    W0: np.ndarray | None = None,
    strengths: Sequence[float] | np.ndarray | None = None,
) -> Iterator[Point | Result]:
    """Yield the solution for each penalty; see :func:`linmtl.solvers._path.follow`."""
    W = np.zeros((fit.n_features, fit.n_columns)) if W0 is None else W0.copy()
    scale = fit.loss_at(np.zeros_like(W))
    stop = tol * scale + fit.rounding
    limit = min(max_iter, _MOST_SWEEPS)
    G, before = np.empty_like(W), None
    for i, penalty in enumerate(penalties):
        whole = compose(penalty, fit.n_features, tasks)
        norm: Any = whole.norm
        ridge = float(whole.base_quadratic.diagonal[0])
        entry, row = norm.strengths(fit.n_features)
        start = W
        if before is not None and strengths is not None:
            far = strengths[i - 2] - strengths[i - 1]
            move = (strengths[i - 1] - strengths[i]) / far if far else 0.0
            start = W + move * (W - before)
            if norm.positive:
                np.maximum(start, 0.0, out=start)
        before = W if i else None
        W = np.array(start, order="C")
        fit.evaluate(W, G)
        H = fit.H.copy() if ridge else fit.H
        goal = _SAFE * stop, _SAFE * stop, 0, 0.0, limit
        penalised = entry, row, bool(norm.positive)
        W, sweeps = descend_on_grams(
            H, W, G - ridge * W, fit.square, ridge, penalised, goal
        )
        if sweeps < limit and fit.error(W) <= stop:
            yield Point(W, fit.moments.intercepts(W))
            continue
        result = minimise(
            Objective(fit, whole), tol=tol, max_iter=max_iter, W0=W, scale=scale
        )
        W = result.W
        yield result
