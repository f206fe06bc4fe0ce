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
from functools import cached_property
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.datafits._make import Join, make_datafit
from linmtl.datafits._moments import Moments
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Loss
from linmtl.model_selection._held_out import HeldOutPath, held_out_path
from linmtl.penalties import Penalty, compose
from linmtl.penalties._compose import Composite
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._path import models
from linmtl.solvers._quadratic_path import QuadraticPath, quadratic_forms

_PIECE = 4_000_000  # numbers that are held at a time
_PACKED = 64  # features up to which squares of rows are made once
_MOST_UNKNOWNS = 1500  # of one dense inverse
# Features in use, and degrees of freedom, for each row: of more one step leads astray,
# most often to a loss too high; then the best and its neighbours are fitted.
_MOST = 0.1
_SINGULAR = 1e-10  # what is left of a row that a model fits whatever it is
_ALONE = 1e-12  # of the weight of a task, that is left without a row


def units(data: MultiTaskData, loss: Loss) -> np.ndarray:
    """Return what is left out together: the number of each observation, -1 for never.

    An observation, or where tasks share their rows a row of all of them.
    """
    design = data.design
    judged = LeftOutRows(data, loss).judged
    unit = np.arange(data.y.size)
    if design.is_shared() and design.n_tasks > 1:
        unit %= data.y.size // design.n_tasks
        judged = np.tile(judged.reshape(design.n_tasks, -1).any(axis=0), design.n_tasks)
    _, number = np.unique(unit[judged], return_inverse=True)
    out = np.full(data.y.size, -1)
    out[judged] = number
    return out


@dataclass
class OneFit:
    """What the fits of all data along a path tell of rows that they have not seen.

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
    """

    eta: np.ndarray
    loss: np.ndarray
    freedom: np.ndarray
    active: np.ndarray
    end: np.ndarray
    unconverged: int


def lacks_curvature(
    data: MultiTaskData, fit: Datafit, penalty: Penalty, columns: np.ndarray
) -> str | None:
    """Return what a problem lacks for leave-one-out from one fit, None if nothing."""
    if not fit.additive or data.design.n_columns < data.design.n_tasks:
        return "a loss that is the sum of the tasks' losses"
    if data.design.is_sparse:
        return "a dense X"
    whole = compose(penalty, fit.n_features, columns)
    quadratic, norm = whole.quadratic, whole.norm
    if whole.intercepts:
        return "free intercepts"
    if not isinstance(quadratic, QuadraticForm) or quadratic.varies:
        return "a penalty on the coefficients themselves"
    if norm is not None:
        known = isinstance(norm, RowSeparable)
        at_zero = np.zeros((fit.n_features, fit.n_columns))
        if not known and norm.tangent(at_zero) is None:
            return "a quadratic penalty, or an L1, L21 or trace norm"
        if not (quadratic.is_diagonal and quadratic.equal_ridge):
            return "a ridge as the only quadratic penalty beside a norm"
    if _is_dense(whole) and fit.n_features * fit.n_columns > _MOST_UNKNOWNS:
        return "fewer coefficients"
    if data.design.is_shared() and not data.design.columns_alike(data.weight):
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
    """Return what models along a path tell of each observation left out.

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
        As for :func:`linmtl.solvers._path.models`.
    """
    forms = quadratic_forms(penalties, fit.n_features, columns)
    if forms is not None and loss.quadratic:
        data, fit = _in_span(data, loss, fit)
    T, rows = data.design.n_tasks, LeftOutRows(data, loss)
    eta = np.full((len(penalties), data.y.size), np.nan)
    in_sample, freedom = np.empty((2, len(penalties), T))
    active = np.zeros(len(penalties), dtype=int)
    done, unconverged, end = 0, 0, np.empty(0)
    whole = compose(penalties[0], fit.n_features, columns)
    norm, dense = whole.norm, _is_dense(whole)
    for part in models(fit, penalties, columns, forms, **options):
        unconverged, end = unconverged + part.unconverged, part.end
        for some in _pieces(part.W, loss.quadratic, dense):
            W, b = part.W[some], part.b[some]
            place = slice(done, done + len(W))
            terms = [
                compose(penalty, fit.n_features, columns)
                for penalty in penalties[place]
            ]
            used = np.ones(fit.n_features, dtype=bool)
            if isinstance(norm, RowSeparable):
                used = np.asarray(W.any(axis=(0, 2)))
                active[place] = W.any(axis=2).sum(axis=1)
            elif norm is not None:
                active[place] = W.any(axis=(1, 2))
            curved = _Penalised(W, terms, used)
            eta[place], in_sample[place], freedom[place] = rows.left_out(
                fit, W, b, curved
            )
            done += len(W)
    return OneFit(eta, in_sample, freedom, active, end, unconverged)


