"""Held-out losses of every task, on canonical data.

A fold is a set of observations whose weight is zero while fitting: all layouts are
treated alike and X is never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from linmtl._datafit import make_datafit
from linmtl._objective import Objective
from linmtl._validation import FitInput
from linmtl.data import MultiTaskData
from linmtl.losses import Loss
from linmtl.model_selection import TaskKFold
from linmtl.penalties import Penalty, compose
from linmtl.solvers import minimise


def fold_of_observations(given: FitInput, data: MultiTaskData, cv: int) -> np.ndarray:
    """Return the fold in which each observation is held out, -1 for never.

    Every task is in every training part, and both classes of a task are.

    Parameters
    ----------
    given : FitInput
        Its layout says how observations belong to rows.
    data : MultiTaskData
        The data to split.
    cv : int
        Number of folds.
    """
    classify = given.classes is not None
    splitter = TaskKFold(cv, shuffle=True, random_state=0, stratify=classify)
    n_tasks = given.data.design.n_tasks
    if given.layout == "wide":
        Y = np.where(data.weight > 0, data.y, np.nan).reshape(n_tasks, -1).T
        n, groups, target = Y.shape[0], None, Y
    else:
        n, target = data.y.size, data.y
        groups = np.repeat(np.arange(n_tasks), np.diff(given.data.task_ptr))
    fold = np.full(n, -1)
    for k, (_, test) in enumerate(splitter.split(np.zeros((n, 1)), target, groups)):
        fold[test] = k
    return np.tile(fold, n_tasks) if given.layout == "wide" else fold


def held_out_losses(
    data: MultiTaskData,
    loss: Loss,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    fold: np.ndarray,
    *,
    tol: float,
    max_iter: int,
    solver: str = "auto",
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
    tol, max_iter, solver
        As for the estimators.
    progress : callable, default=None
        Called after each fold.
    """
    design, n_folds = data.design, int(fold.max()) + 1
    out = np.full((len(penalties), n_folds, design.n_tasks), np.nan)
    size = np.diff(data.task_ptr)
    eta, theta = np.empty(data.y.size), np.empty(data.y.size)
    for k in range(n_folds):
        held_out = np.where(fold == k, data.weight, 0.0)
        weight = data.weight - held_out
        kept = data.task_sum(weight)
        used = kept > 0
        factor = np.divide(data.total, kept, out=np.zeros_like(kept), where=used)
        train = replace(data, weight=weight * np.repeat(factor, size))
        fit = make_datafit(train, loss)
        tested = data.task_sum(held_out)
        judged = (tested > 0) & used
        W = None
        for p, penalty in enumerate(penalties):
            composite = compose(penalty, design.n_features, columns)
            result = minimise(
                Objective(fit, composite),
                tol=tol,
                max_iter=max_iter,
                solver=solver,
                W0=W,
            )
            W = result.W
            design.predict(W, eta)
            task_loss = np.empty(design.n_tasks)
            loss.residual(
                data.y,
                eta + np.repeat(result.b, size),
                held_out,
                data.task_ptr,
                tested,
                False,
                np.zeros(design.n_tasks),
                theta,
                task_loss,
            )
            out[p, k, judged] = task_loss[judged] / tested[judged]
        if progress is not None:
            progress()
    return out


def mean_over_folds(losses: np.ndarray) -> np.ndarray:
    """Return the mean over the folds in which a task was judged, NaN if in none."""
    counted = ~np.isnan(losses)
    total = np.where(counted, losses, 0.0).sum(axis=1)
    count = counted.sum(axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
