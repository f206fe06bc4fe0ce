"""Fits without each row for norms of rows and the squared loss, from one of all.

Without a row the moments of its tasks are those of all rows less one product, and the
solution is near: a few sweeps of coordinate descent on the features that may be in use
lead to it. A solver called for each row would spend its time around them. Where rows
are many, one step from the fit of all errs in few of them, those that move most: they
are fitted first, and the others as long as that changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit, centred_targets
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.model_selection._one_fit import LeftOutRows
from linmtl.penalties import Penalty, compose
from linmtl.penalties._compose import Composite
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._feature_sign import lasso_without_row
from linmtl.solvers._minimise import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._result import Result
from linmtl.solvers._working_set import descend_on_grams, lacks_rows

_MAX_NUMBERS = 4_000_000  # of the Hessians
_TOL = 1e-5  # that of models that are compared with those beside them
_MOST_SWEEPS = 1000
_NEAR = 0.85  # of its bound, from which a gradient may reach it without a row
_OVER = 1e-4  # relative excess over a bound, from which a feature is missed
_LEAST_ROWS, _SHARE = 50, 0.1  # fitted at a time: so many, or this share of them
_LEAST_LEVEL = 0.01  # of the null model's loss, that accuracies are shares of
_ACCURACY = 0.01  # of the loss, that rows not fitted may change if as the last did


class RowRefits:
    """Predictions of each row by models without it.

    Parameters
    ----------
    data : MultiTaskData
        All data.
    fit : Datafit
        Their squared loss.
    columns : ndarray of shape (n_tasks,)
        Task labels of the columns of W.
    tol, max_iter
        As for :func:`linmtl.solvers.minimise`.
    """

    def __init__(
        self,
        data: MultiTaskData,
        fit: Datafit,
        columns: np.ndarray,
        tol: float,
        max_iter: int,
    ):
        self.data, self.fit, self.columns = data, fit, columns
        self.c = LeftOutRows(data, fit.loss).c
        self.options: dict[str, Any] = {"tol": min(tol, _TOL), "max_iter": max_iter}
        self.moments = Moments.of(data) if fit.holds_rows else fit.moments
        self.y = centred_targets(data)[1]
        self.mean = np.repeat(self.moments.y, np.diff(data.task_ptr))
        self.target = self.mean + self.y
        self.W: np.ndarray | None = None
        self.unconverged = 0

    @classmethod
    def of(
        cls,
        data: MultiTaskData,
        fit: Datafit,
        penalty: Penalty,
        columns: np.ndarray,
        tol: float,
        max_iter: int,
    ) -> Self | None:
        """Return the refits of such penalties, None where these are none for them."""
        whole = compose(penalty, fit.n_features, columns)
        n_hessians = 1 if data.design.is_shared() else data.design.n_tasks
        if not fit.quadratic or n_hessians * fit.n_features**2 > _MAX_NUMBERS:
            return None
        if lacks_rows(Objective(fit, whole)) is not None:
            return None
        return cls(data, fit, columns, tol, max_iter)

    def solved(self, penalty: Penalty) -> Solved:
        """Return the problem of all rows with a penalty, solved."""
        whole = compose(penalty, self.fit.n_features, self.columns)
        result = self.minimise(Objective(self.fit, whole), W0=self.W)
        self.W = result.point
        return Solved(whole, result.point, result.tol, result.scale)

    def complete(
        self, problem: Problem, eta: np.ndarray, done: np.ndarray
    ) -> np.ndarray:
        """Return the predictions of all rows, NaN where a task has no other.

        Those that move most are fitted, as long as that changes the loss.

        Parameters
        ----------
        problem : Problem
            The problem of all rows.
        eta : ndarray of shape (n_observations,)
            Predictions by one step; or by fits,
        done : ndarray of bool of shape (n_rows,)
            for these rows.
        """
        data, mean = self.data, self.mean
        fitted = np.concatenate(
            [(mean[i] + (X @ problem.W[:, t]).T).ravel() for t, i, X in self._blocks]
        )
        eta = np.where(np.isnan(self.c), np.nan, eta)

        def losses(eta, chosen):
            at = [self.observations(k) for k in chosen]
            square = data.weight * (self.target - eta) ** 2
            return np.array([square[i].sum() for i in at])

        every = np.arange(len(self.rows))
        rough = losses(eta, every)
        change = np.abs(rough - losses(fitted, every))
        change[np.isnan(change)] = np.inf
        size = max(_LEAST_ROWS, int(np.ceil(_SHARE * every.size)))
        order, total = np.argsort(-change, kind="stable"), np.nansum(rough)
        order = order[~done[order]]
        for start in range(0, order.size, size):
            batch = order[start : start + size]
            for k in batch:
                eta[self.observations(k)] = self.predictions(problem, k)[0]
            error = losses(eta, batch) - rough[batch]
            total += np.nansum(error)
            rest = (order.size - start - size) / size
            if rest * abs(error.sum()) <= _ACCURACY * total:  # not if any is NaN
                break
        return eta

    def observations(self, k: int) -> np.ndarray:
        """Return the observations of row k."""
        (_, i, _), j = self.rows[k]
        return i[:, j]

    def predictions(
        self, problem: Problem, k: int, start: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return those of row k by the model without it, and its coefficients.

        These are of all features, and of the tasks of the row or of all tasks; so is
        ``start``, which is by default the solution with all rows.
        """
        (tasks, i, X), j = self.rows[k]
        i = i[:, j]
        c, w, y = self.c[i[0]], self.data.weight[i[0]], self.y[i]
        product, V = problem.without(tasks, X[j], y, w, c, start)
        moved = w * c / self.data.total[tasks][0] if self.data.fit_intercept else 0.0
        return self.mean[i] - moved * y + (1.0 + moved) * product, V

    def minimise(self, objective: Objective, **start: Any) -> Result:
        """Return the minimum, and count it if it was not reached."""
        result = minimise(objective, **start, **self.options)
        self.unconverged += not result.converged
        return result

    @cached_property
    def rows(self) -> list[tuple[tuple[slice, np.ndarray, np.ndarray], int]]:
        """The rows that can be left out: the block of each and its place there."""
        rows = [(block, j) for block in self._blocks for j in range(len(block[2]))]
        return [(b, j) for b, j in rows if not np.isnan(self.c[b[1][0, j]])]

    @cached_property
    def _blocks(self) -> list[tuple[slice, np.ndarray, np.ndarray]]:
        """Tasks, the observations of their rows and these, about their means."""
        data, ptr, x = self.data, self.data.task_ptr, self.moments.x
        if data.design.is_shared():
            rows = np.arange(data.y.size).reshape(data.design.n_tasks, -1)
            return [(slice(None), rows, data.design.block(0) - x[0])]
        return [
            (
                slice(t, t + 1),
                np.arange(ptr[t], ptr[t + 1])[None],
                data.design.block(t) - x[t],
            )
            for t in range(data.design.n_tasks)
        ]


