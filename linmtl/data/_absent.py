"""Features that some tasks do not have: NaN in every row of the task, or by a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite

from linmtl.data._labels import encode_tasks, some
from linmtl.data._rows import rows_by_code


def read_feature_mask(
    estimator: Any, n_features: int, names: np.ndarray | None, tasks: np.ndarray
) -> np.ndarray:
    """Return ``feature_mask`` in the order of the features and of the tasks.

    Parameters
    ----------
    estimator : object
        It has the parameter.
    n_features : int
        Number of features.
    names : ndarray of shape (n_features,) or None
        Their names; their positions by default.
    tasks : ndarray of shape (n_tasks,)
        Task labels.

    Returns
    -------
    ndarray of bool of shape (n_features, n_tasks)
        Which features each task may have.

    Raises
    ------
    ValueError
        If the mask is not one of these features and tasks, or if it leaves a feature or
        a task with nothing.
    """
    name = f"{type(estimator).__name__}: feature_mask"
    mask, shape = estimator.feature_mask, (n_features, len(tasks))
    names = np.arange(n_features) if names is None else names
    if hasattr(mask, "columns"):
        rows, columns = mask.index.get_indexer(names), mask.columns.get_indexer(tasks)
        for what, at, labels in (("row", rows, names), ("column", columns, tasks)):
            if np.any(at < 0):
                kind = "features" if what == "row" else "tasks"
                raise ValueError(
                    f"{name} has no {what} for the {kind} {some(labels[at < 0])}"
                )
        mask = mask.to_numpy()[rows][:, columns]
    try:
        given = np.asarray(mask)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name}: {error}") from None
    if given.shape != shape:
        raise ValueError(
            f"{name} has shape {given.shape}, but there are {n_features} features and "
            f"{len(tasks)} tasks; pass one row per feature and one column per task, in "
            "the order of tasks_, or a DataFrame with the labels of the tasks as "
            "columns, which is for parts of the tasks, too"
        )
    if not all(value in (0, 1) for value in given.ravel().tolist()):
        raise ValueError(f"{name} must hold True (the task has the feature) and False")
    present = given.astype(bool)
    if not present.any(axis=0).all():
        raise ValueError(
            f"{name} leaves the tasks {some(tasks[~present.any(axis=0)])} without a "
            "feature; drop these tasks"
        )
    if not present.any(axis=1).all():
        raise ValueError(
            f"{name} gives the features {some(names[~present.any(axis=1)])} to no "
            "task; drop them"
        )
    return present


def without_absent(X: Any, codes: np.ndarray, present: np.ndarray) -> Any:
    """Return X with zeros for the features that the tasks of its rows do not have.

    ``codes`` are the tasks of the rows, ``present`` is (n_features, n_tasks).
    """
    if not sparse.issparse(X):
        return np.where(present.T[codes], X, X.dtype.type(0))
    X = sparse.csr_array(X, copy=True)
    row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    X.data[~present[X.indices, codes[row]]] = 0
    X.eliminate_zeros()
    return X


def fill_absent(
    X: Any,
    labels: np.ndarray | None,
    order: Any,
    names: Any,
    estimator: Any,
    masked: bool = False,
    refused: bool = False,
    finite: bool = False,
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
    masked : bool, default=False
        Whether its ``feature_mask`` counts.
    refused : bool, default=False
        Whether it is for tasks that have all features.
    finite : bool, default=False
        Whether all numbers are known to be finite.

    Returns
    -------
    X : ndarray or sparse matrix
        X itself, where nothing is absent.
    present : ndarray of bool of shape (n_features, n_tasks), or None
        Which features each task has; None where all have all.

    Raises
    ------
    ValueError
        If a feature is NaN in some rows of a task only, or in all of every task; or if
        a task has no feature; or in any rows, if that is refused.
    """
    if masked and labels is not None:
        tasks, codes = encode_tasks(labels, order)
        mask = read_feature_mask(estimator, X.shape[1], names, tasks)
        X, present = fill_absent(
            without_absent(X, codes, mask), labels, order, names, estimator
        )
        return X, mask if present is None else mask & present
    if finite:
        return X, None
    if labels is None or sparse.issparse(X):
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")
        return X, None
    with np.errstate(over="ignore", invalid="ignore"):
        none = not np.isnan(np.sum(X))  # quick, and with no copy
    missing = np.zeros((0, 0), dtype=bool) if none else np.isnan(X)
    if not missing.any():
        return X, None
    names = np.arange(X.shape[1]) if names is None else names
    if refused:
        raise ValueError(
            "Input X contains NaN in the features "
            f"{some(names[missing.any(axis=0)])}; {type(estimator).__name__}, or what "
            "is made of it here, is for tasks that all have all features: impute or "
            "drop them"
        )
    tasks, codes = encode_tasks(labels, order)
    absent = np.array([missing[r].all(axis=0) for r in rows_by_code(codes, len(tasks))])
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
