"""Any loss, through the residuals of all observations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from linmtl.data import MultiTaskData
from linmtl.datafits._base import (
    Datafit,
    Residuals,
    _excess,
    _square,
    best_scale,
    centred_targets,
)
from linmtl.designs._base import Design
from linmtl.losses import Loss


class ResidualFit(Datafit):
    """Any loss, through the residuals of all observations."""

    def __init__(self, data: MultiTaskData, loss: Loss):
        self.loss = loss
        self.data = data
        n = data.y.size
        self._b = np.zeros(data.design.n_tasks)
        self._offset = np.zeros(data.design.n_tasks)
        self.y = data.y
        self.square = 0.0  # sum weight y^2, of use for the squared loss
        if loss.quadratic:  # a large mean would cost digits of the dual value
            self._offset, self.y = centred_targets(data)
            self.square = _square(data, self.y)
        self.task_loss = np.zeros(data.design.n_tasks)
        self._eta = np.empty(n)
        self.theta = np.empty(n)
        self._hessian: np.ndarray | None = None
        self._for_hessians: Design | None = None

    @property
    def b(self):
        return self._b + self._offset

    def evaluate(self, W, G, residuals=None):
        if residuals is None:
            self._hessian = None
            self.data.design.evaluate(W, self._eta, self._residual, self.theta, G)
            return self.join(self.task_loss)
        loss = self.resume(residuals)
        if residuals.gradient is not None:
            G[...] = residuals.gradient
        else:
            self.refresh(G)
        return loss

    def loss_at(self, W):
        self._hessian = None
        self.data.design.predict(W, self._eta)
        self._residual(0, self.data.design.n_tasks)
        return self.join(self.task_loss)

    def _residual(self, first, stop):
        """Write intercepts, residuals and losses of a range of tasks."""
        data, tasks = self.data, slice(first, stop)
        self.loss.residual(
            self.y,
            self._eta,
            data.weight,
            data.task_ptr[first : stop + 1],
            data.total[tasks],
            data.fit_intercept,
            self._b[tasks],
            self.theta,
            self.task_loss[tasks],
        )

    def resume(self, residuals: Residuals) -> float:
        """Go to the point that these residuals belong to; return the loss there."""
        self._hessian = None
        self._b[:], self.theta[:] = residuals.b, residuals.theta
        self.task_loss[:] = residuals.task_loss
        return self.join(self.task_loss)

    @property
    def residuals(self) -> Residuals:
        """The residuals of the last evaluation."""
        return Residuals(self._b, self.theta, self.task_loss)

    def on_line(self, a: Residuals, b: Residuals, move: float) -> Residuals:
        """Return the residuals at ``W_b + move (W_b - W_a)``, for the squared loss."""

        def on_line(start, end):
            out = end - start
            out *= move
            out += end
            return out

        theta = on_line(a.theta, b.theta)
        used = self.data.weight > 0
        squares = np.zeros_like(theta)
        np.divide(theta**2, self.data.weight, out=squares, where=used)
        return Residuals(
            on_line(a.b, b.b),
            theta,
            0.5 * self.data.task_sum(squares),
            on_line(a.gradient, b.gradient),
        )

    def join(self, task_loss: np.ndarray) -> float:
        """Join the tasks' losses to one number: their sum (weights are in the loss)."""
        return float(task_loss.sum())

    @property
    def hessian_weight(self):
        if self._hessian is None:  # ask before theta is projected
            self._hessian = self.loss.hessian(self.y, self.theta, self.data.weight)
        return self._hessian

    def project(self, columns, rows, target, G, vectors=None):
        data = self.data
        h = self.hessian_weight
        column = data.design.column
        tasks = np.flatnonzero(np.isin(column, columns))
        A = data.design.centred_block(tasks, h, data.fit_intercept, rows)
        vectors, excess = _excess(G[rows][:, columns], target, vectors)
        # each observation counts with the entry of its task
        position = {c: i for i, c in enumerate(columns.tolist())}
        size = np.diff(data.task_ptr)[tasks]
        entry = vectors[np.repeat([position[c] for c in column[tasks]], size)]
        A = (entry[:, :, None] * A[:, None, :]).reshape(len(A), -1)
        z = _least_norm(A, excess.T.ravel())
        where = np.concatenate(
            [np.arange(data.task_ptr[t], data.task_ptr[t + 1]) for t in tasks]
        )
        self.theta[where] -= np.sqrt(h[where]) * z

    def refresh(self, G):
        self.data.design.adjoint(self.theta, G)

    def dual_limit(self):
        return self.loss.dual_limit(self.y, self.theta, self.data.weight)

    def best_scale(self, conjugate, limit, support=0.0):
        if not self.loss.quadratic:
            return min(1.0, limit)
        linear, square = self.loss.dual_terms(self.y, self.theta, self.data.weight)
        return best_scale(linear - support, square + 2 * conjugate, limit)

    def dual_value(self, scale):
        return self.loss.dual_value(self.y, self.theta, self.data.weight, scale)

    def curvature(self, scaled):
        data = self.data
        metric = np.ones(self.n_features)
        if scaled:
            metric = data.design.column_scale(data.weight, data.fit_intercept)
            metric[metric <= 0] = 1.0
        top = data.design.column_eigenvalues(data.weight, data.fit_intercept, metric)
        return metric, self.loss.curvature * float(top.max(initial=0.0))

    def restrict(self, features):
        return ResidualFit(self.data.restrict(features), self.loss)

    def of_tasks(self, tasks):
        return ResidualFit(self.data.of_tasks(tasks), self.loss)

    def gather(self, features, last=None):
        known = last.data.design if last is not None else None
        design = self.data.design.gather(features, known)
        return ResidualFit(replace(self.data, design=design), self.loss)

    def with_hessians(self):
        if self._for_hessians is None:  # once for all fits of a path
            centre = self.data.fit_intercept
            self._for_hessians = self.data.design.with_hessians(centre)
        return ResidualFit(replace(self.data, design=self._for_hessians), self.loss)


class JoinedFit(ResidualFit):
    """A loss whose residuals take the losses of all tasks to know."""

    def evaluate(self, W, G, residuals=None):
        value = self.loss_at(W)
        self.refresh(G)
        return value


def _least_norm(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the shortest z with ``A' z = g``."""
    if A.size == 0:
        return np.zeros(A.shape[0])
    return linalg.lstsq(A.T, g, lapack_driver="gelsd")[0]
