"""Moments lose digits where features are far from zero; results must not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from linmtl import IndependentRegressor, L21Regressor, TraceNormRegressor
from linmtl.data import MultiTaskData
from linmtl.datafits import _gram
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.datafits._residual import ResidualFit
from linmtl.datasets import make_multitask_regression
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Squared
from linmtl.path import alpha_max
from linmtl.penalties import L21, Ridge, TraceNorm, compose
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective

OFFSETS = [1e2, 7e3, 1e5]


def far_from_zero(seed, offset):
    """Three tasks of four rows, whose features are at some distance from zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 3)) + offset * rng.choice([-1, 1], 3)
    return X, rng.normal(size=12) + 100.0, np.repeat([0, 1, 2], 4)


MODELS = [
    (IndependentRegressor(1e-4), lambda W: 5e-5 * np.sum(W**2)),
    (TraceNormRegressor(1e-4), lambda W: 1e-4 * np.linalg.norm(W, "nuc")),
    (L21Regressor(10.0), lambda W: 10.0 * np.linalg.norm(W, axis=0).sum()),
]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(("model", "penalty"), MODELS, ids=["ridge", "trace", "l21"])
@pytest.mark.parametrize("tol", [1e-4, 1e-6])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_objective_is_that_of_the_coefficients(model, penalty, tol, offset):
    model = clone(model).set_params(fit_intercept=False, tol=tol, max_iter=500)
    for seed in range(5):
        X, y, tasks = far_from_zero(seed, offset)
        W = model.fit(X, y, tasks).coef_
        residual = y - np.sum(X * W[tasks], axis=1)
        expected = residual @ residual / 8 + penalty(W)
        assert model.objective_ == pytest.approx(expected, abs=1e-3 * model.tol_)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    "penalty", [Ridge(1e-4), TraceNorm(1e-4)], ids=["ridge", "trace"]
)
@pytest.mark.slow
def test_without_rows_the_gap_has_what_moments_lose(penalty, offset):
    for seed in range(5):
        X, y, _ = far_from_zero(seed, offset)
        design = StackedDesign(X, np.array([0, 4, 8, 12]))
        data = MultiTaskData(design, y, np.full(12, 0.25), False)
        composite = compose(penalty, 3, np.arange(3))
        rows = Objective(ResidualFit(data, Squared()), composite)
        least = minimise(rows, tol=1e-10, max_iter=10_000).objective
        alone = Objective(GramFit(Moments.of(data), Squared()), composite)
        found = minimise(alone, tol=1e-4, max_iter=10_000)
        assert rows.value(found.point) - least <= found.gap
        assert abs(rows.value(found.point) - found.objective) <= found.gap
        assert found.converged == (found.gap <= found.tol) == (not found.message)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("strength", [0.3, 0.001])
def test_moments_are_made_only_where_many_features_are_used(
    monkeypatch, strength, dtype
):
    X, y, tasks = make_multitask_regression(
        n_tasks=3, n_samples=400, n_features=280, random_state=0
    )
    X = X.astype(dtype)
    top = alpha_max(X, y, tasks, penalty=L21())
    whole = L21Regressor(strength * top, tol=1e-8).fit(X, y, tasks)
    made = []
    make = _gram._moments
    monkeypatch.setattr(_gram, "_MUCH_WORK", 0.0)
    monkeypatch.setattr(_gram, "_moments", lambda data: made.append(1) or make(data))
    assert alpha_max(X, y, tasks, penalty=L21()) == pytest.approx(top, rel=1e-12)
    assert not made
    model = L21Regressor(strength * top, tol=1e-8).fit(X, y, tasks)
    assert len(made) == (strength < 0.1)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-5)
    assert model.objective_ == pytest.approx(whole.objective_, abs=whole.tol_)
    assert model.dual_gap_ <= model.tol_
    L21Regressor(2 * top).fit(X, y, tasks)
    TraceNormRegressor(top).fit(X, y, tasks)  # its solver takes moments at once
    assert len(made) == 1 + (strength < 0.1)
