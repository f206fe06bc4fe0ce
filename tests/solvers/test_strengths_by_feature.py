"""Strengths of their own for features and intercepts, in quadratic penalties."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from helpers.convex import least
from helpers.losses import loss_of
from helpers.problems import LAYOUTS, SEPARABLE, make_problem
from linmtl import (
    GraphRegularizedRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskRegressor,
    PooledRegressor,
    TaskQuadraticRegressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.path import mtl_path
from linmtl.penalties import L21, GraphLaplacian, MeanRegularized, Ridge

ALPHA, ON_MEAN = 0.4, 0.05
TIGHT = {"tol": 1e-12}
INTERCEPTS = {
    name: options for name, options in LAYOUTS.items() if "no-intercept" not in name
}
# finite, infinite and zero weights
WEIGHTS = {
    "none": None,
    "uneven": [1.0, 0.02, 30.0, 0.7, 1.3],
    "shared": [1.0, np.inf, 3.0, 0.7, np.inf],
    "free": [1.0, 0.0, 3.0, 0.7, 1.3],
    "all": [np.inf, 0.0, 3.0, 0.7, 1.3],
}


def optimum(problem, weight, intercept_weight, alpha_mean):
    """The objective of the documentation, minimised by a general solver."""
    d, T = problem.n_features, problem.n_tasks
    W, b = cp.Variable((d, T)), cp.Variable(T)
    total, constraints = 0.0, []
    for t, (X, y, w) in enumerate(problem.blocks):
        total += loss_of(problem.loss, y, X @ W[:, t] + b[t], w)
    mean = cp.sum(W, axis=1) / T
    for j in range(d):
        factor = 1.0 if weight is None else weight[j]
        if np.isinf(factor):
            constraints.append(W[j] == mean[j])
            factor = 1.0
        else:
            total += ALPHA / 2 * factor * cp.sum_squares(W[j] - mean[j])
        total += alpha_mean / 2 * T * factor * cp.square(mean[j])
    apart = b - cp.sum(b) / T
    if np.isinf(intercept_weight):
        constraints.append(apart == 0)
    else:
        total += ALPHA / 2 * intercept_weight * cp.sum_squares(apart)
    return least(total, constraints)


def value_of(problem, model, weight, intercept_weight, alpha_mean):
    W, b = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    weight = np.ones(W.shape[1]) if weight is None else np.array(weight)
    shared = np.isinf(weight)
    assert np.all(W[:, shared] == W[:1, shared])
    finite = np.where(shared, 0.0, weight)
    total = problem.loss_at(W, b)
    total += ALPHA / 2 * np.sum(finite * (W - W.mean(axis=0)) ** 2)
    on_mean = np.where(shared, 1.0, weight)
    total += alpha_mean / 2 * len(W) * np.sum(on_mean * W.mean(axis=0) ** 2)
    if np.isinf(intercept_weight):
        assert np.ptp(b) == 0
        return total
    return total + ALPHA / 2 * intercept_weight * np.sum((b - b.mean()) ** 2)


@pytest.mark.product(
    loss=["squared", "huber", "poisson", "logistic"],
    layout=list(INTERCEPTS),
    weight=list(WEIGHTS),
    intercept_weight=[0.0, 0.8, np.inf],
    alpha_mean=[0.0, ON_MEAN],
    where=lambda loss, layout, **_: loss == "squared" or layout not in SEPARABLE,
    slow=lambda loss, **_: loss in ("huber", "poisson"),
)
def test_solutions_are_optimal_and_certified(
    loss, layout, weight, intercept_weight, alpha_mean
):
    problem = make_problem(loss, **LAYOUTS[layout])
    weight = WEIGHTS[weight]
    if weight is not None:
        weight = np.resize(weight, problem.n_features)
    penalty = MeanRegularized(
        ALPHA, alpha_mean, feature_weight=weight, intercept_weight=intercept_weight
    )
    model = problem.fit(penalty)
    arguments = weight, intercept_weight, alpha_mean
    best = optimum(problem, *arguments)
    scale = problem.fit(penalty, tol=1e-1).tol_ / 1e-1
    written_out = value_of(problem, model, *arguments)
    np.testing.assert_allclose(
        model.objective_, written_out, rtol=1e-9, atol=1e-12 * scale
    )
    assert model.converged_
    assert abs(written_out - best) <= 1e-6 * best + 1e-8 * scale
    # not below the true distance from the optimum, far from it as well
    rough = problem.fit(penalty, tol=1e-2)
    distance = value_of(problem, rough, *arguments) - written_out
    assert distance <= rough.dual_gap_ + 1e-9 * scale


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_an_intercept_is_the_coefficient_of_a_scaled_column_of_ones(loss):
    problem = make_problem(loss)
    estimator = {
        "squared": MeanRegularizedRegressor,
        "logistic": MeanRegularizedClassifier,
    }[loss]
    X, arguments = np.asarray(problem.X), (problem.y, problem.tasks)
    model = estimator(0.3, 0.0, intercept_weight=4.0, **TIGHT).fit(X, *arguments)
    ones = np.column_stack([X, np.full(len(X), 0.5)])
    other = estimator(0.3, 0.0, fit_intercept=False, **TIGHT).fit(ones, *arguments)
    np.testing.assert_allclose(model.coef_, other.coef_[:, :-1], atol=1e-6)
    np.testing.assert_allclose(model.intercept_, 0.5 * other.coef_[:, -1], atol=1e-6)


def test_weights_are_squares_of_scales():
    problem = make_problem()
    scale = np.array([1.0, 1e-4, 1e5, 0.1, 3.0])
    plain = MeanRegularizedRegressor(0.3, 0.01, **TIGHT)
    plain.fit(problem.X * scale, problem.y, problem.tasks)
    weighted = MeanRegularizedRegressor(0.3, 0.01, feature_weight=scale**-2, **TIGHT)
    weighted.fit(problem.X, problem.y, problem.tasks)
    np.testing.assert_allclose(weighted.coef_, scale * plain.coef_, rtol=1e-6)


def test_all_weights_infinite_is_one_model():
    problem = make_problem(task_weight="n_samples")
    everything = MeanRegularizedRegressor(
        1.0, 0.0, feature_weight=np.full(5, np.inf), intercept_weight=np.inf, **TIGHT
    )
    everything.set_params(task_weight="n_samples")
    everything.fit(problem.X, problem.y, problem.tasks)
    pooled = PooledRegressor(0.0, task_weight="n_samples", **TIGHT)
    pooled.fit(problem.X, problem.y, problem.tasks)
    np.testing.assert_allclose(everything.coef_, pooled.coef_, rtol=1e-6)
    np.testing.assert_allclose(everything.intercept_, pooled.intercept_, rtol=1e-6)


def test_the_fit_is_the_posterior_mean_of_a_mixed_model():
    # y = Z (m + u_t) + noise, Z with a column of ones, u ~ N(0, diag(variances))
    rng = np.random.default_rng(0)
    T, n, variances, noise = 6, 8, np.array([2.0, 0.5, 0.01]), 0.3
    X = rng.normal(size=(T * n, 2))
    Z, tasks = np.column_stack([np.ones(T * n), X]), np.repeat(np.arange(T), n)
    U = rng.normal(size=(T, 3)) * np.sqrt(variances)
    y = np.sum(Z * (np.array([5.0, 1.0, -2.0]) + U)[tasks], axis=1)
    y += np.sqrt(noise) * rng.normal(size=T * n)
    system, right = np.zeros((3, 3)), np.zeros(3)
    covariance = np.diag(variances)
    for t in range(T):
        Z_t, y_t = Z[tasks == t], y[tasks == t]
        V = Z_t @ covariance @ Z_t.T + noise * np.eye(n)
        system += Z_t.T @ np.linalg.solve(V, Z_t)
        right += Z_t.T @ np.linalg.solve(V, y_t)
    mean = np.linalg.solve(system, right)
    model = MeanRegularizedRegressor(
        noise / n,
        0.0,
        feature_weight=1 / variances[1:],
        intercept_weight=1 / variances[0],
        **TIGHT,
    ).fit(X, y, tasks)
    for t in range(T):
        Z_t, y_t = Z[tasks == t], y[tasks == t]
        V = Z_t @ covariance @ Z_t.T + noise * np.eye(n)
        w = mean + covariance @ Z_t.T @ np.linalg.solve(V, y_t - Z_t @ mean)
        np.testing.assert_allclose(model.intercept_[t], w[0], rtol=1e-6)
        np.testing.assert_allclose(model.coef_[t], w[1:], rtol=1e-6)


@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_a_large_mean_of_the_targets_costs_nothing(mean):
    problem = make_problem()
    model = MeanRegularizedRegressor(0.3, 0.0, intercept_weight=2.0, tol=1e-8)
    low = model.fit(problem.X, problem.y, problem.tasks)
    coef, intercept, tol = low.coef_, low.intercept_, low.tol_
    model.fit(problem.X, problem.y + mean, problem.tasks)
    assert model.converged_
    np.testing.assert_allclose(model.tol_, tol, rtol=1e-3)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-5)
    np.testing.assert_allclose(model.intercept_ - mean, intercept, atol=1e-4)


@pytest.mark.parametrize("intercept_weight", [0.7, np.inf])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.slow
def test_sparse_data_is_that_of_dense_data(loss, intercept_weight):
    rng = np.random.default_rng(1)
    d, sizes = 400, [9, 12, 15]
    X = sparse.random_array((sum(sizes), d), density=0.02, rng=rng, format="csr")
    tasks = np.repeat(np.arange(3), sizes)
    y = X @ rng.normal(size=d) + tasks + 0.1 * rng.normal(size=len(tasks))
    weight = np.resize([1.0, 0.1, 4.0, np.inf], d)
    estimator = MeanRegularizedRegressor
    if loss == "logistic":
        y, estimator = (
            (y + rng.normal(size=len(y)) > tasks).astype(int),
            (MeanRegularizedClassifier),
        )
    model = estimator(
        0.1,
        0.02,
        feature_weight=weight,
        intercept_weight=intercept_weight,
        tol=1e-12,
        solver="cg",
    ).fit(X, y, tasks)
    assert model.converged_
    dense = estimator(**model.get_params()).set_params(solver="auto")
    dense.fit(X.toarray(), y, tasks)
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, dense.intercept_, atol=1e-4)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_paths_and_folds_fit_the_same_models(loss):
    problem = make_problem(loss)
    penalty = MeanRegularized(
        1.0, 0.01, feature_weight=[1, 0.1, np.inf, 3, 1], intercept_weight=2.0
    )
    alphas = [1.0, 0.1]
    _, coefs, _, intercepts = mtl_path(
        problem.X,
        problem.y,
        problem.tasks,
        penalty=penalty,
        loss=loss,
        alphas=alphas,
        tol=1e-10,
        return_intercepts=True,
    )
    for k, alpha in enumerate(alphas):
        model = problem.fit(penalty.set_params(alpha=alpha), tol=1e-10)
        np.testing.assert_allclose(coefs[..., k], model.coef_, atol=1e-4)
        np.testing.assert_allclose(intercepts[..., k], model.intercept_, atol=1e-4)


def test_cross_validation_judges_the_model_it_names():
    problem = make_problem()
    weight = np.array([1.0, 0.1, np.inf, 3.0, 1.0])
    folds = list(
        TaskKFold(3, shuffle=True, random_state=0).split(
            problem.X, problem.y, problem.tasks
        )
    )
    chosen = MeanRegularizedRegressorCV(
        alpha_mean=1e-3,
        feature_weight=weight,
        intercept_weight=[0.0, 2.0],
        alphas=[0.3, 0.1],
        cv=folds,
        tol=1e-10,
    ).fit(problem.X, problem.y, problem.tasks)
    model = MeanRegularizedRegressor(
        0.1, 1e-3, feature_weight=weight, intercept_weight=2.0, tol=1e-10
    )
    for k, (train, test) in enumerate(folds):
        model.fit(problem.X[train], problem.y[train], problem.tasks[train])
        error = (
            problem.y[test] - model.predict(problem.X[test], problem.tasks[test])
        ) ** 2
        labels = problem.tasks[test]
        mean = np.mean([error[labels == t].mean() for t in np.unique(labels)])
        np.testing.assert_allclose(chosen.mse_path_[1, 1, k], mean, rtol=1e-6)
    assert set(chosen.best_params_) >= {"alpha", "intercept_weight", "feature_weight"}


def test_graphs_and_matrices_take_weights_as_well():
    problem = make_problem()
    weight, K = np.array([1.0, 0.1, 4.0, 0.0, 2.0]), np.full((4, 4), -0.25)
    K[np.diag_indices(4)] += 1.0
    options = {"feature_weight": weight, **TIGHT}
    data = problem.X, problem.y, problem.tasks
    mean = MeanRegularizedRegressor(0.5, 0.0, **options).fit(*data)
    graph = GraphRegularizedRegressor(alpha=0.5, alpha_ridge=0.0, **options).fit(*data)
    matrix = TaskQuadraticRegressor(K, 0.5, **options).fit(*data)
    np.testing.assert_allclose(graph.coef_, mean.coef_, rtol=1e-6)
    np.testing.assert_allclose(matrix.coef_, mean.coef_, rtol=1e-6)


def test_other_roots_and_maxima_of_losses():
    problem = make_problem()
    penalty = MeanRegularized(
        0.3, 0.01, feature_weight=[1, 0.1, 2, 3, 1], intercept_weight=2.0
    )
    for options in ({"loss": "sqrt"}, {"task_weight": "minimax"}):
        model = MultiTaskRegressor(penalty, tol=1e-6, **options)
        model.fit(problem.X, problem.y, problem.tasks)
        assert model.converged_
        moved = MultiTaskRegressor(penalty, tol=1e-2, **options)
        moved.fit(problem.X, problem.y, problem.tasks)
        assert moved.objective_ - model.objective_ <= moved.dual_gap_ + model.tol_


@pytest.mark.parametrize(
    ("penalty", "options", "message"),
    [
        (MeanRegularized(feature_weight=[1.0]), {}, "feature_weight has shape"),
        (MeanRegularized(feature_weight=-np.ones(5)), {}, "must be >= 0"),
        (MeanRegularized(feature_weight="reml"), {}, "must be numbers"),
        (MeanRegularized(intercept_weight=-1.0), {}, "intercept_weight must be >= 0"),
        (MeanRegularized(intercept_weight=1.0), {"fit_intercept": False}, "set one of"),
        (MeanRegularized(intercept_weight=1.0) + L21(), {}, "not with L21"),
        (GraphLaplacian(feature_weight=np.full(5, np.inf)), {}, "must be finite"),
        (
            MeanRegularized(intercept_weight=1.0) + Ridge([1.0, 2.0, 3.0, 4.0]),
            {},
            "common ridge",
        ),
    ],
)
def test_what_is_not_allowed_is_said_in_words(penalty, options, message):
    problem = make_problem()
    with pytest.raises(ValueError, match=message):
        MultiTaskRegressor(penalty, **options).fit(problem.X, problem.y, problem.tasks)
