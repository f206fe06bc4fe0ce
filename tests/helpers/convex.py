"""Convex problems written out for a general solver."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import xlogy

DELTA = 0.7  # of the Huber loss


def loss_of(loss: str, y, eta, weight) -> cp.Expression:
    """Return ``sum_i weight_i loss(y_i, eta_i)``."""
    if loss == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(weight), y - eta)) / 2
    if loss == "huber":
        return weight @ cp.huber(y - eta, DELTA) / 2
    if loss == "poisson":
        return weight @ (cp.exp(eta) - cp.multiply(y, eta) + xlogy(y, y) - y)
    return weight @ cp.logistic(cp.multiply(-y, eta))


def least(expression, constraints: Sequence[Any] = (), **options) -> float:
    """Return the minimum by an interior-point method; variables hold the point."""
    problem = cp.Problem(cp.Minimize(expression), list(constraints))
    with warnings.catch_warnings():
        # some stop at its reduced accuracy, 5e-5; the tests then say whether it was
        # enough
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        return float(problem.solve(solver=cp.CLARABEL, **options))
