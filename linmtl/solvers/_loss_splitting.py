"""Alternating directions for curved losses: loss and norm both apart from W.

With copies E of the linear predictors and Z of W, a step takes the prox of the loss of
each observation, the prox of the norm, and a least-squares problem whose matrix is the
same throughout. Nothing is approximated by its curvature, so that rows on which the
loss is flat, counts that grow without bound and penalties near zero, for which the loss
is all but a constraint, cost no more steps than others. The copies have residuals of
their own, a second point for the dual problem.

Boyd, Parikh, Chu, Peleato, Eckstein (2011), Distributed optimization and statistical
learning via the alternating direction method of multipliers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._gram import additive_fit
from linmtl.losses import Squared
from linmtl.penalties._decomposition import joined
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._admm import balance, is_far_from_zero, lacks_norm
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective
from linmtl.solvers._squares import Coupled, Squares, couples_tasks, least_squares

_MOST_ENTRIES = 2_000_000  # of Hessians that are cheap
_RELAXATION = 1.6
_FIRST_SHARE = 0.1  # of the size of the Hessians, that the norm's rho begins with
# Iterations between two certificates, which cost about as much as two of them.
_FIRST_CHECK, _LEAST_CHECK, _MOST_CHECK = 10, 5, 20
_FIRST_BALANCED = 5  # iterations; then each time after twice as many
# Iterations from which on it may give way to another method, and those left then.
_LEAST_STEPS, _MOST_LEFT = 300, 1000
_INFEASIBLE = 1e-13  # what residuals sum to beside their sizes, beyond rounding


class LossSplitting:
    """Splitting of predictors, loss and norm, with residual balancing."""

    name = "loss_splitting"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this method, None where it applies."""
        fit, penalty = objective.whole_fit, objective.penalty
        if fit.quadratic or fit.profiled or not (fit.additive and fit.holds_rows):
            return "a loss other than the squared one, the sum of those of the tasks"
        if fit.n_columns != fit.b.size:
            return "a column of coefficients for each task"
        form = penalty.base_quadratic
        if form.shared_rows.size:
            return "strengths that are finite"
        ridge = not (couples_tasks(form) or penalty.is_split)
        if penalty.norm is None or penalty.quadratic.is_zero or ridge:
            return None
        if penalty.is_split:
            return "a ridge as the only quadratic penalty"
        return lacks_norm(objective, any_form=True)

    @staticmethod
    def pays(objective: Objective) -> bool:
        """Whether to try it before steps of first order: Hessians are cheap."""
        entries = objective.whole_fit.n_columns * objective.whole_fit.n_features**2
        return entries <= _MOST_ENTRIES and LossSplitting.missing(objective) is None

    def begin(
        self,
        objective: Objective,
        W: np.ndarray,
        stop: float,
        max_iter: int,
        monitor: Monitor,
        last: bool = False,
    ) -> bool:
        """Minimise in place; give up where too many iterations are left.

        Not where this is the ``last`` method before those of first order, and features
        are far from zero: these would take more. Return whether it is done; W is the
        best point.
        """
        start, begun = monitor.n_iter, len(monitor.history)
        patient = last and is_far_from_zero(objective.whole_fit)
        most_left = np.inf if patient else _MOST_LEFT
        split = _Split(objective, W)
        due, done = _FIRST_CHECK, False
        for iteration in range(1, max_iter - start + 1):
            split.step(iteration)
            if iteration in (due, max_iter - start):
                Z = split.point()
                theta = split.theta()
                if theta is not None:
                    monitor.bound(Z, theta)
                done = monitor.done(Z, start + iteration, stop)
                if done:
                    break
                left = _iterations_left(monitor, begun, stop)
                due += int(np.clip(left, _LEAST_CHECK, _MOST_CHECK))
                if iteration >= _LEAST_STEPS and left > most_left:
                    break
        assert monitor.best_W is not None
        W[:] = monitor.best_W
        return done or monitor.n_iter >= max_iter


