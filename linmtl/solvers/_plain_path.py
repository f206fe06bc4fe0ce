"""What paths without certificates have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties import Penalty
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import move_on_line
from linmtl.solvers._result import Result


@dataclass(frozen=True)
class Point:
    """A solution without its certificate, named as in `Result`."""

    W: np.ndarray
    b: np.ndarray
    point: np.ndarray
    converged: bool = True


class PlainPath:
    """Solutions along a path, each started on the line through those before it.

    Parameters
    ----------
    fit : Datafit
        The loss.
    tasks : ndarray of shape (n_columns,)
        Labels of the columns of W.
    tol, max_iter
        As for :func:`linmtl.solvers.minimise`.
    slack : callable
        Returns what to multiply the tolerance of the next one by; 1 by default.
    kept : dict, default=None
        What paths of this loss with other penalties have left to those after them; this
        one may add to it.
    """

    def __init__(
        self,
        fit: Datafit,
        tasks: np.ndarray,
        *,
        tol: float,
        max_iter: int,
        slack: Callable[[], float] = lambda: 1.0,
        kept: dict[Any, Any] | None = None,
    ):
        self.kept = {} if kept is None else kept
        self.fit, self.tasks, self.tol, self.max_iter = fit, tasks, tol, max_iter
        self.slack, self.shape = slack, (fit.n_features, fit.n_columns)
        self.scale = fit.loss_at(np.zeros(self.shape))

    @staticmethod
    def serves(fit: Datafit, penalty: Penalty, tasks: np.ndarray) -> bool:
        """Whether it serves this problem."""
        raise NotImplementedError

    def follow(
        self,
        penalties: Sequence[Penalty],
        strengths: Sequence[float] | None,
        W0: np.ndarray | None,
    ) -> Iterator[Point | Result]:
        """Yield that for each; see :func:`linmtl.solvers._path.follow`."""
        last = before = None
        for i, penalty in enumerate(penalties):
            start = W0 if last is None else last
            if last is not None and before is not None and strengths is not None:
                start = last + move_on_line(*strengths[i - 2 : i + 1]) * (last - before)
            result = self.solution(penalty, start)
            before, last = last, result.point
            yield result

    def solution(self, penalty: Penalty, start: np.ndarray | None) -> Point | Result:
        """Return that for one penalty, from a start or none."""
        raise NotImplementedError

    def _in_general(
        self, objective: Objective, tol: float, start: np.ndarray | None
    ) -> Result:
        """Return the solution of the solver for everything."""
        return minimise(
            objective, tol=tol, max_iter=self.max_iter, W0=start, scale=self.scale
        )
