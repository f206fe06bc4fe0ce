"""Alternating directions (ADMM): squared loss, norms without coordinate descent.

Each step solves the least-squares part exactly; then it takes the prox of the norm,
whose point is certified. Badly conditioned features slow it much less than a gradient
method. Where all tasks have one Hessian, no two features are coupled in its eigenbasis;
for a spectral norm, which is the same in every basis, all steps are taken there. A
quadratic form that couples the tasks tightly is part of the least squares.

Boyd, Parikh, Chu, Peleato, Eckstein (2011), Distributed optimization and statistical
learning via the alternating direction method of multipliers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.penalties._decomposition import SplitForm, Stacked
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective
from linmtl.solvers._quadratic_system import DENSE_SYSTEM
from linmtl.solvers._squares import (
    Squares,
    couples_tasks,
    has_factors,
    have_one_hessian,
    least_squares,
)

_RELAXATION = 1.7
# Accelerated steps that cost no more than to prepare for others: singular values make
# them dear.
_FEW_STEPS, _SOME_STEPS = 50, 80
_FEW_PASSES = 40  # for factors, with which singular values are taken less often
_BLOCK_SPEED = 3.5  # of products of matrices, relative to that with a vector
_SMALL_SIDE = 50  # features or samples of a task, of which little has to be prepared
_LEAST_CHECK, _MOST_CHECK = 2, 10  # iterations between two certificates
_FIRST_CHECK = 5  # the first: on a path a start is near the end
_FIRST_SHARE = 0.1  # of the size of the Hessians, that rho begins with
# The same of Hessians without full rank, as a part of the strength, and the least.
_SHARE_OF_STRENGTH, _LEAST_SHARE, _WIDE = 0.5, 0.01, 2.0  # features over rows
# Strength from which on accelerated steps are few, and the same over features by rows.
_STRONG, _STRONG_PER_WIDTH = 0.35, 1 / 30
_RHO_FACTOR = 100.0  # by which rho moves at most
# Iterations, ever rarer, so that the sequence converges as one with a fixed rho.
_BALANCED = 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024
_RHO_KEPT = 1.5  # times the best: so near it stays, as another has to be prepared for
# The same up to an iteration, by which problems of few steps have ended, where to
# prepare costs as much as several of them.
_EARLY, _EARLY_KEPT = 12, 4.0
# Strength of a form over the tasks, as a part of the curvature of a typical feature,
# from which on steps of first order are too many: of bounded curvature, and of others.
# For L1 and L21 beside the former accelerated steps are cheap.
_TIGHT, _TIGHT_UNBOUNDED, _TIGHT_BY_ROWS = 1000.0, 100.0, 10_000.0
_FAR = 1e5  # squares of features about zero, as a part of those about their means


class AlternatingDirections:
    """Splitting of loss and norm, with residual balancing.

    Attributes
    ----------
    share : float or None
        rho as a part of the size of the Hessians: where to begin, None to go by the
        strength, and after `solve` where it has ended, for another problem like it.
    """

    name = "admm"

    def __init__(self) -> None:
        self.share: float | None = None

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not objective.fit.quadratic:
            return "the squared loss"
        return lacks_norm(objective)

    def solve(self, objective, W, stop, max_iter, monitor):
        strength = None if W.any() else min(objective.limit, 1.0)
        if _steps_may_do(objective, strength):
            first, norm = AcceleratedProximalGradient(), objective.penalty.norm
            most = _FEW_STEPS if norm.spectral else _SOME_STEPS
            if first.begin(objective, W, stop, max_iter, monitor, most):
                return
        start = monitor.n_iter
        squares = least_squares(objective)
        whole = objective.penalty.norm
        norm = squares.norm(whole)
        rho = (self.share or _first_share(objective, strength)) * squares.size
        if rho == 0.0:  # constant features: any W is as good
            rho = 1.0
        squares.prepare(rho)
        Z = squares.enter(W)
        same, norm = norm is whole, norm.prepared(Z.shape)
        V, work = np.empty_like(Z), np.empty_like(Z)
        # at the optimum rho U is the negative gradient: a warm start brings it along
        U = squares.enter(objective.D) / rho if W.any() else np.zeros_like(Z)
        due, second = _FIRST_CHECK, _SecondBound(monitor)
        for iteration in range(1, max_iter - start + 1):
            Z_loss = squares.solve(np.subtract(Z, U, out=work), rho)
            np.multiply(Z_loss, _RELAXATION, out=V)
            V += np.multiply(Z, 1.0 - _RELAXATION, out=work)
            V += U
            balances = is_time_to_balance(iteration)
            before = Z.copy() if balances else Z
            value = norm.prox(V, 1.0 / rho, Z)
            np.subtract(V, Z, out=U)
            if iteration in (due, max_iter - start):
                point, step = squares.leave(Z), start + iteration
                if monitor.done(point, step, stop, norm_value=value if same else None):
                    break
                # between both points lies the optimum: of little curvature the norm
                # sees to Z, and of much the loss to Z_loss, whose gradient it bounds
                if second.ends(squares, Z_loss, stop):
                    break
                left = np.ceil(monitor.iterations_left(stop, over=1))
                due = iteration + int(np.clip(left, _LEAST_CHECK, _MOST_CHECK))
            if balances:
                factor = balance(Z_loss - Z, rho * (Z - before), Z_loss, Z, rho * U)
                dear = iteration <= _EARLY and not squares.moves_freely
                kept = _EARLY_KEPT if dear else _RHO_KEPT
                if not 1 / kept < factor < kept:
                    rho *= factor
                    U /= factor
                    squares.prepare(rho)
        if squares.size:
            self.share = rho / squares.size
        W[:] = monitor.best_W


def _first_share(objective: Objective, strength: float | None) -> float:
    """Return what rho begins with; ``strength`` is relative to the largest, if known.

    rho weighs the gradient at the optimum, which grows with the strength, against W.
    Where Hessians have full rank, it matters less than how they are conditioned.
    """
    norm: Any = objective.penalty.norm
    wide = norm.spectral and _width(objective.whole_fit) >= _WIDE
    if strength is None or not wide:
        return _FIRST_SHARE
    return max(_SHARE_OF_STRENGTH * strength, _LEAST_SHARE)


def _width(fit: Datafit) -> float:
    """Return the features over the rows of a task; one where no rows are held.

    One, too, of few features: little is to be gained, and rows that are repeated lead
    to the very same point as those with weights.
    """
    few = fit.n_features < _SMALL_SIDE
    return 1.0 if few else fit.n_features / max(fit.largest_block[0], 1)


class _SecondBound:
    """Bounds at the least-squares point, as long as they are the better ones.

    Those that are not are taken ever more rarely: each costs as much as a certificate.
    """

    def __init__(self, monitor: Monitor):
        self._monitor = monitor
        self._left, self._skipped = 0, 1  # certificates until the next one, after it

    def ends(self, squares: Squares, Z: np.ndarray, stop: float) -> bool:
        """Take the bound at Z if it is due; return whether the gap is small enough."""
        if self._left:
            self._left -= 1
            return False
        if not self._monitor.bound_at(squares.leave(Z)):
            self._left, self._skipped = self._skipped, 2 * self._skipped
            return False
        self._skipped = 1
        return self._monitor.best_gap <= stop


def lacks_norm(objective: Objective, any_form: bool = False) -> str | None:
    """Return what X and penalty lack for alternating directions.

    With ``any_form`` also where a form over the tasks is such that other methods are
    expected to be as fast.
    """
    fit = objective.whole_fit
    if fit.holds_rows and fit.data.design.is_sparse:
        return "a dense X, or at least as many samples as coefficients"
    norm, quadratic = objective.penalty.norm, objective.penalty.quadratic
    if isinstance(quadratic, SplitForm):
        quadratic = quadratic.form
    alone = not couples_tasks(quadratic)
    by_rows = alone and isinstance(norm, RowSeparable)
    if norm is None or by_rows or not norm.convex:
        return "a convex norm other than L1 and L21"
    semi = norm.null_form(objective.shape[1]) is not None
    if semi and not objective.free_means.any():  # its steps grow small
        return "a norm that is zero at zero only"
    if not (alone or (_has_system(objective) and (any_form or _is_tight(objective)))):
        return "a ridge, or a tight form over few tasks, as the only quadratic penalty"
    return None


def _has_system(objective: Objective) -> bool:
    """Whether a form that couples tasks is a part of one system of few unknowns."""
    fit, form = objective.whole_fit, objective.penalty.base_quadratic
    if objective.penalty.is_split or objective.penalty.about_mean is not None:
        return False
    if fit.n_columns != fit.b.size or form.shared_rows.size or form.varies:
        return False
    return fit.n_columns * fit.n_features <= DENSE_SYSTEM


def _is_tight(objective: Objective) -> bool:
    """Whether a form couples tasks so that first-order steps are many.

    So they are of features far from zero without an intercept, whatever the form.
    """
    fit, form = objective.whole_fit, objective.penalty.base_quadratic
    tight = _TIGHT if fit.bounded else _TIGHT_UNBOUNDED
    curved = fit.bounded and not fit.quadratic
    if curved and isinstance(objective.penalty.norm, RowSeparable):
        tight = _TIGHT_BY_ROWS
    if form.top > tight * float(np.median(fit.feature_scale())) ** 2:
        return True
    return is_far_from_zero(fit)


def is_far_from_zero(fit: Datafit) -> bool:
    """Whether a loss bends along one direction, the means, and hardly else."""
    data = fit.data if fit.holds_rows else fit.rows
    if data is None or data.fit_intercept:
        return False
    whole, within = (data.design.column_scale(data.weight, c) for c in (False, True))
    return bool(np.median(whole) > _FAR * np.median(within))


def _steps_may_do(objective: Objective, strength: float | None) -> bool:
    """Whether to begin with steps that need nothing prepared.

    For many Hessians that takes as long as many steps, in badly conditioned problems
    fewer than they need, as in those of more features than rows under a weak norm.
    """
    fit = objective.whole_fit
    norm: Any = objective.penalty.norm
    prepared, creeps = fit.least_squares is not None, isinstance(norm, RowSeparable)
    creeps |= couples_tasks(objective.penalty.base_quadratic)
    if prepared or creeps or objective.free_means.any():
        return False
    cheap = min(fit.n_features, fit.largest_block[0]) < _SMALL_SIDE
    width = _width(fit)
    if norm.spectral and strength is not None and width > 1:
        cheap |= strength < min(_STRONG, _STRONG_PER_WIDTH * width)
    if _takes_singular_values(norm) and has_factors(fit):
        cheap |= _passes(fit) <= _FEW_PASSES
    return not (cheap or have_one_hessian(fit))


def _takes_singular_values(norm: Any) -> bool:
    """Whether the steps of a norm are dear, and many where they are accelerated."""
    parts = (norm.first, norm.second) if isinstance(norm, Stacked) else (norm,)
    return any(p.spectral for p in parts) and not any(p.row_separable for p in parts)


def _passes(fit: Datafit) -> float:
    """Return the gradients that cost as much as Hessians and their factors."""
    d, rows = fit.n_features, fit.row_count if fit.holds_rows else 0
    factors = d * fit.n_columns
    return d * (rows + factors) / (2 * (rows or factors) * _BLOCK_SPEED)


def is_time_to_balance(iteration: int) -> bool:
    return iteration in _BALANCED


def balance(primal, dual, W, Z, Y):
    """Return the factor on rho that makes the relative residuals alike."""
    r = np.linalg.norm(primal) / max(np.linalg.norm(W), np.linalg.norm(Z), 1e-300)
    s = np.linalg.norm(dual) / max(np.linalg.norm(Y), 1e-300)
    if r == 0.0 or s == 0.0:
        return 1.0
    return float(np.clip(np.sqrt(r / s), 1 / _RHO_FACTOR, _RHO_FACTOR))
