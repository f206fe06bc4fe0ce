"""A loss that is not quadratic, with some features always at their best coefficients.

They are fitted by Newton's method with the intercepts, in an orthonormal basis and from
where they were at the last W.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import UNIT
from linmtl.datafits._residual import ResidualFit
from linmtl.designs._eliminated import (
    EliminatedDesign,
    Elimination,
    products_of_tasks,
)
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import feature_predict, newton_moves, slopes_of_fit
from linmtl.losses import Loss

_MAX_STEPS = 100
_MAX_HALVINGS = 50
_LEAST_CURVATURE = 1e-8  # of an observation, where the loss is linear in places
_SECANT = 0.1  # of the curvature of a touching parabola, that a model has at least
_DAMPING = 1e-12  # of the largest curvature or 1, for models to be bounded
# What is left of a constraint, relative to the residuals, is rounding.
_CONSTRAINT_ROUNDING = 1e-12
_INFEASIBLE = 1e-10  # the same, where it certifies nothing
_ROUNDING = 1e-14
_FEW_VECTORS = 12  # whose products are no work for a library
_PERFECT = 1e-15  # mean loss of a task whose classes are separated


class ProfiledFit(ResidualFit):
    """The loss of some features, the others at their best.

    Parameters
    ----------
    data : MultiTaskData
        The data, with the features that are left.
    loss : Loss
        The loss of each observation.
    gone : Elimination
        The others.
    start : ndarray of shape (n_tasks, n_vectors), default=None
        Where to start to fit them.
    """

    profiled = True

    def __init__(
        self,
        data: MultiTaskData,
        loss: Loss,
        gone: Elimination,
        start: np.ndarray | None = None,
    ):
        super().__init__(data, loss)
        self.gone = gone
        ridge, used = gone.ridge, gone.fitted > 0
        if data.fit_intercept:  # fitted with the others, as the last of them
            ridge = np.pad(ridge, ((0, 0), (0, 1)))
            used = np.column_stack([used, data.total > 0])
        self._ridge, self._unused = ridge, ~used
        self.coefficients = np.zeros(ridge.shape) if start is None else start
        self._task = np.repeat(np.arange(data.design.n_tasks), np.diff(data.task_ptr))
        self._at = np.empty_like(data.y)
        self._feasible = True
        self._left: tuple[np.ndarray, EliminatedDesign] | None = None

    def design_at(self, weight):
        if self._left is None or self._left[0] is not weight:
            left = EliminatedDesign(self.data.design, self._model(weight))
            self._left = weight, left
        return self._left[1]

    def others(self) -> np.ndarray:
        """Return the coefficients of the features eliminated at the last W."""
        c = self.coefficients[:, : self.gone.ridge.shape[1]]
        return np.einsum("tfr,tr->ft", self.gone.back, c)

    def on(self, design):
        data = replace(self.data, design=design)
        return ProfiledFit(data, self.loss, self.gone, self.coefficients.copy())

    @cached_property
    def _basis(self) -> np.ndarray:
        """The others of each observation, a row for each vector they are fitted in."""
        V = self.gone.unscaled(self.gone.of_observations())
        if self.data.fit_intercept:
            total = self.data.total
            size = np.sqrt(np.where(total > 0, total, 1.0))
            V = np.column_stack([V, (1.0 / size)[self._task]])
        return np.ascontiguousarray(V.T)

    def evaluate(self, W, G, residuals=None):
        if residuals is not None:
            return super().evaluate(W, G, residuals)
        loss = self.loss_at(W)
        self.refresh(G)
        return loss

    def _residual(self, first, stop):
        """Write residuals and losses of all tasks, the others at their best."""
        data, a = self.data, self.coefficients
        data.add_offset(self._eta)
        perfect = _PERFECT * data.total
        value, slope, size, spread = self._try(a)
        for _ in range(_MAX_STEPS):
            steep = np.abs(slope).max(axis=1, initial=0.0)
            left = steep > _CONSTRAINT_ROUNDING * size
            left &= value > perfect  # separated classes: the infimum is zero
            if not left.any():
                break
            # values are rounded with the predictions, which may be far from zero
            noise = _ROUNDING * value + UNIT * spread
            start = slope
            secant = self._secant() if self.loss.location else None
            h = self.loss.hessian(self.y, self.theta, data.weight)
            if self.loss.location:
                h = np.maximum(h, _LEAST_CURVATURE * data.weight)
            move = self._moves(h, start, left)
            length = np.ones((len(a), 1))
            for _ in range(_MAX_HALVINGS):
                trial = a + length * move
                new_value, slope, size, spread = self._try(trial)
                up = ~(new_value <= value + noise)
                if not up.any():
                    break
                if secant is not None:
                    move[up] = self._moves(secant, start, up)[up]
                    secant = None
                else:
                    length[up] /= 2.0
            else:
                length[up] = 0.0
                trial = a + length * move
                new_value, slope, size, spread = self._try(trial)
            better = new_value < value - noise
            better |= np.abs(slope).max(axis=1, initial=0.0) < steep / 2.0
            a, value = trial, new_value
            if not np.any(better & left):
                break
        self.coefficients = a
        at_limit = (value <= perfect)[self._task]
        self.theta[at_limit] = 0.0
        slope[value <= perfect] = 0.0
        worst = np.abs(slope).max(axis=1, initial=0.0)
        self._feasible = bool(np.all(worst <= _INFEASIBLE * size))

    def _try(self, a):
        """Evaluate at these coefficients.

        Return values, slopes, their sizes and those of which values are rounded.
        """
        data, V, ptr = self.data, readonly(self._basis), readonly(self.data.task_ptr)
        feature_predict(V, ptr, readonly(np.ascontiguousarray(a.T)), self._at)
        self._at += self._eta
        self.loss.residual(
            self.y,
            self._at,
            data.weight,
            data.task_ptr,
            data.total,
            False,
            self._b,
            self.theta,
            self.task_loss,
        )
        self.task_loss += np.sum(self._ridge * a**2, axis=1) / 2
        slope, size, spread = np.empty(a.shape), *np.empty((2, len(a)))
        inputs = self.gone.root, self.theta, self._eta, self._at, self._ridge, a
        slopes_of_fit(V, ptr, *map(readonly, inputs), slope, size, spread)
        return self.task_loss.copy(), slope, size, spread

    def curved_weight(self, least):
        h = super().curved_weight(least)
        # models without curvature lead to where the others take long to find
        return np.maximum(h, _SECANT * self._secant()) if self.loss.location else h

    def _secant(self):
        """Return the curvature of parabolas that touch the loss at both signs of r.

        With the slope at a residual r of zero added, they lie above a loss that bends
        less the larger r is, and lead down where Newton's model, of a loss that is
        linear in places, leads far.
        """
        r, weight = self.y - self._at, self.data.weight
        theta = self.theta + weight * self.loss.derivative(self.y, self.y)
        return np.divide(theta, r, out=self.loss.curvature * weight, where=r != 0)

    def _moves(self, h, slope, chosen):
        """Return Newton steps of the others in some tasks, for curvatures h."""
        if h.size and len(self._basis) <= _FEW_VECTORS:
            k, move = len(self._basis), np.empty(slope.shape)
            work = np.empty(int(np.diff(self.data.task_ptr).max()))
            inputs = self._basis, self.data.task_ptr, h, self._ridge + self._unused
            arrays = map(readonly, inputs)
            given = readonly(slope), readonly(chosen), np.empty((k, k)), work
            newton_moves(*arrays, _DAMPING, *given, move)
            return move
        H = products_of_tasks(h * self._basis, self._basis, self.data.task_ptr)
        diagonal = np.diag_indices(H.shape[1])
        H[:, *diagonal] += self._ridge + self._unused
        damping = _DAMPING * np.einsum("tkk->tk", H).max(axis=1, initial=1.0)
        H[:, *diagonal] += damping[:, None]
        move = np.zeros_like(slope)
        move[chosen] = np.linalg.solve(H[chosen], slope[chosen][:, :, None])[:, :, 0]
        return move

    def dual_limit(self):
        return super().dual_limit() if self._feasible else 0.0

    def dual_value(self, scale):
        cost = float(np.sum(self._ridge * self.coefficients**2)) / 2
        return super().dual_value(scale) - scale**2 * cost

    @property
    def residuals(self):
        """Those of the last evaluation where they say all; a ridge has more to it."""
        known = self._feasible and not self._ridge.any()
        return super().residuals if known else None

    def hessians(self, features, dtype=np.float64, least=0.0):
        """Return Hessians less what the others take off them.

        In single precision they may be written over those of the last call.
        """
        data, weight = self.data, self.curved_weight(least)
        left = EliminatedDesign(data.design, self._model(weight))
        return left.hessians_less_explained(weight, data.fit_intercept, features, dtype)

    def _model(self, weight):
        """Return what the others explain in the second-order model at these weights."""
        return self.gone.reweighted(weight, self.data.fit_intercept)

    def model(self, features, weight):
        design, gone = self.data.design.restrict(features), self._model(weight)
        return EliminatedDesign(design, gone), gone.undone(self.theta)
