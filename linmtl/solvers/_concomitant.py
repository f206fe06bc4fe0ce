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

from linmtl._datafit import GramFit
from linmtl._objective import Objective
from linmtl._root_fit import RootFit
from linmtl.solvers._direct import Direct
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._prox_newton import model_minimum
from linmtl.solvers._working_set import WorkingSet, gram_pays

_MEMORY = 5  # steps that an extrapolation looks back
_FAR = 2.0  # an extrapolation moves a logarithm by this much more than a step at most
_SMALLEST = 1e-9  # noise level, relative to that of the null model, that has digits
_START = 1e-3  # the same, to start from
_INNER = 0.1  # accuracy of a problem with fixed noise, relative to the gap
_LAST = 0.3  # the same, relative to the tolerance
_FALL = 0.9  # a gap that falls by less is not falling
_MAX_STALLED = 30
_MAX_IDLE = 10  # certificates without progress


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
        smallest = _smallest_noise(fit, stop)
        fit.loss_at(objective.penalty.coefficients(W))
        sigma = np.maximum(fit.noise, np.maximum(smallest, _START * fit.null_noise))
        fixed_point = FixedPoint()
        least, stalled, steps = np.inf, 0, 0
        while stalled < _MAX_STALLED:
            part = Objective(fit.weighted(sigma), objective.penalty)
            accuracy = max(_INNER * monitor.best_gap, _LAST * stop)
            steps += _solve_part(
                part, W, accuracy, monitor.best_value, max_iter - steps
            )
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


def _solve_part(
    part: Objective, W: np.ndarray, accuracy: float, value: float, max_iter: int
) -> int:
    """Solve the problem with fixed noise levels in place; return the iterations.

    Residuals that have to be scaled by 1 - s to be a point of the dual problem cost the
    square-root loss s times the objective, but the squared loss s^2 times, which soon
    is less than rounding. So the solver for the squared loss is run until its own gap
    is small, and then until the loss is.
    """
    from linmtl.solvers._base import SOLVERS, choose_solver, minimise

    method = SOLVERS[choose_solver(part)]
    polish = Polish(part, accuracy, value)
    if method is Direct:
        polish = Polish(part, -np.inf, value)  # refined to the end
        Direct().solve(part, W.copy(), 0.0, max_iter, polish)
        W[:] = polish.closest
        return polish.n_iter
    s = accuracy / max(value, np.finfo(float).tiny)
    result = minimise(part, tol=s * accuracy / 2.0, scale=1.0, max_iter=max_iter, W0=W)
    W[:] = result.point
    steps = result.n_iter
    if polish.done(W, 0, 0.0) or steps >= max_iter:
        return steps
    if method is WorkingSet:
        ridge = float(part.penalty.quadratic.diagonal[0])
        grams = isinstance(part.fit, GramFit) or gram_pays(part.fit.data.design, len(W))
        W[:] = model_minimum(part, W, part.D, ridge, grams)
        return steps + 1
    method().solve(part, W.copy(), 0.0, max_iter - steps, polish)
    W[:] = polish.closest
    return steps + polish.n_iter


class Polish(Monitor):
    """Keeps the point whose residuals, almost as they are, solve the dual problem.

    Attributes
    ----------
    closest : ndarray of shape (n_features, n_columns)
        The best point in that sense.
    """

    def __init__(self, objective: Objective, accuracy: float, size: float):
        super().__init__(objective)
        self.accuracy, self.size = accuracy, size
        self.closest: np.ndarray | None = None
        self._least = np.inf
        self._idle = 0

    def done(self, W, iteration, stop, residuals=None):
        super().done(W, iteration, stop, residuals)
        limit = min(self.objective.limit, 1.0)
        loss = (1.0 - limit) * self.size
        loss += self.value - self.objective.dual_at(limit)
        self._idle += 1
        if loss < self._least or self.objective.penalty.norm is None:
            self._least, self.closest, self._idle = loss, W.copy(), 0
        return self._least <= self.accuracy or self._idle > _MAX_IDLE


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
