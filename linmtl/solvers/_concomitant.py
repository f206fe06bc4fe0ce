"""Alternating minimisation: the square-root loss, any penalty.

With the noise levels fixed, the problem is one of squared loss; with the coefficients
fixed, the best noise levels are the root mean squared residuals. Both together are a
jointly convex problem, whose fixed point Anderson's extrapolation of the noise levels
reaches in a few steps.

A task that is fitted exactly has no noise level to divide by. Where little is left of
the residuals of a task, their direction of the last step, times a noise level that
stays above zero, is added to them: the proximal method of multipliers, whose limit is
exact.

Owen (2007), A robust hybrid of lasso and ridge regression; Massias, Fercoq, Gramfort,
Salmon (2018), Generalized concomitant multi-task lasso for sparse multimodal
regression; Walker, Ni (2011), Anderson acceleration for fixed-point iterations;
Rockafellar (1976), Augmented Lagrangians and applications of the proximal point
algorithm in convex programming.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linmtl.datafits._root import RootFit
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._admm import AlternatingDirections
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._choice import choose_method
from linmtl.solvers._direct import Direct
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective
from linmtl.solvers._prox_newton import ProxNewton, SecondOrderModel
from linmtl.solvers._working_set import WorkingSet, gram_pays

_STEPS_KEPT = 5  # steps that an extrapolation looks back
_LARGEST_CHANGE = 10.0  # factor by which an extrapolation changes a noise level at most
# Multipliers are for tasks whose noise is below this, relative to that of the null
# model; it is their size at first.
_HELD_NOISE = 0.1
_RELEASED_NOISE = 2.0  # times that, from which a task does without them again
_SMALLEST_NOISE = 1e-6  # relative as well: noise levels and multipliers are no smaller
_FIRST_NOISE = 1e-3  # the same, to start from
# What multipliers leave of the residuals costs a share of the gap: beyond the first
# they are made smaller by the factor, for faster progress; below the second larger, for
# better conditioned problems.
_DEAR, _CHEAP = 0.3, 0.01
_FACTOR = 5.0
_INNER_ACCURACY = 0.1  # accuracy of a problem with fixed noise, relative to the gap
_LAST_ACCURACY = 0.3  # the same, relative to the tolerance
_LEAST_FALL = 0.9  # a gap that falls by less is not falling
_MAX_STALLED = 30
_FIRST_ITERATIONS = 300  # of a solver before alternating directions take over
_SPLITTING_ITERATIONS = 1000  # of those before the noise levels move on all the same
_MAX_IDLE = 10  # certificates without progress where the gap is all rounding
_MAX_EXTRA = 10  # certificates for the sake of the tasks held


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
        fit = objective.whole_fit
        try:
            self._alternate(fit, objective, W, stop, max_iter, monitor)
        finally:
            fit.floor, fit.shift = np.zeros_like(fit.floor), None

    def _alternate(self, fit, objective, W, stop, max_iter, monitor):
        levels = NoiseLevels(fit, _first_noise(objective, W))
        inner, share = Inner(), _INNER_ACCURACY
        penalty = replace(objective.penalty, intercepts=False)  # they are in the fit
        least, stalled, steps = np.inf, 0, 0
        while stalled < _MAX_STALLED:
            part = Objective(fit.weighted(levels.sigma), penalty)
            accuracy = max(share * monitor.best_gap, _LAST_ACCURACY * stop)
            left = max_iter - steps
            cost = Cost(accuracy, monitor.best_value, levels.held_weight(fit))
            steps += inner.solve(part, W, cost, left)
            fit.floor = levels.sigma
            if monitor.done(W, steps, stop) or steps >= max_iter:
                return
            if monitor.best_gap < _LEAST_FALL * least:
                least, stalled = monitor.best_gap, 0
            else:  # what is extrapolated may be errors
                stalled, share = stalled + 1, share / 2.0
            if monitor.value > monitor.best_value + accuracy and not levels.held.any():
                W[:] = monitor.best_W
                fit.loss_at(penalty.coefficients(W))
                levels.restart(fit)
            else:
                levels.update(fit, inner.accurate, monitor.gap)


class NoiseLevels:
    """The noise levels to divide by, and the multipliers of tasks without noise.

    Parameters
    ----------
    fit : RootFit
        The loss; its shift is set.
    sigma : ndarray of shape (n_tasks,)
        The noise levels to start from.

    Attributes
    ----------
    held : ndarray of bool of shape (n_tasks,)
        Tasks whose residuals are nearly nothing, which multipliers are added to.
    floor : ndarray of shape (n_tasks,)
        The size of the multipliers, and the least noise level to divide by.
    """

    def __init__(self, fit: RootFit, sigma: np.ndarray):
        self.size = _noise_size(fit)
        self.floor = _HELD_NOISE * self.size
        self.sigma = np.maximum(sigma, _SMALLEST_NOISE * self.size)
        self.held = np.zeros(sigma.size, dtype=bool)
        self._fixed_point = FixedPoint(fit.data.total)
        self._direction = np.zeros_like(fit.theta)

    def held_weight(self, fit: RootFit) -> float:
        """Return the weight of the tasks held, times their noise levels."""
        return float(fit.data.total[self.held] @ self.sigma[self.held])

    def restart(self, fit: RootFit) -> None:
        """Go on from the noise at the point last evaluated."""
        self.sigma = np.maximum(fit.noise, _SMALLEST_NOISE * self.size)
        self._fixed_point = FixedPoint(fit.data.total)

    def update(self, fit: RootFit, accurate: bool, gap: float) -> None:
        """Take the next step from the point last evaluated, at this gap.

        ``accurate`` says whether the problem that led there was solved.
        """
        before, smallest = self.held, _SMALLEST_NOISE * self.size
        self.held = (
            fit.noise < np.where(before, _RELEASED_NOISE, 1.0) * _HELD_NOISE * self.size
        )
        noise = np.where(before, np.maximum(fit.level - self.floor, 0.0), fit.noise)
        direction = fit.directions(self.held)
        floor = self._next_floor(fit, direction, before & self.held, accurate, gap)
        if not accurate or np.any(before != self.held) or np.any(floor != self.floor):
            self._fixed_point = FixedPoint(fit.data.total)
        least = np.where(self.held, floor, smallest)
        image = np.where(self.held, noise + floor, np.maximum(noise, least))
        self.sigma = np.maximum(self._fixed_point.next(self.sigma, image), least)
        self.floor, self._direction = floor, direction
        fit.shift = fit.per_row(floor) * direction if self.held.any() else None

    def _next_floor(self, fit, direction, kept, accurate, gap):
        # the residuals of a task without noise are what its multipliers turned by
        turned = fit.size(direction - self._direction)
        cost = fit.data.total * self.floor * turned / gap
        factor = np.where(kept & (cost > _DEAR), 1.0 / _FACTOR, 1.0)
        factor[kept & (cost < _CHEAP)] = _FACTOR
        if not accurate:
            factor[self.held] = _FACTOR
        limits = _SMALLEST_NOISE * self.size, _HELD_NOISE * self.size
        return np.clip(factor * self.floor, *limits)


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
        cost: Cost,
        max_iter: int,
    ) -> int:
        """Solve the problem in place and return the iterations."""
        method, resolution = choose_method(part), part.rounding
        if method is ProxNewton:  # its steps do not ask how far residuals are enough
            splits = AlternatingDirections.missing(part) is None
            method = AlternatingDirections if splits else AcceleratedProximalGradient
        if method is Direct:  # a factor is at hand: refine to the end
            cost = replace(cost, allowed=-np.inf)
        accuracy = cost.allowed
        monitor = Accurate(part, cost, resolution)
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
        if splits and not (monitor.accurate or rounded) and steps < max_iter:
            monitor.by_gap = False
            monitor.done(W, 0, resolution)
            limit = min(max_iter - steps, _SPLITTING_ITERATIONS)
            AlternatingDirections().solve(part, W.copy(), resolution, limit, monitor)
            W[:], steps = monitor.closest, steps + monitor.n_iter
            self._splitting = monitor.accurate
        elif method is WorkingSet and monitor.loss > accuracy:
            part.certificate(W)
            fit = part.fit
            grams = not fit.holds_rows or gram_pays(fit.data.design, len(W))
            W[:] = SecondOrderModel(part, W, grams).minimum(part, W, part.D)
        self.accurate = rounded or monitor.accurate or method is Direct
        return steps


def _splits(part: Objective) -> bool:
    """Whether alternating directions apply, though they are not the first choice."""
    fit, quadratic = part.fit, part.penalty.base_quadratic
    if not isinstance(part.penalty.norm, RowSeparable):
        return False
    if not (quadratic.is_diagonal and quadratic.equal_ridge):
        return False
    return not fit.holds_rows or not fit.data.design.is_sparse


@dataclass(frozen=True)
class Cost:
    """What an error in the problem of squared loss costs the square-root loss.

    Residuals that have to be scaled by s to be a point of the dual problem cost it
    ``|1 - s|`` times the objective, but the squared loss its square, which soon is less
    than rounding. So do residuals of tasks that are fitted exactly.

    Attributes
    ----------
    allowed : float
        The cost at which to stop.
    size : float
        The objective with the square-root loss.
    held : float
        The weight of the tasks that are fitted exactly, times their noise levels.
    """

    allowed: float
    size: float
    held: float

    def of(self, limit: float, gap: float) -> tuple[float, float]:
        """Return the cost of a gap at the residuals scaled by ``limit``.

        Without and with what it makes of the residuals of the tasks held.
        """
        gap = max(gap, 0.0)
        cost = (1.0 - limit) * self.size + gap
        return cost, cost + float(np.sqrt(2.0 * self.held * gap))


class Accurate(Monitor):
    """Stops where the residuals, as they are, nearly solve the dual problem.

    Parameters
    ----------
    objective : Objective
        A problem of squared loss.
    cost : Cost
        What its error costs.
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
    accurate : bool
        Whether that is little but for the tasks held.
    """

    def __init__(self, objective: Objective, cost: Cost, resolution: float):
        super().__init__(objective, alone=True)  # of the point that serves
        self.cost, self.resolution = cost, resolution
        self.by_gap = False
        self.closest: np.ndarray | None = None
        self.loss = np.inf
        self.accurate = False
        self._idle = self._extra = 0

    def done(self, W, iteration, stop, residuals=None, norm_value=None):
        super().done(W, iteration, stop, residuals, norm_value)
        limit = min(self.objective.limit, 1.0)
        gap = self.value - self.objective.dual_at(limit)
        plain, loss = self.cost.of(limit, gap)
        exact = self.best_gap <= self.resolution
        self._idle += exact
        if loss < self.loss or self.objective.penalty.norm is None:
            self.loss, self.closest, self._idle = loss, W.copy(), 0
            self.accurate = plain <= self.cost.allowed
        self._extra += self.accurate
        return (
            self.loss <= self.cost.allowed
            or (exact and self.by_gap)
            or self._idle > _MAX_IDLE
            or self._extra > _MAX_EXTRA
        )


def _noise_size(fit: RootFit) -> np.ndarray:
    """Return the noise of each task without coefficients, of another if it has none."""
    null = fit.null_noise
    size = np.where(null > 1e-12 * null.max(initial=0.0), null, null.max(initial=0.0))
    size[size == 0] = 1.0
    return size


def _first_noise(objective, W):
    """Return the noise levels at W, or more where the residuals are nearly nothing.

    An interpolating solution stays one as the penalty becomes weaker, its residuals in
    proportion to the noise level times the strength.
    """
    objective.certificate(W)
    fit = objective.whole_fit
    sigma = np.maximum(fit.noise, _SMALLEST_NOISE * _noise_size(fit))
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
