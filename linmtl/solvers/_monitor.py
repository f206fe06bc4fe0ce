"""What a solver reports its points to: the best one, the best bound, when to stop."""

from __future__ import annotations

import numpy as np

from linmtl.datafits._base import Residuals
from linmtl.solvers._objective import Certificate, Objective

_SAME_VALUE = 0.1  # of the rounding of the objective: a difference that is none


class Monitor:
    """Keeps the best point and the best lower bound seen, and says when to stop.

    Parameters
    ----------
    objective : Objective
        The problem.
    verbose : int, default=0
        Print a line at each certificate if positive.
    alone : bool, default=False
        Whether bounds are those at the points themselves, as where the caller
        certifies the best point again.
    """

    def __init__(self, objective: Objective, verbose: int = 0, alone: bool = False):
        self.objective = objective
        self.verbose = verbose
        self.alone = alone
        self.dual = -np.inf
        self.best_W: np.ndarray | None = None
        self.best_b = np.zeros(0)
        self.best_value = np.inf
        self._lowest = self._own_gap = np.inf  # of all points, of the best one
        self.value = self.gap = np.inf  # of the last point
        self.n_iter = 0
        self.history: list[tuple[int, float]] = []

    @property
    def best_gap(self) -> float:
        return max(self.best_value - self.dual, 0.0)

    def start(self, W: np.ndarray) -> None:
        """Take W for the best point, with no bound as yet."""
        value = self.objective.value(W)
        if value < np.inf:
            self.best_W, self.best_b = W.copy(), self.objective.intercepts(W)
            self.best_value = self._lowest = self.value = value

    def done(
        self,
        W: np.ndarray,
        iteration: int,
        stop: float,
        residuals: Residuals | None = None,
        norm_value: float | None = None,
    ) -> bool:
        """Certify W and return whether the gap is at most ``stop``.

        ``residuals`` and ``norm_value`` are as for :meth:`Objective.certificate`.
        """
        certificate: Certificate = self.objective.certificate(W, residuals, norm_value)
        self.n_iter, self.value = iteration, certificate.primal
        # far from the optimum rounding is relative to the value there
        noise = 0.0
        if certificate.primal > self.best_value:
            noise = 16 * np.finfo(float).eps * (certificate.primal - self.best_value)
        self.dual = max(self.dual, certificate.dual - noise)
        self.gap = max(certificate.primal - self.dual, 0.0)
        # of points alike to rounding, the one nearest to its own bound
        value, alike = certificate.primal, _SAME_VALUE * self.objective.rounding
        lower = value < self.best_value - alike
        if lower or (value <= self._lowest + alike and certificate.gap < self._own_gap):
            self.best_value, self._own_gap = value, certificate.gap
            if self.best_W is None:
                self.best_W = np.empty_like(W)
            self.best_W[:] = W
            self.best_b = self.objective.intercepts(W)
        self._lowest = min(self._lowest, value)
        self.history.append((iteration, self.best_gap))
        if self.verbose:
            print(
                f"iteration {iteration:6d}  objective {certificate.primal:.10g}  "
                f"gap {self.best_gap:.3e}"
            )
        if self.best_gap <= stop or self.best_W is None:
            return self.best_gap <= stop
        # below what moments can tell, further steps are of no use
        return self.best_gap <= self.objective.error(self.best_W)

    def bound(self, W: np.ndarray, theta: np.ndarray) -> None:
        """Take the lower bound that other residuals than those at W give."""
        at = self.objective.whole_fit.residuals
        assert at is not None
        residuals = Residuals(at.b, theta, at.task_loss)
        self.dual = max(self.dual, self.objective.certificate(W, residuals).dual)

    def bound_at(self, W: np.ndarray) -> bool:
        """Take the lower bound at a point that is no candidate for the best.

        Return whether it is better than the one so far.
        """
        if self.alone:
            return False
        dual = self.objective.certificate(W, norm_value=0.0).dual
        # it may be far away, where moments lose more than at the points themselves
        dual -= self.objective.error(W)
        if not dual > self.dual:
            return False
        self.dual = dual
        if self.history:
            self.history[-1] = self.history[-1][0], self.best_gap
        return True

    def iterations_left(self, stop: float, over: int = 2) -> float:
        """Return the iterations to go, as :func:`iterations_left`."""
        return iterations_left(self.history, stop, over)


def iterations_left(
    history: list[tuple[int, float]], stop: float, over: int = 2
) -> float:
    """Return the iterations to go, if the gap falls on as over the last ones.

    Infinite where it does not fall.

    Parameters
    ----------
    history : list of tuples
        Iterations and the gaps there.
    stop : float
        The gap to reach.
    over : int, default=2
        The number of gaps to go back.
    """
    (start, before), (end, gap) = history[-over - 1 :][0], history[-1]
    if not 0.0 < stop < gap < before:
        return np.inf
    return (end - start) * np.log(gap / stop) / np.log(before / gap)
