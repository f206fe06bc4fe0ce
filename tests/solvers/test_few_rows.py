"""Quadratic penalties that leave directions free, on few rows of any weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linmtl import MultiTaskRegressor, MultiTaskRegressorCV
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TaskQuadratic,
    compose,
)
from linmtl.solvers._quadratic_system import Block, residual, system_solver

T = 5
CHAIN = np.eye(T, k=1) + np.eye(T, k=-1)
PENALTIES = {
    "mean": MeanRegularized(0.1),
    "mean by feature": MeanRegularized(0.1, feature_weight=np.geomspace(0.1, 10, 60)),
    "intercepts too": MeanRegularized(0.1, intercept_weight=1.0),
    "graph": GraphLaplacian(CHAIN, 0.1),
    "matrix": TaskQuadratic(np.eye(T) - 1 / T, 0.1),
    "none": Ridge(0.0),
    "some tasks": Ridge(np.arange(T) % 2),
}
COMMON = ["mean", "mean by feature", "graph", "matrix", "none"]


def problem(rows, spread, seed=0):
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(T), rng.multinomial(rows - T, np.ones(T) / T) + 1)
    X = rng.normal(size=(rows, 60)) + rng.normal(size=60)
    y = X @ rng.normal(size=60) + tasks
    return X, y, tasks, 10 ** rng.uniform(-spread, spread, size=rows)


@pytest.mark.product(
    penalty=tuple(PENALTIES), rows=(30, 59, 61, 64, 66, 90), spread=(0, 3), seed=(0, 1)
)
def test_few_rows_are_certified(penalty, rows, spread, seed):
    X, y, tasks, weight = problem(rows, spread, seed)
    model = MultiTaskRegressor(PENALTIES[penalty]).fit(X, y, tasks, weight)
    assert model.converged_


@pytest.mark.parametrize("penalty", COMMON)
@pytest.mark.parametrize("spread", [0, 3])
def test_a_free_model_that_fits_all_rows_is_found(penalty, spread):
    """Fewer rows than features and intercepts: one model of all tasks fits them."""
    X, y, tasks, weight = problem(55, spread)
    model = MultiTaskRegressor(PENALTIES[penalty]).fit(X, y, tasks, weight)
    assert model.objective_ <= model.tol_
    np.testing.assert_allclose(model.predict(X, tasks), y, atol=1e-5)


@pytest.mark.parametrize(
    "penalty",
    [
        MeanRegularized(0.1, 0.2),
        MeanRegularized(0.1, 0.2, feature_weight=np.arange(1.0, 21.0)),
        MeanRegularized(0.1, feature_weight=np.append(np.ones(19), 5.0)) + Ridge(0.1),
        GraphLaplacian(CHAIN, 0.1) + Ridge(0.01),
    ],
    ids=["mean", "weights", "one by itself", "graph"],
)
@pytest.mark.parametrize("rows", [0, 2])
def test_systems_beyond_the_span_of_the_rows(penalty, rows):
    """A gradient is there where observations without curvature have a slope."""
    rng = np.random.default_rng(0)
    blocks = [Block(A=rng.normal(size=(rows, 20))) for _ in range(T)]
    C = rng.normal(size=(20, T))
    form: Any = compose(penalty, 20, np.arange(T)).quadratic
    W = system_solver(blocks, form, 20, in_span=False)(C)
    np.testing.assert_allclose(residual(blocks, form, C, W), 0.0, atol=1e-10)


def test_held_out_losses_where_most_rows_are_outliers():
    """Newton steps without a certificate lead there, too."""
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(8, 8)), rng.normal(size=(8, 2))
    Y[rng.random(Y.shape) < 0.4] += 5.0
    penalty, fold = MeanRegularized(1e-3, 0.1), np.arange(8) % 4
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    options = {"loss": "huber", "tol": 1e-9}
    search = MultiTaskRegressorCV(penalty, alphas=[1e-3], cv=cv, **options)
    found = search.fit(X, Y).huber_path_[0]
    expected = []
    for train, test in cv:
        model = MultiTaskRegressor(penalty, **options).fit(X[train], Y[train])
        size = np.abs(Y[test] - model.predict(X[test]))
        small = np.minimum(size, 1.35)
        expected.append(np.mean(small * (size - small / 2)))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


BY_FEATURE = {
    "mean": lambda w: MeanRegularized(0.1, feature_weight=w),
    "mean and model": lambda w: MeanRegularized(0.1, 0.1, feature_weight=w),
    "graph": lambda w: GraphLaplacian(CHAIN, 0.1, feature_weight=w),
    "L21": lambda w: L21(0.1, feature_weight=w),
    "weak": lambda w: L1(1e-6, feature_weight=w),
}


@pytest.mark.product(
    penalty=tuple(BY_FEATURE),
    loss=("squared", "huber", "poisson"),
    spread=(0, 2),
    kind=("copy", "sum", "few rows"),
    slow=lambda loss, **_: loss == "huber",
)
def test_what_free_features_explain_changes_nothing(penalty, loss, spread, kind):
    """Copies of features without a penalty, tasks that these interpolate."""
    rng = np.random.default_rng(3)
    X, y, tasks, weight = problem(90, spread)
    X, free = X[:, :8] + 10, 4
    y = 1.0 + np.round(np.abs(y)) if loss == "poisson" else y
    if kind == "few rows":  # of a task, no more than free features and an intercept
        own = np.flatnonzero(tasks == 1)
        few = np.setdiff1d(np.arange(len(y)), own[free:])
        X, y, tasks, weight = X[few], y[few], tasks[few], weight[few]
    more = {"copy": 5 * X[:, :2], "sum": X[:, :free] @ rng.normal(size=(free, 2))}
    with_more = np.column_stack([X, more.get(kind, np.ones((len(X), 2)))])

    def fit(X):
        of = BY_FEATURE[penalty](np.r_[np.zeros(free), np.ones(X.shape[1] - free)])
        model = MultiTaskRegressor(of, loss=loss, tol=1e-6, max_iter=5000)
        return model.fit(X, y, tasks, weight)

    alone, copied = fit(X), fit(with_more)
    assert alone.converged_
    assert copied.converged_
    assert abs(alone.objective_ - copied.objective_) <= 2 * alone.tol_
