"""Fits without each row for losses that are not squared, from one of all rows.

Where rows are few one Newton step is far from the solution without a row: curvatures
change as well. A few more steps lead to it, for many rows at once: each has Hessians of
its own, and its model is minimised on the features that may be in use. Tasks that are
penalised apart stay as they are, but for that of the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.losses import Loss
from linmtl.model_selection._one_fit import LeftOutRows
from linmtl.model_selection._refits import reached
from linmtl.penalties import Penalty, compose
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._feature_sign import lasso_of_tasks
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MAX_NUMBERS = 4_000_000  # of Hessians that are held at a time
_MOST_UNKNOWNS = 100  # of tasks that are coupled, without a norm: of one dense system
_TOL = 1e-5  # that of models that are compared with those beside them
_MOST_STEPS, _MOST_HALVINGS = 30, 12
_CLOSE = 1e-4  # the last change of a predictor, relative to 1 and its size
_NEAR = 0.5  # of its bound, from which a gradient may reach it without a row
_OVER = 1e-3  # relative excess over a bound, from which a feature is missed
_LEAST_CURVATURE = 1e-6  # of an observation, as a part of the largest
_ACCURACY, _MOST_SWEEPS = 1e-4, 1000  # of descent on a model
_INDEFINITE = 1e-10  # eigenvalue relative to the largest that may be rounding
_ROUNDING = 1e-12  # of the objective, by which a step may raise it


class _Group(NamedTuple):
    """Tasks that change together, and what leaves them.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Positions of the tasks.
    rows : slice
        Their observations.
    weight : ndarray of shape (n_left_out, n_rows)
        Weights of the observations without each of what is left out.
    out : list of n_left_out ndarray
        What that is, as positions among these observations.
    """

    tasks: np.ndarray
    rows: slice
    weight: np.ndarray
    out: list[np.ndarray]


class CurvedRefits:
    """Predictions of each row by models without it.

    Parameters
    ----------
    data : MultiTaskData
        All data.
    loss : Loss
        Their loss.
    fit : Datafit
        The same as a function of W.
    columns : ndarray of shape (n_tasks,)
        Task labels of the columns of W.
    unit : ndarray of shape (n_observations,)
        What is left out together, -1 for never.
    apart : bool
        Whether tasks are penalised apart.
    tol, max_iter
        As for :func:`linmtl.solvers.minimise`.
    """

    def __init__(
        self,
        data: MultiTaskData,
        loss: Loss,
        fit: Datafit,
        columns: np.ndarray,
        unit: np.ndarray,
        apart: bool,
        tol: float,
        max_iter: int,
    ):
        self.data, self.loss, self.fit, self.columns = data, loss, fit, columns
        self.unit = unit
        self.options: dict[str, Any] = {"tol": min(tol, _TOL), "max_iter": max_iter}
        self.W: np.ndarray | None = None
        self.apart = apart

    @classmethod
    def of(
        cls,
        data: MultiTaskData,
        loss: Loss,
        fit: Datafit,
        penalties: Sequence[Penalty],
        columns: np.ndarray,
        unit: np.ndarray,
        tol: float,
        max_iter: int,
    ) -> Self | None:
        """Return the refits of such penalties, None where these are none for them."""
        whole, design = compose(penalties[0], fit.n_features, columns), data.design
        one_column = design.group_ptr is None and fit.n_columns == design.n_tasks
        if fit.quadratic or loss.mostly_flat or design.is_sparse:
            return None
        if not (fit.additive and one_column):
            return None
        form = whole.quadratic
        if whole.intercepts or not isinstance(form, QuadraticForm) or form.varies:
            return None
        if whole.norm is None:
            wholes = (compose(p, fit.n_features, columns) for p in penalties)
            apart = all(each.base_quadratic.is_diagonal for each in wholes)
            unknowns = fit.n_features * (1 if apart else fit.n_columns)
            if unknowns > _MOST_UNKNOWNS:
                return None
        elif lacks_rows(Objective(fit, whole)) is None:
            norm: Any = whole.norm
            apart = not norm.strengths(fit.n_features)[1].any()
        else:
            return None
        n_units = np.diff(data.task_ptr).max() if apart else unit.max() + 1
        if data.y.size * n_units > _MAX_NUMBERS:
            return None
        return cls(data, loss, fit, columns, unit, apart, tol, max_iter)

    def path(self, penalties: Sequence[Penalty]) -> tuple[np.ndarray, int]:
        """Return the predictions with each penalty, and the fits not converged.

        NaN for what has none, and where the steps did not lead to it.
        """
        eta = np.full((len(penalties), self.unit.size), np.nan)
        return eta, sum(map(self._fill, penalties, eta))

    @cached_property
    def groups(self) -> list[_Group]:
        """The tasks, alone or all together."""
        return list(self._groups())

    def _groups(self) -> Iterator[_Group]:
        """Yield tasks that change together.

        What leaves a task of classes one of these alone is none of theirs.
        """
        data, ptr = self.data, self.data.task_ptr
        c = LeftOutRows(data, self.loss).c
        T = data.design.n_tasks
        task = np.repeat(np.arange(T), np.diff(ptr))
        every = np.arange(T)
        for tasks in np.split(every, T) if self.apart else [every]:
            rows = slice(ptr[tasks[0]], ptr[tasks[-1] + 1])
            unit, weights, out = self.unit[rows], [], []
            bounds = ptr[tasks[0] : tasks[-1] + 2] - rows.start
            y = data.y[rows]
            for number in np.unique(unit[unit >= 0]):
                at = np.flatnonzero(unit == number)
                weight = data.weight[rows].copy()
                left = at[weight[at] > 0]
                factor = np.ones(T)
                factor[task[rows][left]] = c[rows][left]
                weight *= factor[task[rows]]
                weight[at] = 0.0
                if not np.all(np.isfinite(weight)):
                    continue
                if data.fit_intercept and self.loss.sides(y, weight, bounds).any():
                    continue
                weights.append(weight)
                out.append(at)
            if out:
                yield _Group(tasks, rows, np.array(weights), out)

    def _fill(self, penalty: Penalty, eta: np.ndarray) -> int:
        """Write predictions; return whether the fit of all did not converge."""
        fit = self.fit
        whole = compose(penalty, fit.n_features, self.columns)
        objective = Objective(fit, whole)
        result = minimise(objective, W0=self.W, **self.options)
        self.W = result.point
        near = np.ones(fit.n_features, dtype=bool)
        if whole.norm is not None:
            D = self._slope(result.W, result.b)
            near = reached(D, whole.norm, 1.0 / _NEAR) | result.W.any(axis=1)
        while self.data.y.size * int(near.sum()) ** 2 <= _MAX_NUMBERS:
            missed = np.zeros(near.size, dtype=bool)
            for group in self.groups:
                steps = _Steps(self, whole, group, near)
                per = len(group.tasks) * max(int(near.sum()), 1) ** 2
                per = max(per, group.weight.shape[1])
                n, step = len(group.out), max(_MAX_NUMBERS // per, 1)
                for first in range(0, n, step):
                    some = np.arange(first, min(first + step, n))
                    found, more = steps.run(some, result.W, result.b)
                    missed |= more
                    for r, own in zip(some.tolist(), found, strict=True):
                        at = group.out[r]
                        eta[group.rows][at] = own[at]
            if not missed.any():
                return int(not result.converged)
            near |= missed
        eta[:] = np.nan
        return 0

    def _slope(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return minus the slope of the loss, (n_features, n_tasks)."""
        data = self.data
        eta = np.empty(data.y.size)
        data.design.predict(np.ascontiguousarray(W), eta)
        eta += np.repeat(b, np.diff(data.task_ptr))
        data.add_offset(eta)
        D = np.empty(W.shape)
        data.design.adjoint(-data.weight * self.loss.derivative(data.y, eta), D)
        return D


