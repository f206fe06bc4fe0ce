"""Newton steps by alternating directions: curved losses, norms beyond rows."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.problems import make_problem
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.penalties import (
    L21,
    Clustered,
    Deviation,
    Dirty,
    GroupL21,
    Ridge,
    TaskRelationship,
    TraceNorm,
)
from linmtl.solvers import _second_order, minimise
from linmtl.solvers._second_order import SecondOrder

GROUPS = [0, 0, 1, 1, 2, 2]
PENALTIES = [
    TraceNorm(1e-3),
    TraceNorm(1e-3) + Ridge(1e-3),
    GroupL21(groups=GROUPS, alpha=1e-3),
    GroupL21(groups=GROUPS, alpha=1e-3, group_weight=[1.0, 0.0, 1.0]),
    TaskRelationship(1e-3),
    Clustered(2, 1e-3, 0.3),
    Dirty(2e-3, 1e-3),
    Deviation(L21(1e-3)),
    Deviation(L21(1e-3), 1e-3, intercept_weight=1.0),
]


def correlated(loss, seed=0, d=6, n_tasks=3, rows=30):
    """Features of which each is nearly the one before."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    X, tasks = rng.normal(size=(n, d)), np.repeat(np.arange(n_tasks), rows)
    for j in range(1, d):
        X[:, j] = 0.98 * X[:, j - 1] + 0.2 * X[:, j]
    W = rng.normal(size=(d, 1)) + 0.5 * rng.normal(size=(d, n_tasks))
    eta = 0.3 * np.sum(X * W[:, tasks].T, axis=1)
    if loss == "poisson":
        return X, rng.poisson(np.exp(np.clip(eta, -2, 2))), tasks
    if loss == "huber":
        return X, eta + rng.standard_t(2, size=n), tasks
    return X, rng.uniform(size=n) < 1 / (1 + np.exp(-eta)), tasks


def fitted(penalty, loss, data, **options):
    make = MultiTaskClassifier if data[1].dtype == bool else MultiTaskRegressor
    return make(penalty, loss=loss, tol=1e-8, **options).fit(*data)


@pytest.mark.parametrize("loss", ["logistic", "poisson", "huber"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_few_iterations_where_steps_are_many(penalty, loss, monkeypatch):
    monkeypatch.setattr(_second_order, "_FEW_STEPS", 20)
    monkeypatch.setattr(_second_order, "_CHEAP_STEPS", 20)
    data = correlated(loss)
    model = fitted(penalty, loss, data, max_iter=3000, solver="second_order")
    assert model.converged_


def categories(n_tasks=6, rows=25):
    """Counts by all levels of several categories, beside a score of another scale."""
    rng = np.random.default_rng(0)
    n = n_tasks * rows
    levels = [np.eye(k)[rng.integers(0, k, size=n)] for k in (2, 3, 6, 4)]
    X = np.column_stack([*levels, np.ones(n), rng.integers(0, 50, size=n)])
    tasks = np.repeat(np.arange(n_tasks), rows)
    W = rng.normal(size=(X.shape[1], n_tasks)) * (np.arange(X.shape[1]) < 15)[:, None]
    return X, rng.poisson(np.exp(0.7 * np.sum(X * W[:, tasks].T, axis=1))), tasks


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [TraceNorm(1e-5), Dirty(1e-5, 1e-5)], ids=repr)
def test_penalties_near_zero_on_collinear_counts(penalty):
    X, y, tasks = categories()
    model = MultiTaskRegressor(penalty, loss="poisson", max_iter=4000).fit(X, y, tasks)
    assert model.converged_


def test_the_same_solution_as_by_steps():
    X, y, tasks = correlated("logistic")
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.5, 2.0, size=y.size)
    for penalty in (TraceNorm(0.01), Deviation(L21(0.01))):
        values = []
        for solver in ("second_order", "apg"):
            model = MultiTaskClassifier(
                penalty, tol=1e-7, solver=solver, max_iter=50_000
            ).fit(X, y, tasks, weight)
            assert model.converged_
            values.append(model.objective_)
        assert abs(values[0] - values[1]) <= 2 * model.tol_


def test_what_it_is_for():
    objective = make_problem("squared").objective(TraceNorm(0.1))
    assert "squared" in SecondOrder.missing(objective)
    objective = make_problem("logistic").objective(L21(0.1))
    assert "norm" in SecondOrder.missing(objective)
    objective = make_problem("logistic").objective(TraceNorm(0.1))
    assert SecondOrder.missing(objective) is None
    assert minimise(objective, tol=1e-6, max_iter=1000).converged


@pytest.mark.parametrize("penalty", [TraceNorm, lambda a: Deviation(L21(a), 1e-2)])
def test_newton_first_where_curvature_has_no_bound(penalty, monkeypatch):
    """From the model of the last strength, as on paths, its steps are all it takes."""
    data = correlated("poisson")
    options = {"loss": "poisson", "tol": 1e-3, "warm_start": True}
    model = MultiTaskRegressor(penalty(0.1), **options).fit(*data)

    def begin(*_):
        raise AssertionError("a copy of the loss")

    monkeypatch.setattr(_second_order.LossSplitting, "begin", begin)
    model.set_params(penalty=penalty(0.06)).fit(*data)
    assert model.converged_
