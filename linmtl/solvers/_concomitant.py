"""Alternating minimisation: the square-root loss, any penalty.

With the noise levels fixed, the problem is one of squared loss; with the coefficients
fixed, the best noise levels are the root mean squared residuals. Both together are a
jointly convex problem, whose fixed point Anderson's extrapolation of the logarithms of
the noise levels reaches in a few steps.

Owen (2007), A robust hybrid of lasso and ridge regression; Massias, Fercoq, Gramfort,
Salmon (2018), Generalized concomitant multi-task lasso for sparse multimodal
regression; Walker, Ni (2011), Anderson acceleration for fixed-point iterations.
"""

from __future__ import annotations

import numpy as np

from linmtl._objective import Objective
from linmtl._root_fit import RootFit

_MEMORY = 5  # steps that an extrapolation looks back
_FAR = 2.0  # an extrapolation moves a logarithm by this much more than a step at most
_SMALLEST = 1e-9  # noise level, relative to that of the null model, that has digits
_START = 1e-3  # the same, to start from
_INNER = 0.1  # accuracy of a problem with fixed noise, relative to the gap
_LAST = 0.3  # the same, relative to the tolerance
_FALL = 0.9  # a gap that falls by less is not falling
_MAX_STALLED = 30


class Concomitant:
    """The package's solver for the squared loss inside a fixed-point iteration."""

    name = "concomitant"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not isinstance(objective.base_fit, RootFit):
            return "the square-root loss"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        fit = objective.base_fit
        try:
            self._alternate(fit, objective, W, stop, max_iter, monitor)
        finally:
            fit.floor = np.zeros_like(fit.floor)

    def _alternate(self, fit, objective, W, stop, max_iter, monitor):
        from linmtl.solvers._base import minimise  # which chooses this solver, too

        smallest = _smallest_noise(fit, stop)
        fit.loss_at(objective.penalty.coefficients(W))
        sigma = np.maximum(fit.noise, np.maximum(smallest, _START * fit.null_noise))
        fixed_point = FixedPoint()
        least, stalled, steps = np.inf, 0, 0
        while stalled < _MAX_STALLED:
            result = minimise(
                Objective(fit.weighted(sigma), objective.penalty),
                tol=_inner_gap(fit, objective, monitor, W, stop),
                scale=1.0,
                max_iter=max_iter - steps,
                W0=W,
            )
            W[:] = result.point
            steps += result.n_iter
            fit.floor = sigma
            if monitor.done(W, steps, stop) or steps >= max_iter:
                return
            if monitor.best_gap < _FALL * least:
                least, stalled = monitor.best_gap, 0
            else:
                stalled += 1
            noise = np.maximum(fit.noise, smallest)
            sigma = np.exp(
                fixed_point.next(np.log(sigma), np.log(noise), fit.data.total * noise)
            )
            sigma = np.maximum(sigma, smallest)


def _inner_gap(fit, objective, monitor, W, stop):
    """Return how accurately to solve the problem with fixed noise levels.

    Residuals that have to be scaled by 1 - s to be a point of the dual problem cost the
    square-root loss s times the objective, but the squared loss only s times the
    penalty and s^2 times the loss.
    """
    total = monitor.best_value
    s = max(_INNER * monitor.best_gap, _LAST * stop) / max(total, np.finfo(float).tiny)
    penalty = min(objective.penalty.value(W), total)
    return s * (penalty + s * (total - penalty) / 2.0)


def _smallest_noise(fit: RootFit, stop: float) -> np.ndarray:
    """Return the noise levels below which a task counts as interpolated.

    A noise level that should be smaller costs the gap no more than this one.
    """
    null = fit.null_noise
    size = np.where(null > 1e-12 * null.max(initial=0.0), null, null.max(initial=0.0))
    size[size == 0] = 1.0
    share = 0.1 * stop / max(float(fit.data.total @ size), np.finfo(float).tiny)
    return np.clip(share, _SMALLEST, _START) * size


class FixedPoint:
    """Anderson's extrapolation of a fixed-point iteration."""

    def __init__(self):
        self._points: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []
        self._length = np.inf

    def next(self, x: np.ndarray, image: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return where to go from x, whose image is given.

        ``weight`` says how much each entry counts.
        """
        step, root = image - x, np.sqrt(weight)
        length = float(np.linalg.norm(root * step))
        if length > 2.0 * self._length:  # it led astray: forget it
            self._points.clear()
            self._steps.clear()
        self._length = length
        self._points.append(x)
        self._steps.append(step)
        del self._points[: -_MEMORY - 1], self._steps[: -_MEMORY - 1]
        if len(self._points) == 1:
            return image
        moves, changes = np.diff(self._points, axis=0), np.diff(self._steps, axis=0)
        mix = np.linalg.lstsq((root * changes).T, root * step, rcond=1e-10)[0]
        move = np.clip(-(mix @ (moves + changes)), -_FAR, _FAR)
        return image + move
