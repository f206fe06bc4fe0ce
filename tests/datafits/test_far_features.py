"""Features far from zero: a time stamp beside others changes digits only."""

from __future__ import annotations

import numpy as np
import pytest

from linmtl import (
    L21Classifier,
    L21ClassifierCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
)
from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._residual import ResidualFit
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import HuberLoss
from linmtl.path import mtl_path
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    GroupL21,
    MeanRegularized,
    NetworkLasso,
    Ridge,
    TraceNorm,
)

T, N, D = 3, 40, 4
PENALTIES = {
    "L21": L21(0.05),
    "free": L21(0.05, feature_weight=[0, 1, 1, 1]),
    "by task": L1(0.05, feature_weight=np.linspace(0.5, 2, D * T).reshape(D, T)),
    "groups": GroupL21([[0, 1], [1, 2, 3]], 0.05),
    "trace": TraceNorm(0.05),
    "mean": MeanRegularized(0.1),
    "drawn": MeanRegularized(0.1, 0.1, intercept_weight=1.0),
    "none": Ridge(0.0),
}


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(T * N, D)), np.repeat(np.arange(T), N)
    X = np.round(X * 64) / 64  # of which a far one keeps all digits
    eta = X[:, 0] + X[:, 1] + tasks / 2
    return X, eta + rng.logistic(size=T * N), tasks


def targets(y, loss):
    if loss == "logistic":
        return (y > 0).astype(int)
    return np.round(np.exp(np.clip(y / 3, -3, 3))) if loss == "poisson" else y


def moved(X, far, rows=slice(None)):
    X = X.copy()
    X[rows, 0] += far
    return X


@pytest.mark.product(
    penalty=tuple(PENALTIES),
    loss=("logistic", "huber", "poisson"),
    where=lambda penalty, **_: penalty != "drawn",
    far=(1e6, 1e9),
)
def test_a_far_feature_changes_nothing(penalty, loss, far, problem):
    X, y, tasks = problem
    y = targets(y, loss)
    options = {} if loss == "logistic" else {"loss": loss}
    kind = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    models = [
        kind(PENALTIES[penalty], tol=1e-6, max_iter=3000, **options).fit(Z, y, tasks)
        for Z in (X, moved(X, far))
    ]
    near, away = models
    assert away.converged_
    assert abs(near.objective_ - away.objective_) <= 2 * near.tol_
    # the objective where coefficients and intercepts are what is reported
    for model, Z in zip(models, (X, moved(X, far)), strict=True):
        if loss == "logistic":
            p = model.predict_proba(Z, tasks)[np.arange(T * N), y]
            value = -np.log(p)
        elif loss == "poisson":
            value = model.predict(Z, tasks) - y * np.log(model.predict(Z, tasks))
        else:
            r = np.abs(y - model.predict(Z, tasks))
            value = np.where(r < 1.35, r**2 / 2, 1.35 * (r - 1.35 / 2))
        model.total = value.sum() / N
    assert abs(near.total - away.total) <= 1e-2 * near.total


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("penalty", ["L21", "trace", "mean", "none"])
@pytest.mark.parametrize("loss", ["logistic", "huber", "poisson"])
def test_no_gap_is_too_small(penalty, loss, problem):
    """Far in one task only, where no common centre helps."""
    X, y, tasks = problem
    y = targets(y, loss)
    options = {} if loss == "logistic" else {"loss": loss}
    kind = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    best = kind(PENALTIES[penalty], tol=1e-7, max_iter=3000, **options)
    best.fit(X, y, tasks)
    for far in (1e7, 1e8):
        model = kind(PENALTIES[penalty], **options, max_iter=100)
        model.fit(moved(X, far, tasks == 1), y, tasks)
        assert model.objective_ - best.objective_ <= model.dual_gap_ + best.tol_


def test_paths_searches_and_one_model(problem):
    X, y, tasks = problem
    y, far = targets(y, "logistic"), moved(X, 1e8)
    for fit in (
        lambda Z: L21ClassifierCV(alphas=[0.02, 0.1], cv=2).fit(Z, y, tasks),
        lambda Z: L21Classifier(0.05, refit=True).fit(Z, y, tasks),
        lambda Z: PooledClassifier(0.1).fit(Z, y, tasks),
    ):
        near, away = fit(X), fit(far)
        np.testing.assert_allclose(
            near.predict_proba(X, tasks), away.predict_proba(far, tasks), atol=0.02
        )
    paths = [
        mtl_path(
            Z,
            y,
            tasks,
            penalty=L21(),
            loss="logistic",
            alphas=[0.05, 0.01],
            return_intercepts=True,
        )
        for Z in (X, far)
    ]
    eta = []
    for Z, (_, coefs, _, intercepts) in zip((X, far), paths, strict=True):
        eta.append(np.einsum("ij,ijk->ik", Z, coefs[tasks]) + intercepts[tasks])
    np.testing.assert_allclose(*eta, atol=0.1)


def test_penalised_intercepts_are_those_of_x(problem):
    X, y, tasks = problem
    y, far = targets(y, "logistic"), moved(X, 1e6)
    model = MultiTaskClassifier(PENALTIES["drawn"], max_iter=300).fit(far, y, tasks)
    p = model.predict_proba(far, tasks)[np.arange(T * N), y]
    value = -np.log(p).sum() / N + PENALTIES["drawn"].value(model.coef_.T)
    b = model.intercept_
    value += 0.05 * np.sum((b - b.mean()) ** 2)
    assert abs(value - model.objective_) <= 1e-6 * value


FREE = {
    "weight": L1(0.1, feature_weight=np.zeros(1)),
    "mean": MeanRegularized(0.15, alpha_mean=0.0),
    "graph": GraphLaplacian(np.ones((3, 3)) - np.eye(3), 0.15),
    "network": NetworkLasso(np.ones((3, 3)) - np.eye(3), 0.15),
}


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("loss", ["quantile", "huber"])
@pytest.mark.parametrize("penalty", FREE.values(), ids=FREE)
def test_a_constant_that_is_free_is_an_intercept(penalty, loss, seed):
    """Its gradient is rounding, and so was what a step of 1e30 along it left."""
    rng = np.random.default_rng(seed)
    tasks, y = np.repeat(np.arange(3), 8), rng.normal(size=24)
    weight = rng.integers(1, 4, 24)
    level = MultiTaskRegressor(L1(1.0), loss=loss, tol=1e-9)
    level.fit(np.zeros((24, 1)), y, tasks, sample_weight=weight)
    for value in (1e-3, 1e4):
        model = MultiTaskRegressor(penalty, loss=loss)
        model.fit(np.full((24, 1), value), y, tasks, sample_weight=weight)
        assert model.converged_
        assert abs(model.objective_ - level.objective_) <= model.tol_
        assert np.abs(model.coef_).max() * value < 100


def test_predictors_of_which_rounding_is_left_have_no_loss():
    rng = np.random.default_rng(0)
    design = StackedDesign(np.ones((20, 1)), np.array([0, 10, 20]))
    data = MultiTaskData(design, rng.normal(size=20), np.full(20, 0.1), True)
    fit, W, G = ResidualFit(data, HuberLoss()), np.ones((1, 2)), np.empty((1, 2))
    for size in (1.0, 1e6):
        assert fit.evaluate(size * W, G) == fit.loss_at(size * W) < 100
        assert not np.any(G)
    assert fit.evaluate(1e14 * W, G) == fit.loss_at(1e14 * W) == np.inf