class _Steps:
    """Newton steps of one penalty for what leaves a group of tasks.

    Coefficients are of the shape (n_left_out, n_tasks, n_features), of those in use.

    Parameters
    ----------
    refits : CurvedRefits
        The problem.
    whole : Composite
        The penalty.
    group : _Group
        The tasks.
    near : ndarray of bool of shape (n_features,)
        The features that may be in use.
    """

    def __init__(
        self, refits: CurvedRefits, whole: Any, group: _Group, near: np.ndarray
    ):
        data, tasks = refits.data, group.tasks
        self.loss, self.group, self.near = refits.loss, group, near
        self.levels, self.norm = data.fit_intercept, whole.norm
        self.y = data.y[group.rows]
        offset = np.zeros(data.y.size)
        data.add_offset(offset)
        self.offset = offset[group.rows]
        ends = data.task_ptr[tasks[0] : tasks[-1] + 2] - group.rows.start
        self.parts = [slice(*pair) for pair in pairwise(ends.tolist())]
        self.X = [data.design.block(int(t)) for t in tasks]
        self.x = [X[:, near] for X in self.X]
        self.pairs = [(x[:, :, None] * x[:, None]).reshape(len(x), -1) for x in self.x]
        form = whole.quadratic
        self.K = np.diag(form.diagonal[tasks]) if form.is_diagonal else form.dense()
        # whether rows alone may say what a model is
        curvature = np.linalg.eigvalsh(self.K)
        self.unsure = curvature[0] <= _INDEFINITE * curvature[-1]
        if self.norm is not None:
            entry, row = self.norm.strengths(near.size)
            self.strengths = entry[near], row[near]

    def run(
        self, some: np.ndarray, W: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the predictors of the tasks' observations, and features it lacks.

        Parameters
        ----------
        some : ndarray of int of shape (n_left_out,)
            What leaves, as positions in the group. Where steps do not converge the
            predictors are NaN.
        W : ndarray of shape (n_features, n_tasks)
            Where to start,
        b : ndarray of shape (n_tasks,)
            and the intercepts there.
        """
        tasks, n = self.group.tasks, some.size
        weight, out = self.group.weight[some], [self.group.out[i] for i in some]
        V = np.repeat(W[self.near][:, tasks].T[None], n, axis=0)
        b = np.repeat(b[None, tasks], n, axis=0)
        found = np.full(weight.shape, np.nan)
        missed = np.zeros(self.near.size, dtype=bool)
        left, eta = np.arange(n), self._predictors(V, b)
        value = self._value(weight, V, eta)
        for step in range(_MOST_STEPS):
            move, level = self._step(weight[left], V, eta, 4.0**step)
            size = np.ones(len(left))
            open_, new = np.ones(len(left), dtype=bool), value.copy()
            for _ in range(_MOST_HALVINGS):
                some_V = V[open_] + size[open_, None, None] * move[open_]
                some_b = b[open_] + size[open_, None] * level[open_]
                at = self._predictors(some_V, some_b)
                new[open_] = self._value(weight[left[open_]], some_V, at)
                rounding = _ROUNDING * np.abs(value)
                open_ &= ~(new <= value + rounding)
                if not open_.any():
                    break
                size[open_] /= 2.0
            size[open_] = 0.0  # no way down
            V, b, before = (
                V + size[:, None, None] * move,
                b + size[:, None] * level,
                eta,
            )
            eta, value = self._predictors(V, b), np.where(open_, value, new)
            change = np.abs(eta - before) / (1.0 + np.abs(eta))
            change = np.array([change[j, out[r]].max() for j, r in enumerate(left)])
            done = (change <= _CLOSE) & (size == 1.0)
            if done.any():
                found[left[done]] = eta[done]
                missed |= self._missed(weight[left[done]], eta[done])
                rest = ~done & ~open_
                left, V, b = left[rest], V[rest], b[rest]
                eta, value = eta[rest], value[rest]
            if not left.size:
                break
        return found, missed

    def _predictors(self, V, b):
        eta = [x @ V[:, t, :, None] for t, x in enumerate(self.x)]
        eta = [e[:, :, 0] + b[:, [t]] for t, e in enumerate(eta)]
        return np.concatenate(eta, axis=1) + self.offset

    def _value(self, weight, V, eta):
        with np.errstate(over="ignore", invalid="ignore"):
            value = np.sum(weight * self.loss.value(self.y, eta), axis=1)
        value += np.sum((self.K @ V) * V, axis=(1, 2)) / 2.0
        if self.norm is not None:
            entry, row = self.strengths
            value += np.abs(V).sum(axis=1) @ entry + np.linalg.norm(V, axis=1) @ row
        return value

    def _step(self, weight, V, eta, sharpness):
        """Return the way to the minimum of the model at V, and that of intercepts."""
        n, T, k = V.shape
        slope = weight * self.loss.derivative(self.y, eta)
        bend = self.loss.model_curvature(self.y, eta, sharpness)
        least = _LEAST_CURVATURE * bend.max(axis=1, keepdims=True)
        bend = weight * np.maximum(bend, np.maximum(least, _LEAST_CURVATURE**2))
        H, G, means = np.empty((n, T, k, k)), np.empty(V.shape), np.zeros(V.shape)
        sums, total = np.zeros((2, n, T))
        for t, (part, x) in enumerate(zip(self.parts, self.x, strict=True)):
            h, s = bend[:, part], slope[:, part]
            H[:, t] = (h @ self.pairs[t]).reshape(n, k, k)
            G[:, t] = -(s @ x)
            if self.levels:
                sums[:, t], total[:, t] = s.sum(axis=1), h.sum(axis=1)
                safe = np.where(total[:, [t]] > 0, total[:, [t]], 1.0)
                means[:, t] = (h @ x) / safe
                G[:, t] += sums[:, [t]] * means[:, t]
                H[:, t] -= safe[:, :, None] * means[:, t, :, None] * means[:, t, None]
        G -= self.K @ V
        move = self._solution(H, G, V)
        level = np.sum(-means * move, axis=2)
        level -= np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0)
        return move, level

    def _solution(self, H, G, V):
        n, T, k = V.shape
        one, own = np.eye(k), np.diag(self.K)[:, None, None]
        if self.norm is None:
            if T == 1:
                A = (H + own * one)[:, 0]
                return self._move(A, G[:, 0])[:, None]
            A = np.einsum("ts,ab->tasb", self.K, one)[None].repeat(n, axis=0)
            for t in range(T):
                A[:, t, :, t] += H[:, t]
            A = A.reshape(n, T * k, T * k)
            return self._move(A, G.reshape(n, -1)).reshape(V.shape)
        entry, row = self.strengths
        positive = bool(self.norm.positive)
        H += own * one
        if T == 1 and not row.any():  # all that leave the task, as tasks
            W = V[:, 0].T.copy()
            lasso_of_tasks(H[:, 0], G[:, 0].T, W, entry, positive)
            return W.T[:, None] - V
        new = np.empty(V.shape)
        goal = -np.inf, -np.inf, 0, _ACCURACY, _MOST_SWEEPS
        for i in range(n):
            W = np.ascontiguousarray(V[i].T)
            strengths = entry, row, positive
            found, _ = descend_on_grams(H[i], W, G[i].T, 0.0, 0.0, strengths, goal)
            new[i] = found.T
        return new - V

    def _move(self, A, g):
        """Return the solutions of ``A_i x_i = g_i``, NaN where there are several."""
        out = np.full(g.shape, np.nan)
        known = np.isfinite(A).all(axis=(1, 2))
        if self.unsure:
            size = np.sqrt(np.diagonal(A[known], axis1=1, axis2=2))
            size = np.where(size > 0, size, 1.0)
            scaled = A[known] / (size[:, :, None] * size[:, None])
            value = np.linalg.eigvalsh(scaled)
            known[known] = value[:, 0] > _INDEFINITE * value[:, -1]
        out[known] = np.linalg.solve(A[known], g[known][..., None])[..., 0]
        return out

    def _missed(self, weight, eta):
        """Return the features left out whose slope asks for them."""
        if self.near.all():
            return np.zeros(self.near.size, dtype=bool)
        theta = -weight * self.loss.derivative(self.y, eta)
        slopes = [theta[:, p] @ X for p, X in zip(self.parts, self.X, strict=True)]
        D = np.stack(slopes, axis=-1)
        return reached(D, self.norm, 1.0 / (1.0 + _OVER)).any(axis=0) & ~self.near
