"""Held-out losses of every task, on canonical data.

A fold is a set of observations whose weight is zero while fitting: all layouts are
treated alike and X is never copied.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data import MultiTaskData
from linmtl.data._read import FitInput
from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._make import make_datafit
from linmtl.datafits._root import RootFit
from linmtl.losses import LOSSES, Loss
from linmtl.model_selection import TaskKFold
from linmtl.penalties import Penalty
from linmtl.solvers import Result
from linmtl.solvers._path import follow


def fold_of_observations(given: FitInput, data: MultiTaskData, cv: Any) -> np.ndarray:
    """Return the fold in which each observation is held out, -1 for never.

    Every task is in every training part, and both classes of a task are.

    Parameters
    ----------
    given : FitInput
        Its layout says how observations belong to rows.
    data : MultiTaskData
        The data to split.
    cv : int, splitter or iterable of (train, test)
        Number of folds; or what makes them, of the rows as passed to fit.
    """
    if isinstance(cv, (str, float)) or cv is None:
        raise ValueError(
            "cv must be a number of folds, a splitter or an iterable of (train, test), "
            f"got {cv!r}"
        )
    n_tasks = given.data.design.n_tasks
    wide = given.layout == "wide"
    if isinstance(cv, numbers.Integral):
        # over the rows in use, in the order in which they were passed
        order = np.argsort(given.rows, kind="stable")
        splits = _splits_within_tasks(given, data, int(cv), order)
        rows = np.empty_like(order)
        rows[order] = np.arange(order.size)
    else:
        splits, rows = _given_splits(given, cv), given.rows
    fold = np.full(int(rows.max()) + 1, -1)
    used = np.zeros(fold.size, dtype=bool)
    used[rows] = True
    for k, (train, test) in enumerate(splits):
        train, test = (p[p < fold.size] for p in map(positions, (train, test)))
        if np.any(fold[test] >= 0):
            raise ValueError("cv: the test parts overlap; pass a partition of the rows")
        fold[test] = k
        others = used & (fold != k)
        others[train] = False
        if others.any():
            raise ValueError(
                f"cv: {int(others.sum())} rows are in neither part of fold {k}; models "
                "are trained on all rows that are not held out; pass a splitter that "
                "does the same (not one for time series, nor with a train_size)"
            )
    fold = fold[rows]
    return np.tile(fold, n_tasks) if wide else fold


def positions(part: ArrayLike) -> np.ndarray:
    """Return the positions that a part of a split stands for; it may be a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part


def _splits_within_tasks(given, data, n_splits, order):
    if given.n_rows < 2:
        raise ValueError(
            f"cross-validation needs at least 2 samples, got n_samples={given.n_rows}"
        )
    classify = given.classes is not None
    splitter = TaskKFold(n_splits, shuffle=True, random_state=0, stratify=classify)
    n_tasks = given.data.design.n_tasks
    if given.layout == "wide":
        Y = np.where(data.weight > 0, data.y, np.nan).reshape(n_tasks, -1).T
        return splitter.split(np.zeros((Y.shape[0], 1)), Y)
    groups = np.repeat(given.tasks, np.diff(given.data.task_ptr))
    X = np.zeros((data.y.size, 1))
    return splitter.split(X, data.y[order], groups[order])


def _given_splits(given, cv):
    """Return the folds of a splitter, or of an iterable of indices or masks."""
    if not hasattr(cv, "split"):
        return list(cv)
    n = given.n_rows
    y, groups = np.zeros(n), None
    if given.layout != "wide":
        y[given.rows] = given.data.y
        if given.layout == "long":
            groups = np.zeros(n, dtype=int)
            sizes = np.diff(given.data.task_ptr)
            groups[given.rows] = np.repeat(np.arange(len(sizes)), sizes)
    if getattr(cv, "task_column", None) is not None:
        raise ValueError("cv: drop task_column; the estimator passes the tasks")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        return list(cv.split(np.zeros((n, 1)), y, groups))


