"""L1 and L21 with a weight for each coefficient."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from helpers.convex import fit_and_optimum, least
from helpers.matrices import normal, prox
from linmtl import L1Regressor, L21Regressor, MultiTaskRegressor
from linmtl.path import mtl_path
from linmtl.penalties import L1, L21, Fused, Ridge
from linmtl.transfer._subset import for_tasks

N, D, T = 30, 5, 3


def weights(excluded=True):
    weight = np.random.default_rng(0).uniform(0.3, 3.0, (D, T))
    weight[1] = 0.0
    if excluded:
        weight[2, 0] = np.inf
    return weight


def in_cvxpy(kind, weight, W):
    finite = np.where(np.isinf(weight), 0.0, weight)
    scaled = cp.multiply(finite, W)
    if kind is L1:
        return cp.sum(cp.abs(scaled))
    return cp.sum(cp.norm(scaled, 2, axis=1))


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("kind", [L1, L21])
def test_the_prox_is_that_of_a_general_solver(kind, positive):
    weight, V = weights(), normal((D, T), size=2.0)
    penalty = kind(0.7, feature_weight=weight, positive=positive)
    W = cp.Variable((D, T))
    constraints = [W[2, 0] == 0] + [W >= 0] * positive
    objective = cp.sum_squares(W - V) / 2 + 1.3 * 0.7 * in_cvxpy(kind, weight, W)
    best = least(objective, constraints)
    found, _ = prox(penalty, V, 1.3)
    value = np.sum((found - V) ** 2) / 2 + 1.3 * penalty.value(found)
    assert value == pytest.approx(best, rel=1e-7)
    np.testing.assert_allclose(found, W.value, atol=1e-4)


@pytest.mark.product(
    kind=(L1, L21),
    loss=("squared", "huber", "logistic"),
    layout=("wide", "missing", "long"),
    extra=("nothing", "ridge", "positive"),
)
def test_the_optimum_is_that_of_a_general_solver(kind, loss, layout, extra):
    weight = weights()
    if extra == "positive":
        weight[1] = 0.5
    penalty = kind(0.05, feature_weight=weight, positive=extra == "positive")
    W = cp.Variable((D, T))
    cost = 0.05 * in_cvxpy(kind, weight, W)
    if extra == "ridge":
        penalty, cost = penalty + Ridge(0.1), cost + 0.05 * cp.sum_squares(W)
    constraints = [W[2, 0] == 0] + [W >= 0] * (extra == "positive")
    signal = normal((D, T), 1)
    model, best = fit_and_optimum(
        signal, penalty, loss, layout, (W, cost), constraints, 1e-8
    )
    assert model.converged_
    assert model.objective_ == pytest.approx(best, rel=1e-6)
    assert model.coef_[0, 2] == 0.0


@pytest.mark.parametrize("model", [L1Regressor, L21Regressor])
def test_equal_weights_are_those_of_the_features(model):
    rng = np.random.default_rng(2)
    X, weight = rng.normal(size=(N, D)), rng.uniform(0.5, 2.0, D)
    Y = X @ rng.normal(size=(D, T)) + rng.normal(size=(N, T))
    one = model(0.1, feature_weight=weight, tol=1e-10).fit(X, Y)
    each = model(0.1, feature_weight=np.tile(weight[:, None], T), tol=1e-10).fit(X, Y)
    np.testing.assert_allclose(one.coef_, each.coef_, atol=1e-6)
    assert each.solver_ == "working_set"


def test_some_of_the_tasks_have_their_weights():
    tasks, weight = np.arange(T), weights()
    part = for_tasks(L21Regressor(0.1, feature_weight=weight), tasks, tasks[[0, 2]])
    np.testing.assert_array_equal(part.feature_weight, weight[:, [0, 2]])


@pytest.mark.slow
def test_paths_begin_where_all_is_zero():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, D))
    Y = X @ rng.normal(size=(D, T)) + rng.normal(size=(N, T))
    weight = weights()
    weight[1] = 1.0
    for kind in (L1, L21):
        _, coefs, gaps = mtl_path(X, Y, penalty=kind(feature_weight=weight))[:3]
        assert not np.any(np.abs(coefs[..., 0]) > 1e-8)
        assert np.any(coefs[..., 1])
        assert np.all(np.isfinite(gaps))


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (L1(feature_weight=np.ones((D, 2))), "one column per task"),
        (L21(feature_weight=np.eye(D)[:, :T]), "zero for some tasks"),
        (L21(feature_weight=-np.ones((D, T))), "must be >= 0"),
        (L1(feature_weight=np.ones((D, T))) + L21(), "not with another norm"),
        (L1(feature_weight=np.ones((D, T))) + Fused(), "not with another norm"),
    ],
)
def test_what_is_wrong_is_said(penalty, message):
    X = normal((N, D))
    with pytest.raises(ValueError, match=message):
        MultiTaskRegressor(penalty).fit(X, normal((N, T), 1))
