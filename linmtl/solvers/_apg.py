"""Accelerated proximal gradient with adaptive restart: any loss, any norm.

Steps go by the curvature that the loss shows along the way, which is mostly far below
its bound and costs nothing to find. They may be too long: where nothing improves for a
while, they go by the bound.

Beck, Teboulle (2009), A fast iterative shrinkage-thresholding algorithm;
O'Donoghue, Candes (2015), Adaptive restart for accelerated gradient schemes; Malitsky,
Mishchenko (2020), Adaptive gradient descent without descent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import (
    extrapolate,
    gradient_step,
    restart_test,
    secant,
)
from linmtl.penalties._accelerated import extrapolation
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective

_EASE = 0.9  # what the curvature is multiplied by after each step
_LEAST_CURVATURE = 1e-6  # that counts, relative to the largest
_FALL = 0.01  # part of the loss by which to fall, to measure the first curvature
# Iterations between two certificates: at first, at least and at most.
_FIRST_CHECK, _LEAST_CHECK, _MOST_CHECK = 10, 4, 20
_PATIENCE = 4  # certificates without a better point or bound: steps are too long
_RISE = 2.0  # of the objective since the start: so they are there, too
_LEAST_ITERATIONS = 20  # iterations from which it may give way to another method


class AcceleratedProximalGradient:
    """One step for all features, or for row-separable penalties one for each.

    Quadratic penalties join the loss beside a norm; alone, their prox is exact and
    takes their strength out of the conditioning.
    """

    name = "apg"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        norm = objective.penalty.norm
        if norm is not None and not norm.convex:
            return "a convex penalty"
        if not objective.fit.bounded:
            return "a loss whose curvature has a bound"
        return None

    def solve(self, objective, W, stop, max_iter, monitor, start=0):
        self._descend(objective, W, stop, max_iter, monitor, start, np.inf)

    def begin(
        self,
        objective: Objective,
        W: np.ndarray,
        stop: float,
        max_iter: int,
        monitor: Monitor,
        most_left: int,
    ) -> bool:
        """Minimise as `solve`, but give up where ``most_left`` iterations will not do.

        Return whether it is done; if not, W is the best point.
        """
        return self._descend(objective, W, stop, max_iter, monitor, 0, most_left)

    def _descend(self, objective, W, stop, max_iter, monitor, start, most_left):
        norm, quadratic = objective.penalty.norm, objective.penalty.quadratic
        smooth = objective.smooth if norm is not None else objective.fit.evaluate
        slope = objective.slope if norm is not None else objective.fit.evaluate
        scaled = norm is not None and norm.row_separable
        if norm is not None:
            norm = norm.prepared(W.shape)
        metric = _metric(objective) if scaled else None
        size = np.ones(len(W)) if metric is None else metric
        G, work = np.empty_like(W), objective.gradient  # free between certificates
        value = smooth(W, G)

        def gradient(point):
            slope(point, work)
            return np.negative(work, out=work)

        np.negative(G, out=G)
        found = first_curvature(gradient, W, value, G, metric)
        np.negative(G, out=G)
        V, trial = W.copy(), np.empty_like(W)
        fixed = not 0.0 < found < np.inf  # the loss may not depend on W
        bound = found * size if not fixed else _bound(objective, scaled)
        largest, progress = float(found), _Progress(monitor)
        momentum, due = 1.0, _FIRST_CHECK
        for iteration in range(1, max_iter + 1):
            step = 1.0 / bound
            gradient_step(readonly(V), readonly(step), readonly(G), work)
            prox_step = step if scaled else float(step[0])
            if norm is None:
                trial[...] = quadratic.prox(work, prox_step)
            else:
                norm.prox(work, prox_step, trial)
            if restart_test(readonly(V), readonly(trial), readonly(W), step) > 0:
                momentum = 1.0
            beta, momentum = extrapolation(momentum)
            extrapolate(readonly(trial), W, beta, trial)
            before, V = V, trial
            if iteration in (due, max_iter):
                if monitor.done(W, start + iteration, stop) or iteration == max_iter:
                    return True
                left = monitor.iterations_left(stop)
                due += int(np.clip(left, _LEAST_CHECK, _MOST_CHECK))
                ended = not fixed and progress.ended()
                slow = iteration >= _LEAST_ITERATIONS and left > most_left
                if ended or slow or iteration >= 2 * most_left:
                    W[:] = V[:] = monitor.best_W
                    if most_left < np.inf:
                        return False
                    fixed, bound, momentum = True, _bound(objective, scaled), 1.0
            slope(V, work)
            at = map(readonly, (V, before, work, size))
            found = _curvature(*secant(*at, G))
            if not fixed:
                largest = max(largest, found)
                bound = eased(bound, found, largest, size)
            trial = before
        return True


class _Progress:
    """Whether certificates still get better."""

    def __init__(self, monitor: Monitor):
        self._monitor = monitor
        self._best = monitor.best_value, monitor.dual
        self._most = _RISE * monitor.best_value
        self._count = 0

    def ended(self) -> bool:
        """Look at the last certificate; return whether steps lead nowhere."""
        monitor = self._monitor
        best = monitor.best_value, monitor.dual
        self._count = self._count + 1 if best == self._best else 0
        self._best = best
        return self._count >= _PATIENCE or not monitor.value <= self._most


def _metric(objective: Objective) -> np.ndarray:
    """Return the features' own curvature, up to a factor."""
    metric = objective.fit.feature_scale() ** 2
    metric[metric <= 0] = 1.0
    return metric