def held_out_losses(
    data: MultiTaskData,
    loss: Loss,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    fold: np.ndarray,
    *,
    strengths: Sequence[float] | None = None,
    n_samples: np.ndarray | None = None,
    tol: float,
    max_iter: int,
    solver: str = "auto",
    n_jobs: int | None = None,
    progress: Callable[[], None] | None = None,
) -> np.ndarray:
    """Return the mean held-out loss, (n_penalties, n_folds, n_tasks).

    The solution for one penalty starts the next, so that they are best ordered from
    strong to weak. A task with nothing held out in a fold is NaN there.

    Parameters
    ----------
    data : MultiTaskData
        All data.
    loss : Loss
        The loss, for fitting and for judging.
    penalties : sequence of Penalty
        What to compare.
    columns : ndarray of shape (n_columns,)
        Task labels of the columns of W.
    fold : ndarray of shape (n_observations,)
        From :func:`fold_of_observations`.
    strengths : sequence of float, default=None
        The strength of each penalty, to extrapolate along.
    n_samples : ndarray of shape (n_tasks,), default=None
        Sum of the sample weights of each task; by default its number of labels. It
        sets the intercept of a task with a single class in a training part.
    tol, max_iter, solver
        As for the estimators.
    n_jobs : int, default=None
        Folds fitted at the same time, through joblib.
    progress : callable, default=None
        Called after each fold (with one job).
    """

    def one(fit, held_out):
        results = follow(
            fit,
            penalties,
            columns,
            strengths=strengths,
            tol=tol,
            max_iter=max_iter,
            solver=solver,
        )
        out = np.array([held_out.losses(result) for result in results])
        if progress is not None and n_jobs in (None, 1):
            progress()
        return out

    folds = Parallel(n_jobs=n_jobs)(
        delayed(one)(fit, held_out)
        for fit, held_out in training_and_test(data, loss, fold, n_samples)
    )
    return np.swapaxes(np.array(folds), 0, 1)


class HeldOutRows:
    """The mean loss of each task on rows kept aside."""

    def __init__(
        self,
        data: MultiTaskData,
        loss: Loss,
        tested: np.ndarray,
        learned: np.ndarray,
        odds: np.ndarray | None = None,
    ):
        self.loss = loss
        self.odds = odds  # intercepts of tasks with a single class, NaN elsewhere
        rows = np.flatnonzero(tested)
        self.data = replace(
            data,
            design=data.design.take(rows),
            y=data.y[rows],
            weight=data.weight[rows],
        )
        self.judged = (self.data.total > 0) & learned

    def of_tasks(self, tasks: np.ndarray) -> HeldOutRows:
        """Return the rows of these tasks (positions) only."""
        part = copy(self)
        part.data, part.judged = self.data.of_tasks(tasks), self.judged[tasks]
        part.odds = None if self.odds is None else self.odds[tasks]
        return part

    def losses(self, result: Result) -> np.ndarray:
        """Return the mean loss of each task, NaN where none is observed.

        For the square-root loss, its root mean squared error.
        """
        data, T = self.data, self.data.design.n_tasks
        eta, theta = np.empty(data.y.size), np.empty(data.y.size)
        data.design.predict(result.W, eta)
        b = np.broadcast_to(result.b, T)
        if self.odds is not None:
            b = np.where(np.isnan(self.odds), b, self.odds)
        eta += np.repeat(b, np.diff(data.task_ptr))
        task_loss, unused = np.empty(T), np.zeros(T)
        self.loss.residual(
            data.y,
            eta,
            data.weight,
            data.task_ptr,
            data.total,
            False,
            unused,
            theta,
            task_loss,
        )
        return self.loss.of_mean(_ratio(task_loss, data.total, self.judged))


