"""Huber's loss: squared near zero, linear beyond; outliers have a bounded say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.data._checks import is_number
from linmtl.losses._base import Loss, Score, parameter
from linmtl.losses._clipped import clipped_residual


@dataclass(frozen=True)
class HuberLoss(Loss):
    """``r^2 / 2`` where ``|r| = |y - eta| <= delta``, else ``delta |r| - delta^2 / 2``.

    The conjugate at -u is ``u^2 / 2 - u y`` for ``|u| <= delta``.

    Parameters
    ----------
    delta : float, default=1.35
        Where the loss becomes linear, > 0, in the units of y.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter.
    """

    name = "huber"
    score = Score("Huber loss", 1.0, "huber_path_", 1.0)
    about = (
        "Half the squared residual as far as ``huber_delta``, linear beyond, so that "
        "outliers have a bounded say."
    )
    formula = "huber(y_i - x_i . w_t - b_t)"
    curvature = 1.0
    location = True
    kernel = staticmethod(clipped_residual)

    delta: float = parameter(
        1.35, "Where the Huber loss becomes linear, > 0, in the units of y."
    )

    @property
    def kernel_parameters(self):
        return 0.0, 1.0, -float(self.delta), float(self.delta), False

    def check(self):
        if not (is_number(self.delta) and 0 < self.delta < np.inf):
            raise ValueError(
                f"huber_delta must be a finite number > 0, got {self.delta!r}"
            )

    def value(self, y, eta):
        r = np.abs(y - eta)
        near = np.minimum(r, self.delta)
        return near * (r - near / 2)

    def derivative(self, y, eta):
        return np.clip(eta - y, -self.delta, self.delta)

    def second_derivative(self, y, u):
        # u is a quotient by the weights: on the linear part it is delta up to rounding
        return (np.abs(u) < self.delta * (1 - 1e-12)).astype(float)

    def model_curvature(self, y, eta, sharpness=np.inf):
        # At a sharpness of 1 the model is above the loss. Newton's method has to find
        # the rows beyond delta, and with none of their curvature goes back and forth.
        return (self.delta / np.maximum(np.abs(y - eta), self.delta)) ** sharpness

    def conjugate(self, y, u):
        return u * (u / 2 - y)

    def domain(self, y):
        return -self.delta, self.delta
