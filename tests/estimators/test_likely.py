"""``alpha="reml"``: strengths of quadratic penalties by the restricted likelihood."""

import numpy as np
import pytest

from linmtl import (
    GraphRegularizedRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    TaskQuadraticRegressor,
)
from linmtl.datasets import make_multitask_regression

T, N, D = 20, 10, 3


def made(seed=0):
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(T), N)
    X = rng.standard_normal((T * N, D))
    U = 0.5 * rng.standard_normal((T, D + 1))
    y = U[tasks, 0] + np.sum(X * (1.0 + U[tasks, 1:]), axis=1)
    return X, y + rng.standard_normal(T * N), tasks


def test_mean_regularised_is_a_mixed_model():
    X, y, tasks = made()
    model = MeanRegularizedRegressor("reml", 0.0).fit(X, y, tasks)
    mixed = MixedEffectsRegressor("scalar", random_intercept=False).fit(X, y, tasks)
    alpha = mixed.noise_**2 / mixed.covariance_[0, 0] / N
    assert model.alpha_ == pytest.approx(alpha, rel=2e-3)
    np.testing.assert_allclose(model.coef_, mixed.coef_, atol=1e-3)
    assert model.dual_gap_ <= model.tol_


def test_strengths_of_features_and_of_intercepts():
    """With the ratios that a mixed model finds, the strength is the one it finds."""
    X, y, tasks = made(1)
    mixed = MixedEffectsRegressor().fit(X, y, tasks)
    precision = mixed.noise_**2 / np.diag(mixed.covariance_) / N
    model = MeanRegularizedRegressor(
        "reml",
        0.0,
        feature_weight=precision[1:],
        intercept_weight=precision[0],
    ).fit(X, y, tasks)
    assert model.alpha_ == pytest.approx(1.0, rel=5e-3)
    np.testing.assert_allclose(model.coef_, mixed.coef_, atol=2e-3)


@pytest.mark.slow
def test_the_complete_graph_and_its_matrix():
    X, y, tasks = made(2)
    alpha = MeanRegularizedRegressor("reml", 0.0).fit(X, y, tasks).alpha_
    complete = (1 - np.eye(T)) / T
    for model in (
        GraphRegularizedRegressor(None, "reml", alpha_ridge=0.0),
        GraphRegularizedRegressor(complete, "reml", alpha_ridge=0.0),
        TaskQuadraticRegressor(np.eye(T) - 1 / T, "reml"),
    ):
        assert model.fit(X, y, tasks).alpha_ == pytest.approx(alpha, rel=1e-3)


@pytest.mark.slow
def test_the_prior_of_a_task_covariance():
    """Coefficients drawn from it: the strength is the noise over the variance."""
    rng = np.random.default_rng(3)
    C = 0.9 ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    W = np.linalg.cholesky(C) @ rng.standard_normal((T, 20))
    tasks = np.repeat(np.arange(T), 40)
    X = rng.standard_normal((T * 40, 20))
    y = np.sum(X * W[tasks], axis=1) + 2.0 * rng.standard_normal(T * 40)
    model = TaskQuadraticRegressor(np.linalg.inv(C), "reml").fit(X, y, tasks)
    assert model.alpha_ == pytest.approx(4.0 / 40, rel=0.25)


def test_tasks_that_are_alike_are_pooled():
    rng = np.random.default_rng(4)
    X, tasks = rng.standard_normal((200, 2)), np.repeat(np.arange(10), 20)
    y = X @ [1.0, -1.0] + rng.standard_normal(200)
    model = MeanRegularizedRegressor("reml", 0.0).fit(X, y, tasks)
    assert np.ptp(model.coef_, axis=0).max() < 0.3


@pytest.mark.slow
def test_labels():
    X, y, tasks = made(5)
    model = MeanRegularizedClassifier("reml", 0.0, intercept_weight=1.0)
    model.fit(X, y > 0, tasks)
    mixed = MixedEffectsClassifier("scalar").fit(X, y > 0, tasks)
    # one variance for intercepts and slopes against two
    ratio = model.alpha_ * N * mixed.covariance_[1, 1]
    assert 0.5 < ratio < 2.0


def test_every_layout():
    X, Y = make_multitask_regression(
        n_tasks=4,
        n_samples=20,
        n_features=5,
        shared_X=True,
        layout="wide",
        random_state=0,
    )
    Y[3, 1] = np.nan
    model = MeanRegularizedRegressor("reml").fit(X, Y)
    assert np.isfinite(model.alpha_)
    assert MeanRegularizedRegressor("reml").fit(X, Y[:, 0]).converged_


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (MeanRegularizedRegressor("ml"), "'reml'"),
        (MeanRegularizedRegressor("reml", loss="huber"), "likelihoods"),
        (MeanRegularizedRegressor("reml", task_weight="minimax"), "likelihoods"),
        (MeanRegularizedRegressor("reml", intercept_weight=np.inf), "finite"),
        (GraphRegularizedRegressor(None, "reml", alpha_l1=0.1), "alpha_l1=0"),
    ],
)
def test_where_there_is_no_likelihood(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(*made())
