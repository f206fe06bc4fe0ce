"""Quantile loss (pinball loss), smoothed about zero: a quantile of y, not its mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.data._checks import is_number
from linmtl.losses._base import Loss, Score, parameter
from linmtl.losses._clipped import clipped_residual

_ROUNDING = 1e-12


@dataclass(frozen=True)
class QuantileLoss(Loss):
    """``level r`` where ``r = y - eta > 0``, else ``(level - 1) r``, smoothed about 0.

    Where ``|r| <= h / 2`` it is ``(level - 1/2) r + r^2 / (2 h) + h / 8``, which is the
    mean of the loss over a window of width ``h = smoothing``; the share of targets
    below the prediction then stays right, up to the square of h. Of all this its least
    value is taken off, ``h level (1 - level) / 2``.

    The conjugate at -u is ``h u (u + 1 - 2 level) / 2 - u y`` for u from ``level - 1``
    to ``level``.

    Parameters
    ----------
    level : float, default=0.5
        The share of targets below the prediction, in (0, 1).
    smoothing : float, default=0.1
        Width h of the window, > 0, in the units of y.

    References
    ----------
    Koenker and Bassett (1978), Regression quantiles. Fernandes, Guerre and Horta
    (2021), Smoothing quantile regressions.
    """

    name = "quantile"
    score = Score("quantile loss", 1.0, "quantile_path_", 1.0)
    about = (
        "The pinball loss, whose optimum is the quantile ``quantile_level`` of y in "
        "place of its mean, smoothed over a window of ``quantile_smoothing``."
    )
    formula = "pinball(y_i - x_i . w_t - b_t)"
    location = True
    mostly_flat = True
    kernel = staticmethod(clipped_residual)

    level: float = parameter(
        0.5,
        "The share of targets below predictions of the quantile loss, in (0, 1).",
    )
    smoothing: float = parameter(
        0.1,
        "Width of the window in which the quantile loss is smoothed, > 0, in the units "
        "of y: small beside its noise, but the smaller the slower.",
    )

    def check(self):
        if not (is_number(self.level) and 0 < self.level < 1):
            raise ValueError(
                f"quantile_level must be a number in (0, 1), got {self.level!r}"
            )
        if not (is_number(self.smoothing) and 0 < self.smoothing < np.inf):
            raise ValueError(
                "quantile_smoothing must be a finite number > 0, got "
                f"{self.smoothing!r}"
            )

    @property
    def kernel_parameters(self):
        level, h = float(self.level), float(self.smoothing)
        return (level - 0.5) * h, 1.0 / h, level - 1.0, level, False

    @property
    def curvature(self) -> float:
        return 1.0 / self.smoothing

    def value(self, y, eta):
        r, level, h = y - eta, self.level, self.smoothing
        near = np.clip(r, -h / 2, h / 2)
        beyond = (np.abs(r) - np.abs(near)) / 2
        # the square is complete at the least value
        square = (near - (0.5 - level) * h) ** 2 / (2 * h)
        return square + beyond + (level - 0.5) * (r - near)

    def derivative(self, y, eta):
        ramp = np.clip((y - eta) / self.smoothing, -0.5, 0.5)
        return -(ramp + (self.level - 0.5))

    def second_derivative(self, y, u):
        # u is a quotient by the weights: at its bounds up to rounding
        inside = np.abs(u - (self.level - 0.5)) < 0.5 * (1 - _ROUNDING)
        return inside / self.smoothing

    def conjugate(self, y, u):
        return u * (self.smoothing * (u + 1.0 - 2.0 * self.level) / 2 - y)

    def domain(self, y):
        return self.level - 1.0, self.level
