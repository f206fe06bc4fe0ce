"""Proximal Newton on working sets: curved losses, norms of rows or groups of them.

The loss on the working set is replaced by its second-order model, the intercepts
eliminated, and the model is minimised by coordinate descent, with a Hessian for each
task or with residuals. Far from the optimum a step may be longer than the model says,
or the model damped; near it, Hessians serve for more than one step. Where a quadratic
form couples the tasks in each row, or the norm is one of groups of rows, the squared
loss is minimised so, too; where it couples them tightly, several classes a task.

Lee, Sun, Saunders (2014), Proximal Newton-type methods for minimizing composite
functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit, Residuals
from linmtl.designs._base import used_rows
from linmtl.kernels._rows import coupled_exactly
from linmtl.penalties._compose import Composite
from linmtl.penalties._group_separable import GroupSeparable
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._admm import AlternatingDirections
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._backtracking import first_order
from linmtl.solvers._loss_splitting import LossSplitting
from linmtl.solvers._objective import Certificate, Objective
from linmtl.solvers._second_order import SecondOrder
from linmtl.solvers._working_set import (
    RowChoice,
    descend_on_grams,
    descend_on_groups,
    descend_on_rows,
    gram_pays,
    is_affordable,
    lacks_rows,
    worst,
)

# Hessians make rows dear: start with few, then grow fast.
_LEAST_GROWTH, _GROWTH = 32, 3
_ALL_FROM = 0.5  # of the rows in a working set: take all of them
_SURE_BOUND = 2.0  # bounds: rows whose gradient is beyond mostly stay
_MAX_STEPS = 30
_CREEPING = 60  # steps to go, as where a flat loss bends at once
# Tasks that are coupled in each row: at most so many, and so tightly, as a part of the
# curvature of a typical feature.
_MOST_COUPLED, _LOOSE = 500, 10.0
# Tasks of which the curvature of each row is decomposed, and from what coupling on.
_MOST_EXACT, _TIGHT = 60, 12.0
# Numbers of Hessians with which groups are dealt with: of moments, and of few features;
# the former of coupled tasks, too.
_MOST_ENTRIES, _CHEAP_ENTRIES = 4_000_000, 100_000
# Features of a group, of which steps are still short; sweeps on a model, and models of
# a curved loss that need more, until others take over: they care less how features
# are correlated.
_LARGEST_GROUP, _GROUP_SWEEPS, _MOST_EXHAUSTED = 20, 40, 1
# Smallest curvature of a sample: models need some to be bounded.
_LEAST_CURVATURE = 1e-10
_CANDIDATE_BOUND = 0.98  # of its bound: a gradient beyond may make a row enter
_MODEL_SWEEPS, _EXACT_SWEEPS = 1000, 5000  # on a model; in double precision
# Size of the last sweep on a model that lacks rows, relative to the first.
_PART_ACCURACY = 0.3
_FIRST_ACCURACY, _BEST_ACCURACY = 1e-2, 1e-4  # the same where it has them all
_SLOW_FALL = 0.2  # a fall of the gap that may be for want of accuracy
# Of the root of the last fall of the gap: that with the same Hessians.
_REUSE_FALL = 0.3
# The fall of the objective, as a part of what the slope at the start promises: a half
# where the model is right.
_ARMIJO = 1e-4  # the least to take a step
_POOR_FALL = 0.25  # below, the next model is damped
_FAIR_FALL = 0.4
_STEEP_FALL = 0.56  # above, the step may be too short
_FIRST_DAMPING = 0.1  # the first, as a part of the curvatures
_LEAST_DAMPING = 1e-3
_LARGE_FALL = 0.01  # of the objective: a fall that deserves to look for a longer step
_FEW_PRODUCTS = 1.5  # accelerated steps for each feature that cost as much as Newton's
_LEAST_STRETCH = 1.2  # the least by which it is made longer


class ProxNewton:
    """Newton steps on the rows that matter, certified on all."""

    name = "prox_newton"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        coupled = _couples_classes(objective) or _is_apart(objective)
        if not (objective.fit.additive or coupled):
            return "a loss that is the sum of the tasks' losses"
        if _has_groups(objective):
            code = objective.penalty.norm.codes(objective.shape[0])
            if np.bincount(code).max(initial=0) > _LARGEST_GROUP:
                return f"groups of at most {_LARGEST_GROUP} features"
            return lacks_rows(objective, kind=GroupSeparable)
        alone = lacks_rows(objective)
        if alone is None or lacks_rows(objective, coupled=True) is not None:
            return alone
        return None if _couples(objective) else alone

    def solve(self, objective, W, stop, max_iter, monitor):
        if not objective.fit.additive:
            if _is_apart(objective):
                few = int(_FEW_PRODUCTS * len(W))
                first = AcceleratedProximalGradient()
                if first.begin(objective, W, stop, max_iter, monitor, few):
                    return
            self._on_all(objective, W, stop, max_iter, monitor)
            return
        groups, steps = _has_groups(objective), 0
        # of features of low rank the digits of single precision are not enough
        for precision in (np.float32, np.float64):
            steps, going = self._on_sets(
                objective, W, stop, max_iter, monitor, steps, precision
            )
            if not going:
                return
            W[:] = monitor.best_W
            if monitor.done(W, steps, stop):
                return
            if groups:
                break
            last = precision is np.float64
            if LossSplitting.pays(objective) and LossSplitting().begin(
                objective, W, stop, max_iter, monitor, last
            ):
                return
            steps = monitor.n_iter
        quadratic = objective.fit.quadratic
        if groups or quadratic:
            method = AlternatingDirections if quadratic else SecondOrder
            if method.missing(objective) is None:
                method().solve(objective, W, stop, max_iter, monitor)
                return
        # where the model is far from the loss, small steps get on
        first_order(objective).solve(
            objective, W, stop, max_iter - steps, monitor, start=steps
        )

    def _on_all(self, objective, W, stop, max_iter, monitor):
        """Move W by Newton steps without working sets, then by those of first order."""
        before = monitor.n_iter
        newton = NewtonSteps(objective, objective.certificate(W), np.float64)
        steps = before + newton.run(W, stop, stop, max_iter - before)
        if not monitor.done(W, steps, stop) and steps < max_iter:
            W[:] = monitor.best_W
            left = max_iter - steps
            first_order(objective).solve(objective, W, stop, left, monitor, start=steps)

    def _on_sets(self, objective, W, stop, max_iter, monitor, steps, precision):
        """Move W by Newton steps; return how many there were, and whether to go on."""
        rows, newton = RowChoice(W, _LEAST_GROWTH, _GROWTH), None
        chosen, d = np.arange(0), len(W)
        code = objective.penalty.norm.codes(d)
        most = _ALL_FROM * d if _hessians_pay(objective.fit, d) else d
        while not rows.exhausted:
            needed, _ = rows.choose(W, objective.row_sizes, monitor.best_gap)
            if newton is None:
                sure = int(np.count_nonzero(objective.row_sizes > _SURE_BOUND))
                if code is not None and not _groups_pay(objective.fit, sure):
                    break
                if sure > most:
                    needed = np.arange(d)
            needed = _whole_groups(needed, code)
            before, chosen = chosen, _widened(chosen, needed, most, d)
            if not is_affordable(objective.fit, chosen.size):
                break
            if code is not None and not _groups_pay(objective.fit, chosen.size):
                break
            if newton is None or chosen is not before:
                last = None if newton is None else newton.part
                state = _enter(objective, chosen, W, last, monitor)
                newton = NewtonSteps(*state, precision)
            target = final = stop
            if chosen.size < d:
                left = objective.row_sizes > 1.0
                left[chosen] = False
                # one more step costs less than to look at all rows for nothing
                fraction = 0.05 if left.any() else 0.002
                final = 0.3 * stop
                target = max(fraction * monitor.gap, final)
            part = np.ascontiguousarray(W[chosen])
            steps += newton.run(part, target, final, max(max_iter - steps, 1))
            W[chosen] = part
            known = newton.residuals(d)
            if monitor.done(W, steps, stop, known) or steps >= max_iter:
                return steps, False
            if newton.creeps:
                break
            creeps = monitor.iterations_left(stop, over=1) > _CREEPING
            if chosen.size == d and creeps and LossSplitting.pays(objective):
                break
        return steps, True


def _has_groups(objective: Objective) -> bool:
    """Whether the norm is one of groups of rows."""
    norm = objective.penalty.norm
    return isinstance(norm, GroupSeparable) and not isinstance(norm, RowSeparable)


def _groups_pay(fit: Datafit, n_chosen: int) -> bool:
    """Whether to hold Hessians of so many features, once or for every step.

    Of more features than twice the rows of a task other methods are as fast, and
    mostly needed.
    """
    entries = fit.n_columns * n_chosen**2
    if fit.quadratic and not fit.holds_rows:
        return entries <= _MOST_ENTRIES
    return entries <= max(2 * fit.row_count * n_chosen, _CHEAP_ENTRIES)


def _whole_groups(rows: np.ndarray, code: np.ndarray | None) -> np.ndarray:
    """Return these rows and all others of their groups."""
    if code is None:
        return rows
    used = np.zeros(code.max(initial=0) + 1, dtype=bool)
    used[code[rows]] = True
    return np.flatnonzero(used[code])


def _couples(objective: Objective) -> bool:
    """Whether tasks that are coupled in each row are dealt with by their Hessians.

    They are not coupled much more than by these, or the minimum of a row is exact.
    """
    fit, (d, T) = objective.fit, objective.shape
    if T > _MOST_COUPLED or fit.n_columns != fit.b.size:
        return False
    form, pays = objective.penalty.base_quadratic, _hessians_pay(fit, d)
    exact = _is_exact(objective) and fit.n_columns * d**2 <= _MOST_ENTRIES
    if not (exact or (pays and not form.varies)):
        return False
    curvature = float(np.median(fit.feature_scale())) ** 2
    loose = not form.varies and form.top <= _LOOSE * curvature
    if pays:
        return exact or loose
    # of a bounded curvature accelerated steps are few
    return fit.quadratic or not (loose and fit.bounded)


def _is_apart(objective: Objective) -> bool:
    """Whether a loss of whole tasks couples no columns, and its Hessians pay.

    They are made of products, one for each feature that matters.
    """
    fit, (d, T) = objective.fit, objective.shape
    apart = fit.coupled and fit.column_groups is None and fit.n_columns == fit.b.size
    # without a bound on its curvature other steps are as fast
    return apart and fit.bounded and T * d**2 <= _MOST_ENTRIES


def _couples_classes(objective: Objective) -> bool:
    """Whether columns are coupled in each row more than by the loss, and exactly.

    Loosely coupled ones take few accelerated steps.
    """
    fit, (d, T) = objective.fit, objective.shape
    if fit.column_groups is None or lacks_rows(objective, coupled=True) is not None:
        return False
    form, most = objective.penalty.base_quadratic, int(np.diff(fit.column_groups).max())
    if _is_ridge(form) or not _is_exact(objective):
        return False
    curvature = float(np.median(fit.feature_scale())) ** 2
    return T * most * d**2 <= _MOST_ENTRIES and form.top > _LOOSE * curvature


def _is_ridge(form: QuadraticForm) -> bool:
    """Whether it is one ridge for all coefficients, or nothing."""
    return form.is_diagonal and form.equal_ridge


def _is_exact(objective: Objective) -> bool:
    """Whether the minimum of a row of coupled tasks is known, as of norms of rows."""
    norm: Any = objective.penalty.norm
    d, T = objective.shape
    if T > _MOST_EXACT or objective.penalty.base_quadratic.shared_rows.size:
        return False
    return not (norm.positive or norm.strengths(d)[0].any())


def _hessians_pay(fit: Datafit, n_features: int) -> bool:
    """Whether to use Hessians: in single precision they are no larger than X."""
    return not fit.holds_rows or gram_pays(fit.data.design, 2 * n_features)


def _widened(chosen: np.ndarray, needed: np.ndarray, most: float, d: int) -> np.ndarray:
    """Return a working set with the rows needed, the last one first if it is of use.

    All rows if more than ``most`` are needed. Models leave out what is not needed; to
    copy what is kept would cost more.
    """
    if chosen.size == d:
        return chosen
    if needed.size > most:
        return np.arange(d)
    missing = np.setdiff1d(needed, chosen, assume_unique=True)
    if chosen.size + missing.size > 2 * needed.size:
        return needed
    if chosen.size + missing.size == d:
        return np.arange(d)
    return np.concatenate([chosen, missing]) if missing.size else chosen


def _enter(objective, chosen, W, last, monitor) -> tuple[Objective, Certificate]:
    """Return the problem of a working set, in the state of the whole at W."""
    norm, quadratic = objective.penalty.norm, objective.penalty.quadratic
    part_norm = norm.on_features(chosen, len(W))
    free = np.zeros(chosen.size, dtype=bool)
    penalty = Composite(part_norm, quadratic.rows(chosen), free)
    if chosen.size == len(W) and _hessians_pay(objective.fit, len(W)):
        fit = objective.fit.with_hessians()
    else:
        fit = objective.fit.gather(chosen, None if last is None else last.fit)
    part = Objective(fit, penalty)
    if objective.fit.residuals is None:
        return part, part.certificate(np.ascontiguousarray(W[chosen]))
    part.resume(objective, chosen)
    return part, Certificate(monitor.value, monitor.value - monitor.gap)


class NewtonSteps:
    """Newton steps on a working set.

    Parameters
    ----------
    part : Objective
        The problem of the working set.
    certificate : Certificate
        That of the point where part is, and the steps begin.
    precision : type
        Of Hessians.
    """

    def __init__(self, part: Objective, certificate: Certificate, precision: type):
        self.part, self.certificate, self._precision = part, certificate, precision
        fit, d = part.fit, part.shape[0]
        held = _has_groups(part) or not _is_ridge(part.penalty.base_quadratic)
        self._grams = held or _hessians_pay(fit, d)
        self._model: SecondOrderModel | None = None
        self._accuracy, self._damping = _FIRST_ACCURACY, 0.0
        self._fall = np.inf  # of the gap, by the last step
        self._exhausted = 0

    @property
    def creeps(self) -> bool:
        """Whether descent on groups does not come to the minimum of the models."""
        return self._exhausted > (0 if self.part.fit.quadratic else _MOST_EXHAUSTED)

    def run(self, W: np.ndarray, target: float, final: float, limit: int) -> int:
        """Minimise in place to the gap ``target``; return the steps taken.

        ``final`` is the gap to reach in the end, ``limit`` the most steps.
        """
        limit = min(limit, _MAX_STEPS)
        for step in range(limit):
            if self.certificate.gap <= target:
                return step
            if not self._step(W, final) or self.creeps:
                return step + 1
        return limit

    def residuals(self, n_features: int) -> Residuals | None:
        """Return what is known of the whole problem where the steps ended."""
        known = self.part.fit.residuals
        if known is None or self.part.shape[0] < n_features:
            return known
        return replace(known, gradient=self.part.gradient)

    def _step(self, W, final):
        """Move W; return whether there was any way to go."""
        part, before, model = self.part, self.certificate, self._model
        norm: Any = part.penalty.norm
        G = part.D.copy()
        reuse = (
            part.fit.quadratic
            or _REUSE_FALL * np.sqrt(self._fall) * before.gap <= final
        )
        if model is None or not (reuse and model.holds(part, W)):
            model = SecondOrderModel(
                part, W, self._grams, True, self._damping, self._precision
            )
        else:
            model.lacks_rows = False
        self._model = model
        rough = _PART_ACCURACY if model.lacks_rows else 0.0
        new = model.minimum(part, W, G, max(self._accuracy, rough))
        self._exhausted += model.exhausted
        if not np.all(np.isfinite(new)):
            return False
        # the fall that the first-order model promises for the whole step
        promise = float(np.sum(G * (new - W))) + norm.value(W) - norm.value(new)
        # what differences of objectives are uncertain by
        rounding = 4 * np.finfo(float).eps * (abs(before.primal) + part.fit.square)
        trial, self.certificate = _line_search(part, W, new, before, promise, rounding)
        if trial is None:
            self.certificate = part.certificate(W)
            return False
        W[:] = trial
        self._fall = self.certificate.gap / before.gap
        if promise > 100 * rounding:
            fall = before.primal - self.certificate.primal
            self._adapt(fall, promise, model.lacks_rows)
        return True

    def _adapt(self, fall, promise, lacks_rows):
        """Set damping and accuracy of the next model by what the last was worth."""
        if fall < _POOR_FALL * promise:
            self._damping = max(4 * self._damping, _FIRST_DAMPING)
        elif fall > _FAIR_FALL * promise:
            weaker = self._damping / 4
            self._damping = weaker if weaker > _LEAST_DAMPING else 0.0
        right = _FAIR_FALL * promise < fall < (1 - _FAIR_FALL) * promise
        if right and self._fall > _SLOW_FALL and not lacks_rows:
            self._accuracy = max(0.1 * self._accuracy, _BEST_ACCURACY)


def _line_search(part, W, new, before, promise, rounding):
    """Return where to go from W towards the minimum of the model, and a certificate.

    None instead of a point where nothing lower is found. Near the optimum a fall is
    less than ``rounding``, while the gap still has to close.
    """
    size, trial, certificate = 1.0, new, part.certificate(new)
    value = certificate.primal
    if before.primal - value > max(_LARGE_FALL * abs(value), _STEEP_FALL * promise):
        # the curvature falls on the way, and the model is too short
        longer = _longer(part, W, new, before.primal, value)
        if longer is not None:
            certificate = part.certificate(longer)
            if certificate.primal < value:
                return longer, certificate
        certificate = part.certificate(new)
    while not certificate.primal <= before.primal - _ARMIJO * size * promise + rounding:
        if size < 1e-8:
            return (trial if certificate.primal < before.primal else None), certificate
        size /= 2
        trial = W + size * (new - W)
        certificate = part.certificate(trial)
    return trial, certificate


def _longer(part, W, new, start, value):
    """Return the lowest point beyond ``new`` on the line from W, None if it is near.

    By the parabola through the objective at W, ``start``, at ``new``, ``value``, and
    at twice the step. Rows that the step makes zero stay so.
    """
    positive = part.penalty.norm.positive
    move = np.where(used_rows(new)[:, None], new - W, 0.0)

    def at(size):
        point = new + (size - 1.0) * move
        return np.maximum(point, 0.0) if positive else point

    end = part.loss_and_penalty(at(2.0))
    bend = start - 2 * value + end
    if not 0.0 < bend < np.inf:
        return None
    size = min(1.0 + 0.5 * (start - end) / bend, 2.0)
    return at(size) if size > _LEAST_STRETCH else None


class SecondOrderModel:
    """The second-order model of the loss at some W, on the rows that matter there.

    Rows that are zero and within their bounds stay so: what they would add to the
    Hessians is most of the work.

    Parameters
    ----------
    part : Objective
        The problem, in the state of W.
    W : ndarray of shape (n_features, n_columns)
        The point.
    grams : bool
        Whether to hold Hessians, rather than to work with residuals.
    few : bool, default=False
        Whether to take no more rows at once than a working set may grow by.
    damping : float, default=0.0
        The part of the curvatures that holds back each coefficient, with Hessians.
    precision : type, default=np.float32
        Of Hessians.

    Attributes
    ----------
    lacks_rows : bool
        Whether more rows matter than it has.
    exhausted : bool
        Whether the last descent on groups was cut short.
    """

    def __init__(
        self,
        part: Objective,
        W: np.ndarray,
        grams: bool,
        few: bool = False,
        damping: float = 0.0,
        precision: type = np.float32,
    ):
        used, size = used_rows(W), part.row_sizes
        rows = np.flatnonzero(~used & (size > _CANDIDATE_BOUND))
        room = max(_LEAST_GROWTH, _GROWTH * int(np.count_nonzero(used)))
        self.lacks_rows = few and rows.size > room
        used[worst(rows, size, room) if few else rows] = True
        norm: Any = part.penalty.norm
        self.code, self.exhausted = norm.codes(len(W)), False
        self.rows = _whole_groups(np.flatnonzero(used), self.code)
        form = part.penalty.base_quadratic
        alone = _is_ridge(form)
        self.ridge = float(form.diagonal[0]) if alone else 0.0
        self.couplings, self.H = (None, None), None
        classes: Any = ()
        if part.fit.column_groups is not None:
            self.H, *classes = part.fit.hessians_of_classes(self.rows)
        elif grams:
            self.H = part.fit.hessians(self.rows, precision, _LEAST_CURVATURE)
        if self.H is not None:
            diagonal = np.arange(self.rows.size)
            if self.ridge:
                self.H[:, diagonal, diagonal] += self.ridge
            if damping:
                self.H[:, diagonal, diagonal] *= 1.0 + damping
            if not alone:
                self.couplings = self._coupled(part, form, self.H, classes)

    def _coupled(self, part, form, H, classes):
        """Return what couples the tasks in each row, and what does exactly, or None."""
        if self.rows.size and _is_exact(part):
            h = np.median(np.diagonal(H, axis1=1, axis2=2))
            if classes or form.varies or form.top > _TIGHT * h:
                K = form.rows(self.rows).dense_by_row(self.rows.size)
                return None, coupled_exactly(K, H, *([classes] if classes else []))
        return form.coupling, None

    def holds(self, part: Objective, W: np.ndarray) -> bool:
        """Whether it has the Hessians of all rows that matter at another W."""
        left = used_rows(W) | (part.row_sizes > 1.0)
        left[self.rows] = False
        return self.H is not None and not left.any()

    def minimum(
        self,
        part: Objective,
        W: np.ndarray,
        G: np.ndarray,
        accuracy: float = _BEST_ACCURACY,
    ) -> np.ndarray:
        """Return the minimum of the model around W, where the gradient is -G.

        ``part`` is in the state of W; ``accuracy`` is the size of the last sweep
        relative to the first.
        """
        fit: Any = part.fit
        norm: Any = part.penalty.norm
        rows = self.rows
        entry, row = (strength[rows] for strength in norm.strengths(len(W)))
        penalty = entry, row, bool(norm.positive)
        exact = self.H is not None and self.H.dtype == np.float64
        sweeps = _EXACT_SWEEPS if exact else _MODEL_SWEEPS
        stop = -np.inf, -np.inf, 0, float(accuracy), sweeps
        new, chosen = W.copy(), np.ascontiguousarray(W[rows])
        if self.H is not None:
            G = np.ascontiguousarray(G[rows])
            if self.code is None:
                chosen, _ = descend_on_grams(
                    self.H, chosen, G, 0.0, 0.0, penalty, stop, *self.couplings
                )
            else:
                code = self.code[rows]
                chosen, done = descend_on_groups(
                    self.H, chosen, G, code, penalty, accuracy, _GROUP_SWEEPS
                )
                self.exhausted = done >= _GROUP_SWEEPS
        else:
            data, weight = fit.data, fit.curved_weight(_LEAST_CURVATURE)
            design, theta = fit.model(rows, weight)
            chosen, _ = descend_on_rows(
                design, data, weight, theta, chosen, self.ridge, penalty, stop
            )
        new[rows] = chosen
        return new
