"""Gamma loss for amounts, with a log link: half the deviance."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from linmtl.losses._base import Score
from linmtl.losses._log_link import MAX_EXPONENT, LogLink

_TINY = np.finfo(float).tiny  # missing targets are held as 0


class GammaLoss(LogLink):
    """``y / m - log(y / m) - 1`` at the mean ``m = exp(eta)``, zero at ``m = y``.

    The conjugate at -u is ``r log r - r + 1 - u log y`` with ``r = 1 + u >= 0``.
    """

    name = "gamma"
    score = Score("gamma deviance", 2.0, "deviance_path_", 2.0)
    about = (
        "Half the deviance of amounts y > 0 whose standard deviation is proportional "
        "to their mean, ``exp(x_i . w_t + b_t)``, which is what is predicted then."
    )
    formula = "(y_i / m_i - log(y_i / m_i) - 1), m_i = exp(x_i . w_t + b_t)"
    power = 2.0
    positive = True
    title, targets = "gamma", "amounts > 0"

    def value(self, y, eta):
        d = np.log(np.maximum(y, _TINY)) - eta
        return np.maximum(np.expm1(np.minimum(d, MAX_EXPONENT)) - d, 0.0)

    def derivative(self, y, eta):
        d = np.log(np.maximum(y, _TINY)) - eta
        return -np.expm1(np.minimum(d, MAX_EXPONENT))

    def second_derivative(self, y, u):
        return np.maximum(1.0 + u, 0.0)

    def conjugate(self, y, u):
        r = np.maximum(1.0 + u, 0.0)
        return xlogy(r, r) - r + 1.0 - u * np.log(np.maximum(y, _TINY))

    def domain(self, y):
        return -1.0, np.inf

    def size(self, y):
        return 1.0 + np.abs(np.log(np.maximum(y, _TINY)))