def reached(D: np.ndarray, norm: Any, factor: float) -> np.ndarray:
    """Return which features have a slope that times a factor is over its bound.

    Parameters
    ----------
    D : ndarray of shape (..., n_features, n_tasks)
        Slopes.
    norm : RowSeparable
        The penalty that sets the bounds.
    factor : float
        What to multiply the slopes by.
    """
    entry, row = norm.strengths(D.shape[-2])
    size = D if norm.positive else np.abs(D)
    over = np.maximum(factor * size - entry[:, None], 0.0)
    return np.linalg.norm(over, axis=-1) > row


@dataclass(frozen=True)
class Solved:
    """A problem and its solution.

    Attributes
    ----------
    penalty : Composite
        The penalty.
    W : ndarray of shape (n_features, n_tasks)
        The solution.
    tol : float
        Its absolute tolerance.
    scale : float
        What the relative one is of.
    """

    penalty: Composite
    W: np.ndarray
    tol: float
    scale: float


class Problem:
    """A problem from which rows are left out: its solution, and what is near it.

    Parameters
    ----------
    refits : RowRefits
        The refits.
    solved : Solved
        The problem of all rows.
    level : float, default=inf
        The loss without each row that is to be known, in all.
    slack : float, default=1
        What to multiply tolerances by.
    """

    def __init__(
        self, refits: RowRefits, solved: Solved, level: float = np.inf, slack: float = 1
    ):
        self.refits, self.moments, fit = refits, refits.moments, refits.fit
        whole, self.W, self.scale = solved.penalty, solved.W, solved.scale
        level = min(max(level, _LEAST_LEVEL * self.scale), self.scale)
        stop = slack * solved.tol / 2 * (level / self.scale if self.scale > 0 else 1.0)
        self.goal = stop, stop, 0, 0.0, _MOST_SWEEPS
        self.rough = slack > 1
        norm: Any = whole.norm
        self.norm = norm
        self.positive = bool(norm.positive)
        self.entry, self.row = norm.strengths(fit.n_features)
        self.ridge = float(whole.base_quadratic.diagonal[0])
        self.apart = not self.row.any()  # the tasks
        if self.apart:
            return
        D = self._slope(self.moments.H, self.moments.C, self.W) - self.ridge * self.W
        self._gather(reached(D, self.norm, 1.0 / _NEAR) | self.W.any(axis=1))

    def moved(
        self, before: np.ndarray, solution: np.ndarray, tasks: slice
    ) -> np.ndarray:
        """Return where to start from coefficients without a row of another problem.

        Parameters
        ----------
        before : ndarray of shape (n_features, n_columns)
            The coefficients, of ``tasks`` alone or of all.
        solution : ndarray of shape (n_features, n_tasks)
            The solution of that problem with the row.
        tasks : slice
            The tasks of the row.
        """
        own = tasks if before.shape[1] < self.W.shape[1] else slice(None)
        W, last = self.W[:, own], solution[:, own]
        used = before != 0
        if self.apart:  # a step for each change of the support
            along = np.count_nonzero((W != 0) ^ (last != 0))
            if along < np.count_nonzero(used ^ (last != 0)):
                return before
        V = before + W - last
        V[(W == 0) & ~(used & (last == 0))] = 0.0
        return np.maximum(V, 0.0) if self.positive else V

    @staticmethod
    def _slope(H, C, W):
        """Return minus the slope of the loss, (n_rows_of_H, n_tasks)."""
        return (C - (H @ W.T[:, :, None])[:, :, 0]).T

    def _gather(self, near):
        """Take the features that may be in use without a row."""
        self.near = near
        self.C, self.start = self.moments.C[:, near], self.W[near]
        self.eye = self.ridge * np.eye(len(self.start))
        to_near = self.moments.H[:, :, near]
        self.H, self.others = to_near[:, near] + self.eye, to_near[:, ~near]
        self.G = self._slope(self.H, self.C, self.start)
        self.strengths = self.entry[near], self.row[near], self.positive

    def without(self, tasks, x, y, w, c, start) -> tuple[np.ndarray, np.ndarray]:
        """Return x times the coefficients of these tasks without a row, and these.

        The row is x (n_features,) and y, those of the tasks, of weight w.
        """
        moments = self.moments
        less = c * w if moments.centred else w
        own = tasks if len(moments.H) > 1 else slice(None)
        if self.apart:
            V = (self.W[:, tasks] if start is None else start).copy()
            C = moments.C[tasks] - less * np.outer(y, x)
            lasso_without_row(
                moments.H[own],
                x,
                less,
                self.ridge / c,
                C,
                self.entry / c,
                V,
                self.positive,
            )
            return x @ V, V
        while True:
            part = x[self.near]
            H = c * (self.H[own] - less * np.outer(part, part))
            H += (1.0 - c) * self.eye
            C = c * (self.C[tasks] - less * np.outer(y, part))
            V = self._solution(tasks, own, H, C, less, y, c, start)
            product = part @ V[:, tasks if V.shape[1] > len(y) else slice(None)]
            missed = self._missed(tasks, V, x, y - product, less, c)
            if not missed.any():
                every = np.zeros((self.near.size, V.shape[1]))
                every[self.near] = V
                return product, every
            self._gather(self.near | missed)

    def _solution(self, tasks, own, H, C, less, y, c, start):
        squares = self.moments.square.copy()
        squares[tasks] = c * (squares[tasks] - less * y**2)
        if start is None:
            V, G = self.start.copy(), self.G.copy()
        else:
            V, G = start[self.near], np.empty(self.G.shape)
            if V.shape[1] > len(y):
                G = self._slope(self.H, self.C, V)
        G[:, tasks] = C.T - H[0] @ V[:, tasks]
        kept = self.H[own].copy()
        self.H[own] = H
        V, sweeps = descend_on_grams(
            self.H, V, G, squares.sum(), 0.0, self.strengths, self.goal
        )
        if sweeps == _MOST_SWEEPS and not self.rough:  # coordinates creep
            V = self._by_solver(tasks, C, squares, V)
        self.H[own] = kept
        return V

    def _by_solver(self, tasks, C, squares, V):
        every = self.C.copy()
        every[tasks] = C
        moments = replace(
            self.moments.restrict(self.near), H=self.H, C=every, square=squares
        )
        norm = self.norm.on_features(np.flatnonzero(self.near), self.near.size)
        form = QuadraticForm(V.shape[1])
        part = Composite(norm, form, np.zeros(len(V), dtype=bool))
        fit = GramFit(moments, self.refits.fit.loss)
        return self.refits.minimise(Objective(fit, part), W0=V, scale=self.scale).W

    def _missed(self, tasks, V, x, residual, less, c):
        """Return the features left out of the solution V whose slope asks for them."""
        others = ~self.near
        D = np.zeros((self.near.size, V.shape[1]))
        D[others] = self._slope(self.others, self.moments.C[:, others], V)
        D[:, tasks] = c * (D[:, tasks] - less * np.outer(x, residual))
        return reached(D, self.norm, 1.0 / (1.0 + _OVER)) & others
