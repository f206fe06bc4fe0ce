"""One problem of four tasks in two layouts, and estimators of every kind for it."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier

from linmtl import (
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.penalties import L1, L21
from linmtl.penalties import Ridge as RidgePenalty

TIGHT = {"tol": 1e-14, "max_iter": 20_000}
NAMES = ["east", "north", "south", "west"]

REGRESSORS = [
    L21Regressor(0.1, **TIGHT),
    L1Regressor(0.05, **TIGHT),
    TraceNormRegressor(0.1, **TIGHT),
    MeanRegularizedRegressor(0.3, 0.01, **TIGHT),
    GraphRegularizedRegressor(alpha=0.3, alpha_ridge=0.01, **TIGHT),
    IndependentRegressor(0.1, **TIGHT),
    PooledRegressor(0.1, **TIGHT),
    PooledRegressor(0.1, task_intercepts=True, **TIGHT),
    MultiTaskRegressor(L1(0.02) + L21(0.05) + RidgePenalty(0.01), **TIGHT),
]
CLASSIFIERS = [
    L21Classifier(0.03, **TIGHT),
    L1Classifier(0.02, **TIGHT),
    TraceNormClassifier(0.03, **TIGHT),
    MeanRegularizedClassifier(0.1, 0.01, **TIGHT),
    GraphRegularizedClassifier(alpha=0.1, alpha_ridge=0.01, **TIGHT),
    IndependentClassifier(0.1, **TIGHT),
    PooledClassifier(0.1, **TIGHT),
    PooledClassifier(0.1, task_intercepts=True, **TIGHT),
    MultiTaskClassifier(L1(0.01) + L21(0.01) + RidgePenalty(0.01), **TIGHT),
]
EVERY = REGRESSORS + CLASSIFIERS


def label_of(model):
    """A short name for the reports."""
    name = type(model).__name__
    return name + "-task_intercepts" * getattr(model, "task_intercepts", False)


every = pytest.mark.parametrize("model", EVERY, ids=label_of)


def wide(model, n=40, d=6, missing=0.0, seed=0):
    """X and Y of four tasks that share X; labels "no" and "yes" for a classifier."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    W = rng.standard_normal((d, 1)) * (np.arange(d)[:, None] < 4)
    W = W + 0.4 * rng.standard_normal((d, 4))
    Y = X @ W + np.array([0.3, -0.2, 0.0, 0.5]) + 0.5 * rng.standard_normal((n, 4))
    if is_classifier(model):
        Y = np.where(Y > 0, "yes", "no").astype(object)
    else:
        Y = Y + 2.0 * np.arange(4)
    if missing:
        Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


def long(X, Y, names=NAMES, seed=1):
    """The same with one row per label, in random order."""
    n, n_tasks = Y.shape
    X, y, tasks = np.tile(X, (n_tasks, 1)), Y.T.ravel(), np.repeat(names, n)
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order], y[order], tasks[order]


def fit(model, *args, **params):
    return clone(model).set_params(**params).fit(*args)
