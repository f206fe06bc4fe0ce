"""Alternating minimisation: the square-root loss, any penalty.

With the noise levels fixed, the problem is one of squared loss; with the coefficients
fixed, the best noise levels are the root mean squared residuals. Both together are a
jointly convex problem, whose fixed point Anderson's extrapolation of the noise levels
reaches in a few steps.

Owen (2007), A robust hybrid of lasso and ridge regression; Massias, Fercoq, Gramfort,
Salmon (2018), Generalized concomitant multi-task lasso for sparse multimodal
regression; Walker, Ni (2011), Anderson acceleration for fixed-point iterations.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from linmtl.datafits._root import RootFit
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._admm import AlternatingDirections
from linmtl.solvers._choice import choose_method
from linmtl.solvers._direct import Direct
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective
from linmtl.solvers._prox_newton import SecondOrderModel
from linmtl.solvers._working_set import WorkingSet, gram_pays

_STEPS_KEPT = 5  # steps that an extrapolation looks back
_LARGEST_CHANGE = 10.0  # factor by which an extrapolation changes a noise level at most
_SMALLEST_NOISE = (
    1e-9  # noise level, relative to that of the null model, that has digits
)
_FIRST_NOISE = 1e-3  # the same, to start from
_INNER_ACCURACY = 0.1  # accuracy of a problem with fixed noise, relative to the gap
_LAST_ACCURACY = 0.3  # the same, relative to the tolerance
_LEAST_FALL = 0.9  # a gap that falls by less is not falling
_MAX_STALLED = 30
_FIRST_ITERATIONS = (
    300  # iterations of a solver before alternating directions take over
)
_SPLITTING_ITERATIONS = (
    1000  # iterations of those before the noise levels move on all the same
)
_MAX_IDLE = 10  # certificates without progress where the gap is all rounding


class Concomitant:
    """The package's solver for the squared loss inside a fixed-point iteration."""

    name = "concomitant"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not objective.fit.reweightable:
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
        sigma = _first_noise(objective, W, smallest)
        fixed_point = FixedPoint(fit.data.total)
        inner, share = Inner(), _INNER_ACCURACY
        least, stalled, steps = np.inf, 0, 0
        while stalled < _MAX_STALLED:
            part = Objective(fit.weighted(sigma), objective.penalty)
            accuracy = max(share * monitor.best_gap, _LAST_ACCURACY * stop)
            left = max_iter - steps
            steps += inner.solve(part, W, accuracy, monitor.best_value, left)
            fit.floor = sigma
            if monitor.done(W, steps, stop) or steps >= max_iter:
                return
            if monitor.best_gap < _LEAST_FALL * least:
                least, stalled = monitor.best_gap, 0
            else:  # what is extrapolated may be errors
                stalled, share = stalled + 1, share / 2.0
            if monitor.value > monitor.best_value + accuracy:
                W[:] = monitor.best_W
                fit.loss_at(objective.penalty.coefficients(W))
                sigma = np.maximum(fit.noise, smallest)
                fixed_point = FixedPoint(fit.data.total)
            else:
                noise = np.maximum(fit.noise, smallest)
                if not inner.accurate:
                    fixed_point = FixedPoint(fit.data.total)
                sigma = np.maximum(fixed_point.next(sigma, noise), smallest)


class Inner:
    """The solver for fixed noise levels: the package's, or alternating directions.

    Where few residuals are left, coordinates creep, and so do gradient steps: then it
    goes on by alternating directions.

    Attributes
    ----------
    accurate : bool
        Whether the last problem was solved as accurately as asked for.
    """

    def __init__(self):
        self.accurate = True
        self._splitting = False

    def solve(
        self,
        part: Objective,
        W: np.ndarray,
        accuracy: float,
        size: float,
        max_iter: int,
    ) -> int:
        """Solve the problem in place and return the iterations.

        ``accuracy`` is what its error may cost the square-root loss, see `Accurate`;
        ``size`` the objective with that loss.
        """
        method, resolution = choose_method(part), part.rounding
        if method is Direct:
            accuracy = -np.inf  # a factor is at hand: refine to the end
        monitor = Accurate(part, accuracy, size, resolution)
        if monitor.done(W, 0, resolution):
            self.accurate = True
            return 1
        steps, splits = 0, method is not Direct and _splits(part)
        if not (splits and self._splitting):
            monitor.by_gap = method is WorkingSet
            limit = min(max_iter, _FIRST_ITERATIONS) if splits else max_iter
            method().solve(part, W.copy(), resolution, limit, monitor)
            W[:], steps = monitor.closest, monitor.n_iter
        rounded = monitor.best_gap <= resolution
        if splits and monitor.loss > accuracy and not rounded and steps < max_iter:
            monitor.by_gap = False
            monitor.done(W, 0, resolution)
            limit = min(max_iter - steps, _SPLITTING_ITERATIONS)
            AlternatingDirections().solve(part, W.copy(), resolution, limit, monitor)
            W[:], steps = monitor.closest, steps + monitor.n_iter
            self._splitting = monitor.loss <= accuracy
        elif method is WorkingSet and monitor.loss > accuracy:
            part.certificate(W)
            fit = part.fit
            grams = not fit.holds_rows or gram_pays(fit.data.design, len(W))
            W[:] = SecondOrderModel(part, W, grams).minimum(part, W, part.D)
        self.accurate = rounded or monitor.loss <= accuracy or method is Direct
        return steps


