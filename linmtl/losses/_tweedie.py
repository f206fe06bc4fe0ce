"""Tweedie's losses between Poisson and gamma, for amounts with zeros; log link."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from linmtl.data._checks import is_number
from linmtl.losses._base import Score, parameter
from linmtl.losses._log_link import MAX_EXPONENT, LogLink

_STEPS = 50  # of Newton's method at most
_STEP_TOL = 1e-15


@dataclass(frozen=True)
class TweedieLoss(LogLink):
    """``m^a / a + y m^-c / c - y^a / (a c)``, a = 2 - power, c = power - 1.

    The mean is ``m = exp(eta)``; the loss is zero at ``m = y``. The conjugate at -u is
    ``-u (log y + z) - y^a ((exp(a z) - 1) / a + (exp(-c z) - 1) / c)`` where
    ``exp(a z) - exp(-c z) = -u / y^a``, and of ``y = 0`` ``-u (log(-u) - 1) / a``.

    Parameters
    ----------
    power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).

    References
    ----------
    Jorgensen (1987), Exponential dispersion models.
    """

    name = "tweedie"
    score = Score("Tweedie deviance", 2.0, "deviance_path_", 2.0)
    about = (
        "Half the deviance of amounts y >= 0, many of them zero perhaps, whose "
        "variance is proportional to the power ``tweedie_power`` of their mean, "
        "``exp(x_i . w_t + b_t)``, which is what is predicted then."
    )
    formula = (
        "(m_i^a / a + y_i m_i^-c / c - y_i^a / (a c)), m_i = exp(x_i . w_t + b_t), "
        "a = 2 - power, c = power - 1"
    )
    one_sided = "zeros only"
    title, targets = "Tweedie", "amounts >= 0"

    power: float = parameter(
        1.5, "Power of the mean that the variance is proportional to, in (1, 2)."
    )

    def check(self):
        if not (is_number(self.power) and 1 < self.power < 2):
            raise ValueError(
                f"tweedie_power must be a number in (1, 2), got {self.power!r}; "
                "loss='poisson' is 1 and loss='gamma' 2"
            )

    @property
    def _exponents(self):
        return 2.0 - self.power, self.power - 1.0

    def value(self, y, eta):
        a, c = self._exponents
        up, down = self._terms(y, eta)
        return np.maximum(up / a + down / c - y**a / (a * c), 0.0)

    def derivative(self, y, eta):
        up, down = self._terms(y, eta)
        return up - down

    def _terms(self, y, eta):
        """Return ``m^a`` and ``y m^-c``."""
        a, c = self._exponents
        eta = np.clip(eta, -MAX_EXPONENT, MAX_EXPONENT)
        return np.exp(a * eta), y * np.exp(-c * eta)

    def second_derivative(self, y, u):
        a, c = self._exponents
        _, z, scale = self._point(y, u)
        some = scale * (a * np.exp(a * z) + c * np.exp(-c * z))
        return np.where(y > 0, some, a * np.maximum(-u, 0.0))

    def conjugate(self, y, u):
        a, c = self._exponents
        log_y, z, scale = self._point(y, u)
        some = scale * (np.expm1(a * z) / a + np.expm1(-c * z) / c)
        mean = np.where(y > 0, 0.0, np.maximum(-u, 0.0))
        none = (xlogy(mean, mean) - mean) / a
        return np.where(y > 0, -u * (log_y + z) - some, none)

    def domain(self, y):
        return -np.inf, np.where(y > 0, np.inf, 0.0)

    def size(self, y):
        a, c = self._exponents
        return y**a * (1.0 + np.abs(np.log(np.where(y > 0, y, 1.0)))) / (a * c)

    def _point(self, y, u):
        """Return log y, z and y^a where minus the derivative is u, for y > 0."""
        a, c = self._exponents
        some = y > 0
        log_y = np.log(np.where(some, y, 1.0))
        scale = np.exp(a * log_y)
        return log_y, _difference_of_exponentials(-u * some / scale, a, c), scale


def _difference_of_exponentials(v, a, c):
    """Return z with ``exp(a z) - exp(-c z) = v``, for ``a + c = 1``.

    Newton's method on ``a z = log(v + exp(-c z))`` where v and z are not negative, else
    on its mirror image: the difference of the sides is concave and increases, and from
    zero the steps stay below the root.
    """
    sign = np.where(v < 0, -1.0, 1.0)
    v = np.abs(v)
    a, c = np.where(sign < 0, c, a), np.where(sign < 0, a, c)
    z = np.zeros_like(v)
    for _ in range(_STEPS):
        less = np.expm1(-c * z)
        over = np.log1p(v + less) - a * z
        step = over / (a + c * (1.0 + less) / (1.0 + v + less))
        z += step
        if np.all(np.abs(step) <= _STEP_TOL * (1.0 + z)):
            break
    return sign * z