class _Split:
    """The state: Z and E, and their multipliers."""

    def __init__(self, objective: Objective, W: np.ndarray):
        fit: Any = objective.whole_fit
        self.fit, self.data, self.loss = fit, fit.data, fit.loss
        self.is_split = objective.penalty.is_split
        self.ridge, self.quadratic = 0.0, objective.penalty.base_quadratic
        self.squares, self.norm = _squares(objective), objective.penalty.norm
        if self.norm is not None:
            self.norm = self.squares.norm(self.norm)
            coupled = isinstance(self.squares, Coupled)
            if not (coupled or self.quadratic.is_zero):
                self.ridge = float(self.quadratic.diagonal[0])
        self.root, self.total = np.sqrt(self.data.weight), self.data.total.copy()
        self.total[self.total == 0] = 1.0
        self.count = np.diff(self.data.task_ptr)

        objective.certificate(W)
        D = objective.D.copy()
        fit.loss_at(joined(W) if self.is_split else W)
        weight = self.data.weight
        used = weight > 0
        self.u = np.zeros_like(fit.theta)  # minus the derivatives of the loss
        np.divide(fit.theta, weight, out=self.u, where=used)
        self.E = self._predicted(W) + np.repeat(fit.residuals.b, self.count)
        self.data.add_offset(self.E)
        curvature = fit.hessian_weight.sum() / weight.sum() if used.any() else 0.0
        self.rho = float(curvature) if curvature > 0 else 1.0  # of the loss
        self.share = _FIRST_SHARE * self.squares.size or 1.0  # that of the norm over it
        self._prepare()
        self.Z, self.U_loss = self.squares.enter(W), self.u / self.rho
        self.U = self.squares.enter(D) / (self.rho * self.share)
        if not W.any():
            self.U[:] = 0.0

    def _predicted(self, W):
        eta = np.empty(self.data.y.size)
        self.data.design.predict(joined(W) if self.is_split else W, eta)
        return eta

    def _means(self, values):
        return np.repeat(
            self.data.task_sum(self.data.weight * values) / self.total, self.count
        )

    def step(self, iteration: int) -> None:
        """Take one step."""
        data, squares, centre = self.data, self.squares, self.data.fit_intercept
        target = self.E + self.U_loss
        if data.offset is not None:
            target -= data.offset
        mean = self._means(target) if centre else 0.0
        C = np.empty((self.fit.n_features, self.fit.n_columns))
        data.design.adjoint(data.weight * (target - mean), C)
        squares.aim(C)
        W = squares.solve(self.Z - self.U, self.share)
        eta = self._predicted(squares.leave(W))
        if centre:
            eta += mean - self._means(eta)
        data.add_offset(eta)

        E, Z = self.E, self.Z
        at = _RELAXATION * eta + (1.0 - _RELAXATION) * E
        self.E, self.u = self.loss.prox(self.fit.y, at - self.U_loss, self.rho, E)
        self.U_loss += self.E - at
        at = _RELAXATION * W + (1.0 - _RELAXATION) * Z
        V, rho = at + self.U, self.rho * self.share
        self.Z = np.empty_like(Z)
        if self.norm is None:
            self.Z[...] = self.quadratic.prox(V, 1.0 / rho)
        else:
            step = 1.0 / (rho + self.ridge)
            self.norm.prox(rho * step * V, step, self.Z)
        self.U = V - self.Z
        rounds, rest = divmod(iteration, _FIRST_BALANCED)
        if rest == 0 and rounds.bit_count() == 1:
            self._balance(W, eta, Z, E)

    def _balance(self, W, eta, Z, E):
        r = self.root
        u = self.rho * r * self.U_loss
        factor = balance(
            r * (eta - self.E), self.rho * r * (self.E - E), r * eta, r * self.E, u
        )
        rho = self.rho * self.share
        of_norm = balance(W - self.Z, rho * (self.Z - Z), W, self.Z, rho * self.U)
        self.rho *= factor
        self.U_loss /= factor
        self.U /= of_norm
        self.share *= of_norm / factor
        self._prepare()

    def _prepare(self):
        if isinstance(self.squares, Coupled):  # the rest of it is divided by rho
            self.squares.scale = 1.0 / self.rho
        self.squares.prepare(self.share)

    def point(self) -> np.ndarray:
        """Return Z as a point of the objective."""
        return self.squares.leave(self.Z)

    def theta(self) -> np.ndarray | None:
        """Return residuals at E, None where they satisfy no constraint of intercepts.

        Those of a task with an intercept have to sum to zero.
        """
        data = self.data
        theta = data.weight * self.u
        if data.fit_intercept:
            h = self.loss.hessian(self.fit.y, theta, data.weight)
            over, total = data.task_sum(theta), data.task_sum(h)
            total[total == 0] = 1.0
            theta -= h * np.repeat(over / total, self.count)
            left = np.abs(data.task_sum(theta))
            if np.any(left > _INFEASIBLE * data.task_sum(np.abs(theta))):
                return None
        return theta


def _squares(objective: Objective) -> Squares:
    """Return the least squares of predictors; on a path all ask for the same."""
    fit: Any = objective.whole_fit
    if fit.least_squares is None:
        data = replace(fit.data, y=np.zeros_like(fit.y), offset=None)
        fit.least_squares = additive_fit(data, Squared())
    form = objective.penalty.base_quadratic
    if objective.penalty.norm is None or not couples_tasks(form):
        form = QuadraticForm(fit.n_columns)
    penalty = replace(objective.penalty, quadratic=form, intercepts=False)
    return least_squares(Objective(fit.least_squares, penalty))


def _iterations_left(monitor: Monitor, begun: int, stop: float) -> float:
    """Return the iterations to go, by how the gap fell over the latter half."""
    over = (len(monitor.history) - begun + 1) // 2
    return monitor.iterations_left(stop, over) if over > 0 else np.inf