def _splits(part: Objective) -> bool:
    """Whether alternating directions apply, though they are not the first choice."""
    fit, quadratic = part.fit, part.penalty.base_quadratic
    if not isinstance(part.penalty.norm, RowSeparable):
        return False
    if not (quadratic.is_diagonal and quadratic.equal_ridge):
        return False
    return not fit.holds_rows or not sparse.issparse(fit.data.design.block(0))


class Accurate(Monitor):
    """Stops where the residuals, as they are, nearly solve the dual problem.

    Residuals that have to be scaled by s to be a point of the dual problem cost the
    square-root loss ``|1 - s|`` times the objective, but the squared loss its square,
    which soon is less than rounding.

    Parameters
    ----------
    objective : Objective
        A problem of squared loss.
    accuracy : float
        What an error may cost the square-root loss.
    size : float
        The objective with that loss.
    resolution : float
        Gaps below are nothing but rounding.

    Attributes
    ----------
    by_gap : bool
        Whether the solver goes by its gap, and is of no use below the resolution.
    closest : ndarray of shape (n_features, n_columns)
        The best point in that sense.
    loss : float
        What its error costs.
    """

    def __init__(
        self, objective: Objective, accuracy: float, size: float, resolution: float
    ):
        super().__init__(objective)
        self.accuracy, self.size, self.resolution = accuracy, size, resolution
        self.by_gap = False
        self.closest: np.ndarray | None = None
        self.loss = np.inf
        self._idle = 0

    def done(self, W, iteration, stop, residuals=None):
        super().done(W, iteration, stop, residuals)
        limit = min(self.objective.limit, 1.0)
        loss = (1.0 - limit) * self.size
        loss += self.value - self.objective.dual_at(limit)
        exact = self.best_gap <= self.resolution
        self._idle += exact
        if loss < self.loss or self.objective.penalty.norm is None:
            self.loss, self.closest, self._idle = loss, W.copy(), 0
        return (
            self.loss <= self.accuracy
            or (exact and self.by_gap)
            or self._idle > _MAX_IDLE
        )


def _smallest_noise(fit: RootFit, stop: float) -> np.ndarray:
    """Return the noise levels below which a task counts as interpolated.

    A noise level that should be zero costs the gap a fraction of the tolerance.
    """
    null = fit.null_noise
    size = np.where(null > 1e-12 * null.max(initial=0.0), null, null.max(initial=0.0))
    size[size == 0] = 1.0
    share = 0.5 * stop / max(float(fit.data.total @ size), np.finfo(float).tiny)
    return np.clip(share, _SMALLEST_NOISE, _FIRST_NOISE) * size


def _first_noise(objective, W, smallest):
    """Return the noise levels at W, or more where the residuals are nearly nothing.

    An interpolating solution stays one as the penalty becomes weaker, its residuals in
    proportion to the noise level times the strength.
    """
    objective.certificate(W)
    fit = objective.base_fit
    sigma = np.maximum(fit.noise, smallest)
    few = _FIRST_NOISE * fit.null_noise
    larger = sigma / np.clip(objective.limit, 1e-300, 1.0)
    return np.where(sigma < few, np.minimum(larger, few), sigma)


class FixedPoint:
    """Anderson's extrapolation of a fixed-point iteration on positive numbers.

    Parameters
    ----------
    weight : ndarray
        How much each of the numbers counts.
    """

    def __init__(self, weight: np.ndarray):
        self.weight = weight
        self._points: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []
        self._length = np.inf

    def next(self, x: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Return where to go from x, whose image is given."""
        step = image - x
        length = float(np.linalg.norm(self.weight * step))
        if length > 2.0 * self._length:  # it led astray: forget it
            self._points.clear()
            self._steps.clear()
        self._length = length
        self._points.append(x)
        self._steps.append(step)
        del self._points[: -_STEPS_KEPT - 1], self._steps[: -_STEPS_KEPT - 1]
        if len(self._points) == 1:
            return image
        moves, changes = np.diff(self._points, axis=0), np.diff(self._steps, axis=0)
        system = (self.weight * changes).T
        mix = np.linalg.lstsq(system, self.weight * step, rcond=1e-10)[0]
        return np.clip(
            image - mix @ (moves + changes),
            image / _LARGEST_CHANGE,
            image * _LARGEST_CHANGE,
        )
