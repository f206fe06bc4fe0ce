"""Intercepts that are drawn to each other: a task of one class has a best one."""

from __future__ import annotations

import warnings

import cvxpy as cp
import numpy as np
import pytest

from helpers.convex import least
from linmtl import (
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
)
from linmtl.penalties import L21, Deviation, MeanRegularized, Ridge

T, N, D = 4, 20, 3
GRID = {"alphas": [0.1, 1.0], "alpha_mean": 0.1}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(T * N, D)), np.repeat(np.arange(T), N)
    y = (X @ np.ones(D) + rng.logistic(size=T * N) > 0).astype(int)
    return X, np.where(tasks == 1, 1, y), tasks


def optimum(X, y, tasks):
    """Of strength 0.1 on deviations, 0.01 on the mean."""
    W, b = cp.Variable((D, T)), cp.Variable(T)
    total = 0.0
    for t in range(T):
        rows = tasks == t
        eta = X[rows] @ W[:, t] + b[t]
        total += cp.sum(cp.logistic(cp.multiply(1 - 2 * y[rows], eta))) / N
    mean = cp.sum(W, axis=1, keepdims=True) / T
    total += 0.05 * cp.sum_squares(W - mean @ np.ones((1, T)))
    total += 0.005 * T * cp.sum_squares(mean)
    return least(total + 0.05 * cp.sum_squares(b - cp.sum(b) / T)), b.value


def test_a_task_of_one_class_counts(data):
    X, y, tasks = data
    model = MeanRegularizedClassifier(0.1, 0.01, intercept_weight=1.0, tol=1e-9)
    model.fit(X, y, tasks)
    best, b = optimum(X, y, tasks)
    assert model.converged_
    assert abs(model.objective_ - best) <= 1e-6
    np.testing.assert_allclose(model.intercept_, b, atol=1e-3)


@pytest.mark.parametrize(
    "penalty",
    [
        MeanRegularized(0.1, intercept_weight=np.inf),
        MeanRegularized(0.1, intercept_weight=1.0) + Ridge(0.01),
        Deviation(L21(0.1), intercept_weight=0.5),
    ],
)
def test_whatever_draws_them(data, penalty):
    X, y, tasks = data
    model = MultiTaskClassifier(penalty).fit(X, y, tasks)
    assert model.converged_
    b = model.intercept_
    assert b[1] >= b.max() - 1e-9
    assert b[1] < 5


def test_every_task_may_have_one_class(data):
    X, _, tasks = data
    y = (tasks >= 2).astype(int)
    model = MeanRegularizedClassifier(0.1, 0.1, intercept_weight=1.0).fit(X, y, tasks)
    assert model.score(X, y, tasks) == 1.0
    with pytest.raises(ValueError, match="only 1 class"):
        MeanRegularizedClassifier(intercept_weight=1.0).fit(X, 0 * y, tasks)


@pytest.mark.parametrize("weight", [0.0, [0.0, 1.0]])
def test_free_intercepts_still_leave_it_out(data, weight):
    model = MeanRegularizedClassifier(intercept_weight=0.0)
    if weight:
        model = MeanRegularizedClassifierCV(
            alphas=[0.1, 1.0], alpha_mean=0.1, intercept_weight=weight
        )
    with pytest.warns(UserWarning, match="single class"):
        model.fit(*data)


def test_folds_count_it_too(data):
    X, y, tasks = data
    model = MeanRegularizedClassifierCV(
        alphas=[0.1, 1.0], alpha_mean=0.1, intercept_weight=[0.1, 1.0]
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*at the end|.*at its bound|.*best")
        model.fit(X, y, tasks)
    assert np.all(np.isfinite(model.intercept_))
    assert model.intercept_[1] < 5


def test_counts_of_zero_only(data):
    X, y, tasks = data
    y = np.where(tasks == 1, 0, 2 * y)
    model = MeanRegularizedRegressor(0.1, intercept_weight=1.0, loss="poisson")
    model.fit(X, y, tasks)
    assert model.converged_
    assert model.intercept_[1] == model.intercept_.min()
