"""Leave-one-out predictions and degrees of freedom from one fit.

Without observation i of task t the mean loss of the task has one over the total weight
that is left, so that all others count ``c = S_t / (S_t - s_i)`` times as much. From the
solution of the whole, one Newton step leads to the solution without i: exactly where
loss and penalty are quadratic, nearly where the penalty is smooth on the coefficients
in use. With B the block of task t in the inverse of the Hessian, H and g the Hessian
and gradient of its loss (intercept eliminated: x is about the mean), the step needs
``N = (I + (c - 1) B H)^-1 B`` and

    q = x' N x + 1 / (c h)                              with h the task's curvature,
    eta - ((c - 1) x' N g - c w loss' q) / (1 - c w loss'' q).

Where tasks share their rows a row is left out of all of them, and q is a matrix.

Wang, Zhou, Lu, Maleki, Mirrokni (2018), Approximate leave-one-out for fast parameter
tuning in high dimensions; Stein (1981) for the degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.datafits._intercepts import carry_intercepts
from linmtl.datafits._make import make_datafit
from linmtl.designs._ones import WithOnes
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Loss
from linmtl.model_selection._curvature import PenalisedCurvature
from linmtl.model_selection._directions import left_out_of_directions
from linmtl.model_selection._left_out_classes import LeftOutClasses
from linmtl.model_selection._missing_labels import (
    lacks_missing_labels,
    left_out_with_missing,
)
from linmtl.model_selection._step_check import StepCheck
from linmtl.penalties import Penalty, compose
from linmtl.penalties._compose import Composite
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._models import models
from linmtl.solvers._quadratic_path import quadratic_forms

_MAX_NUMBERS = 4_000_000  # numbers that are held at a time
_MAX_PACKED_FEATURES = 64  # features up to which squares of rows are made once
_MAX_UNKNOWNS = 1500  # of one dense inverse
_FEW_FEATURES = 16  # in use, whose inverses cost little;
_FEW_MORE = 1.2  # or so many times those of the strongest, in one piece
_LEAST_REST = 1e-10  # what is left of a row that a model fits whatever it is
_LEAST_SHARE = 1e-6  # of the squares that are left, of a feature in use
_LEAST_OTHERS = 1e-12  # of the weight of a task, that is left without a row


@dataclass
class OneFit:
    """Leave-one-out predictions and degrees of freedom of the models along a path.

    Attributes
    ----------
    eta : ndarray of shape (n_penalties, n_observations)
        Linear predictor of each observation without it, NaN where there is none.
    loss : ndarray of shape (n_penalties, n_tasks)
        Mean loss of each task, all observations in training.
    freedom : ndarray of shape (n_penalties, n_tasks)
        Degrees of freedom of each task.
    active : ndarray of shape (n_penalties,)
        The number of features in use, where others are zero; else 0.
    end : ndarray
        The last solution.
    unconverged : int
        The number of fits that did not converge.
    sure : ndarray of bool of shape (n_penalties, n_observations)
        Where one step is known to lead nearly to the solution without the row.
    """

    eta: np.ndarray
    loss: np.ndarray
    freedom: np.ndarray
    active: np.ndarray
    end: np.ndarray
    unconverged: int
    sure: np.ndarray

    def spread(self, known: np.ndarray) -> OneFit:
        """Return this at those of more penalties that are known (a mask).

        At the others results are NaN and zero.
        """

        def among_all(values, rest):
            out = np.full((known.size, *values.shape[1:]), rest, dtype=values.dtype)
            out[known] = values
            return out

        return replace(
            self,
            eta=among_all(self.eta, np.nan),
            loss=among_all(self.loss, 0.0),
            freedom=among_all(self.freedom, 0.0),
            active=among_all(self.active, 0),
            sure=among_all(self.sure, False),
        )

    def take(self, places: np.ndarray, other: OneFit) -> None:
        """Take over what another says of the models at some places."""
        for name in ("eta", "loss", "freedom", "active", "sure"):
            getattr(self, name)[places] = getattr(other, name)


def lacks_curvature(
    data: MultiTaskData, fit: Datafit, penalty: Penalty, columns: np.ndarray
) -> str | None:
    """Return what a problem lacks for leave-one-out from one fit, None if nothing."""
    several = data.design.group_ptr is not None
    if not (fit.additive or several) or data.design.n_columns < data.design.n_tasks:
        return "a loss that is the sum of the tasks' losses"
    if data.design.is_sparse:
        return "a dense X"
    whole = compose(penalty, fit.n_features, columns)
    quadratic, norm = whole.quadratic, whole.norm
    if not isinstance(quadratic, QuadraticForm):
        return "a penalty on the coefficients themselves"
    if quadratic.varies or whole.intercepts:
        own = quadratic.on_deviations(fit.n_features + whole.intercepts)
        if norm is not None or not np.all((own > 0) & np.isfinite(own)):
            return "positive and finite strengths of all features"
        if quadratic.is_coupled or not quadratic.equal_ridge:
            return "a penalty that is the same for all features"
    if norm is not None:
        known = isinstance(norm, RowSeparable)
        at_zero = np.zeros((fit.n_features, fit.n_columns))
        if not known and norm.tangent(at_zero) is None:
            return "a quadratic penalty, or an L1, L21 or trace norm"
        if not (quadratic.is_diagonal and quadratic.equal_ridge):
            return "a ridge as the only quadratic penalty beside a norm"
    many = fit.n_features * fit.n_columns > _MAX_UNKNOWNS
    apart = fit.quadratic and norm is None and data.design.is_shared()
    if (several or _is_dense(whole)) and many and not apart:
        return "fewer coefficients"
    if several:
        return None
    if data.design.is_shared() and not data.design.columns_alike(data.weight):
        if fit.quadratic and norm is None and not whole.intercepts:
            return lacks_missing_labels(data, quadratic)
        return "all labels of a wide Y, with equal weights"
    return None


def one_fit(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    **options: Any,
) -> OneFit:
    """Return leave-one-out predictions and degrees of freedom along a path.

    Parameters
    ----------
    data : MultiTaskData
        All data.
    loss : Loss
        The loss.
    fit : Datafit
        The loss of all data.
    penalties : sequence of Penalty
        From strong to weak.
    columns : ndarray of shape (n_columns,)
        Task labels of the columns of W.
    **options
        As for :func:`linmtl.solvers._models.models`.
    """
    forms = quadratic_forms(penalties, fit.n_features, columns)
    if forms is not None and loss.quadratic:
        data, fit = _in_span(data, loss, fit)
        if forms.alike and data.design.is_shared():
            c, way = LeftOutRows(data, loss).c, left_out_with_missing
            if data.design.columns_alike(data.weight):
                c, way = c[: data.task_ptr[1]], left_out_of_directions
            found = way(data, forms.each, c, _LEAST_REST)
            active, sure = np.zeros(len(penalties), dtype=int), ~np.isnan(found[0])
            return OneFit(*found, active, np.empty(0), 0, sure)
        forms = quadratic_forms(penalties, fit.n_features, columns)
    T, rows = data.design.n_tasks, LeftOutRows(data, loss)
    if data.design.group_ptr is not None:
        T, rows = len(data.design.group_ptr) - 1, LeftOutClasses(data)
    eta = np.full((len(penalties), data.y.size), np.nan)
    sure = np.zeros(eta.shape, dtype=bool)
    in_sample, freedom = np.zeros((2, len(penalties), T))
    active = np.zeros(len(penalties), dtype=int)
    done, unconverged, end = 0, 0, np.empty(0)
    whole = compose(penalties[0], fit.n_features, columns)
    norm, dense = whole.norm, _is_dense(whole)
    n_rows, judge = fit.n_features, fit
    if whole.intercepts:  # coefficients of a feature of ones
        ones = replace(data, design=WithOnes(data.design), fit_intercept=False)
        rows, judge = LeftOutRows(ones, loss), carry_intercepts(fit).fit
        n_rows += 1
    for part in models(fit, penalties, columns, forms, **options):
        unconverged, end = unconverged + part.unconverged, part.end
        places = done + np.arange(len(part.W))
        all_W, all_b = part.W, part.b
        if whole.intercepts:
            all_W = np.concatenate([all_W, all_b[:, None]], axis=1)
            all_b = np.zeros(all_b.shape)
        done += len(part.W)
        for piece in _pieces(all_W, loss.quadratic, dense):
            W, b, place = all_W[piece], all_b[piece], places[piece]
            terms = [compose(penalties[i], fit.n_features, columns) for i in place]
            used = np.ones(n_rows, dtype=bool)
            if isinstance(norm, RowSeparable):
                used = np.asarray(W.any(axis=(0, 2)))
                active[place] = W.any(axis=2).sum(axis=1)
            elif norm is not None:
                active[place] = W.any(axis=(1, 2))
            held, of_rows = None, isinstance(norm, RowSeparable)
            if loss.quadratic and of_rows and isinstance(rows, LeftOutRows):
                held = rows.held(W, b)
            curved = PenalisedCurvature(W, terms, used, held)
            eta[place], in_sample[place], freedom[place], sure[place] = rows.left_out(
                judge, W, b, curved
            )
    return OneFit(eta, in_sample, freedom, active, end, unconverged, sure)


def _is_dense(whole: Composite) -> bool:
    """Whether the second derivative couples all coefficients with each other."""
    if whole.norm is not None:
        return not isinstance(whole.norm, RowSeparable)
    quadratic: Any = whole.quadratic
    return quadratic.is_coupled or not (quadratic.is_diagonal or quadratic.equal_ridge)


def _in_span(data, loss, fit) -> tuple[MultiTaskData, Datafit]:
    """Return the data in a basis of the span of the rows, if that is smaller."""
    design, T = data.design, data.design.n_tasks
    shared = design.is_shared()
    n = design.task_ptr[1] if shared else design.task_ptr[-1]
    if n >= design.n_features:
        return data, fit
    X = np.concatenate([design.block(t) for t in range(1 if shared else T)])
    X = X @ np.linalg.qr(X.T)[0]
    design = SharedDesign(X, T) if shared else StackedDesign(X, design.task_ptr)
    data = replace(data, design=design)
    return data, make_datafit(data, loss)


def _pieces(W: np.ndarray, together: bool, dense: bool) -> Iterator[slice]:
    """Yield parts of a path: the inverses of each make as many numbers as fit."""
    T = W.shape[2] ** 2 if dense else W.shape[2]
    start = 0
    while start < len(W):
        stop = start + 1
        used = W[start].any(axis=1)
        most = max(_FEW_MORE * int(used.sum()), _FEW_FEATURES)
        while together and stop < len(W):
            used = used | W[stop].any(axis=1)
            k = int(used.sum())
            if k > most or (stop + 1 - start) * T * k**2 > _MAX_NUMBERS:
                break
            stop += 1
        yield slice(start, stop)
        start = stop


class LeftOutRows:
    """The observations, and what each of them counts.

    Parameters
    ----------
    data : MultiTaskData
        The data.
    loss : Loss
        The loss.

    Attributes
    ----------
    judged : ndarray of bool of shape (n_observations,)
        Those whose task has others.
    c : ndarray of shape (n_observations,)
        How many times as much the others count.
    """

    def __init__(self, data: MultiTaskData, loss: Loss):
        self.data, self.loss = data, loss
        size = np.diff(data.task_ptr)
        total = np.repeat(data.total, size)
        left = total - data.weight
        judged = (left > _LEAST_OTHERS * total) & (data.weight > 0)
        self.judged = judged
        self.c = np.full(total.size, np.nan)
        np.divide(total, left, out=self.c, where=judged)

    def held(self, W: np.ndarray, b: np.ndarray) -> np.ndarray | None:
        """Return which features are hardly in use, (n, n_features), None for none.

        Norms as short as theirs bend so much that a step is nothing to go by.
        """
        data = self.data
        if data.design.is_shared() and data.design.n_tasks > 1:
            return None
        rest = np.empty((len(W), data.y.size))
        data.design.predict_several(W, rest)
        rest += np.repeat(b, np.diff(data.task_ptr), axis=1) - data.y
        squares = data.design.squares(data.weight, data.fit_intercept)
        return np.sum(squares * W**2, axis=2) <= _LEAST_SHARE * (
            rest**2 @ data.weight[:, None]
        )

    def left_out(self, fit, W, b, curved):
        """Return predictors without each row, losses with it and degrees of freedom.

        And which of the predictors are sure.
        """
        data, loss, used = self.data, self.loss, curved.used
        n, T = len(W), data.design.n_tasks
        eta, y = np.empty((n, data.y.size)), data.y
        data.design.predict_several(W, eta)
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
        data.add_offset(eta)
        slope = loss.derivative(y, eta)
        if loss.quadratic:
            curvature, hessian = np.ones(eta.shape), data.weight
            H = _hessians(fit, data, used)[None]
        else:  # one strength at a time
            curvature = loss.second_derivative(y, -slope)
            hessian = data.weight * curvature[0]
            features = np.flatnonzero(used)
            H = data.design.hessians(hessian, data.fit_intercept, features)[None]
        in_sample = _task_means(data, data.weight * loss.value(y, eta))
        means, total = np.zeros((T, int(used.sum()))), data.task_sum(hessian)
        if data.fit_intercept:
            means = data.design.task_sums(hessian)[:, used]
            means /= np.where(total > 0, total, 1.0)[:, None]
        sure = np.zeros(eta.shape, dtype=bool)
        if data.design.is_shared() and T > 1:
            move, freedom = self._whole_rows(curved, H, means, total, slope, curvature)
        else:
            check = None
            if loss.quadratic and curved.length.any():  # of L1 fits cost less
                check = StepCheck(data, curved, W, slope), sure
            given = H, means, total, slope, curvature
            move, freedom = self._apart(curved, *given, check)
        freedom = freedom + (total > 0) * data.fit_intercept
        return eta - move, in_sample, freedom, sure

    def _centred(self, t, used, means):
        X = self.data.design.block(t)
        return (X if used.all() else X[:, used]) - means[t]

    def _apart(self, curved, H, means, total, slope, curvature, check):
        """Each observation leaves its own task; what is sure is written to a check."""
        data, used = self.data, curved.used
        inverse = curved.inverse(H)
        blocks = inverse.blocks()
        alone = np.broadcast_to(inverse.alone, blocks.shape)
        H = np.broadcast_to(H, blocks.shape)
        if not curved.mask.all():
            H = np.where(curved.both, H, 0.0)
        freedom = np.sum(blocks * H, axis=(2, 3))
        move = np.full(slope.shape, np.nan)
        one = np.eye(blocks.shape[-1])
        for t in range(data.design.n_tasks):
            rows = slice(data.task_ptr[t], data.task_ptr[t + 1])
            if not total[t] > 0:
                continue
            X, c, w = self._centred(t, used, means), self.c[rows], data.weight[rows]
            B, gradient = blocks[:, t], (w * slope[:, rows]) @ X
            for factor in np.unique(c[~np.isnan(c)]):
                N = np.linalg.solve(one + (factor - 1.0) * (B @ H[:, t]), B)
                chosen = c == factor
                x, at = X[chosen], rows.start + np.flatnonzero(chosen)
                q = _squares(x, N)
                if data.fit_intercept:
                    q += 1.0 / (factor * total[t])
                weight = factor * w[chosen]
                step = (N @ gradient[:, :, None])[:, :, 0] @ x.T
                step = (factor - 1.0) * step - weight * slope[:, at] * q
                rest = 1.0 - weight * curvature[:, at] * q
                there = rest > _LEAST_REST
                step = np.divide(step, rest, out=np.full(q.shape, np.nan), where=there)
                move[:, at] = step
                if check is not None:
                    told = at, N, alone[:, t], factor, slope[:, at], step, rest
                    check[1][:, at] = check[0].of_task(t, *told)
        return move, freedom

    def _whole_rows(self, curved, H, means, total, slope, curvature):
        """Each row leaves all tasks, which share their rows and weights."""
        data, used = self.data, curved.used
        T = data.design.n_tasks
        c, w = self.c[0], data.weight.reshape(T, -1).T
        own = curved.inverse(H)
        freedom = own.traces(H)
        inverse = own.scaled(1.0 / c) if curved.is_flat else curved.inverse(c * H)
        move = np.empty(slope.shape)
        X = np.array([self._centred(t, used, means) for t in range(T)])
        for i in range(len(slope)):
            first, derivative = (a[i].reshape(T, -1).T for a in (slope, curvature))
            J = inverse.between(X, i)
            if data.fit_intercept:
                J[:, range(T), range(T)] += 1.0 / (c * total)
            gradient = np.einsum("rt,trk->tk", w * first, X)
            along = inverse.times(gradient, i)
            step = (c - 1.0) * np.einsum("trk,tk->rt", X, along)
            step -= c * (J @ (w * first)[:, :, None])[:, :, 0]
            system = np.eye(T) - J * (c * w * derivative)[:, None, :]
            move[i] = _solved(system, step).T.ravel()
        return move, freedom


def _solved(systems, right):
    """Return solutions of systems, NaN of those that are singular."""
    try:
        return np.linalg.solve(systems, right[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        there = np.linalg.cond(systems) < 1.0 / _LEAST_REST
        found = np.full(right.shape, np.nan)
        found[there] = np.linalg.solve(systems[there], right[there][:, :, None])[..., 0]
        return found


def _hessians(fit, data, used):
    if not fit.holds_rows:
        return fit.H[:, used][:, :, used]
    features, design, weight = np.flatnonzero(used), data.design, data.weight
    if design.is_shared() and design.columns_alike(weight):  # one for all tasks
        design, weight = design.first(), weight[: design.task_ptr[1]]
    return design.hessians(weight, data.fit_intercept, features)


def _squares(X, N):
    """Return ``x' N x`` for each row of X and each N, (n_N, n_rows)."""
    k = X.shape[1]
    if k > _MAX_PACKED_FEATURES or len(N) < k / 4:
        return np.sum((X @ N) * X, axis=-1)
    i, j = np.triu_indices(k)
    pairs = X[:, i] * X[:, j]
    return N[:, i, j] * np.where(i == j, 1.0, 2.0) @ pairs.T


def _task_means(data, values):
    """Return the mean over each task of weighted values, (n, n_tasks)."""
    sums = np.array([data.task_sum(value) for value in values])
    return np.divide(sums, data.total, out=np.zeros_like(sums), where=data.total > 0)
