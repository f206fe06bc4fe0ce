"""Rows in parts, as they come from files, partitions and sites."""

import numpy as np

from helpers.data import generated


def data(classify=False, seed=0, n_samples=40, n_features=6):
    """Return X, y and tasks in no order."""
    X, y, tasks = generated(
        classify,
        n_tasks=4,
        n_samples=n_samples,
        n_features=n_features,
        random_state=seed,
    )
    order = np.random.default_rng(seed).permutation(y.size)
    return X[order], y[order], tasks[order]


def pieces(X, y, tasks, k=5, weight=None):
    """Return the arguments of fit in k parts."""
    parts = np.array_split(np.arange(y.size), k)
    if weight is None:
        return [(X[p], y[p], tasks[p]) for p in parts]
    return [(X[p], y[p], tasks[p], weight[p]) for p in parts]