def _is_dense(whole: Composite) -> bool:
    """Whether the second derivative couples all coefficients with each other."""
    if whole.norm is not None:
        return not isinstance(whole.norm, RowSeparable)
    quadratic: Any = whole.quadratic
    return quadratic.is_coupled or not (quadratic.is_diagonal or quadratic.equal_ridge)


def _in_span(data, loss, fit) -> tuple[MultiTaskData, Datafit]:
    """Return the data in a basis of all rows, where solutions are, if that is less."""
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
        while together and stop < len(W):
            used = used | W[stop].any(axis=1)
            if (stop + 1 - start) * T * int(used.sum()) ** 2 > _PIECE:
                break
            stop += 1
        yield slice(start, stop)
        start = stop


class _Penalised:
    """Inverses of Hessians plus the second derivative of penalties.

    The second derivative is a diagonal, less or more what couples the tasks:
    ``D - sign U U'``, U having one diagonal for each task; or a form over the tasks.

    Parameters
    ----------
    W : ndarray of shape (n, n_features, n_tasks)
        Solutions.
    terms : list of n Composite
        Their penalties.
    used : ndarray of bool of shape (n_features,)
        The features that matter.
    """

    def __init__(self, W: np.ndarray, terms: list[Composite], used: np.ndarray):
        self.used = used
        self.W = W = W[:, used].transpose(0, 2, 1)  # (n, T, k)
        self.mask = np.ones(W.shape, dtype=bool)
        self.U, self.sign = np.zeros(W.shape), np.ones(len(W))
        self.form: list[np.ndarray] | None = None
        self.tangents: list[Any] = []
        forms: list[Any] = [term.quadratic for term in terms]
        norm = terms[0].norm
        if norm is not None and not isinstance(norm, RowSeparable):
            self.form = [form.dense() for form in forms]
            self.tangents = [
                term.norm.tangent(w.T)  # pyright: ignore[reportOptionalMemberAccess]
                for term, w in zip(terms, W, strict=True)
            ]
        elif norm is not None:
            self.D = np.array([form.diagonal for form in forms])[:, :, None]
            self._of_rows([term.norm for term in terms])
        elif all(form.is_diagonal for form in forms):
            self.D = np.array([form.diagonal for form in forms])[:, :, None]
        elif any(form.is_coupled or not form.equal_ridge for form in forms):
            self.form = [form.dense() for form in forms]
        else:
            T = W.shape[1]
            pull = np.array([(form.centred - form.mean) / T for form in forms])
            ridge = np.array([form.ridge + form.centred for form in forms])
            self.D = ridge[:, None, None]
            self.sign = np.where(pull < 0, -1.0, 1.0)
            self.U += np.sqrt(np.abs(pull))[:, None, None]
        self.coupled = bool(self.U.any())

    def _of_rows(self, norms):
        """Norms of rows bend where they are not zero; entries are used or not."""
        W = self.W
        length = np.linalg.norm(W, axis=1, keepdims=True)
        bend = np.zeros(length.shape)
        for i, norm in enumerate(norms):
            entry, row = norm.strengths(self.used.size)
            entry, row = entry[self.used], row[self.used]
            by_entry = (entry > 0) | norm.positive
            self.mask[i] = np.where(by_entry, W[i] != 0, (length[i] > 0) | (row == 0))
            np.divide(row, length[i], out=bend[i], where=length[i] > 0)
        self.D = self.D + bend
        direction = np.divide(W, length, out=np.zeros(W.shape), where=length > 0)
        self.U = np.sqrt(bend) * direction

    def inverse(self, H: np.ndarray) -> _Inverse:
        """Return the inverse, H being (1 or n, 1 or T, k, k)."""
        n, T, k = self.W.shape
        if self.form is not None:
            H = np.broadcast_to(H, (n, T, k, k))
            return _dense_inverse(H, self.form, self.tangents)
        D, one = np.broadcast_to(self.D, (n, self.D.shape[1], k)), np.eye(k)
        if self.mask.all():
            alone = _inverted(H + D[..., None] * one)
        else:  # what is not used does not move
            both = self.both
            D = np.where(self.mask, D, 1.0)
            alone = _inverted(np.where(both, H, 0.0) + D[..., None] * one)
            alone = np.where(both, alone, 0.0)
        if not self.coupled:
            return _Inverse(np.broadcast_to(alone, (n, T, k, k)))
        F = alone * self.U[..., None, :]
        inner = np.sum(self.U[..., :, None] * F, axis=1)
        middle = _inverted(self.sign[:, None, None] * one - inner)
        return _Inverse(alone, F, middle)

    @cached_property
    def both(self) -> np.ndarray:
        """Whether two entries of a task are used, (n, T, k, k)."""
        return self.mask[..., :, None] & self.mask[..., None, :]


