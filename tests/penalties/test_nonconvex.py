"""Penalties that are not convex: stages, stationary points, what they are for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from helpers.data import data_of
from helpers.problems import make_problem
from helpers.quick import first
from linmtl import MultiTaskRegressor, MultiTaskRegressorCV
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    MCP,
    SCAD,
    CappedL1,
    NonconvexFusedGroup,
    Ridge,
    compose,
)
from linmtl.solvers import _minimise, minimise
from linmtl.solvers._path import with_strength
from linmtl.solvers._stages import STARTS, tangent

PENALTIES = {
    "CappedL1": lambda s: CappedL1(0.1 * s, 0.8),
    "MCP": lambda s: MCP(0.2 * s, 2.5),
    "SCAD": lambda s: SCAD(0.2 * s, 3.0),
    "NonconvexFusedGroup": lambda s: NonconvexFusedGroup(0.2 * s, 0.05 * s),
    "NonconvexFusedGroup-2": lambda s: NonconvexFusedGroup(
        0.2 * s, form=2, l1_weight=0.7
    ),
    "MCP+Ridge": lambda s: MCP(0.2 * s, 2.5) + Ridge(0.05 * s),
}
every_penalty = pytest.mark.parametrize("make", PENALTIES.values(), ids=PENALTIES)
every_loss = pytest.mark.parametrize("loss", ["squared", "logistic"])
SHAPE = (6, 4)


def norm_of(penalty):
    return compose(penalty, SHAPE[0], np.arange(SHAPE[1])).norm


# --- the tangent --------------------------------------------------------------------


@every_penalty
def test_tangent_touches_and_lies_above(make):
    norm = norm_of(make(1.0))
    rng = np.random.default_rng(0)
    for size in (0.1, 1.0, 10.0):
        W = size * rng.normal(size=SHAPE)
        line = compose(norm.majoriser(W), SHAPE[0], np.arange(SHAPE[1]))
        constant = norm.value(W) - line.value(W)
        for _ in range(50):
            V = size * 10 ** rng.uniform(-2, 1) * rng.normal(size=SHAPE)
            V *= rng.uniform(size=(SHAPE[0], 1)) < 0.7
            assert norm.value(V) <= line.value(V) + constant + 1e-12


@pytest.mark.parametrize("penalty", [MCP(0.7, 2.5), SCAD(0.7, 3.0)], ids=repr)
def test_folded_concave_penalties_are_integrals_of_their_slopes(penalty):
    sizes = np.linspace(0.0, 3.0, 30_001)
    slope = np.array([penalty._slope(sizes)])[0]
    middle = (slope[1:] + slope[:-1]) / 2
    integral = np.concatenate([[0.0], np.cumsum(middle * np.diff(sizes))])
    for i in (0, 1000, 7000, 12_345, 18_000, 30_000):
        value = penalty.value(np.array([[sizes[i], 0.0]]))
        np.testing.assert_allclose(value, integral[i], atol=1e-8)


def test_limits_are_convex_penalties():
    W = np.random.default_rng(0).normal(size=SHAPE)
    np.testing.assert_allclose(CappedL1(0.3, 1e9).value(W), L1(0.3).value(W))
    np.testing.assert_allclose(MCP(0.3, 1e9).value(W), L21(0.3).value(W), rtol=1e-6)
    np.testing.assert_allclose(SCAD(0.3, 1e9).value(W), L21(0.3).value(W), rtol=1e-6)
    problem = make_problem()
    convex = problem.fit(L21(0.2))
    for penalty in (MCP(0.2, 1e9), SCAD(0.2, 1e9)):
        np.testing.assert_allclose(problem.fit(penalty).coef_, convex.coef_, atol=1e-5)


# --- the solution -------------------------------------------------------------------


@every_penalty
@every_loss
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_stages_go_down_to_a_stationary_point(make, loss, layout):
    sizes = (17,) * 4 if layout == "wide" else (13, 19, 16, 11)
    problem = make_problem(loss, layout, sizes=sizes)
    penalty = make(1.0)
    model = problem.fit(penalty, tol=1e-9)
    assert model.converged_
    assert model.dual_gap_ <= model.tol_
    stages = model.stage_objectives_
    assert np.all(np.diff(stages) < 0)
    assert stages[-1] == model.objective_
    W = model.coef_.T
    written_out = problem.loss_at(model.coef_, model.intercept_)
    written_out += penalty.value(W)
    np.testing.assert_allclose(model.objective_, written_out, rtol=1e-10)
    # at a stationary point no direction goes down
    rng = np.random.default_rng(0)
    W, b = model._solution[1], model.intercept_
    step = 1e-4
    for _ in range(200):
        move = rng.normal(size=W.shape) * (rng.uniform(size=W.shape) < 0.5)
        V = W + step * move
        value = problem.loss_at(V.T, b) + penalty.value(V)
        # the curvature of the penalty may add what is quadratic in the step
        assert value >= written_out - 10 * step**2 * np.sum(move**2)


@every_penalty
@every_loss
def test_stage_is_certified_by_its_tangent(make, loss):
    problem = make_problem(loss)
    objective = problem.objective(make(1.0))
    fitted = problem.fit(make(1.0), tol=1e-8)
    W = fitted._solution[1]
    stage = tangent(objective, W)
    best = minimise(stage, tol=1e-12, max_iter=50_000, W0=W)
    assert stage.value(W) - best.objective <= fitted.dual_gap_ + 1e-13


@pytest.mark.slow
@every_penalty
def test_start_is_deterministic_and_order_of_features_does_not_matter(make):
    problem = make_problem()
    first, second = (problem.fit(make(1.0)) for _ in range(2))
    np.testing.assert_array_equal(first.coef_, second.coef_)
    order = np.random.default_rng(0).permutation(problem.n_features)
    model = problem.estimator(make(1.0))
    model.fit(problem.X[:, order], problem.y, problem.labels(make(1.0)))
    np.testing.assert_allclose(model.coef_, first.coef_[:, order], atol=1e-4)


def lowest_of_all(problem, alpha, threshold):
    """Return the global minimum with a capped l1 norm: any features may be free."""
    d, values = problem.n_features, []
    for free in product([0.0, 1.0], repeat=d):
        shrunk = 1.0 - np.array(free)
        model = problem.fit(L1(alpha, feature_weight=shrunk), tol=1e-9)
        values.append(model.objective_ + alpha * threshold * sum(free))
    return min(values)


@pytest.mark.parametrize("threshold", [0.3, 1.0])
@pytest.mark.slow
def test_several_starts_find_the_minimum_more_often(monkeypatch, threshold):
    found = {"several": 0, "one": 0}
    for seed, part in product(range(6), [0.5, 0.1]):
        problem = make_problem(sizes=(12, 15, 13), d=4, seed=seed)
        unit = CappedL1(1.0, threshold)
        alpha = part * alpha_max(problem.X, problem.y, problem.tasks, penalty=unit)
        optimum = lowest_of_all(problem, alpha, threshold)
        for name, starts in (("several", STARTS), ("one", STARTS[:1])):
            monkeypatch.setattr(_minimise, "STARTS", starts)
            value = problem.fit(CappedL1(alpha, threshold), tol=1e-7).objective_
            assert value >= optimum * (1 - 1e-7)
            found[name] += value <= optimum * (1 + 1e-5)
    assert found["several"] >= 9
    assert found["one"] <= 7


def sparse_problem(seed=0):
    rng = np.random.default_rng(seed)
    W = np.zeros((30, 5))
    W[:4] = rng.choice([-1, 1], size=(4, 5)) * rng.uniform(1, 2, size=(4, 5))
    return *data_of(W, seed=seed + 1), W


@pytest.mark.parametrize(
    "penalty",
    [CappedL1(0.3, 1.0), MCP(0.35, 3.0), SCAD(0.35, 3.7)]
    + [NonconvexFusedGroup(0.2, 0.01)],
    ids=lambda penalty: type(penalty).__name__,
)
def test_large_features_are_not_shrunk(penalty):
    X, y, tasks, W = sparse_problem()
    model = MultiTaskRegressor(penalty, tol=1e-8).fit(X, y, tasks)
    chosen = model.coef_.any(axis=0)
    np.testing.assert_array_equal(np.flatnonzero(chosen), range(4))
    convex = MultiTaskRegressor(L21(0.35), tol=1e-8).fit(X, y, tasks)
    error = np.linalg.norm(model.coef_.T - W)
    assert error < 0.6 * np.linalg.norm(convex.coef_.T - W)
    if not isinstance(penalty, NonconvexFusedGroup):  # least squares on the features
        for t in range(5):
            A = np.column_stack([X[tasks == t][:, :4], np.ones((tasks == t).sum())])
            expected = np.linalg.lstsq(A, y[tasks == t], rcond=None)[0]
            np.testing.assert_allclose(model.coef_[t, :4], expected[:4], atol=1e-3)


@every_penalty
@every_loss
def test_zero_from_alpha_max_on(make, loss):
    problem = make_problem(loss)
    penalty = make(1.0)
    top = alpha_max(
        problem.X,
        problem.y,
        problem.labels(penalty),
        penalty=penalty,
        loss=loss,
    )
    if not hasattr(penalty, "alpha"):
        assert not problem.fit(make(top * (1 + 1e-9))).coef_.any()
        return
    assert not problem.fit(with_strength(penalty, top * (1 + 1e-9))).coef_.any()
    start = with_strength(penalty, 0.98 * top)
    assert problem.fit(norm_of(start).start()).coef_.any()


@every_loss
@pytest.mark.slow
def test_paths_and_cross_validation(loss):
    problem = make_problem(loss, sizes=(20, 24, 22))
    alphas, coefs, gaps = mtl_path(
        problem.X,
        problem.y,
        problem.tasks,
        penalty=MCP(gamma=3.0),
        loss=loss,
        alphas=8,
        eps=0.05,
        tol=1e-8,
    )
    assert not coefs[..., 0].any()
    model = problem.fit(MCP(alphas[4], 3.0), tol=1e-8)
    np.testing.assert_allclose(coefs[..., 4], model.coef_, atol=1e-3)
    assert np.all(gaps >= 0)
    if loss == "squared":
        X, y, tasks, _ = sparse_problem()
        chosen = MultiTaskRegressorCV(SCAD(), alphas=8, eps=0.01).fit(X, y, tasks)
        assert chosen.best_params_["alpha"] == chosen.alpha_
        assert set(np.flatnonzero(chosen.coef_.any(axis=0))) >= set(range(4))


def test_single_precision():
    X, y, tasks, _ = sparse_problem()
    double = MultiTaskRegressor(MCP(0.35), tol=1e-6).fit(X, y, tasks)
    single = MultiTaskRegressor(MCP(0.35), tol=1e-6)
    single.fit(X.astype(np.float32), y.astype(np.float32), tasks)
    assert single.coef_.dtype == np.float32
    assert single.converged_
    np.testing.assert_allclose(single.coef_, double.coef_, atol=1e-4)


def test_too_few_iterations_warn():
    X, y, tasks, _ = sparse_problem()
    penalty = NonconvexFusedGroup(0.2, 0.01)
    with pytest.warns(UserWarning, match="stages and .* iterations .* own tangent"):
        model = MultiTaskRegressor(penalty, tol=1e-12, max_iter=30).fit(X, y, tasks)
    assert not model.converged_


@pytest.mark.parametrize(
    ("penalty", "match"),
    [
        (CappedL1(0.1, 0.0), "threshold must be > 0"),
        (CappedL1(0.1, -1.0), "threshold must be a finite number >= 0"),
        (CappedL1(-0.1), "alpha must be a finite number >= 0"),
        (MCP(0.1, 1.0), "gamma must be > 1"),
        (SCAD(0.1, 2.0), "gamma must be > 2"),
        (NonconvexFusedGroup(0.1, form=3), "form must be 1 or 2, got 3"),
        (NonconvexFusedGroup(0.1, form=2, l1_weight=0.0), "l1_weight must be > 0"),
        (NonconvexFusedGroup(0.0, 0.1), "alpha must be > 0"),
        (MCP() + L21(), "no known proximal operator"),
    ],
    ids=repr,
)
def test_wrong_parameters(penalty, match):
    X, y, tasks, _ = sparse_problem()
    with pytest.raises(ValueError, match=match):
        MultiTaskRegressor(penalty).fit(X, y, tasks)


def test_order_of_tasks_is_demanded():
    problem = make_problem()
    model = MultiTaskRegressor(NonconvexFusedGroup(0.1))
    with pytest.raises(ValueError, match="NonconvexFusedGroup depends on the order"):
        model.fit(problem.X, problem.y, problem.tasks)
    model.set_params(task_order=["b", "a", "c", "d"])
    model.fit(problem.X, problem.y, problem.tasks)
    assert model.tasks_.tolist() == ["b", "a", "c", "d"]


@pytest.mark.parametrize("penalty", first([MCP(), CappedL1(), SCAD()], 1), ids=repr)
def test_paths_of_wide_data(penalty):
    """Stages penalise different features, and so do the strengths of a path."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(40, 30)), np.repeat(np.arange(4), 10)
    y = X[:, 0] + rng.normal(size=40)
    search = MultiTaskRegressorCV(penalty, alphas=12, cv=3).fit(X, y, tasks)
    assert np.isfinite(search.mse_path_).all()
    alphas, coefs, _ = mtl_path(X, y, tasks, penalty=penalty, alphas=search.alphas_)
    for k in range(len(alphas)):
        model = MultiTaskRegressor(with_strength(penalty, alphas[k]))
        alone = model.fit(X, y, tasks).objective_
        assert (
            model.fit(X, y, tasks, coef_init=coefs[:, :, k]).objective_ <= 1.1 * alone
        )
