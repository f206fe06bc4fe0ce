"""Features that some tasks do not have: NaN in every row of the task."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite

from linmtl.data._labels import encode_tasks, some
from linmtl.data._rows import rows_by_code


def fill_absent(
    X: Any, labels: np.ndarray | None, order: Any, names: Any, estimator: Any
) -> tuple[Any, np.ndarray | None]:
    """Return X with zeros for features that are absent, and which are present.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        NaN where a feature is not known.
    labels : ndarray of shape (n_samples,) or None
        The task of each row.
    order : array-like or None
        The order of the tasks.
    names : ndarray of shape (n_features,) or None
        Names of the features.
    estimator : object
        What errors name.

    Returns
    -------
    X : ndarray or sparse matrix
        X itself, where nothing is NaN.
    present : ndarray of bool of shape (n_features, n_tasks), or None
        Which features each task has; None where all have all.

    Raises
    ------
    ValueError
        If a feature is NaN in some rows of a task only, or in all of every task; or if
        a task has no feature.
    """
    if labels is None or sparse.issparse(X):
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")
        return X, None
    with np.errstate(over="ignore", invalid="ignore"):
        none = not np.isnan(np.sum(X))  # quick, and with no copy
    missing = np.zeros((0, 0), dtype=bool) if none else np.isnan(X)
    if not missing.any():
        return X, None
    tasks, codes = encode_tasks(labels, order)
    absent = np.array([missing[r].all(axis=0) for r in rows_by_code(codes, len(tasks))])
    names = np.arange(X.shape[1]) if names is None else names
    partly = missing & ~absent[codes]
    if partly.any():
        row, j = np.argwhere(partly)[0]
        raise ValueError(
            f"Input X contains NaN: feature {some(names[[j]])} in some rows of task "
            f"{tasks[codes[row]].item()!r} only; impute it, or drop it for the whole "
            "task (NaN in every row of a task is a feature that the task does not have)"
        )
    nowhere, empty = absent.all(axis=0), absent.all(axis=1)
    if nowhere.any():
        raise ValueError(
            "Input X contains NaN in every row of the features "
            f"{some(names[nowhere])}; drop them"
        )
    if empty.any():
        raise ValueError(
            f"the tasks {some(tasks[empty])} have no feature: X is NaN in all of their "
            "rows; drop these tasks"
        )
    return np.where(missing, X.dtype.type(0), X), ~absent.T


def fill_as_in_fit(X: Any, codes: np.ndarray, mask: np.ndarray, tasks: Any) -> Any:
    """Return X with zeros for the features that the tasks of its rows do not have.

    ``codes`` are positions in ``tasks``. Tasks beyond those of ``mask``, of shape
    (n_tasks, n_features), have all features, as those unknown have, of code -1.
    """
    missing = np.isnan(X)
    known = (codes >= 0) & (codes < len(mask))
    absent = known[:, None] & ~mask[np.where(known, codes, 0)]
    wrong = missing & ~absent
    if wrong.any():
        rows = wrong.any(axis=1) & (codes >= 0)
        of = (
            f" of the tasks {some(np.unique(tasks[codes[rows]]))}" if rows.any() else ""
        )
        raise ValueError(
            f"Input X contains NaN in features that rows{of} had in fit; impute them"
        )
    return np.where(missing, X.dtype.type(0), X)


def mean_model(W: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the mean coefficients of tasks, of each feature over those that have it.

    Parameters
    ----------
    W : ndarray of shape (n_tasks, n_features)
        Coefficients.
    mask : ndarray of bool of shape (n_tasks, n_features) or None
        Which features each task has; None where all have all.
    """
    if mask is None:
        return W.mean(axis=0)
    return W.sum(axis=0, where=mask) / np.maximum(mask.sum(axis=0), 1)