def _inverted(A):
    """Return inverses; where coefficients are not unique, pseudo-inverses."""
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(A, hermitian=True)


class _Inverse:
    """Blocks of an inverse: ``alone_t`` if s = t, plus ``F_t middle F_s'``."""

    def __init__(
        self,
        alone: np.ndarray,
        F: np.ndarray | None = None,
        middle: np.ndarray | None = None,
    ):
        self.alone, self.F, self.middle = alone, F, middle

    def blocks(self) -> np.ndarray:
        """Return those of each task with itself, (n, T, k, k)."""
        if self.F is None or self.middle is None:
            return self.alone
        return self.alone + self.F @ self.middle[:, None] @ self.F.swapaxes(-1, -2)

    def between(self, X: np.ndarray, i: int) -> np.ndarray:
        """Return ``x_t' B_ts x_s`` for the rows of X (T, n_rows, k) in problem i.

        Of shape (n_rows, T, T).
        """
        T = len(X)
        out = np.zeros((X.shape[1], T, T))
        out[:, range(T), range(T)] = np.sum((X @ self.alone[i]) * X, axis=-1).T
        if self.F is not None and self.middle is not None:
            P = (X @ self.F[i]).transpose(1, 0, 2)
            out += P @ self.middle[i] @ P.transpose(0, 2, 1)
        return out

    def times(self, G: np.ndarray, i: int) -> np.ndarray:
        """Return the inverse of problem i times G (T, k)."""
        out = (self.alone[i] @ G[:, :, None])[:, :, 0]
        if self.F is not None and self.middle is not None:
            inner = np.einsum("tkj,tk->j", self.F[i], G)
            out += self.F[i] @ (self.middle[i] @ inner)
        return out


class _DenseInverse(_Inverse):
    """The same with all blocks at hand, (n, T, k, T, k)."""

    def __init__(self, whole: np.ndarray):
        super().__init__(np.einsum("ntatb->ntab", whole))
        self.whole = whole

    def between(self, X, i):
        return np.einsum("tra,tasb,srb->rts", X, self.whole[i], X, optimize=True)

    def times(self, G, i):
        return np.einsum("tasb,sb->ta", self.whole[i], G)


def _dense_inverse(H, forms, tangents) -> _DenseInverse:
    n, T, k, _ = H.shape
    A = np.zeros((n, T, k, T, k))
    for i, K in enumerate(forms):
        A[i] = np.einsum("ts,ab->tasb", K, np.eye(k))
        for t in range(T):
            A[i, t, :, t] += H[i, t]
    A = A.reshape(n, T * k, T * k)
    if not tangents:
        return _DenseInverse(_inverted(A).reshape(n, T, k, T, k))
    for i, (basis, bend) in enumerate(tangents):
        E = basis.reshape(T * k, -1)
        A[i] = E @ _inverted(E.T @ A[i] @ E + bend) @ E.T
    return _DenseInverse(A.reshape(n, T, k, T, k))


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
        judged = (left > _ALONE * total) & (data.weight > 0)
        self.judged = judged
        self.c = np.full(total.size, np.nan)
        np.divide(total, left, out=self.c, where=judged)

    def left_out(self, fit, W, b, curved):
        """Return predictors without each row, losses with it and degrees of freedom."""
        data, loss, used = self.data, self.loss, curved.used
        n, T = len(W), data.design.n_tasks
        eta, y = np.empty((n, data.y.size)), data.y
        for i in range(n):
            data.design.predict(W[i], eta[i])
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
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
        way = self._whole_rows if data.design.is_shared() and T > 1 else self._apart
        move, freedom = way(curved, H, means, total, slope, curvature)
        return eta - move, in_sample, freedom + (total > 0) * data.fit_intercept

    def _centred(self, t, used, means):
        X = self.data.design.block(t)
        return (X if used.all() else X[:, used]) - means[t]

    def _apart(self, curved, H, means, total, slope, curvature):
        """Each observation leaves its own task."""
        data, used = self.data, curved.used
        blocks = curved.inverse(H).blocks()
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
                there = rest > _SINGULAR
                step = np.divide(step, rest, out=np.full(q.shape, np.nan), where=there)
                move[:, at] = step
        return move, freedom

    def _whole_rows(self, curved, H, means, total, slope, curvature):
        """Each row leaves all tasks, which share their rows and weights."""
        data, used = self.data, curved.used
        T = data.design.n_tasks
        c, w = self.c[0], data.weight.reshape(T, -1).T
        freedom = np.sum(curved.inverse(H).blocks() * H, axis=(2, 3))
        inverse = curved.inverse(c * H)
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
        there = np.linalg.cond(systems) < 1.0 / _SINGULAR
        found = np.full(right.shape, np.nan)
        found[there] = np.linalg.solve(systems[there], right[there][:, :, None])[..., 0]
        return found


