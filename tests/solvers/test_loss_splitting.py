"""Steps in which the loss is a copy of its own: flat losses, penalties near zero."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.losses import FORMULAS, make_loss
from helpers.problems import make_problem
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.losses import MixedLoss
from linmtl.path import alpha_max
from linmtl.penalties import (
    L1,
    L21,
    Deviation,
    Dirty,
    GraphLaplacian,
    GroupL21,
    Linf1,
    MeanRegularized,
    Ridge,
    TemporalGroup,
    TraceNorm,
)
from linmtl.solvers import minimise
from linmtl.solvers._loss_splitting import LossSplitting
from linmtl.solvers._monitor import Monitor

TARGETS = {"gamma": [0.5, 2.0, 3.0], "squared_hinge": [-1.0, 1.0, 1.0]}
TARGETS["logistic"] = TARGETS["squared_hinge"]


def proxes(name, strength):
    loss, y = make_loss(name), np.array(TARGETS.get(name, [0.0, 1.0, 5.0]))
    v = np.array([3.0, -4.0, 0.2])
    return loss, y, v, *loss.prox(y, v, strength, np.array([30.0, -2.0, 0.0]))


@pytest.mark.parametrize("strength", [1e-6, 0.1, 100.0])
@pytest.mark.parametrize("name", list(FORMULAS))
def test_prox_of_a_loss(name, strength):
    loss, y, v, eta, u = proxes(name, strength)
    np.testing.assert_array_equal(u, -loss.derivative(y, eta))
    np.testing.assert_allclose(strength * (eta - v), u, rtol=1e-6, atol=1e-6)


def test_prox_of_tasks_of_different_kinds():
    (first, y, v, a, _), (second, z, _, b, _) = (
        proxes(name, 0.5) for name in ("huber", "poisson")
    )
    mixed = MixedLoss((first, second), np.array([0, 1]), np.array([0, 3, 6]))
    both, _ = mixed.prox(np.r_[y, z], np.r_[v, v], 0.5, np.zeros(6))
    np.testing.assert_allclose(both, np.r_[a, b], atol=1e-7)


@pytest.mark.parametrize("loss", ["logistic", "huber", "poisson", "squared_hinge"])
@pytest.mark.parametrize(
    "penalty",
    [
        TraceNorm(0.02) + Ridge(0.05),
        GroupL21([0, 0, 1, 1], 0.05),
        Dirty(0.05, 0.03),
        Deviation(L21(0.03)),
        MeanRegularized(0.1),
    ],
    ids=repr,
)
def test_the_bound_is_below_the_optimum_and_the_point_above(penalty, loss):
    objective = make_problem(loss, d=4).objective(penalty)
    solver = "backtracking" if loss == "poisson" else "apg"
    value = minimise(objective, tol=1e-9, max_iter=20_000, solver=solver).objective
    assert LossSplitting.missing(objective) is None
    monitor, W = Monitor(objective), objective.start
    monitor.done(W, 0, np.inf)
    stop = 1e-6 * monitor.best_value
    assert LossSplitting().begin(objective, W, stop, 1000, monitor)
    assert monitor.dual <= value + 1e-9 * abs(value)
    assert monitor.best_value <= value + 2 * stop


def more_features_than_rows(loss):
    """Data that many coefficients explain without an error."""
    rng = np.random.default_rng(0)
    n, T, d = 15, 4, 20
    X, tasks = rng.normal(size=(n * T, d)), np.repeat(np.arange(T), n)
    eta = 0.5 * X @ rng.normal(size=d)
    if loss == "poisson":
        return X, rng.poisson(np.exp(np.clip(eta, -2, 2))), tasks
    y = eta + rng.logistic(size=n * T)
    return X, (y if loss in ("huber", "quantile") else y > 0), tasks


@pytest.mark.parametrize("loss", ["squared_hinge", "poisson"])
@pytest.mark.parametrize("penalty", [TraceNorm(), Linf1(), Dirty(), L1()], ids=repr)
def test_penalties_near_zero_where_the_loss_can_be_zero(penalty, loss):
    X, y, tasks = more_features_than_rows(loss)
    weak = 1e-4 * alpha_max(X, y, tasks, penalty=penalty, loss=loss)
    strengths = {name: weak for name in vars(penalty) if name.startswith("alpha")}
    given = type(penalty)(**strengths)
    make = MultiTaskClassifier if y.dtype == bool else MultiTaskRegressor
    model = make(given, loss=loss, max_iter=600)
    assert model.fit(X, y, tasks).converged_


@pytest.mark.parametrize("loss", ["huber", "quantile"])
def test_features_of_all_scales_with_a_free_mean(loss):
    X, y, tasks = more_features_than_rows(loss)
    X = X * 10.0 ** np.random.default_rng(1).uniform(-1.5, 1.5, size=20)
    y = y + np.where(X[:, 0] > 0, 5.0, 0.0)
    model = MultiTaskRegressor(MeanRegularized(1e-4), loss=loss, max_iter=2000)
    assert model.fit(X, y, tasks).converged_


CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
COUPLED = {
    "graph": L1(0.01) + GraphLaplacian(CHAIN, 300.0),
    "temporal": TemporalGroup(0.01, 1000.0),
    "trace": TraceNorm(0.02) + MeanRegularized(0.01),
}


@pytest.mark.parametrize("loss", ["quantile", "poisson", "squared_hinge"])
@pytest.mark.parametrize("penalty", COUPLED.values(), ids=COUPLED)
@pytest.mark.slow
def test_features_far_from_zero_without_intercepts(penalty, loss):
    """The loss bends 10^7 times as much along their means as along anything else."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), 15)
    X = rng.normal(size=(60, 5))
    eta = X[:, 0] + 0.3 * rng.normal(size=60)
    y = {"poisson": rng.poisson(np.exp(eta)), "squared_hinge": eta > 0}.get(loss, eta)
    X += [3e3, 2e3, -4e3, 3e3, 5e3]
    kind = MultiTaskClassifier if loss == "squared_hinge" else MultiTaskRegressor
    model = kind(penalty, loss=loss, fit_intercept=False, max_iter=2000)
    assert model.fit(X, y, tasks).converged_
