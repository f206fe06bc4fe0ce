"""Working sets: they must reach the certificate wherever the rows come and go."""

import numpy as np
import pytest

from helpers.quick import first
from linmtl import (
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    TraceNormRegressor,
)
from linmtl.data import MultiTaskData
from linmtl.datafits._residual import ResidualFit
from linmtl.designs._stacked import StackedDesign
from linmtl.designs._tied import TiedDesign
from linmtl.losses import LOSSES
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L1, L21, compose
from linmtl.solvers import minimise
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective


def many_features(seed, n=100, d=1000, n_tasks=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    signal = X[:, :5].sum(axis=1) + rng.normal(size=n)
    return X, signal, np.arange(n) % n_tasks


# Rows that leave the set and violate their bound again once made the set go round in
# circles: these draws, with more features than rows in a task, did so.
@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-6])
@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("seed", first(range(6), 3))
def test_every_layout_reaches_the_certificate(seed, alpha, tol):
    X, y, tasks = many_features(seed)
    # a lasso with as many coefficients as samples has flat directions: not to 1e-6
    sparse = L1Regressor(alpha, tol=max(tol, 1e-5))
    for model in (L21Regressor(alpha, tol=tol), sparse):
        model.fit(X, y, tasks)
        assert model.solver_ == "working_set"
        assert model.dual_gap_ <= model.tol_
    wide = L21Regressor(alpha, tol=tol).fit(X, np.column_stack([y, y[::-1]]))
    assert wide.dual_gap_ <= wide.tol_


@pytest.mark.parametrize("model", [L21Classifier, L1Classifier])
@pytest.mark.parametrize("seed", range(4))
def test_classifiers_reach_the_certificate(seed, model):
    X, y, tasks = many_features(seed)
    fitted = model(0.01, tol=1e-5).fit(X, y > 0, tasks)
    assert fitted.solver_ == "prox_newton"
    assert fitted.dual_gap_ <= fitted.tol_