class HeldOutMoments:
    """The same for the squared loss, from sums over the rows kept aside.

    Attributes
    ----------
    H, C, x_sum : ndarray
        Sums of ``w x x'``, ``w x y`` and ``w x`` of each task, about its means.
    square, y_sum, total : ndarray of shape (n_tasks,)
        Sums of ``w y^2``, ``w y`` and ``w``.
    """

    def __init__(
        self, whole: GramFit, loss: Loss, tested: np.ndarray, learned: np.ndarray
    ):
        data = whole.data
        T, d = whole.C.shape
        self.whole, self.loss = whole, loss
        self.x_mean, self.y_mean = whole.x_mean, whole.y_mean
        self.H = np.empty_like(whole.H)
        self.C, self.x_sum = np.empty((T, d)), np.empty((T, d))
        self.square, self.y_sum, self.total = np.empty(T), np.empty(T), np.empty(T)
        for t in range(T):
            part = slice(data.task_ptr[t], data.task_ptr[t + 1])
            rows = np.flatnonzero(tested[part])
            w = data.weight[part][rows]
            y = data.y[part][rows] - whole.y_mean[t]
            if t < len(whole.H):  # otherwise the tasks share the rows and weights
                X = data.design.block(t)[rows]
                X = X.toarray() if sparse.issparse(X) else X
                X = X - whole.x_mean[t]
                A = np.sqrt(w)[:, None] * X
                self.H[t] = A.T @ A
            self.C[t], self.x_sum[t] = (w * y) @ X, w @ X
            self.square[t], self.y_sum[t], self.total[t] = w @ y**2, w @ y, w.sum()
        self.learned = learned
        self.judged = (self.total > 0) & self.learned

    def of_tasks(self, tasks: np.ndarray) -> HeldOutMoments:
        """Return the sums of these tasks (positions) only."""
        part = copy(self)
        for name in ("C", "x_sum", "square", "y_sum", "total", "judged"):
            setattr(part, name, getattr(self, name)[tasks])
        part.x_mean, part.y_mean = self.x_mean[tasks], self.y_mean[tasks]
        part.H = self.H if len(self.H) == 1 else self.H[tasks]
        return part

    def losses(self, result: Result) -> np.ndarray:
        """Return the mean loss of each task, NaN where none is observed."""
        W = result.W
        shift = result.b - self.y_mean + np.einsum("td,dt->t", self.x_mean, W)
        if len(self.H) == 1:
            curved = np.sum(W * (self.H[0] @ W), axis=0)
        else:
            curved = np.einsum("dt,tde,et->t", W, self.H, W, optimize=True)
        straight = np.einsum("td,dt->t", self.C, W)
        across = self.y_sum - np.einsum("td,dt->t", self.x_sum, W)
        sums = self.square - 2 * straight + curved
        sums += self.total * shift**2 - 2 * shift * across
        mean = _ratio(np.maximum(sums, 0.0) / 2, self.total, self.judged)
        return self.loss.of_mean(mean)

    def training(self, train: MultiTaskData, factor: np.ndarray) -> GramFit:
        """Return the Gram form of the other rows, weights times a factor per task."""
        whole, data = self.whole, self.whole.data
        H, C = whole.H - self.H, whole.C - self.C
        x_mean, y_mean = whole.x_mean, whole.y_mean
        Y = data.y - np.repeat(y_mean, np.diff(data.task_ptr))
        square = data.task_sum(data.weight * Y**2) - self.square
        if data.fit_intercept:
            left = np.where(self.learned, data.total - self.total, 0.0)
            inverse = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
            x_move = -self.x_sum * inverse[:, None]
            y_move = -self.y_sum * inverse
            for t in range(len(H)):
                H[t] -= left[t] * np.outer(x_move[t], x_move[t])
            C -= (left * y_move)[:, None] * x_move
            square -= left * y_move**2
            x_mean, y_mean = x_mean + x_move, y_mean + y_move
        return GramFit.assemble(
            train,
            whole.loss,
            H=factor[: len(H), None, None] * H,
            C=factor[:, None] * C,
            square=float(factor @ square),
            x_mean=x_mean,
            y_mean=y_mean,
        )


def training_and_test(
    data: MultiTaskData,
    loss: Loss,
    fold: np.ndarray,
    n_samples: np.ndarray | None = None,
) -> Iterator[tuple[Datafit, HeldOutRows | HeldOutMoments]]:
    """Yield for each fold the datafit of the training part and the held-out part.

    A task's weights are scaled up to their total over all data, so that its loss stays
    a mean. Where Gram matrices pay, those of a fold are subtracted from those of all.
    """
    root = loss.name == "sqrt"
    whole = make_datafit(data, LOSSES["squared"] if root else loss)
    size = np.diff(data.task_ptr)
    subtract = (
        isinstance(whole, GramFit) and data.design.n_columns == data.design.n_tasks
    )
    for k in range(int(fold.max()) + 1):
        tested = fold == k
        weight = np.where(tested, 0.0, data.weight)
        kept = data.task_sum(weight)
        learned = kept > 0  # other tasks have no model to judge
        factor = np.divide(data.total, kept, out=np.zeros_like(kept), where=learned)
        odds = None
        if loss.name == "logistic" and data.fit_intercept:
            odds = _single_class_odds(data, weight, kept, n_samples)
            factor = np.where(np.isnan(odds), factor, 0.0)
        train = replace(data, weight=weight * np.repeat(factor, size))
        if subtract:
            moments = HeldOutMoments(whole, loss, tested, learned)
            fit = moments.training(train, factor)
            yield RootFit(train, loss, fit) if root else fit, moments
        else:
            yield (
                make_datafit(train, loss),
                HeldOutRows(data, loss, tested, learned, odds),
            )


def _single_class_odds(data, weight, kept, n_samples):
    """Return the intercept of each task with one class in training, NaN elsewhere.

    As in `fit`, such a task is left out of the loss: its intercept has no optimum.
    """
    if n_samples is None:
        n_samples = data.task_sum((data.weight > 0).astype(float))
    positive = data.task_sum(weight * (data.y > 0)) > 0
    negative = data.task_sum(weight * (data.y < 0)) > 0
    size = np.divide(kept, data.total, out=np.zeros_like(kept), where=data.total > 0)
    odds = (positive.astype(int) - negative) * np.log(2 * n_samples * size + 1)
    return np.where(positive != negative, odds, np.nan)


def _ratio(loss, total, judged):
    return np.divide(loss, total, out=np.full(total.size, np.nan), where=judged)


def mean_over_folds(losses: np.ndarray) -> np.ndarray:
    """Return the mean over the folds in which a task was judged, NaN if in none.

    ``losses`` are of shape (..., n_folds, n_tasks).
    """
    counted = ~np.isnan(losses)
    total = np.where(counted, losses, 0.0).sum(axis=-2)
    count = counted.sum(axis=-2)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
