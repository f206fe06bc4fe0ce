"""Squared hinge loss: two classes by a margin, as of support vector machines."""

from __future__ import annotations

import numpy as np

from linmtl.losses._base import Score
from linmtl.losses._classes import TwoClasses
from linmtl.losses._clipped import clipped_residual


class SquaredHinge(TwoClasses):
    """``max(0, 1 - y eta)^2 / 2``; conjugate at -u: ``v^2 / 2 - v``, v = u y >= 0."""

    name = "squared_hinge"
    score = Score("squared hinge loss", 2.0, "hinge_path_", 2.0)
    about = (
        "Half the square of what a row falls short of a margin of 1 on the side of its "
        "class, as in linear support vector machines; it knows no probabilities."
    )
    formula = "max(0, 1 - y_i (x_i . w_t + b_t))^2 / 2"
    curvature = 1.0
    kernel = staticmethod(clipped_residual)
    kernel_parameters = 0.0, 1.0, 0.0, np.inf, True

    def value(self, y, eta):
        return np.maximum(1.0 - y * eta, 0.0) ** 2 / 2

    def derivative(self, y, eta):
        return -y * np.maximum(1.0 - y * eta, 0.0)

    def second_derivative(self, y, u):
        return (u * y > 0).astype(float)

    def conjugate(self, y, u):
        v = u * y
        return v * (v / 2 - 1.0)

    def domain(self, y):
        return np.where(y > 0, 0.0, -np.inf), np.where(y > 0, np.inf, 0.0)
