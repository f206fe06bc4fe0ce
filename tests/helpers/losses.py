"""Losses written out from the documentation, in NumPy and in cvxpy."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.special import huber, xlogy

from linmtl.losses import LOSSES

DELTA = 0.7  # of the Huber loss
FORMULAS = {
    "squared": lambda y, eta: (y - eta) ** 2 / 2,
    "huber": lambda y, eta: huber(DELTA, y - eta),
    "poisson": lambda y, eta: np.exp(eta) - y * eta + xlogy(y, y) - y,
    "logistic": lambda y, eta: np.logaddexp(0.0, -y * eta),
}


def make_loss(name: str):
    """Return the package's loss with the parameters of these formulas."""
    return LOSSES[name](*([DELTA] if name == "huber" else []))


def loss_of(name: str, y, eta, weight) -> cp.Expression:
    """Return ``sum_i weight_i loss(y_i, eta_i)`` for cvxpy's eta."""
    if name == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(weight), y - eta)) / 2
    if name == "huber":
        return weight @ cp.huber(y - eta, DELTA) / 2
    if name == "poisson":
        return weight @ (cp.exp(eta) - cp.multiply(y, eta) + xlogy(y, y) - y)
    return weight @ cp.logistic(cp.multiply(-y, eta))
