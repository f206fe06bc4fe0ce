"""Groups of features that overlap: W is a sum of parts, one for each group."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from helpers.convex import fit_and_optimum, least
from helpers.matrices import normal, prox
from linmtl import GroupL21Regressor, MultiTaskRegressor
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L1, GroupL21, Ridge
from linmtl.penalties import _latent_groups as latent_groups

N, D, T = 40, 6, 3
GROUPS = [[0, 1, 2], [2, 3], [3, 4, 5], [5, 0]]
WEIGHT = [1.0, 0.8, 1.5, 1.2]


def in_cvxpy(weight=WEIGHT):
    """W as a sum of parts, what it costs, and the constraints."""
    parts = [cp.Variable((len(group), T)) for group in GROUPS]
    W = sum(np.eye(D)[:, group] @ V for group, V in zip(GROUPS, parts, strict=True))
    cost = sum(s * cp.norm(V, "fro") for s, V in zip(weight, parts, strict=True))
    return W, cost, parts


@pytest.mark.parametrize("positive", [False, True])
def test_value_prox_and_dual_norm(positive):
    penalty = GroupL21(GROUPS, 0.7, group_weight=WEIGHT, positive=positive)
    V = normal((D, T), size=2.0)
    W, cost, parts = in_cvxpy()
    signs = [part >= 0 for part in parts] if positive else []
    best = least(cp.sum_squares(W - V) / 2 + 1.3 * 0.7 * cost, signs)
    found, value = prox(penalty, V, 1.3)
    assert value == pytest.approx(penalty.value(found), rel=1e-8)
    total = np.sum((found - V) ** 2) / 2 + 1.3 * value
    assert total == pytest.approx(best, rel=1e-7)
    at = np.abs(V) if positive else V
    assert penalty.value(at) == pytest.approx(
        0.7 * least(cost, [at == W, *signs]), rel=1e-6
    )
    dual = least(-cp.sum(cp.multiply(V, W)), [0.7 * cost <= 1, *signs])
    assert penalty.dual_norm(V) == pytest.approx(-dual, rel=1e-6)


def test_steps_of_the_value_are_those_of_the_strength(monkeypatch):
    monkeypatch.setattr(latent_groups, "_MAX_ITER", 1000)
    V, apart = normal((D, T)), []
    for alpha in (1e-6, 1.0, 1e3):
        found = [GroupL21(GROUPS, alpha).value(s * V) / (s * alpha) for s in (1, 100)]
        apart += found
    np.testing.assert_allclose(apart, apart[0], rtol=1e-9)


def test_a_group_left_out_leaves_its_features_to_others():
    infinite = GroupL21([[0, 1], [1, 2]], 0.3, group_weight=[np.inf, 2.0])
    V = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.0]])
    assert infinite.value(V) == pytest.approx(0.6 * np.linalg.norm(V))
    assert infinite.value(V + 1) == np.inf
    X, Y = normal((N, 3)), normal((N, 2), 1)
    model = MultiTaskRegressor(infinite).fit(X, Y)
    again = MultiTaskRegressor(infinite).fit(X, Y, coef_init=model.coef_)
    assert again.n_iter_ == 1
    assert again.objective_ == pytest.approx(model.objective_)


@pytest.mark.slow
@pytest.mark.product(
    loss=("squared", "sqrt", "huber", "logistic"),
    layout=("wide", "missing", "long"),
    extra=("nothing", "ridge", "free", "positive"),
    slow=lambda loss, layout, extra: loss == "sqrt",
)
def test_the_optimum_is_that_of_a_general_solver(loss, layout, extra):
    weight = [1.0, 0.0, 1.5, 1.2] if extra == "free" else WEIGHT
    penalty = GroupL21(GROUPS, 0.1, group_weight=weight, positive=extra == "positive")
    W, norm, parts = in_cvxpy(weight)
    cost = 0.1 * norm
    if extra == "ridge":
        penalty, cost = penalty + Ridge(0.1), cost + 0.05 * cp.sum_squares(W)
    constraints = [part >= 0 for part in parts] * (extra == "positive")
    signal = normal((D, T), 1) * [[1], [1], [1], [0], [0], [0]]
    model, best = fit_and_optimum(
        signal, penalty, loss, layout, (W, cost), constraints, 1e-7
    )
    assert model.converged_
    assert model.objective_ == pytest.approx(best, rel=2e-6)


def test_groups_apart_are_those_of_labels():
    X, Y = normal((N, D)), normal((N, T), 1)
    apart = GroupL21Regressor([[0, 1], [2, 3], [4, 5]], 0.05, tol=1e-10).fit(X, Y)
    twice = GroupL21Regressor([[0, 1], [2, 3], [4, 5], [4, 5]], 0.05, tol=1e-10)
    np.testing.assert_allclose(twice.fit(X, Y).coef_, apart.coef_, atol=1e-5)


@pytest.mark.slow
def test_a_union_of_groups_is_chosen_along_a_path():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(N, D))
    Y = X[:, 3:] @ rng.normal(size=(3, T)) + 0.1 * rng.normal(size=(N, T))
    penalty = GroupL21(GROUPS)
    top = alpha_max(X, Y, penalty=penalty)
    assert not GroupL21Regressor(GROUPS, 1.001 * top).fit(X, Y).coef_.any()
    alphas, coefs, _ = mtl_path(X, Y, penalty=penalty, alphas=10)[:3]
    assert alphas[0] == pytest.approx(top)
    sparse = np.abs(coefs[..., 3]).max(axis=0) > 1e-10
    assert sparse.tolist() == [False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (GroupL21([[0, 1], [1, 2]]), "in no group"),
        (GroupL21([*GROUPS, [2, 2]]), "a feature twice"),
        (GroupL21([*GROUPS, [9]]), "has the feature 9"),
        (GroupL21(GROUPS) + L1(0.1), "no known proximal operator"),
    ],
)
def test_what_is_wrong_is_said(penalty, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskRegressor(penalty).fit(normal((N, D)), normal((N, T), 1))
