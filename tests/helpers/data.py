"""Data of several tasks with what a test plants in them."""

import numpy as np

from linmtl.datasets import make_multitask_classification, make_multitask_regression


def generated(classify=False, **options):
    """Return what the generator of this kind of target makes."""
    make = make_multitask_classification if classify else make_multitask_regression
    return make(**options)


def data_of(W, n=40, noise=0.5, seed=0):
    """Return X, y and tasks, n rows each, with coefficients W (n_features, n_tasks)."""
    rng = np.random.default_rng(seed)
    d, n_tasks = W.shape
    tasks = np.repeat(np.arange(n_tasks), n)
    X = rng.normal(size=(tasks.size, d))
    y = np.sum(X * W.T[tasks], axis=1) + noise * rng.normal(size=tasks.size)
    return X, y, tasks