def _bound(objective: Objective, scaled: bool) -> np.ndarray:
    """Return the largest curvature of each feature."""
    metric, lipschitz = objective.fit.curvature(scaled)
    bound = lipschitz * metric
    if objective.penalty.norm is not None:
        bound = bound + objective.penalty.quadratic.top
    if not bound.any():
        return np.ones_like(bound)  # the loss does not depend on W
    return np.maximum(bound, np.finfo(float).tiny)


def first_curvature(
    gradient: Callable[[np.ndarray], np.ndarray],
    V: np.ndarray,
    value: float,
    G: np.ndarray,
    metric: np.ndarray | None = None,
) -> float:
    """Return the curvature along the gradient, where the loss falls a little.

    Parameters
    ----------
    gradient : callable
        Returns the gradient at another point, an array that may be written to.
    V, G : ndarray of shape (n_rows, n_columns)
        A point and the gradient there.
    value : float
        The loss there.
    metric : ndarray of shape (n_rows,), default=None
        What curvatures are relative to.
    """
    step = -_FALL * value / max(_square(G, metric), np.finfo(float).tiny)
    point = G * (step if metric is None else (step / metric)[:, None])
    point += V
    change = gradient(point)
    change -= G
    point -= V
    return curvature_along(point, change, metric)


def curvature_along(
    move: np.ndarray, change: np.ndarray, metric: np.ndarray | None = None
) -> float:
    """Return the largest curvature that a change of the gradient along a move shows."""
    return _curvature(float(np.vdot(move, change)), _square(change, metric))


def _curvature(slope: float, square: float) -> float:
    return square / slope if slope > 0.0 else 0.0


def _square(G: np.ndarray, metric: np.ndarray | None) -> float:
    """Return the square of a gradient, in the norm dual to that of the metric."""
    if metric is None:
        return float(np.vdot(G, G))
    return float(np.einsum("ij,ij->i", G, G) @ (1.0 / metric))


def eased(
    bound: Any, found: float, largest: float, metric: np.ndarray | float = 1.0
) -> Any:
    """Return the curvature to step by next: the one found, or the last one eased.

    Parameters
    ----------
    bound : float or ndarray of shape (n_rows,)
        What the last step went by.
    found, largest : float
        Curvature along the last step, and the largest so far.
    metric : ndarray of shape (n_rows,), default=1.0
        What curvatures are relative to.
    """
    least = max(found, _LEAST_CURVATURE * largest)
    return np.maximum(_EASE * bound, least * metric)
