"""Problems that two models share: scikit-learn's, and ours with other penalties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, MultiTaskLasso
from sklearn.linear_model import Ridge as SklearnRidge

from helpers.problems import make_problem
from linmtl import (
    GraphRegularizedRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L1Classifier,
    L1Regressor,
    L1RegressorCV,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TraceNormRegressor,
)
from linmtl.penalties import (
    L1,
    L21,
    Dirty,
    GraphLaplacian,
    GroupL21,
    Linf1,
    MeanRegularized,
    Ridge,
    TraceNorm,
    compose,
)

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def assert_same(a, b, atol=1e-7):
    # a gap at rounding level, 1e-15, leaves coefficients exact to its square root
    np.testing.assert_allclose(a.coef_, b.coef_, atol=atol)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=atol)


def shared(seed=0):
    problem = make_problem(layout="wide", sizes=(40,) * 3, d=6, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.1, 2.0, size=40)
    return problem.X, np.asarray(problem.y), weight


def one_task(loss="squared", seed=0):
    problem = make_problem(loss, "single", sizes=(60,), d=6, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.1, 2.0, size=len(problem.y))
    return problem.X, problem.y, weight


# --- scikit-learn -------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0])
def test_l21_on_shared_samples_is_multi_task_lasso(alpha, fit_intercept):
    X, Y, _ = shared()
    ours = L21Regressor(alpha, fit_intercept=fit_intercept, **TIGHT).fit(X, Y)
    theirs = MultiTaskLasso(
        alpha, fit_intercept=fit_intercept, tol=1e-14, max_iter=100_000
    ).fit(X, Y)
    assert ours.coef_.shape == theirs.coef_.shape
    assert_same(ours, theirs, atol=1e-8)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-7)


@pytest.mark.skipif(SKLEARN < (1, 9), reason="MultiTaskLasso took no weights before")
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_l21_with_sample_weights_is_multi_task_lasso(fit_intercept):
    X, Y, weight = shared()
    ours = L21Regressor(0.1, fit_intercept=fit_intercept, **TIGHT)
    theirs = MultiTaskLasso(
        0.1, fit_intercept=fit_intercept, tol=1e-14, max_iter=100_000
    )
    ours.fit(X, Y, sample_weight=weight)
    theirs.fit(X, Y, sample_weight=weight)
    assert_same(ours, theirs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", [L1Regressor, L21Regressor, TraceNormRegressor])
def test_one_task_is_the_lasso_or_a_norm(kind, fit_intercept, weighted):
    X, y, weight = one_task()
    sample_weight = weight if weighted else None
    ours = kind(0.2, fit_intercept=fit_intercept, **TIGHT)
    ours.fit(X, y, sample_weight=sample_weight)
    if kind is TraceNormRegressor:
        # one column: its singular value is its norm, and not a sum over the features
        objective = np.average(
            (y - ours.predict(X)) ** 2 / 2, weights=sample_weight
        ) + 0.2 * np.linalg.norm(ours.coef_)
        assert ours.objective_ == pytest.approx(objective, rel=1e-12)
        assert np.all(ours.coef_ != 0)
        return
    theirs = Lasso(0.2, fit_intercept=fit_intercept, tol=1e-14, max_iter=100_000)
    assert_same(ours, theirs.fit(X, y, sample_weight=sample_weight))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_l1_plus_ridge_is_the_elastic_net(positive, weighted):
    X, y, weight = one_task()
    sample_weight = weight if weighted else None
    alpha, l1_ratio = 0.4, 0.3
    penalty = L1(alpha * l1_ratio, positive=positive) + Ridge(alpha * (1 - l1_ratio))
    ours = MultiTaskRegressor(penalty, **TIGHT)
    theirs = ElasticNet(
        alpha, l1_ratio=l1_ratio, positive=positive, tol=1e-14, max_iter=100_000
    )
    ours.fit(X, y, sample_weight=sample_weight)
    assert_same(ours, theirs.fit(X, y, sample_weight=sample_weight))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge_is_ridge_with_the_sum_of_the_weights(fit_intercept, weighted):
    # they sum the squares without 1/2: alpha times the sum of the weights
    X, y, weight = one_task()
    weight = weight if weighted else np.ones(len(y))
    ours = MultiTaskRegressor(Ridge(0.3), fit_intercept=fit_intercept)
    theirs = SklearnRidge(0.3 * weight.sum(), fit_intercept=fit_intercept)
    ours.fit(X, y, sample_weight=weight)
    assert_same(ours, theirs.fit(X, y, sample_weight=weight))


@pytest.mark.parametrize("weighted", [False, True])
def test_independent_is_one_ridge_per_task(weighted):
    problem = make_problem(sample_weight=weighted)
    X, y, tasks = problem.X, problem.y, problem.tasks
    weight = problem.sample_weight if weighted else np.ones(len(y))
    alpha = {"a": 0.1, "b": 0.2, "c": 0.0, "d": 1.0}
    model = IndependentRegressor(alpha).fit(X, y, tasks, problem.sample_weight)
    for t, task in enumerate(model.tasks_):
        mine = (tasks == task) & (weight > 0)
        theirs = SklearnRidge(alpha[task] * weight[mine].sum())
        theirs.fit(X[mine], y[mine], sample_weight=weight[mine])
        np.testing.assert_allclose(model.coef_[t], theirs.coef_, atol=1e-8)
        np.testing.assert_allclose(model.intercept_[t], theirs.intercept_, atol=1e-8)


def test_task_weights_divide_the_strength_of_independent_tasks():
    problem = make_problem()
    fit = (problem.X, problem.y, problem.tasks)
    weighted = IndependentRegressor(0.3, task_weight=[1.0, 2.0, 0.5, 3.0]).fit(*fit)
    alpha = 0.3 / np.array([1.0, 2.0, 0.5, 3.0])
    assert_same(weighted, IndependentRegressor(alpha).fit(*fit))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task_intercepts", [False, True])
def test_pooled_is_one_ridge_on_all_rows(task_intercepts, weighted):
    problem = make_problem(sample_weight=weighted)
    X, y, tasks = problem.X, problem.y, problem.tasks
    weight = problem.sample_weight if weighted else np.ones(len(y))
    model = PooledRegressor(0.3, task_intercepts=task_intercepts)
    model.fit(X, y, tasks, problem.sample_weight)
    if task_intercepts:
        # within tasks: centring each one takes its intercept out
        X, y = X.copy(), y.copy()
        for task in model.tasks_:
            mine = tasks == task
            X[mine] -= np.average(X[mine], axis=0, weights=weight[mine])
            y[mine] -= np.average(y[mine], weights=weight[mine])
    theirs = SklearnRidge(0.3 * weight.sum(), fit_intercept=not task_intercepts)
    theirs.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, np.tile(theirs.coef_, (4, 1)), atol=1e-8)
    if not task_intercepts:
        np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-8)
    else:
        for t, task in enumerate(model.tasks_):
            mine = problem.tasks == task
            residual = problem.y[mine] - problem.X[mine] @ theirs.coef_
            expected = np.average(residual, weights=weight[mine])
            np.testing.assert_allclose(model.intercept_[t], expected, atol=1e-8)


def logistic_regression(C, l1_ratio, solver, **options):
    # penalty= names the norm up to scikit-learn 1.7, l1_ratio alone from 1.8 on
    if SKLEARN < (1, 8):
        options["penalty"] = "l1" if l1_ratio else "l2"
    else:
        options["l1_ratio"] = l1_ratio
    return LogisticRegression(C=C, solver=solver, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", [L1Classifier, L21Classifier])
def test_one_task_is_sparse_logistic_regression(kind, fit_intercept, weighted):
    # C sums the losses: 1 / (alpha times the sum of the weights)
    X, y, weight = one_task("logistic")
    weight = weight if weighted else np.ones(len(y))
    ours = kind(0.03, fit_intercept=fit_intercept, **TIGHT)
    ours.fit(X, y, sample_weight=weight)
    theirs = logistic_regression(
        1 / (0.03 * weight.sum()),
        1,
        "saga",
        fit_intercept=fit_intercept,
        tol=1e-9,
        max_iter=100_000,
        random_state=0,
    ).fit(X, y, sample_weight=weight)
    assert_same(ours, theirs, atol=1e-5)
    assert np.any(ours.coef_ == 0)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["ridge", "independent", "pooled"])
def test_ridge_logistic_is_logistic_regression(kind):
    problem = make_problem("logistic")
    X, y, tasks = problem.X, problem.y, problem.tasks
    model = {
        "ridge": MultiTaskClassifier(Ridge(0.05), **TIGHT),
        "independent": IndependentClassifier(0.05, **TIGHT),
        "pooled": PooledClassifier(0.05, **TIGHT),
    }[kind].fit(X, y, tasks)
    for t, task in enumerate(model.tasks_):
        mine = np.ones(len(y), dtype=bool) if kind == "pooled" else tasks == task
        theirs = logistic_regression(
            1 / (0.05 * mine.sum()), 0, "newton-cholesky", tol=1e-12
        ).fit(X[mine], y[mine])
        np.testing.assert_allclose(model.coef_[t], theirs.coef_[0], atol=1e-7)
        np.testing.assert_allclose(model.intercept_[t], theirs.intercept_[0], atol=1e-7)


# --- our penalties among each other -------------------------------------------------

RAGGED = [make_problem(), make_problem("logistic"), make_problem(sample_weight=True)]


def same_solution(problem, first, second, atol=1e-7):
    a, b = problem.fit(first, tol=1e-14), problem.fit(second, tol=1e-14)
    assert_same(a, b, atol)
    assert a.objective_ == pytest.approx(b.objective_, rel=1e-10)


@pytest.mark.parametrize("problem", RAGGED, ids=["squared", "logistic", "weights"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (MeanRegularized(0.3, 0.3), Ridge(0.3)),
        (GraphLaplacian(None, 0.3), MeanRegularized(0.3)),
        (GraphLaplacian(np.full((4, 4), 0.25), 0.3), MeanRegularized(0.3)),
        (GraphLaplacian(np.ones((4, 4)), 0.3), MeanRegularized(1.2)),
        (Ridge(0.1) + MeanRegularized(0.2), MeanRegularized(0.3, 0.1)),
        (Ridge(0.1) + Ridge([0.2] * 4), Ridge(0.3)),
        (L1(0.0) + L21(0.2), L21(0.2)),
        (L1(0.1) + L21(0.0), L1(0.1)),
        (L21(0.2) + Ridge(0.0), L21(0.2)),
        (L21(0.2) + MeanRegularized(0.1, 0.1), L21(0.2) + Ridge(0.1)),
        (L21(0.2, feature_weight=np.ones(5)), L21(0.2)),
        (L21(0.4, feature_weight=np.full(5, 0.5)), L21(0.2)),
        (L1(0.1) + Ridge(0.1), Ridge(0.1) + L1(0.1)),
        (TraceNorm(0.2) + GraphLaplacian(), TraceNorm(0.2) + MeanRegularized()),
    ],
    ids=repr,
)
def test_two_names_of_one_penalty(problem, first, second):
    same_solution(problem, first, second)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_estimators_of_one_penalty_are_the_engine_with_it(loss):
    problem = make_problem(loss)
    fit = (problem.X, problem.y, problem.tasks)
    mean = {"squared": MeanRegularizedRegressor, "logistic": MeanRegularizedClassifier}
    assert_same(
        mean[loss](0.3, 0.1, **TIGHT).fit(*fit),
        problem.fit(MeanRegularized(0.3, 0.1), tol=1e-14),
    )
    if loss == "squared":
        assert_same(
            GraphRegularizedRegressor(None, 0.3, 0.1).fit(*fit),
            problem.fit(GraphLaplacian(None, 0.3) + Ridge(0.1)),
        )


@pytest.mark.parametrize(
    ("mean", "pooled"),
    [
        (MeanRegularizedRegressor, PooledRegressor),
        (MeanRegularizedClassifier, PooledClassifier),
    ],
)
def test_a_strong_pull_to_the_mean_is_the_pooled_model(mean, pooled):
    # All w_t equal: the penalty is alpha_mean / 2 * T * ||w||^2. With n_samples the
    # losses sum over all rows, divided by the mean number of rows: T times the mean
    # over all rows, as in the pooled model.
    problem = make_problem("squared" if pooled is PooledRegressor else "logistic")
    fit = (problem.X, problem.y, problem.tasks)
    expected = pooled(0.1, task_intercepts=True, **TIGHT).fit(*fit)
    distances = []
    for alpha in (1e2, 1e4, 1e6):
        model = mean(alpha, 0.1, task_weight="n_samples", tol=1e-12).fit(*fit)
        distances.append(np.abs(model.coef_ - expected.coef_).max())
    # the distance falls as 1 / alpha
    assert distances[-1] < 1e-5
    assert distances[2] < 0.02 * distances[1] < 0.02 * distances[0]


def test_no_pull_to_the_mean_is_independence():
    problem = make_problem()
    fit = (problem.X, problem.y, problem.tasks)
    weak = MeanRegularizedRegressor(1e-9, 1e-9).fit(*fit)
    assert_same(weak, IndependentRegressor(0.0).fit(*fit), atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_mean_regularisation_is_a_common_model_plus_deviations(loss):
    # Evgeniou, Pontil (2004): w_t = w_0 + v_t, with T / 2 * mu_0 ||w_0||^2 +
    # mu_1 / 2 sum ||v_t||^2. Minimised over w_0 for given w_t, this is our penalty with
    # alpha = mu_1 and 1 / alpha_mean = 1 / mu_0 + 1 / mu_1.
    problem = make_problem(loss)
    mu_0, mu_1 = 0.2, 0.5
    alpha_mean = 1 / (1 / mu_0 + 1 / mu_1)
    model = problem.fit(MeanRegularized(mu_1, alpha_mean), tol=1e-14)
    # the same as one ridge on enlarged features: a copy for all, one for each task
    n, d, T = len(problem.y), problem.n_features, problem.n_tasks
    code = np.searchsorted(model.tasks_, problem.tasks)
    enlarged = np.zeros((n, d * (T + 1)))
    enlarged[:, :d] = problem.X / np.sqrt(T * mu_0)
    for t in range(T):
        rows = code == t
        columns = slice(d * (t + 1), d * (t + 2))
        enlarged[rows, columns] = problem.X[rows] / np.sqrt(mu_1)
    counts = np.bincount(code)
    kind = PooledRegressor if loss == "squared" else PooledClassifier
    # the mean over tasks of means, not over rows; T such losses to one unit of ridge
    common = kind(1.0 / T, task_intercepts=True, **TIGHT)
    common.fit(enlarged, problem.y, problem.tasks, sample_weight=1.0 / counts[code])
    z = common.coef_[0]
    w_0 = z[:d] / np.sqrt(T * mu_0)
    V = z[d:].reshape(T, d) / np.sqrt(mu_1)
    np.testing.assert_allclose(model.coef_, w_0 + V, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, common.intercept_, atol=1e-6)
    # and the common model is a part of the mean of the tasks
    np.testing.assert_allclose(
        w_0, mu_1 / (mu_0 + mu_1) * model.coef_.mean(axis=0), atol=1e-6
    )


def test_sparse_group_without_the_entries_is_l21():
    rng = np.random.default_rng(0)
    V, out, expected = rng.normal(size=(3, 5, 4))
    norm = compose(L1(0.0) + L21(0.4), 5, np.arange(4)).norm
    value = norm.prox(V, 1.5, out)
    assert value == pytest.approx(L21(0.4).prox(V, 1.5, expected))
    np.testing.assert_allclose(out, expected, atol=1e-15)
    assert norm.dual_norm(V) == pytest.approx(L21(0.4).dual_norm(V), rel=1e-12)


def test_scaling_targets_scales_the_solution():
    problem = make_problem()
    for kind in (L1, L21, TraceNorm):
        model = problem.fit(kind(0.2), tol=1e-13)
        scaled = MultiTaskRegressor(kind(0.2 * 50), tol=1e-13)
        scaled.fit(problem.X, 50 * problem.y, problem.tasks)
        np.testing.assert_allclose(scaled.coef_, 50 * model.coef_, atol=1e-5)


def test_feature_weight_is_a_scale_of_the_feature():
    problem = make_problem()
    w = np.array([1.0, 0.5, 2.0, 0.7, 1.3])
    for kind in (L1, L21):
        model = problem.fit(kind(0.2, feature_weight=w), tol=1e-13)
        scaled = MultiTaskRegressor(kind(0.2), tol=1e-13)
        scaled.fit(problem.X / w, problem.y, problem.tasks)
        np.testing.assert_allclose(model.coef_, scaled.coef_ / w, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda w, kept, positive: L1(0.02, feature_weight=w, positive=positive),
        lambda w, kept, positive: L21(0.05, feature_weight=w, positive=positive),
        lambda w, kept, positive: Linf1(0.05, feature_weight=w, positive=positive),
        lambda w, kept, positive: L1(0.02, positive=positive) + L21(feature_weight=w),
        lambda w, kept, positive: GroupL21(
            np.array([0, 1, 0, 2, 3])[kept],
            0.05,
            group_weight={0: 1.0, 1: w[1:2].sum(), 2: 0.0, 3: np.inf},
            positive=positive,
        ),
        # not even at strength zero
        lambda w, kept, positive: L1(0.0, feature_weight=w, positive=positive),
    ],
    ids=["L1", "L21", "Linf1", "L1+L21", "GroupL21", "L1-strength-0"],
)
def test_an_infinite_weight_leaves_a_feature_out(make, positive, loss):
    problem = make_problem(loss, sizes=(30, 40, 50))
    w, kept = np.array([1.0, np.inf, 2.0, 0.0, np.inf]), np.array([0, 2, 3])
    every = np.arange(5)
    model = problem.fit(make(w, every, positive), tol=1e-12)
    assert not model.coef_[:, [1, 4]].any()
    assert model.converged_
    without = replace(problem, X=problem.X[:, kept])
    less = without.fit(make(w[kept], kept, positive), tol=1e-12)
    np.testing.assert_allclose(model.coef_[:, kept], less.coef_, atol=1e-5)
    assert abs(model.objective_ - less.objective_) <= model.tol_ + less.tol_


def test_paths_and_cross_validation_with_a_feature_left_out():
    problem = make_problem()
    w = np.array([1.0, np.inf, 2.0, 0.0, 1.0])
    for kind in (L1RegressorCV, L21RegressorCV):
        model = kind(alphas=5, feature_weight=w).fit(
            problem.X, problem.y, problem.tasks
        )
        assert np.isfinite(model.alphas_).all()
        assert not model.coef_[:, 1].any()
        assert model.coef_[:, 3].all()


@pytest.mark.parametrize("problem", RAGGED, ids=["squared", "logistic", "weights"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (GroupL21(None, 0.1) + L1(0.05), L21(0.1) + L1(0.05)),
        (GroupL21(list("abcab"), 0.1) + L1(0.0), GroupL21(list("abcab"), 0.1)),
        (GroupL21(list("abcab"), 0.0) + L1(0.1), L1(0.1)),
        (
            GroupL21(list("abcab"), 0.1, positive=True) + L1(0.05),
            L1(0.05, positive=True) + GroupL21(list("abcab"), 0.1),
        ),
        # a shared part that costs more than all own parts is zero, and the other way
        (Dirty(10.0, 0.1, positive=True), L1(0.1, positive=True)),
        (Dirty(0.1, 0.2, positive=True), Linf1(0.1, positive=True)),
    ],
    ids=repr,
)
def test_two_names_of_one_group_norm(problem, first, second):
    same_solution(problem, first, second, atol=1e-5)


def test_trace_norm_does_not_see_rotations_of_the_features():
    problem = make_problem()
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    model = problem.fit(TraceNorm(0.3), tol=1e-13)
    rotated = MultiTaskRegressor(TraceNorm(0.3), tol=1e-13)
    rotated.fit(problem.X @ Q, problem.y, problem.tasks)
    np.testing.assert_allclose(model.coef_ @ Q, rotated.coef_, atol=1e-5)
