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
from linmtl.path import mtl_path
from linmtl.penalties import L1, L21, GroupL21, MeanRegularized, Ridge, TraceNorm

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
