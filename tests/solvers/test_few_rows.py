"""Quadratic penalties that leave directions free, on few rows of any weight."""

from __future__ import annotations

import numpy as np
import pytest

from linmtl import MultiTaskRegressor
from linmtl.penalties import GraphLaplacian, MeanRegularized, Ridge, TaskQuadratic

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
