"""Any loss, through the residuals of all observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, lsmr

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import (
    UNIT,
    Datafit,
    FreePart,
    Residuals,
    best_scale,
    centred_targets,
    directions,
)
from linmtl.designs._base import Design
from linmtl.kernels._jit import readonly
from linmtl.losses import Loss

_RANK = 1e-12  # singular values, relative to the largest, that are rounding
_COLLINEAR = 1e-3  # pivots of columns of length 1 that are smaller
_POTRF, _POTRS = linalg.get_lapack_funcs(("potrf", "potrs"), dtype=np.float64)
_FAR_INTERCEPT = 1e6  # an intercept of which so many digits are lost
# An intercept, relative to the spread of targets, that leaves no digits of them: beside
# it features can go anywhere, and a loss that is all rounding looks like none.
_DROWNED = 1e10
_LEAST_CURVATURE = 1e-6  # of a row that is moved to meet a dual constraint
# Residuals that are made zero, relative to the largest, and how often they are tried.
_NEARLY_NONE, _MAX_CLEARED = 0.05, 4
# Of a projection by products with a sparse X: what it may leave of a constraint,
# relative to the largest, and the iterations.
_LEFT, _MAX_PRODUCTS = 1e-14, 500


class ResidualFit(Datafit):
    """Any loss, through the residuals of all observations.

    Parameters
    ----------
    data : MultiTaskData
        The observations.
    loss : Loss
        The loss.
    centres : ndarray of shape (n_features,), default=None
        What has been taken off the features, for which intercepts make up.

    Attributes
    ----------
    given : MultiTaskData
        The observations before anything has been taken off.
    """

    clears = True  # its residuals are those of single observations

    def __init__(
        self, data: MultiTaskData, loss: Loss, centres: np.ndarray | None = None
    ):
        self.loss = loss.on(data)
        self.data = self.given = data
        self._centres, self._at_centres = centres, np.zeros(data.design.n_columns)
        self.quadratic = self.residuals_are_linear = loss.quadratic
        self.bounded = self.loss.curvature is not None
        n = data.y.size
        self._b = np.zeros(data.design.n_tasks)
        self._offset = np.zeros(data.design.n_tasks)
        self.y = data.y
        if loss.location:  # a large mean would cost digits of the dual value
            self._offset, self.y = centred_targets(data)
            self.square = float(data.weight @ self.y**2)
        self.task_loss = np.zeros(data.design.n_tasks)
        self._eta = np.empty(n)
        self.theta = np.empty(n)
        self._hessian: np.ndarray | None = None
        self._for_products: tuple[np.ndarray, np.ndarray] | None = None
        self._projector: tuple | None = None  # what `_project_along` keeps
        self._for_hessians: Design | None = None

    def restart(self):
        self._b = np.zeros(self.data.design.n_tasks)

    @property
    def n_features(self):
        return self.data.design.n_features

    @property
    def n_columns(self):
        return self.data.design.n_columns

    @property
    def row_count(self):
        return self.data.y.size

    @property
    def largest_block(self):
        design = self.data.design
        return int(np.diff(design.task_ptr).max(initial=0)), design.is_shared()

    @cached_property
    def rounding(self):
        raw = float(self.data.weight @ self.loss.size(self.data.y))
        # of targets about a mean what varies is rounded once it is centred, and the
        # mean costs each of them one more rounding
        return UNIT * (self.square + UNIT * raw if self.loss.location else raw)

    @property
    def b(self):
        return self._b + self._offset - self._at_centres[self.data.design.column]

    def _remember(self, W):
        if self._centres is not None:
            self._at_centres = self._centres @ W

    def evaluate(self, W, G, residuals=None):
        self._remember(W)
        if residuals is None:
            self._hessian = None
            design = self.data.design
            if self.loss.kernel is not None:
                design.evaluate(W, self._eta, self._residual, self.theta, G)
            else:
                design.predict(W, self._eta)
                self._residual(0, design.n_tasks)
                design.adjoint(self.theta, G)
            if self._made_up is not None:
                G[self._made_up] = 0.0
            if np.abs(self._b).max(initial=0.0) > _FAR_INTERCEPT:
                self._recentre(self.hessian_weight)
                self.refresh(G)
            return np.inf if self._drowns else self.join(self.task_loss)
        loss = self.resume(residuals)
        if residuals.gradient is not None:
            G[...] = residuals.gradient
        else:
            self.refresh(G)
        return loss

    def loss_at(self, W):
        self._remember(W)
        self._hessian = None
        self.data.design.predict(W, self._eta)
        self._residual(0, self.data.design.n_tasks)
        return np.inf if self._drowns else self.join(self.task_loss)

    @property
    def _drowns(self):
        """Whether intercepts are so far away that what they leave is rounding."""
        return np.abs(self._b).max(initial=0.0) > _DROWNED * self._spread

    @cached_property
    def _spread(self):
        """The spread of targets, or 1, that of log-odds and logarithms."""
        if not self.loss.location:
            return 1.0
        return float(np.sqrt(self.square)) or 1.0

    def _residual(self, first, stop):
        """Write intercepts, residuals and losses of a range of tasks."""
        data, tasks = self.data, slice(first, stop)
        data.add_offset(self._eta, first, stop)
        y, weight, task_ptr, total = self._inputs
        self.loss.residual(
            y,
            self._eta,
            weight,
            task_ptr[first : stop + 1],
            total[tasks],
            data.fit_intercept,
            self._b[tasks],
            self.theta,
            self.task_loss[tasks],
        )

    @cached_property
    def _inputs(self) -> tuple[np.ndarray, ...]:
        """Targets, weights, bounds and totals of the tasks, as kernels take them."""
        data = self.data
        given = self.y, data.weight, data.task_ptr, data.total
        y, weight, task_ptr, total = map(readonly, given)
        return y, weight, task_ptr, total

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
        return Residuals(
            on_line(a.b, b.b),
            theta,
            0.5 * self.data.task_sum(self.squares(theta)),
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

    def design_at(self, weight: np.ndarray) -> Design:
        """Return the design whose rows make the Hessian of these weights."""
        return self.data.design

    def small_hessians(self, size):
        weight = self.hessian_weight
        design = self.design_at(weight)
        if self.n_features >= size or design.is_sparse or design.columns_alike(weight):
            return None
        return design.hessians(weight, self.data.fit_intercept)

    @property
    def fewest_rows(self):
        return int(np.diff(self.data.task_ptr).min())

    def hessian_rows(self):
        weight, data = self.hessian_weight, self.data
        design, centre = self.design_at(weight), data.fit_intercept
        alike = design.columns_alike(weight)
        for _, tasks in [(0, np.array([0]))] if alike else design.columns():
            blocks = []
            for t in tasks:
                A = design.centred_block(np.array([t]), weight, centre)
                h = weight[data.task_ptr[t] : data.task_ptr[t + 1]]
                blocks.append(_independent_rows(A, h) if centre else A)
            yield blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def hessians(self, features, dtype=np.float64, least=0.0):
        weight, centre = self.curved_weight(least), self.data.fit_intercept
        return self.data.design.hessians(weight, centre, features, dtype)

    def hessian_product(self, V: np.ndarray) -> np.ndarray:
        """Return the Hessian of each column at the last W times that of V."""
        data, h = self.data, self._product_weight
        design = self.design_at(h)
        eta, out = np.empty_like(self.y), np.empty_like(V)
        design.predict(V, eta)
        if data.fit_intercept:
            total = data.task_sum(h)
            mean = np.zeros_like(total)
            np.divide(data.task_sum(h * eta), total, out=mean, where=total > 0)
            eta -= np.repeat(mean, np.diff(data.task_ptr))
        eta *= h
        design.adjoint(eta, out)
        return out

    @property
    def _product_weight(self) -> np.ndarray:
        """The weights of products with the Hessian, the same array until the next W.

        Where a loss is linear, steps without any curvature would lead far.
        """
        weight = self.hessian_weight
        if not self.loss.location or self.quadratic:
            return weight
        if self._for_products is None or self._for_products[0] is not weight:
            self._for_products = weight, self.curved_weight(_LEAST_CURVATURE)
        return self._for_products[1]

    def curved_weight(self, least: float) -> np.ndarray:
        """Return the weights of the Hessian, with a curvature of ``least`` or more."""
        return np.maximum(self.hessian_weight, least * self.data.weight)

    def project(self, parts, G):
        """Move the residuals as the base says, rows without an error too.

        Where features that nothing penalises tell classes apart, or counts of zero from
        others, coefficients grow without end, and residuals of zero alone are feasible.
        Those that are nearly zero are made so where the move would turn their sign.
        """
        if self.quadratic or not self.clears:
            self._move_along(parts, G)
            return
        _ = self.hessian_weight
        theta, known, least = self.theta.copy(), self._curvature, 0.0
        self._move_along(parts, G)
        for _ in range(_MAX_CLEARED):
            if self.dual_limit() > 0.0:
                break
            low, high = self.loss.domain(self.y)
            may = (np.equal(low, 0.0) | np.equal(high, 0.0)) & (self.data.weight > 0)
            size = np.abs(theta) / np.where(may, self.data.weight, 1.0)
            turned = may & (theta * self.theta < 0)
            least = max(2 * size[turned].max(initial=0.0), 2 * least)
            if not 0.0 < least <= _NEARLY_NONE * size[may].max(initial=0.0):
                break
            self.theta[:] = self._cleared(theta, may & (size < least))
            self._hessian = None
            self._recentre(self.hessian_weight)
            self.refresh(G)
            self._move_along(parts, G)
        self._curvature = known

    def _cleared(self, theta: np.ndarray, small: np.ndarray) -> np.ndarray:
        """Return the residuals without some that are nearly zero."""
        return np.where(small, 0.0, theta)

    @property
    def _curvature(self) -> Any:
        """What is known of the Hessian at the last point."""
        return self._hessian

    @_curvature.setter
    def _curvature(self, known: Any) -> None:
        self._hessian = known

    def _move_along(self, parts: Sequence[FreePart], G: np.ndarray) -> None:
        """Move the residuals by the Hessian at the last point."""
        data = self.data
        h = self.hessian_weight
        if self.loss.location:  # rows without curvature move where no others are left
            h = self.curved_weight(_LEAST_CURVATURE)
        design, column = self.design_at(h), data.design.column
        columns, entries, over = directions(parts, G)
        tasks = np.flatnonzero(np.isin(column, columns))
        entry_bytes = 8.0 * over.size * np.diff(data.task_ptr)[tasks].sum()
        if design.is_sparse and entry_bytes > design.spare_bytes:
            self._project_by_products(parts, columns, entries, over, h)
            return
        one = len(parts) == 1 and entries[0].shape[1] == 1
        if one and design is data.design and 2 * tasks.size > design.n_tasks:
            rows = np.arange(self.n_features)[parts[0].rows]
            if self._project_along(rows, columns, entries[0][:, 0], over, tasks, h):
                return
        size = np.diff(data.task_ptr)[tasks]
        # each observation counts with the entry of its task
        position = np.repeat(np.searchsorted(columns, column[tasks]), size)
        blocks = []
        for part, entry in zip(parts, entries, strict=True):
            A = design.centred_block(tasks, h, data.fit_intercept, part.rows)
            A = entry[position][:, :, None] * A[:, None, :]
            blocks.append(A.reshape(len(A), -1))
        z = _least_norm(np.hstack(blocks), over)
        where = np.concatenate(
            [np.arange(data.task_ptr[t], data.task_ptr[t + 1]) for t in tasks]
        )
        self.theta[where] -= np.sqrt(h[where]) * z
        self._recentre(h)

    def _project_by_products(self, parts, columns, entries, over, h):
        """Project by products with X alone: a sparse one is not made dense."""
        data, root = self.data, np.sqrt(h)
        design, counts = self.design_at(h), np.diff(data.task_ptr)
        total = data.task_sum(h)
        total[total == 0] = 1.0
        V = np.zeros((self.n_features, self.n_columns))
        eta = np.empty_like(self.theta)
        where = [np.ix_(np.arange(len(V))[part.rows], columns) for part in parts]
        size = np.sqrt(_along(where, entries, design.squares(h, data.fit_intercept), 2))
        size[size == 0] = 1.0

        def spread(u):
            V[...], done, u = 0.0, 0, np.ravel(u) / size
            for at, entry in zip(where, entries, strict=True):
                shape = entry.shape[1], at[0].size
                piece = u[done : done + shape[0] * shape[1]].reshape(shape)
                V[at] += piece.T @ entry.T
                done += piece.size
            design.predict(V, eta)
            if data.fit_intercept:
                eta[:] -= np.repeat(data.task_sum(h * eta) / total, counts)
            return root * eta

        def gather(z):
            r = root * np.ravel(z)
            if data.fit_intercept:
                r -= h * np.repeat(data.task_sum(r) / total, counts)
            design.adjoint(r, V)
            return _along(where, entries, V) / size

        products: dict[str, Any] = {"matvec": gather, "rmatvec": spread}
        operator: Any = LinearOperator((over.size, eta.size), dtype=float, **products)  # pyright: ignore[reportCallIssue]
        stop: dict[str, Any] = {"atol": _LEFT, "btol": _LEFT, "conlim": 0.0}
        found = lsmr(operator, over / size, maxiter=_MAX_PRODUCTS, **stop)
        self.theta -= root * found[0]
        self._recentre(h)

    def _project_along(self, rows, columns, entry, over, tasks, h):
        """Project along one direction over most tasks, if that is well conditioned.

        By the sum of their Hessians, which serves until the weights change, and without
        a copy of their rows. Return whether it was.
        """
        key = rows.tobytes(), columns.tobytes(), entry.tobytes()
        weight = self.hessian_weight
        if (
            self._projector is None
            or self._projector[0] != key
            or not (self.quadratic or self._projector[1] is weight)
        ):
            solve = self._normal_equations(rows, columns, entry, tasks, h)
            self._projector = key, weight, solve
        solve = self._projector[2]
        if solve is None:
            return False
        V, eta = np.zeros((self.n_features, self.n_columns)), np.empty_like(self.theta)
        V[np.ix_(rows, columns)] = solve(over)[:, None] * entry
        self.data.design.predict(V, eta)
        self.theta -= h * eta
        self._recentre(h)
        return True

    def _normal_equations(self, rows, columns, entry, tasks, h):
        """Return the solver of the sum of Hessians, None where it is near singular."""
        data, d = self.data, rows.size
        if d > np.diff(data.task_ptr)[tasks].sum():
            return None
        some = None if d == self.n_features else rows
        position = np.searchsorted(columns, data.design.column[tasks])
        total = np.zeros((d, d))
        for t, e in zip(tasks, entry[position], strict=True):
            A = data.design.centred_block(np.array([t]), h, data.fit_intercept, some)
            total += e**2 * (A.T @ A)
        size = np.sqrt(np.diag(total))
        size[size == 0] = 1.0
        factor, failed = _POTRF(total / size[:, None] / size)
        if failed or np.diag(factor).min(initial=1.0) <= _COLLINEAR:
            return None
        return lambda g: _POTRS(factor, g / size)[0] / size

    def _recentre(self, h):
        """Take off what residuals sum to: features far from zero make much of it."""
        data = self.data
        if data.fit_intercept:
            over, total = data.task_sum(self.theta), data.task_sum(h)
            total[total == 0] = 1.0
            self.theta -= h * np.repeat(over / total, np.diff(data.task_ptr))

    def feature_scale(self):
        data = self.data
        return np.sqrt(data.design.column_scale(data.weight, data.fit_intercept))

    def residual_norm(self):
        return float(np.sqrt(self.squares(self.theta).sum()))

    def squares(self, theta: np.ndarray) -> np.ndarray:
        """Return the weighted squares of weighted residuals."""
        weight, out = self.data.weight, np.zeros_like(theta)
        return np.divide(theta**2, weight, out=out, where=weight > 0)

    def refresh(self, G):
        self.data.design.adjoint(self.theta, G)
        if self._made_up is not None:
            G[self._made_up] = 0.0

    @cached_property
    def _made_up(self):
        """Coefficients that intercepts make up for, whose gradients are rounding.

        Those of features that are constant within a task. None where there are none.
        """
        data, design = self.data, self.data.design
        if self.loss.quadratic or not data.fit_intercept:
            return None
        if design.is_sparse or not design.may_be_constant():
            return None
        constant = ~design.varying(data.weight, True)
        if not constant.any():
            return None
        filled = design.squares(data.weight, False) > 0
        return constant if np.any(constant & filled) else None

    def dual_limit(self):
        return self.loss.dual_limit(self.y, self.theta, self.data.weight)

    def best_scale(self, conjugate, limit, support=0.0):
        if not self.loss.quadratic:
            return min(1.0, limit)
        linear, square = self.loss.dual_terms(self.y, self.theta, self.data.weight)
        return best_scale(linear - support, square + 2 * conjugate, limit)

    def dual_value(self, scale):
        value = self.loss.dual_value(self.y, self.theta, self.data.weight, scale)
        return value - self.offset_value(scale)

    def offset_value(self, scale: float) -> float:
        """Return what an offset takes off the dual value at ``scale * theta``."""
        offset = self.data.offset
        return 0.0 if offset is None else scale * float(self.theta @ offset)

    def curvature(self, scaled):
        data, weight = self.data, self.largest_weight
        metric = np.ones(self.n_features)
        if scaled:
            metric = data.design.column_scale(weight, data.fit_intercept)
            metric[metric <= 0] = 1.0
        top = data.design.column_eigenvalues(weight, data.fit_intercept, metric)
        return metric, float(top.max(initial=0.0))

    @cached_property
    def largest_weight(self) -> np.ndarray:
        """The largest weights of the Hessian, or without a bound those at zero."""
        data = self.data
        if self.loss.curvature is not None:
            return self.loss.curvature * data.weight
        theta, task_loss = np.empty_like(data.y), np.empty(data.design.n_tasks)
        self.loss.residual(
            self.y,
            data.null_predictor(),
            data.weight,
            data.task_ptr,
            data.total,
            data.fit_intercept,
            np.zeros(data.design.n_tasks),
            theta,
            task_loss,
        )
        return self.loss.hessian(self.y, theta, data.weight)

    def restrict(self, features):
        return self.on(self.data.design.restrict(features))

    def on(self, design: Design) -> ResidualFit:
        """Return the loss of another design of the same rows."""
        return type(self)(replace(self.data, design=design), self.loss)

    def of_tasks(self, tasks):
        return type(self)(self.data.of_tasks(tasks), self.loss)

    def gather(self, features, last=None):
        known = last.data.design if last is not None else None
        return self.on(self.data.design.gather(features, known))

    def with_hessians(self):
        if self._for_hessians is None:  # once for all fits of a path
            centre = self.data.fit_intercept
            self._for_hessians = self.data.design.with_hessians(centre)
        return self.on(self._for_hessians)

    def model(
        self, features: np.ndarray, weight: np.ndarray
    ) -> tuple[Design, np.ndarray]:
        """Return design and residuals of second-order models, for weights of Hessians.

        The features of the design times the residuals are the negative gradient.
        """
        return self.data.design.restrict(features), self.theta


def about_zero(
    data: MultiTaskData, loss: Loss, kind: type[ResidualFit] | None = None
) -> ResidualFit:
    """Return the loss of data with intercepts, features far from zero moved there.

    Intercepts as far away would lack the digits for residuals to sum to zero.
    """
    kind = ResidualFit if kind is None else kind
    moved = data.design.about_zero() if data.fit_intercept else None
    if moved is None:
        return kind(data, loss)
    fit = kind(replace(data, design=moved[0]), loss, moved[1])
    fit.given = data
    return fit


class JoinedFit(ResidualFit):
    """A loss whose residuals depend on the losses of all tasks."""

    additive = False
    clears = False

    def __init__(self, data: MultiTaskData, loss: Loss):
        super().__init__(data, loss)
        self.quadratic = self.residuals_are_linear = self.bounded = False

    def gather(self, features, last=None):
        return self.restrict(features)

    def evaluate(self, W, G, residuals=None):
        value = self.loss_at(W)
        self.refresh(G)
        return value


def _along(where, entries, V: np.ndarray, power: int = 1) -> np.ndarray:
    """Return parts of V times their vectors, vector after vector for each part."""
    pairs = zip(where, entries, strict=True)
    return np.concatenate([(V[at] @ entry**power).T.ravel() for at, entry in pairs])


def _independent_rows(A: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return centred rows reflected so that one of them is zero, without that one.

    A'A is the same. Centred rows depend on each other up to rounding, which passes for
    a direction of its own where the weights differ much.
    """
    root = np.sqrt(weight)
    size = float(np.linalg.norm(root))
    if size == 0.0:
        return A
    root /= size
    k = int(np.argmax(root))
    factor = np.delete(root, k) / (1.0 + root[k])
    return np.delete(A, k, axis=0) - factor[:, None] * A[k]


def _least_norm(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the shortest z with ``A' z = g``."""
    n, k = A.shape
    if A.size == 0:
        return np.zeros(n)
    # columns of any scale count alike: what is rounding beside its own column is none
    size = np.linalg.norm(A, axis=0)
    size[size == 0] = 1.0
    A, g = A / size, g / size
    if n >= k:  # quick where the columns are far from collinear
        factor, failed = _POTRF(A.T @ A)
        if not failed and np.diag(factor).min() > _COLLINEAR:
            z = np.zeros(n)
            for _ in range(2):  # refined once
                z += A @ _POTRS(factor, g - A.T @ z)[0]
            return z
    found: Any = linalg.lstsq(A.T, g, cond=_RANK, lapack_driver="gelsd")
    return found[0]
