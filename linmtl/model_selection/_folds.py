"""The fold in which each observation is held out."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from linmtl.data._canonical import MultiTaskData
from linmtl.data._checks import check_count
from linmtl.data._fit_input import FitInput
from linmtl.model_selection import LeaveOneTaskOut, TaskKFold

_LEAST_ROWS = 2  # of a task in training: an intercept takes one


def fold_of_observations(
    given: FitInput,
    data: MultiTaskData,
    cv: Any,
    random_state: Any = 0,
    stratify: bool | None = None,
) -> np.ndarray:
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
    random_state : int, RandomState instance or None, default=0
        For a number of folds.
    stratify : bool, default=None
        Whether these are stratified by the values of y; by default, where they are
        classes.
    """
    if stratify is None:
        stratify = given.classes is not None
    if isinstance(cv, (str, float, bool, np.bool_)) or cv is None:
        raise ValueError(
            "cv must be a number of folds, a splitter or an iterable of (train, test), "
            f"for the ...CV estimators also 'loo'; got {cv!r}"
        )
    n_tasks = given.data.design.n_tasks
    wide = given.layout == "wide"
    if wide and isinstance(cv, LeaveOneTaskOut):
        return np.repeat(np.arange(n_tasks), np.diff(data.task_ptr))
    if isinstance(cv, numbers.Integral):
        # over the rows in use, in the order in which they were passed
        order = np.argsort(given.rows, kind="stable")
        splits = _splits_within_tasks(
            given, data, int(cv), order, random_state, stratify
        )
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


def _splits_within_tasks(given, data, n_splits, order, random_state, stratify):
    if given.n_rows < 2:
        raise ValueError(
            f"cross-validation needs at least 2 samples, got n_samples={given.n_rows}"
        )
    splitter = TaskKFold(
        check_count("cv", n_splits, 2),
        shuffle=True,
        random_state=random_state,
        stratify=stratify,
    )
    n_tasks = given.data.design.n_tasks
    if given.layout == "wide":
        Y = np.where(data.weight > 0, data.y, np.nan).reshape(n_tasks, -1).T
        try:
            return list(splitter.split(np.zeros((Y.shape[0], 1)), Y))
        except ValueError as error:
            raise _of_cv(error) from None
    X, code = np.zeros((data.y.size, 1)), given.code[order]
    few_rows, splits = None, iter(())
    try:
        splits = list(splitter.split(X, data.y[order], given.tasks[code]))
    except ValueError as error:
        few_rows = error
    if data.fit_intercept and not stratify and given.layout == "long":
        fold = np.full(code.size, -1)
        for k, (_, test) in enumerate(splits):
            fold[test] = k
        fold = _with_rows_to_learn_from(
            fold, code, data.weight[order] > 0, n_splits, random_state
        )
        if np.isin(np.arange(n_splits), fold).all():
            parts = [fold == k for k in range(n_splits)]
            return [(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts]
    if few_rows is not None:
        raise _of_cv(few_rows)
    return splits


def _of_cv(error):
    """Return the error of a splitter as one of the number that was passed as ``cv``."""
    return ValueError(str(error).replace("n_splits", "cv"))


def _with_rows_to_learn_from(fold, code, used, n_splits, random_state):
    """Return folds in which tasks keep two training rows: an intercept takes one.

    Where that empties a fold, rows of tasks that have no more than two, or fewer than
    there are folds, are dealt as those of one task would be, as few of each as can be:
    the others are left to learn from.
    """
    fold = fold.copy()
    rows = [np.flatnonzero((code == t) & used) for t in range(int(code.max()) + 1)]
    for mine in rows:
        for k in range(n_splits):
            tested = mine[fold[mine] == k]
            fold[tested[max(mine.size - _LEAST_ROWS, 0) :]] = -1
    if np.isin(np.arange(n_splits), fold).all():
        return fold
    random, start = check_random_state(random_state), 0
    untested = [mine for mine in rows if np.all(fold[mine] < 0)]
    several = [mine for mine in untested if mine.size > _LEAST_ROWS]
    for mine in several or [mine for mine in untested if mine.size == _LEAST_ROWS]:
        size = min(mine.size, n_splits) if several else 1
        fold[random.permutation(mine)[:size]] = (start + np.arange(size)) % n_splits
        start += size
    return fold


def _given_splits(given, cv):
    """Return the folds of a splitter, or of an iterable of indices or masks."""
    if not hasattr(cv, "split"):
        return list(cv)
    n = given.n_rows
    y, groups = np.zeros(n), None
    if given.layout != "wide":
        y[given.rows] = given.y
        if given.layout == "long":
            groups = np.zeros(n, dtype=int)
            groups[given.rows] = given.code
    if getattr(cv, "task_column", None) is not None:
        raise ValueError("cv: drop task_column; the estimator passes the tasks")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        return list(cv.split(np.zeros((n, 1)), y, groups))