def _hessians(fit, data, used):
    if not fit.holds_rows:
        return fit.H[:, used][:, :, used]
    features = np.flatnonzero(used)
    return data.design.hessians(data.weight, data.fit_intercept, features)


def _squares(X, N):
    """Return ``x' N x`` for each row of X and each N, (n_N, n_rows)."""
    k = X.shape[1]
    if k > _PACKED or len(N) < k / 4:
        return np.sum((X @ N) * X, axis=-1)
    i, j = np.triu_indices(k)
    pairs = X[:, i] * X[:, j]
    return N[:, i, j] * np.where(i == j, 1.0, 2.0) @ pairs.T


def _task_means(data, values):
    """Return the mean over each task of weighted values, (n, n_tasks)."""
    sums = np.array([data.task_sum(value) for value in values])
    return np.divide(sums, data.total, out=np.zeros_like(sums), where=data.total > 0)


def left_out_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    unit: np.ndarray,
    *,
    join: Join,
    strengths: np.ndarray,
    n_samples: np.ndarray,
    starts: Sequence[np.ndarray] | None = None,
    n_jobs: int | None = None,
    **options: Any,
) -> HeldOutPath:
    """Return what models along a path are worth on rows left out one by one.

    From one fit for each penalty, where that tells. Fits on all others take its place
    for the best strength and those beside it where features in use are many for the
    rows, and everywhere for losses and penalties without second derivatives.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    unit : ndarray of shape (n_observations,)
        From :func:`units`.
    join, strengths, n_samples, starts, n_jobs, **options
        As for :func:`linmtl.model_selection._held_out.held_out_path`.
    """

    def refitted(chosen):
        return held_out_path(
            data,
            loss,
            [penalties[i] for i in chosen],
            columns,
            unit,
            join=join,
            strengths=strengths[chosen],
            n_samples=n_samples,
            rows=True,
            n_jobs=n_jobs,
            **options,
        )

    if lacks_curvature(data, fit, penalties[0], columns) is not None:
        path = refitted(np.arange(len(penalties)))
        assert path.eta is not None
        losses = join.task_loss(_left_out_losses(data, loss, path.eta))
        return replace(path, losses=losses, ends=path.ends[:1])
    start = starts[0] if starts else None
    one = one_fit(
        data, loss, fit, penalties, columns, strengths=strengths, W0=start, **options
    )
    freedom = one.freedom.sum(axis=1)
    judged = unit >= 0
    many = (one.active > _MOST * (unit.max() + 1)) | (freedom > _MOST * judged.sum())
    unsure = (one.active > 0) & many
    # where rows are fitted whatever they are one step says nothing
    unknown = unsure & np.isnan(one.eta[:, judged]).any(axis=1)
    while True:
        losses = _left_out_losses(data, loss, one.eta)
        losses[unknown & unsure] = np.inf
        mean = np.nansum(losses[:, 0] * data.total, axis=1)
        best = int(np.argmin(mean))
        near = np.arange(max(best - 1, 0), min(best + 2, len(mean)))
        chosen = near[unsure[near]]
        if not chosen.size:
            break
        path = refitted(chosen)
        one.eta[chosen], unsure[chosen] = path.eta, False
        one.unconverged += path.unconverged
    return HeldOutPath(losses, [one.end], one.unconverged, one.eta, freedom)


