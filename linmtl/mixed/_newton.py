"""Newton's method for the parameters of a covariance.

The Hessian is the average information. What that misses of Laplace's approximation is
learnt along the steps: a secant method for the difference, as of Dennis, Gay, Welsch
(1981), An adaptive nonlinear least-squares algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from linmtl.mixed._likelihood import Likelihood, Point

_MAX_HESSIAN_SIZE = 300  # parameters from which on the Hessian is not made
_MAX_NEWTON_STEPS = 40  # steps after which a quasi-Newton method goes on
_LEAST_GAIN = 1e-9  # what a step is to gain at least, in the deviance
_LEAST_ANGLE = 0.2  # cosine between a step and what it misses, to learn from
# Standard deviations that have become zero, and where one is tried off it; in units.
_NEAR_ZERO, _OFF_ZERO = 1e-3, 0.1
_FACTORS = 10.0 ** np.arange(5)  # on the usual parameters, to start from


def start(likelihood: Likelihood) -> Point:
    """Return the likelihood at parameters from which to start.

    There may be several maxima: where effects are large in directions in which the
    features vary little, as of collinear ones, the likelihood falls before it rises.
    """
    theta = _usual(likelihood)
    if not theta.size:
        return likelihood.at(theta)
    points = (likelihood.at(factor * theta) for factor in _FACTORS)  # one at a time
    return min(points, key=lambda point: point.deviance)


def _usual(likelihood):
    """Return parameters at which a task keeps half of each effect."""
    s, theta = likelihood.structure, likelihood.units.copy()
    rest = np.setdiff1d(np.arange(s.n_parameters), s.diagonal)
    if s.rank > np.unique(s.row).size:  # factors of zero are a saddle
        theta[rest] *= 0.3 * np.random.default_rng(0).standard_normal(rest.size)
    else:
        theta[rest] = 0.0
    return theta


def maximise(
    likelihood: Likelihood, point: Point, max_iter: int
) -> tuple[Point, int, bool]:
    """Return the best point found from one, the steps taken, and whether it is best."""
    point, n_iter, converged = ascend(likelihood, point, max_iter)
    # where a standard deviation is zero the gradient is, too: it may want to grow
    while converged and n_iter < max_iter:
        better = _off_zero(likelihood, point)
        if better is None:
            break
        point, more, converged = ascend(likelihood, better, max_iter - n_iter)
        n_iter += more
    return point, n_iter, converged


def ascend(
    likelihood: Likelihood, point: Point, max_iter: int, least_gain: float = _LEAST_GAIN
) -> tuple[Point, int, bool]:
    """Return a point from which no step would gain more, as `maximise` does."""
    if not point.theta.size:
        return point, 1, True
    unit = likelihood.units
    if point.theta.size > _MAX_HESSIAN_SIZE:
        return _quasi_newton(likelihood, point, unit, max_iter)
    damping, n_iter = 1e-3, 0
    missing = np.zeros((unit.size, unit.size))  # of the Hessian
    step = last = np.zeros(unit.size)
    while n_iter < max_iter:
        n_iter += 1
        slope = likelihood.slope(point)
        gradient = unit * likelihood.gradient(point, slope)
        hessian = unit[:, None] * likelihood.curvature(point, slope) * unit
        if n_iter > 1 and not likelihood.knows_curvature:
            missing += _secant(gradient - last - (hessian + missing) @ step, step)
        hessian, last = hessian + missing, gradient
        values, vectors = np.linalg.eigh(hessian)
        along = vectors.T @ gradient
        rounding = 64 * np.finfo(float).eps * max(abs(point.deviance), likelihood.n)
        floor = 1e-10 * np.abs(values).max(initial=1e-300)
        size = np.maximum(np.abs(values), floor)
        if np.sum(along**2 / size) <= 2 * max(least_gain, rounding):
            return point, n_iter, True
        while True:
            step = -vectors @ (along / (size + damping * size.max()))
            tried = likelihood.at(point.theta + unit * step)
            promised = -gradient @ step / 2
            gained = point.deviance - tried.deviance
            if gained > 1e-2 * promised:
                damping = damping / 10 if gained > promised else damping / 3
                point = tried
                break
            if promised <= rounding:
                return point, n_iter, True
            damping = max(4 * damping, 1e-6)
            if damping > 1e12:
                return point, n_iter, False
        if n_iter >= _MAX_NEWTON_STEPS:
            point, more, converged = _quasi_newton(
                likelihood, point, unit, max_iter - n_iter
            )
            return point, n_iter + more, converged
    return point, n_iter, False


def _secant(error, step):
    """Return the symmetric matrix of rank one that maps a step to an error.

    Zero where it would be large.
    """
    along = error @ step
    if abs(along) <= _LEAST_ANGLE * np.linalg.norm(error) * np.linalg.norm(step):
        return 0.0
    return np.outer(error, error) / along


def _quasi_newton(likelihood, point, unit, max_iter):
    def value(relative):
        at = likelihood.at(unit * relative)
        return at.deviance, unit * likelihood.gradient(at, likelihood.slope(at))

    found: Any = minimize(
        value,
        point.theta / unit,
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": max(max_iter, 1),
            "ftol": 1e-12,
            "gtol": 1e-6,
            "maxcor": 30,
        },
    )
    return likelihood.at(unit * found.x), int(found.nit), bool(found.success)


def _off_zero(likelihood, point):
    """Return a better point with one of the standard deviations off zero, if any."""
    s, usual = likelihood.structure, likelihood.units
    near = np.abs(point.theta) < _NEAR_ZERO * usual
    zero = [k for k in s.diagonal if near[k]]
    if not zero:
        return None
    theta = point.theta.copy()
    theta[zero] = _NEAR_ZERO * usual[zero]  # there is a slope
    there = likelihood.at(theta)
    gradient = likelihood.gradient(there, likelihood.slope(there))
    for k in zero:
        if gradient[k] >= 0.0:
            continue
        theta = point.theta.copy()
        theta[k] = _OFF_ZERO * usual[k]
        tried = likelihood.at(theta)
        if tried.deviance < point.deviance - 1e-7:
            return tried
    return None
