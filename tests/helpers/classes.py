"""Tasks with classes of their own."""

from __future__ import annotations

import numpy as np

CLASSES = np.array(["a", "b", "c", "d"])


def several_classes(n=30, d=4, seed=0):
    """Three tasks of which the second has no "b", the third "b" and "d" only."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(3 * n, d)), np.repeat(["t0", "t1", "t2"], n)
    W = rng.normal(size=(d, 4))
    noise = rng.gumbel(size=(3 * n, 4))
    noise[tasks == "t1", 1] = -np.inf
    noise[np.ix_(tasks == "t2", [0, 2])] = -np.inf
    y = CLASSES[(X @ W + noise).argmax(axis=1)]
    order = rng.permutation(3 * n)
    return X[order], y[order], tasks[order]


def log_loss_of(model, X, y, tasks):
    """Minus the logarithm of the probability of each row's class."""
    p = model.predict_proba(X, tasks)
    own = p[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    with np.errstate(divide="ignore"):
        return -np.log(own)
