"""Losses written out from the documentation, in NumPy and in cvxpy."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.special import huber, xlogy

from linmtl.losses import LOSSES

DELTA = 0.7  # of the Huber loss
POWER = 1.4  # of the Tweedie loss
LEVEL, WIDTH = 0.7, 0.4  # of the quantile loss
PARAMETERS = {
    "huber": {"delta": DELTA},
    "quantile": {"level": LEVEL, "smoothing": WIDTH},
    "tweedie": {"power": POWER},
}
A, C = 2 - POWER, POWER - 1
FORMULAS = {
    "squared": lambda y, eta: (y - eta) ** 2 / 2,
    "huber": lambda y, eta: huber(DELTA, y - eta),
    # half the absolute residual is smoothed as by Huber's loss
    "quantile": lambda y, eta: (
        (LEVEL - 0.5) * (y - eta)
        + huber(WIDTH / 2, y - eta) / WIDTH
        + WIDTH / 8
        - WIDTH * LEVEL * (1 - LEVEL) / 2
    ),
    "poisson": lambda y, eta: np.exp(eta) - y * eta + xlogy(y, y) - y,
    "gamma": lambda y, eta: y * np.exp(-eta) - 1 - np.log(y) + eta,
    "tweedie": lambda y, eta: (
        np.exp(A * eta) / A + y * np.exp(-C * eta) / C - y**A / (A * C)
    ),
    "squared_hinge": lambda y, eta: np.maximum(1 - y * eta, 0) ** 2 / 2,
    "logistic": lambda y, eta: np.logaddexp(0.0, -y * eta),
}


def make_loss(name: str):
    """Return the package's loss with the parameters of these formulas."""
    return LOSSES[name](**PARAMETERS.get(name, {}))


def loss_of(name: str, y, eta, weight) -> cp.Expression:
    """Return ``sum_i weight_i loss(y_i, eta_i)`` for cvxpy's eta."""
    if name == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(weight), y - eta)) / 2
    if name == "huber":
        return weight @ cp.huber(y - eta, DELTA) / 2
    if name == "quantile":
        least = WIDTH * LEVEL * (1 - LEVEL) / 2 - WIDTH / 8
        smooth = cp.huber(y - eta, WIDTH / 2) / (2 * WIDTH)
        return weight @ ((LEVEL - 0.5) * (y - eta) + smooth - least)
    if name == "poisson":
        return weight @ (cp.exp(eta) - cp.multiply(y, eta) + xlogy(y, y) - y)
    if name == "gamma":
        return weight @ (cp.multiply(y, cp.exp(-eta)) + eta - np.log(y) - 1)
    if name == "tweedie":
        up, down = cp.exp(A * eta) / A, cp.multiply(y, cp.exp(-C * eta)) / C
        return weight @ (up + down - y**A / (A * C))
    if name == "squared_hinge":
        return weight @ cp.square(cp.pos(1 - cp.multiply(y, eta))) / 2
    return weight @ cp.logistic(cp.multiply(-y, eta))