def left_out_tasks_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    rows: bool,
) -> HeldOutPath | None:
    """Return what the mean models of the other tasks are worth for each task.

    Exactly, from the eigenbases of the tasks: without one of them the system for the
    mean (see `linmtl.solvers._quadratic_system`) lacks its term. None for losses and
    penalties that have no such system.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    rows : bool
        Whether to return the predictor of each row as well.
    """
    forms = quadratic_forms(penalties, fit.n_features, columns)
    T = data.design.n_tasks
    if forms is None or not fit.quadratic or fit.n_columns < T or T < 2:
        return None
    if not QuadraticPath.through_mean(forms):
        return None
    moments = (Moments.of(data) if fit.holds_rows else fit.moments).spread()
    h, Q = np.linalg.eigh(moments.H)
    h = np.maximum(h, 0.0)

    def times(scale, V):  # the matrices with these eigenvalues
        return (Q @ (scale * (V[:, None] @ Q)[:, 0])[:, :, None])[:, :, 0]

    W, b = np.empty((len(forms), fit.n_features, T)), np.zeros((len(forms), T))
    for form, mean, level in zip(forms, W, b, strict=True):
        a, m = form.ridge + form.centred, form.ridge + form.mean
        inverse = 1.0 / (h + a)
        alone = times(inverse, moments.C)
        terms = (Q * ((h + m) * inverse)[:, None]) @ Q.transpose(0, 2, 1)
        system, right = terms.sum(axis=0) - terms, alone.sum(axis=0) - alone
        others = (np.linalg.pinv(system, hermitian=True) @ right[:, :, None])[:, :, 0]
        mean[:] = others.T
        if data.fit_intercept:
            own = moments.y - np.sum(moments.x * alone, axis=1)
            pull = (a - m) * times(inverse, moments.x)
            moved = np.sum((pull.sum(axis=0) - pull) * others, axis=1)
            level[:] = (own.sum() - own - moved) / (T - 1)
    losses = moments.losses(W, b)[:, None] / data.total
    eta = None
    if rows:
        eta = np.empty((len(forms), data.y.size))
        for row, mean in zip(eta, W, strict=True):
            data.design.predict(mean, row)
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
    return HeldOutPath(losses, [W[-1]], 0, eta)


def criterion_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    criterion: str,
    *,
    starts: Sequence[np.ndarray] | None = None,
    **options: Any,
) -> HeldOutPath:
    """Return an information criterion of models along a path, as one loss of one fold.

    With N labels, L the mean loss of all tasks and f the degrees of freedom: "gcv" is
    ``L / (1 - f / N)^2``; "aic" and "bic" are ``2 N L`` plus 2 f or f log N, with
    ``N log 2 L`` in place of the former for the squared loss, of unknown variance.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    criterion : {"aic", "bic", "gcv"}
        The criterion.
    starts, **options
        As for :func:`linmtl.model_selection._held_out.held_out_path`.

    Raises
    ------
    ValueError
        If the degrees of freedom or the likelihood are not known.
    """
    missing = lacks_curvature(data, fit, penalties[0], columns)
    if missing is None and loss.location and not loss.quadratic:
        missing = "the squared loss, or that of a likelihood"
    if missing is not None:
        raise ValueError(
            f"criterion={criterion!r} needs {missing}; pass criterion=None"
        )
    start = starts[0] if starts else None
    one = one_fit(data, loss, fit, penalties, columns, W0=start, **options)
    n, freedom = int(np.count_nonzero(data.weight)), one.freedom.sum(axis=1)
    mean = one.loss @ data.total / data.total.sum()
    left = np.maximum(1.0 - freedom / n, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if criterion == "gcv":
            value = mean / left**2
        else:
            deviance = np.log(2.0 * mean) if loss.quadratic else 2.0 * mean
            value = n * deviance + freedom * (2.0 if criterion == "aic" else np.log(n))
    value[left == 0] = np.inf  # nothing is left to judge by
    losses = np.broadcast_to(value[:, None, None], (len(value), 1, data.total.size))
    return HeldOutPath(losses, [one.end], one.unconverged, freedom=freedom)


def _left_out_losses(data: MultiTaskData, loss: Loss, eta: np.ndarray) -> np.ndarray:
    """Return the mean loss of each task at predictors, (n, 1, n_tasks).

    NaN for a task without any, as if one fold held out all.
    """
    known = ~np.isnan(eta)
    y = np.broadcast_to(data.y, eta.shape)
    values = np.zeros(eta.shape)
    values[known] = loss.value(y[known], eta[known])
    out = np.full((len(eta), 1, data.design.n_tasks), np.nan)
    for row, value, there in zip(out[:, 0], values, known, strict=True):
        weight = np.where(there, data.weight, 0.0)
        total = data.task_sum(weight)
        np.divide(data.task_sum(weight * value), total, out=row, where=total > 0)
    return out
