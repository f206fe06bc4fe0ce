"""Folds over which the rows of every task spread, however few they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def deal_rows(
    code: np.ndarray,
    stratum: np.ndarray,
    n_folds: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Return the fold of each row, -1 for rows that no training part can be without.

    The rows of a task are dealt one by one, stratum after stratum, and the next task
    goes on where the last one stopped.

    Parameters
    ----------
    code, stratum : ndarray of int of shape (n_rows,)
        The task of each row, and a part of the task: a class.
    n_folds : int
        Number of folds.
    random : RandomState
        What shuffles the rows.
    """
    order = random.permutation(code.size)
    order = order[np.lexsort((stratum[order], code[order]))]
    order = order[np.bincount(stratum)[stratum[order]] > 1]
    fold = np.full(code.size, -1)
    fold[order] = np.arange(order.size) % n_folds
    return fold


def deal_units(
    code: np.ndarray,
    stratum: np.ndarray,
    unit: np.ndarray,
    n_folds: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Return the same with whole units in one fold, which may be of several tasks.

    Each unit, the largest first, goes where its tasks have the smallest parts of their
    rows. One that is all there is of its tasks is in no fold.

    Parameters
    ----------
    code, stratum, n_folds, random
        As for :func:`deal_rows`.
    unit : ndarray of int of shape (n_rows,)
        The unit of each row, from 0.
    """
    ones = np.ones(code.size)
    parts: Any = sparse.csr_array(sparse.coo_array((ones, (unit, stratum))))
    whole: Any = sparse.csr_array(sparse.coo_array((ones, (unit, code))))
    rows_of_task = np.bincount(code)
    share = np.bincount(stratum)
    load, size = np.zeros((n_folds, parts.shape[1])), np.zeros(n_folds)
    fold_of_unit = np.full(parts.shape[0], -1)
    order = random.permutation(parts.shape[0])
    for u in order[np.argsort(-np.bincount(unit)[order], kind="stable")]:
        mine = slice(whole.indptr[u], whole.indptr[u + 1])
        if np.all(whole.data[mine] == rows_of_task[whole.indices[mine]]):
            continue
        mine = slice(parts.indptr[u], parts.indptr[u + 1])
        strata, count = parts.indices[mine], parts.data[mine]
        crowd = load[:, strata] @ (count / share[strata] ** 2)
        k = np.lexsort((size, crowd))[0]
        load[k, strata] += count
        size[k] += count.sum()
        fold_of_unit[u] = k
    return fold_of_unit[unit]
