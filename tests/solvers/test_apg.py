"""Accelerated proximal gradient: steps by curvature on the way, and by its bound."""

import numpy as np
import pytest

from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.path import alpha_max
from linmtl.penalties import L21, Dirty, GraphLaplacian, TraceNorm
from linmtl.solvers import _admm, _squares, minimise
from linmtl.solvers import _apg as apg


def labels(seed=0, d=8, n_tasks=4, rows=25):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_tasks * rows, d))
    tasks = np.repeat(np.arange(n_tasks), rows)
    W = rng.normal(size=(d, 1)) + 0.5 * rng.normal(size=(d, n_tasks))
    eta = np.sum(X * W[:, tasks].T, axis=1)
    y = rng.random(tasks.size) < 1 / (1 + np.exp(-eta))
    return X, y.astype(int), tasks


def objective(penalty, data, loss="logistic"):
    if loss == "logistic":
        model = MultiTaskClassifier(penalty)
    else:
        model = MultiTaskRegressor(penalty, loss=loss)
    return model._read_problem(*data, None).objective


PENALTIES = [
    L21(0.02),
    TraceNorm(0.02),
    Dirty(0.02, 0.01),
    L21(0.02) + GraphLaplacian(np.ones((4, 4)) - np.eye(4), 0.1),
]


@pytest.mark.parametrize("loss", ["logistic", "huber"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
def test_steps_that_are_too_long_give_way_to_the_bound(penalty, loss, monkeypatch):
    problem = objective(penalty, labels(), loss)
    options = {"tol": 1e-7, "max_iter": 20_000, "solver": "apg"}
    found = minimise(problem, **options)
    true = apg._curvature
    monkeypatch.setattr(apg, "_curvature", lambda *args: 0.2 * true(*args))
    careful = minimise(problem, **options)
    assert found.converged
    assert careful.converged
    assert abs(found.objective - careful.objective) <= found.gap + careful.gap
    assert found.n_iter < careful.n_iter


def test_the_bound_is_not_asked_for_where_steps_lead_on(monkeypatch):
    """It costs as much as many steps."""
    problem = objective(TraceNorm(0.02), labels())
    monkeypatch.setattr(type(problem.fit), "curvature", None)
    assert minimise(problem, tol=1e-8, max_iter=1000).converged


def test_a_loss_that_does_not_depend_on_the_coefficients():
    X, y, tasks = labels()
    for penalty in PENALTIES:
        found = minimise(objective(penalty, (0 * X, y, tasks)), tol=1e-8, max_iter=5)
        assert found.converged
        assert not found.point.any()


def test_a_point_far_off_leaves_no_mark_on_intercepts():
    problem = objective(TraceNorm(0.02), labels())
    W = np.ones(problem.shape)
    value, b = problem.value(W), problem.intercepts(W)
    for far in (1e21, np.inf):
        problem.fit._b[:] = far  # as a run that diverged leaves them
        np.testing.assert_allclose(problem.value(W), value, rtol=1e-12)
        np.testing.assert_allclose(problem.intercepts(W), b, rtol=1e-8)


@pytest.mark.parametrize("scale", [0.0, 2.0])
def test_alternating_directions_begin_with_steps_and_take_over(scale, monkeypatch):
    """Where features are badly conditioned steps would take long."""
    rng = np.random.default_rng(0)
    X, _, tasks = labels(d=10, rows=80)
    X *= 10.0 ** (scale * rng.uniform(-0.5, 0.5, 10))
    y = X @ (10.0 ** (-scale / 2) * rng.normal(size=10)) + rng.normal(size=tasks.size)
    monkeypatch.setattr(_admm, "_SMALL_SIDE", 0)
    prepared = []
    prepare = _squares._Grams.prepare
    monkeypatch.setattr(
        _squares._Grams, "prepare", lambda *args: prepared.append(prepare(*args))
    )
    problem = objective(TraceNorm(0.01), (X, y, tasks), "squared")
    found = minimise(problem, tol=1e-9, max_iter=20_000)
    assert found.solver == "admm"
    assert found.converged
    assert bool(prepared) == (scale > 0)
    exact = minimise(problem, tol=1e-11, max_iter=20_000)  # prepared for already
    assert found.objective - exact.objective <= found.gap


def test_accelerated_steps_where_few_are_needed(monkeypatch):
    """Of more features than rows: under a strong norm."""
    rng, begun = np.random.default_rng(0), []
    begin = apg.AcceleratedProximalGradient.begin
    monkeypatch.setattr(
        apg.AcceleratedProximalGradient,
        "begin",
        lambda *args: begun.append(1) or begin(*args),
    )
    monkeypatch.setattr(_admm, "_SMALL_SIDE", 0)
    X, _, tasks = labels(d=40, rows=5)
    y = X @ rng.normal(size=40) + rng.normal(size=tasks.size)
    largest = alpha_max(X, y, tasks, penalty=TraceNorm())
    for strength in (0.5, 0.05):
        begun.clear()
        problem = objective(TraceNorm(strength * largest), (X, y, tasks), "squared")
        assert minimise(problem, tol=1e-9, max_iter=9999).converged
        assert bool(begun) == (strength == 0.5)


def test_factors_where_rows_are_about_as_many_as_features(monkeypatch):
    """Then steps are many, and eigenvectors dear."""
    rng, made = np.random.default_rng(0), []
    prepare = _squares._Factors.prepare
    monkeypatch.setattr(
        _squares._Factors, "prepare", lambda *args: made.append(prepare(*args))
    )
    monkeypatch.setattr(_admm, "_SMALL_SIDE", 0)
    for d, rows, some in ((10, 11, True), (10, 8, True), (10, 3, False)):
        X, y, tasks = labels(d=d, rows=rows)
        y = X @ rng.normal(size=d) + rng.normal(size=tasks.size)
        found = minimise(
            objective(TraceNorm(0.1), (X, y, tasks), "squared"), tol=1e-9, max_iter=9999
        )
        assert found.converged
        assert bool(made) == some
        made.clear()
