"""A loss that is not quadratic, with some features always at their best coefficients.

They are fitted by Newton's method with the intercepts, in an orthonormal basis and from
where the model of the loss at the last W expects them. In Newton steps of the features
that are left they go no further than the next model needs: its step ends where the
residuals satisfy their constraint.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._residual import ResidualFit
from linmtl.datafits._task_newton import TaskNewton, damped, secant
from linmtl.designs._eliminated import (
    EliminatedDesign,
    Elimination,
    products_of_tasks,
)
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import take_products
from linmtl.losses import Loss

_SECANT = 0.1  # of the curvature of a touching parabola, that a model has at least
_INFEASIBLE = 1e-10  # of a constraint, relative to the residuals: certifies nothing
_LOST = 1e-6  # of a constraint: Newton's method has not found the best of the others


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
    roughly : bool, default=False
        Whether to fit them no better than Newton steps of the others need.
    """

    profiled = True

    def __init__(
        self,
        data: MultiTaskData,
        loss: Loss,
        gone: Elimination,
        start: np.ndarray | None = None,
        roughly: bool = False,
    ):
        super().__init__(data, loss)
        self.gone = gone
        ridge, used = gone.ridge, gone.fitted > 0
        if data.fit_intercept:  # fitted with the others, as the last of them
            ridge = np.pad(ridge, ((0, 0), (0, 1)))
            used = np.column_stack([used, data.total > 0])
        self._ridge, self._stiffness = ridge, ridge + ~used
        self.coefficients = np.zeros(ridge.shape) if start is None else start
        self._known: np.ndarray | None = None  # what W predicts where these are best
        self._lost = np.zeros(len(ridge), dtype=bool)  # tasks where they are not
        self.roughly = roughly
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
        start, roughly = self._start(), self.roughly
        return ProfiledFit(data, self.loss, self.gone, start, roughly)

    def gather(self, features, last=None):
        fit: Any = super().gather(features, last)
        fit.roughly = True
        return fit

    def with_hessians(self):
        fit: Any = super().with_hessians()
        fit.roughly = True
        return fit

    @cached_property
    def _basis(self) -> np.ndarray:
        """The others of each observation, a row for each vector they are fitted in."""
        V = self.gone.unscaled(self.gone.of_observations())
        if self.data.fit_intercept:
            total = self.data.total
            size = np.sqrt(np.where(total > 0, total, 1.0))
            one = np.repeat(1.0 / size, np.diff(self.data.task_ptr))
            V = np.column_stack([V, one])
        return readonly(np.ascontiguousarray(V.T))

    def evaluate(self, W, G, residuals=None):
        if residuals is not None:
            return super().evaluate(W, G, residuals)
        loss = self.loss_at(W)
        self.refresh(G)
        return loss

    def _residual(self, first, stop):
        """Write residuals and losses of all tasks, the others at their best."""
        others, a = self._others, self._start()
        self.data.add_offset(self._eta)
        if self._known is not None:
            guess = others.guess(a, self._eta - self._known)
            a = np.where(self._lost[:, None], a, guess)
        a, left = self._minimise(a)
        if not np.all(left <= _LOST):  # on the way from the last W
            a, left = self._minimise(np.where((left <= _LOST)[:, None], a, 0.0))
        self._lost = ~(left <= _LOST)
        self.coefficients, self._known = a, self._eta.copy()
        self._feasible = bool(np.all(left <= _INFEASIBLE))
        if not self.loss.location:
            self._hessian = others.h.copy()
        self.task_loss += np.sum(self._ridge * a**2, axis=1) / 2

    def _start(self) -> np.ndarray:
        """Return where to look for the others: zero where they have not been found."""
        return np.where(self._lost[:, None], 0.0, self.coefficients)

    def _minimise(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best others from ``a`` on, and what is left of their constraint.

        The largest part in each task, relative to its residuals.
        """
        a, at_limit = self._others.minimise(a)
        slope, size, _ = self._others.slopes(a)
        slope[at_limit] = 0.0
        worst, left = np.abs(slope).max(axis=1, initial=0.0), np.zeros(len(a))
        np.divide(worst, size, out=left, where=worst != 0.0)
        left[~np.isfinite(size)] = np.inf
        return a, left

    @cached_property
    def _others(self) -> TaskNewton:
        """The loss as a function of the others, what the features predict given."""
        y, weight, task_ptr, total = self._inputs
        return TaskNewton(
            self.loss,
            self._basis,
            self._ridge,
            self._stiffness,
            y,
            weight,
            self.gone.root,
            task_ptr,
            total,
            self._eta,
            np.empty_like(self.theta),
            self.theta,
            np.empty_like(self.theta),
            self.task_loss,
            self.roughly,
        )

    def curved_weight(self, least):
        h = super().curved_weight(least)
        # models without curvature lead to where the others take long to find
        return np.maximum(h, _SECANT * self._secant()) if self.loss.location else h

    def _secant(self):
        at = self._others.at
        return secant(self.loss, self.y, at, self.theta, self.data.weight)

    def dual_limit(self):
        return super().dual_limit() if self._feasible else 0.0

    def dual_value(self, scale):
        cost = float(np.sum(self._ridge * self.coefficients**2)) / 2
        return super().dual_value(scale) - scale**2 * cost

    @property
    def residuals(self):
        """Those of the last evaluation where they say all; a ridge has more to it."""
        known = self._feasible and not self._ridge.any()
        if not known:
            return None
        return replace(super().residuals, others=(self.coefficients, self._known))

    def resume(self, residuals):
        known = residuals.others
        self.coefficients, self._known = known or (self._start(), None)
        self._lost = np.zeros(len(self.coefficients), dtype=bool)
        value = super().resume(residuals)
        if self._known is not None:
            self._others.curve(slice(None))
        return value

    def hessians(self, features, dtype=np.float64, least=0.0):
        """Return Hessians less what the others take off them.

        In single precision they may be written over those of the last call.
        """
        data, weight = self.data, self.curved_weight(least)
        design, ptr, V = data.design, data.task_ptr, self._basis
        ridge = self._stiffness
        H = design.hessians(weight, data.fit_intercept, features, dtype)
        if data.fit_intercept:  # the last of them
            total = np.maximum(data.task_sum(weight), np.finfo(float).tiny)
            V, ridge = V[:-1], ridge[:, :-1]
            mean = products_of_tasks(weight[None], V, ptr)[:, 0] / total[:, None]
            V = V - np.repeat(mean.T, np.diff(ptr), axis=1)
        across = weight * V
        L = np.linalg.cholesky(damped(products_of_tasks(across, V, ptr), ridge))
        G = np.empty((self.n_features, self.n_columns))
        B = np.empty((H.shape[0], len(V), H.shape[1]))
        for k, row in enumerate(across):
            design.adjoint(row, G)
            B[:, k] = G[features].T
        B = np.linalg.solve(L, B).transpose(1, 0, 2)
        take_products(readonly(np.ascontiguousarray(B, dtype=dtype)), H)
        return H

    def _model(self, weight):
        """Return what the others explain in the second-order model at these weights."""
        return self.gone.reweighted(weight, self.data.fit_intercept)

    def model(self, features, weight):
        design, gone = self.data.design.restrict(features), self._model(weight)
        return EliminatedDesign(design, gone), gone.undone(self.theta)
