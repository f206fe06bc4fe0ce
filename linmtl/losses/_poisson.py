"""Poisson loss for counts, with a log link: half the deviance."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from linmtl.losses._base import Score
from linmtl.losses._log_link import MAX_EXPONENT, LogLink


class PoissonLoss(LogLink):
    """``exp(eta) - y eta + y log y - y``, zero at ``exp(eta) = y``.

    The conjugate at -u is ``m log m - m - y log y + y`` with ``m = y - u >= 0``.
    Targets are counts or rates, y >= 0; predictions are their means, exp(eta).
    """

    name = "poisson"
    score = Score("Poisson deviance", 2.0, "deviance_path_", 2.0)
    about = (
        "Half the deviance of counts or rates y >= 0 whose mean is "
        "``exp(x_i . w_t + b_t)``, which is what is predicted then."
    )
    formula = "(exp(eta_i) - y_i eta_i + y_i log y_i - y_i), eta_i = x_i . w_t + b_t"
    likelihood = True
    one_sided = "counts of zero only"
    power = 1.0
    title, targets = "Poisson", "counts or rates >= 0"

    def value(self, y, eta):
        eta = np.minimum(eta, MAX_EXPONENT)
        return np.maximum(np.exp(eta) - y * eta + xlogy(y, y) - y, 0.0)

    def derivative(self, y, eta):
        return self.mean(eta) - y

    def second_derivative(self, y, u):
        return np.maximum(y - u, 0.0)

    def conjugate(self, y, u):
        m = np.maximum(y - u, 0.0)
        return xlogy(m, m) - m - xlogy(y, y) + y

    def domain(self, y):
        return -np.inf, y

    def size(self, y):
        return np.abs(xlogy(y, y)) + y
