"""Convex problems written out for a general solver."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import cvxpy as cp


def least(expression, constraints: Sequence[Any] = (), **options) -> float:
    """Return the minimum by an interior-point method; variables hold the point."""
    problem = cp.Problem(cp.Minimize(expression), list(constraints))
    with warnings.catch_warnings():
        # some stop at its reduced accuracy, 5e-5; the tests then say whether it was
        # enough
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        return float(problem.solve(solver=cp.CLARABEL, **options))
