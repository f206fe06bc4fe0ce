"""Penalties on W = P + Q: values, parts, certificates, planted structure."""

from __future__ import annotations

import numpy as np
import pytest

from cases import PENALTIES, task_labels
from helpers.data import data_of
from helpers.matrices import normal
from helpers.problems import LAYOUTS, make_problem
from linmtl import MultiTaskClassifier, MultiTaskRegressor, MultiTaskRegressorCV
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    Dirty,
    InfimalConvolution,
    Ridge,
    RobustFeatures,
    RobustLowRank,
    SparseLowRank,
    TaskL21,
    TraceNorm,
    compose,
)

D, T = 5, 4
LABELS = np.array(task_labels(T))
CASES = [
    case
    for case in PENALTIES
    if compose(case.make(1.0, D, T), D, LABELS).decomposition is not None
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
BALL = SparseLowRank(0.1, max_trace=1.5)


def test_the_table_has_all_of_them():
    assert {type(case.make(1.0, D, T)).__name__ for case in CASES} >= {
        "InfimalConvolution",
        "Dirty",
        "RobustFeatures",
        "RobustLowRank",
        "SparseLowRank",
    }


@every_case
def test_value_is_the_least_of_all_splits(case):
    penalty = case.make(1.0, D, T)
    composite = compose(penalty, D, LABELS)
    for seed in range(3):
        W = normal((D, T), seed)
        value = penalty.value(W)
        np.testing.assert_allclose(value, case.value(W), rtol=1e-6)
        rng = np.random.default_rng(seed)
        for _ in range(50):
            P = W * rng.uniform(size=W.shape) * (rng.uniform(size=(D, 1)) < 0.5)
            assert composite.value(np.vstack([P, W - P])) >= value - 1e-10
    assert penalty.value(np.zeros((D, T))) == 0.0


@pytest.mark.parametrize(
    "penalty",
    [case.make(1.0, D, T) for case in CASES if "+" not in case.name] + [BALL],
    ids=repr,
)
@pytest.mark.parametrize("step", [0.3, 2.0])
@pytest.mark.slow
def test_prox_of_the_whole(penalty, step):
    for seed in range(2):
        V, out = normal((D, T), seed, 2.0), np.empty((D, T))
        value = penalty.prox(V, step, out)
        np.testing.assert_allclose(out, penalty.prox_naive(V, step), atol=1e-5)
        np.testing.assert_allclose(value, penalty.value(out), rtol=1e-9, atol=1e-12)
        least = np.sum((out - V) ** 2) / 2 + step * value
        rng = np.random.default_rng(seed)
        for scale in (1e-3, 1e-1, 1.0):
            for W in (out + scale * rng.normal(size=V.shape), (1 - scale) * out):
                other = np.sum((W - V) ** 2) / 2 + step * penalty.value(W)
                margin = np.sum((W - out) ** 2) / 2
                assert other >= least + margin - 1e-6 * (1 + least)


@pytest.mark.parametrize("penalty", [Dirty(0.3, 0.2), RobustLowRank(0.3, 0.2)])
def test_dual_norm_is_the_larger_of_the_two(penalty):
    first, second = penalty.parts()
    for seed in range(5):
        G = normal((D, T), seed)
        norm = penalty.dual_norm(G)
        assert norm == max(first.dual_norm(G), second.dual_norm(G))
        for k in range(10):
            W = normal((D, T), 100 + k)
            assert np.sum(G * W) <= norm * penalty.value(W) * (1 + 1e-9)
        out = np.empty_like(G)
        penalty.prox(G, norm * (1 + 1e-9), out)
        np.testing.assert_allclose(out, 0.0, atol=1e-6)


@every_case
@pytest.mark.parametrize("solver", ["auto", "apg"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_parts_add_up_and_are_optimal(case, loss, solver):
    problem = make_problem(loss)
    penalty = problem.penalty(case)
    model = problem.fit(penalty, tol=1e-9, solver=solver)
    parts = list(model.coef_components_.values())
    np.testing.assert_allclose(sum(parts), model.coef_, atol=1e-15)
    assert all(part.shape == model.coef_.shape for part in parts)
    composite = compose(penalty, D, LABELS)
    at_parts = composite.value(np.vstack([part.T for part in parts]))
    written_out = problem.loss_at(model.coef_, model.intercept_) + at_parts
    np.testing.assert_allclose(model.objective_, written_out, rtol=1e-10)
    # the split costs no more than the best one
    assert at_parts <= penalty.value(model.coef_.T) + 10 * model.tol_


def test_norm_ball_is_kept_and_agrees_with_the_penalised_form():
    for loss in ("squared", "logistic"):
        problem = make_problem(loss)
        penalised = problem.fit(SparseLowRank(0.05, 0.1), tol=1e-11)
        Q = penalised.coef_components_["low_rank"]
        trace = np.linalg.svd(Q, compute_uv=False).sum()
        assert trace > 0.1
        bound = SparseLowRank(0.05, max_trace=trace)
        model = problem.fit(bound, tol=1e-11)
        assert model.converged_
        np.testing.assert_allclose(model.coef_, penalised.coef_, atol=1e-4)
        found = model.coef_components_["low_rank"]
        assert np.linalg.svd(found, compute_uv=False).sum() <= trace * (1 + 1e-8)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ridge_on_the_whole_and_limits(layout):
    problem = make_problem(**LAYOUTS[layout])
    # where one part is too dear, the other is all there is
    for penalty, alone in (
        (InfimalConvolution(L21(0.2), L1(100.0)), L21(0.2)),
        (InfimalConvolution(L21(100.0), L1(0.1)) + Ridge(0.1), L1(0.1) + Ridge(0.1)),
        (RobustLowRank(0.2, 100.0), TraceNorm(0.2)),
    ):
        both, one = problem.fit(penalty, tol=1e-11), problem.fit(alone, tol=1e-11)
        assert both.objective_ == pytest.approx(one.objective_, rel=1e-8)
        np.testing.assert_allclose(both.coef_, one.coef_, atol=1e-4)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_positive_parts(loss, norm):
    problem = make_problem(loss)
    model = problem.fit(Dirty(0.06, 0.04, norm, positive=True))
    free = problem.fit(Dirty(0.06, 0.04, norm))
    assert free.coef_.min() < 0
    parts = model.coef_components_
    for part in parts.values():
        assert part.min() >= 0
        assert part.any()
    np.testing.assert_allclose(sum(parts.values()), model.coef_)
    assert model.objective_ > free.objective_


def test_warm_start_and_path():
    problem = make_problem()
    given = problem.X, problem.y, problem.tasks
    penalty = Dirty(1.0, 0.6)
    top = alpha_max(*given, penalty=penalty)
    alphas, coefs, gaps = mtl_path(*given, penalty=penalty, alphas=6, tol=1e-8)
    assert alphas[0] == pytest.approx(top)
    assert coefs.shape == (T, D, 6)
    assert not coefs[..., 0].any()
    for i in (2, 5):
        cold = problem.fit(Dirty(alphas[i], 0.6 * alphas[i]), tol=1e-9)
        np.testing.assert_allclose(coefs[..., i], cold.coef_, atol=2e-3)
        assert gaps[i] <= 1.1e-8 * problem.fit(L21(1e3)).objective_
    model = problem.fit(Dirty(0.2, 0.12), warm_start=True)
    cold = model.n_iter_
    assert model.fit(*given).n_iter_ < cold


def test_single_precision():
    problem = make_problem()
    single = MultiTaskRegressor(RobustFeatures(0.2, 0.3), tol=1e-6)
    single.fit(problem.X.astype(np.float32), problem.y, problem.tasks)
    double = problem.fit(RobustFeatures(0.2, 0.3))
    assert single.converged_
    assert single.coef_.dtype == np.float32
    np.testing.assert_allclose(single.coef_, double.coef_, atol=2e-3)


# --- planted structure --------------------------------------------------------------


@pytest.mark.parametrize("robust", [RobustFeatures(0.5, 1.2), RobustLowRank(1.2, 1.1)])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_outlier_tasks_are_found(robust, loss):
    rng = np.random.default_rng(1)
    d, T = 20, 10
    W = np.zeros((d, T))
    if isinstance(robust, RobustFeatures):
        W[:4] = rng.choice([-1.0, 1.0], size=(4, T)) * 1.5
    else:
        W[:] = 1.2 * np.outer(rng.normal(size=d), rng.choice([-1.0, 1.0], size=T))
    for t in (2, 7):
        W[:, t] = 1.5 * rng.normal(size=d)
    if loss == "squared":
        X, y, tasks = data_of(W, 60, 0.3)
        model = MultiTaskRegressor(robust).fit(X, y, tasks)
    else:
        X, y, tasks = data_of(W, 400, 1.0)
        strengths = {name: 0.08 * v for name, v in robust.get_params().items()}
        model = MultiTaskClassifier(type(robust)(**strengths)).fit(X, y > 0, tasks)
    assert model.outlier_tasks_.tolist() == [2, 7]


def test_shared_and_own_features_are_found():
    d, T = 30, 8
    shared, own = np.zeros((d, T)), np.zeros((d, T))
    shared[:5] = 1.0
    for t in range(T):
        own[10 + 2 * t, t] = 1.5
    X, y, tasks = data_of(shared + own, 80, 0.3)
    model = MultiTaskRegressor(Dirty(1.0, 0.35), tol=1e-6).fit(X, y, tasks)
    found = model.coef_components_
    np.testing.assert_array_equal(
        np.flatnonzero(np.abs(found["shared"]).max(axis=0) > 0.1), range(5)
    )
    np.testing.assert_array_equal(np.abs(found["own"].T) > 0.3, own != 0)


def test_sparse_plus_low_rank_is_found():
    rng = np.random.default_rng(3)
    d, T = 25, 12
    low = np.outer(rng.normal(size=d), rng.normal(size=T))
    sparse = np.zeros((d, T))
    sparse.flat[rng.choice(d * T, 8, replace=False)] = 6.0
    X, y, tasks = data_of(low + sparse, 100, 0.3)
    model = MultiTaskRegressor(SparseLowRank(0.5, 1.5), tol=1e-6).fit(X, y, tasks)
    parts = model.coef_components_
    assert np.linalg.matrix_rank(parts["low_rank"], tol=1e-8) == 1
    np.testing.assert_array_equal(np.abs(parts["sparse"].T) > 1.0, sparse != 0)


@pytest.mark.slow
def test_cross_validation_over_the_ratio():
    X, y, tasks = data_of(normal((10, 5)), 60, 0.3)
    grid = {"alpha_own": [0.3, 0.6]}
    model = MultiTaskRegressorCV(Dirty(), param_grid=grid, alphas=5, tol=1e-9)
    model.fit(X, y, tasks)
    assert model.alphas_.shape == model.mse_path_.shape[:2]
    assert model.mse_path_.shape[::2] == (2, 5)
    own = model.best_params_["alpha_own"]
    again = MultiTaskRegressor(Dirty(model.alpha_, model.alpha_ * own), tol=1e-9)
    np.testing.assert_allclose(again.fit(X, y, tasks).coef_, model.coef_, atol=1e-3)


# --- wrong parameters ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("penalty", "error", "match"),
    [
        (Dirty(0.0, 1.0), ValueError, "penalty on the shared part is zero"),
        (Dirty(1.0, 0.0), ValueError, "penalty on the own part is zero"),
        (Dirty(1.0, -1.0), ValueError, "alpha_own must be a finite number >= 0"),
        (Dirty(1.0, 1.0, norm="l1"), ValueError, "norm must be one of"),
        (RobustFeatures("a", 1.0), TypeError, "alpha_shared must be a number"),
        (SparseLowRank(1.0, max_trace=0.0), ValueError, "max_trace must be > 0"),
        (SparseLowRank(1.0, max_trace=np.nan), ValueError, "max_trace must be"),
        (InfimalConvolution(L21(), Ridge()), ValueError, "two convex penalties"),
        (InfimalConvolution(L21(), 0.1), TypeError, "takes two penalties"),
        (InfimalConvolution(L21(), Dirty()), TypeError, "not decompositions"),
        (
            InfimalConvolution(L21(positive=True), L1()),
            ValueError,
            "positive=True is not available",
        ),
        (
            InfimalConvolution(L21(feature_weight=[0, 1, 1, 1, 1]), L1()),
            ValueError,
            "zero for some features",
        ),
        (Dirty() + L21(), ValueError, "no known proximal operator"),
        (TaskL21(-1.0), ValueError, "alpha must be a finite number >= 0"),
    ],
    ids=repr,
)
def test_wrong_parameters(penalty, error, match):
    problem = make_problem()
    with pytest.raises(error, match=match):
        problem.fit(penalty)


@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_single_precision_on_the_ball(bound):
    problem = make_problem()
    model = MultiTaskRegressor(SparseLowRank(0.3, max_trace=bound), tol=1e-5)
    model.fit(problem.X.astype(np.float32), problem.y.astype(np.float32), problem.tasks)
    assert np.isfinite(model.objective_)
    assert model.converged_