@pytest.mark.parametrize("seed", [2, 3, 14, 29])
def test_a_sample_far_beyond_its_margin(seed):
    """Its loss has no curvature left, but its margin has a long way to go."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(3), 100)
    X = np.abs(rng.normal(size=(300, 5))) + 5
    y = X[:, 0] - X[:, 1] + rng.logistic(size=300) > 0
    X[0] *= 1e4
    top = alpha_max(X, y, tasks, penalty=L21(1.0), loss="logistic")
    model = L21Classifier(1e-4 * top).fit(X, y, tasks)
    assert model.converged_
    assert model.n_iter_ < 100


@pytest.mark.parametrize("seed", range(3))
def test_same_solution_as_the_accelerated_gradient(seed):
    X, y, tasks = many_features(seed, d=300)
    fast = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks)
    slow = L21Regressor(0.1, tol=1e-9, solver="apg").fit(X, y, tasks)
    assert abs(fast.objective_ - slow.objective_) <= fast.tol_ + slow.tol_
    np.testing.assert_allclose(fast.coef_, slow.coef_, atol=1e-4)


# --- starts that are no good


@pytest.mark.parametrize("model", [L1Regressor, L1Classifier, L21Regressor])
def test_warm_start_with_signs_that_are_not_allowed_any_more(model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = X @ rng.normal(size=(5, 3)) + 0.1 * rng.normal(size=(60, 3))
    Y = (Y > 0).astype(int) if "Classifier" in model.__name__ else Y
    fitted = model(1e-3, warm_start=True, tol=1e-8).fit(X, Y)
    assert np.any(fitted.coef_ < 0)
    fitted.set_params(positive=True).fit(X, Y)
    cold = model(1e-3, positive=True, tol=1e-8).fit(X, Y)
    assert fitted.converged_
    assert np.all(fitted.coef_ >= 0)
    assert abs(fitted.objective_ - cold.objective_) <= 2 * cold.tol_


@pytest.mark.parametrize("shape", [(300, 10), (30, 80)])
def test_warm_start_at_a_saturated_model_of_the_opposite(shape):
    """There the logistic loss has no curvature: its model is of no use."""
    rng = np.random.default_rng(5)
    n, d = shape
    X, W = rng.normal(size=shape), np.zeros((d, 3))
    W[:6] = rng.normal(size=(6, 3))
    tasks = np.arange(n) % 3
    y = ((X @ W)[np.arange(n), tasks] > 0).astype(int)
    model = L21Classifier(1e-4, warm_start=True).fit(X, y, tasks)
    for data, labels in ((X, 1 - y), (-20 * X, y)):
        cold = L21Classifier(1e-4).fit(data, labels, tasks)
        model.fit(data, labels, tasks)
        assert model.converged_
        assert abs(model.objective_ - cold.objective_) <= 2 * cold.tol_


def test_start_that_is_far_above_the_null_model_is_left():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(40, 6)), np.arange(40) % 2
    y = (X[:, 0] > 0).astype(int)
    model = L21Classifier(0.01, warm_start=True).fit(X, y, tasks)
    columns, W = model._solution
    model._solution = columns, W + 1e6
    model.fit(X, y, tasks)
    assert model.converged_
    assert model.n_iter_ < 100


# --- numbers of unusual size


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_features_far_from_zero_in_ragged_tasks(offset):
    """More rows in use than a task has samples: residuals are updated many times."""
    rng = np.random.default_rng(0)
    X, W, tasks = (
        rng.normal(size=(100, 60)),
        rng.normal(size=(60, 2)),
        np.arange(100) % 2,
    )
    y = (X @ W)[np.arange(100), tasks]
    model = L21Regressor(1e-2, tol=1e-6).fit(X + offset, y, tasks)
    reference = L21Regressor(1e-2, tol=1e-6).fit(X, y, tasks)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-2)


@pytest.mark.parametrize("scale", [1e100, 1e-100])
def test_trace_norm_on_numbers_of_any_size(scale):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(30, 50)), np.repeat([0, 1, 2], 10)
    y = X[:, 0] + 0.1 * rng.normal(size=30)
    unit = TraceNormRegressor(0.1, tol=1e-6).fit(X, y, tasks)
    scaled = TraceNormRegressor(0.1 * scale, tol=1e-6).fit(scale * X, y, tasks)
    assert scaled.solver_ == "admm"
    np.testing.assert_allclose(scale * scaled.coef_, unit.coef_, atol=1e-3)


def test_targets_too_large_to_square_are_named():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="cannot be squared"),
    ):
        L21Regressor(0.1).fit(X, 1e160 * Y)


def test_tied_design_of_one_task():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 200)), rng.normal(size=10)
    bounds = np.array([0, 10])
    results = []
    for design in (StackedDesign(X, bounds), TiedDesign(StackedDesign(X, bounds))):
        data = MultiTaskData(design, y, np.full(10, 0.1))
        objective = Objective(
            ResidualFit(data, LOSSES["squared"]()),
            compose(L1(0.05), 200, np.array([0])),
        )
        results.append(minimise(objective, tol=1e-8, max_iter=1000))
    assert results[0].converged
    np.testing.assert_allclose(results[0].W, results[1].W, atol=1e-6)


@pytest.mark.parametrize("layout", ["shared", "ragged", "weighted", "single"])
def test_what_a_path_knows_of_its_starts(layout, monkeypatch):
    """Residuals and gradients passed on are those that an evaluation would give."""
    rng = np.random.default_rng(0)
    X, y, tasks = many_features(0, n=60, d=300, n_tasks=3)
    weight = None
    if layout == "shared":
        y = np.column_stack([y, y[::-1]])
        tasks = None
    elif layout == "weighted":
        weight = rng.uniform(size=60) * (rng.random(60) < 0.9)
    elif layout == "single":
        X = X.astype(np.float32)
    known, done = [], Monitor.done

    def checked(self, W, iteration, stop, residuals=None):
        if residuals is not None and residuals.gradient is not None:
            fit = self.objective.fit
            again, G = ResidualFit(fit.data, fit.loss), np.empty(W.shape)
            again.evaluate(W, G)
            known.append(iteration)
            size = np.abs(G).max()
            np.testing.assert_allclose(residuals.gradient, G, atol=1e-10 * size)
            np.testing.assert_allclose(residuals.theta, again.theta, atol=1e-10)
            np.testing.assert_allclose(residuals.b, again.residuals.b, atol=1e-8)
            np.testing.assert_allclose(residuals.task_loss, again.task_loss)
        return done(self, W, iteration, stop, residuals)

    monkeypatch.setattr(Monitor, "done", checked)
    settings = {"alphas": 15, "eps": 0.05, "tol": 1e-6, "sample_weight": weight}
    mtl_path(X, y, tasks, penalty=L21(), **settings)
    assert len(known) >= 5
    assert not any(known)  # only starts
