"""Which method solves which problem.

Each method says by ``missing(objective)`` what a problem lacks for it, from the traits
of the datafit and the penalty.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from linmtl.solvers._admm import AlternatingDirections
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._backtracking import Backtracking
from linmtl.solvers._conjugate_gradients import ConjugateGradients
from linmtl.solvers._direct import Direct, Newton
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._network import NetworkDescent
from linmtl.solvers._objective import LARGE_SYSTEM, Objective
from linmtl.solvers._prox_newton import ProxNewton
from linmtl.solvers._second_order import SecondOrder
from linmtl.solvers._working_set import WorkingSet


class Method(Protocol):
    """A method of minimising an objective."""

    name: str

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this method, None where it applies."""

    def solve(
        self,
        objective: Objective,
        W: np.ndarray,
        stop: float,
        max_iter: int,
        monitor: Monitor,
    ) -> None:
        """Minimise from W in place, reporting to the monitor, to a gap of ``stop``."""


METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        AcceleratedProximalGradient,
        WorkingSet,
        ProxNewton,
        NetworkDescent,
        AlternatingDirections,
        SecondOrder,
        Direct,
        Newton,
        ConjugateGradients,
        Backtracking,
    )
}


def choose_method(objective: Objective) -> type[Method]:
    """Return the fastest method that applies to a smooth loss."""
    fit, norm = objective.fit, objective.penalty.norm
    if norm is not None:
        candidates: tuple[type[Method], ...] = (
            WorkingSet,
            ProxNewton,
            NetworkDescent,
            AlternatingDirections,
            SecondOrder,
        )
    else:
        d, rows = fit.n_features, fit.row_count
        large = min(d, rows) > LARGE_SYSTEM or d > 4 * LARGE_SYSTEM
        candidates = () if large else (Direct, Newton)
        if fit.coupled and fit.column_groups is None:
            candidates = (ConjugateGradients,)
        if fit.holds_rows and 8.0 * rows * d > fit.data.design.spare_bytes:
            candidates = (ConjugateGradients,)
    candidates += AcceleratedProximalGradient, Backtracking
    return next(m for m in candidates if m.missing(objective) is None)
