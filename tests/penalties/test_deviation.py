"""Penalties on what tasks have beside a common model, and the estimators with them."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cases import cluster_norm, group_l21, l1, l21
from helpers.convex import least
from helpers.losses import loss_of
from helpers.problems import LAYOUTS, SEPARABLE, make_problem
from linmtl import (
    AdaptiveRobustRegressor,
    AdaptiveRobustRegressorCV,
    L21Regressor,
    L21RegressorCV,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TaskRelationshipRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    Clustered,
    Deviation,
    Dirty,
    GroupL21,
    NetworkLasso,
    Ridge,
    TaskL21,
    TaskRelationship,
    TraceNorm,
)

ALPHA = 0.1
INNER = {
    "L1": (L1(ALPHA), lambda U: ALPHA * l1(U)),
    "L21": (L21(ALPHA), lambda U: ALPHA * l21(U)),
    "TraceNorm": (TraceNorm(ALPHA), lambda U: ALPHA * cp.norm(U, "nuc")),
    "TaskL21": (TaskL21(ALPHA), lambda U: ALPHA * cp.sum(cp.norm(U, 2, axis=0))),
    "TaskRelationship": (
        TaskRelationship(ALPHA),
        lambda U: ALPHA / 2 * cp.square(cp.norm(U, "nuc")),
    ),
    "Clustered": (Clustered(2, ALPHA), lambda U: cluster_norm(U, ALPHA, 2, 1.0)),
    "GroupL21": (
        GroupL21(list("ababc"), ALPHA),
        lambda U: ALPHA * group_l21(U, list("ababc")),
    ),
}
MEANS = {
    "free": {},
    "ridge": {"alpha_mean": 0.05},
    "l1": {"alpha_mean_l1": 0.1},
    "intercepts": {"intercept_weight": 2.0},
    "all": {"alpha_mean": 0.05, "intercept_weight": 2.0},
}


def optimum(problem, formula, alpha_mean=0.0, alpha_mean_l1=0.0, intercept_weight=0.0):
    d, T = problem.n_features, problem.n_tasks
    U, m, b = cp.Variable((d, T)), cp.Variable(d), cp.Variable(T)
    penalty = formula(U)
    penalty, constraints = penalty if isinstance(penalty, tuple) else (penalty, [])
    total = penalty + alpha_mean / 2 * T * cp.sum_squares(m)
    total += alpha_mean_l1 * cp.sum(cp.abs(m))
    total += ALPHA * intercept_weight / 2 * cp.sum_squares(b - cp.sum(b) / T)
    for t, (X, y, weight) in enumerate(problem.blocks):
        total += loss_of(problem.loss, y, X @ (m + U[:, t]) + b[t], weight)
    if not problem.fit_intercept:
        constraints = [*constraints, b == 0]
    return least(total, constraints)


@pytest.mark.product(
    inner=list(INNER),
    mean=list(MEANS),
    loss=["squared", "huber", "poisson", "logistic"],
    layout=[name for name in LAYOUTS if name not in SEPARABLE | {"one-task"}],
    where=lambda mean, layout, **_: (
        not ("intercept_weight" in MEANS[mean] and "no-intercept" in layout)
    ),
    slow=lambda loss, **_: loss in ("huber", "poisson"),
)
def test_solutions_are_optimal_and_certified(inner, mean, loss, layout):
    problem = make_problem(loss, **LAYOUTS[layout])
    penalty, formula = INNER[inner]
    model = problem.fit(Deviation(penalty, **MEANS[mean]), tol=1e-8)
    best = optimum(problem, formula, **MEANS[mean])
    scale = model.tol_ / 1e-8
    assert model.converged_
    assert abs(model.objective_ - best) <= 1e-6 * (best + scale)
    rough = problem.fit(Deviation(penalty, **MEANS[mean]), tol=1e-2)
    assert rough.objective_ - best <= rough.dual_gap_ + 1e-6 * scale
    parts = model.coef_components_
    np.testing.assert_allclose(parts["mean"] + parts["deviation"], model.coef_)
    np.testing.assert_array_equal(parts["mean"], np.tile(model.coef_mean_, (4, 1)))


@pytest.mark.parametrize("name", list(INNER))
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_large_strength_is_one_model_with_intercepts_of_each_task(name, loss):
    problem = make_problem(loss, task_weight="n_samples")
    penalty = INNER[name][0]
    pooled = (PooledRegressor if loss == "squared" else PooledClassifier)(
        0.0, task_intercepts=True, task_weight="n_samples", tol=1e-12
    ).fit(problem.X, problem.y, problem.tasks)
    penalty = type(penalty)(**{**penalty.get_params(), "alpha": 1e4})
    model = problem.fit(Deviation(penalty), tol=1e-10)
    np.testing.assert_allclose(model.coef_, pooled.coef_, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(model.intercept_, pooled.intercept_, atol=1e-3)


@pytest.mark.slow
def test_a_shift_of_all_coefficients_shifts_the_solution():
    problem = make_problem()
    shift = np.arange(5.0)
    for name, (penalty, _) in INNER.items():
        model = MultiTaskRegressor(Deviation(penalty), tol=1e-10)
        model.fit(problem.X, problem.y, problem.tasks)
        coef = model.coef_
        model.fit(problem.X, problem.y + problem.X @ shift, problem.tasks)
        np.testing.assert_allclose(model.coef_ - shift, coef, atol=1e-3, err_msg=name)


def test_the_deviations_are_zero_from_alpha_max_on():
    problem = make_problem()
    data = problem.X, problem.y, problem.tasks
    for penalty in (L1(1.0), L21(1.0), TraceNorm(1.0), TaskL21(1.0)):
        top = alpha_max(*data, penalty=Deviation(penalty))
        for factor, some in ((1.0 + 1e-9, False), (0.99, True)):
            inner = type(penalty)(factor * top)
            model = MultiTaskRegressor(Deviation(inner), tol=1e-10).fit(*data)
            assert model.coef_components_["deviation"].any() == some


def test_paths_start_at_the_common_model_and_are_those_of_single_fits():
    problem = make_problem("logistic")
    alphas, coefs, gaps = mtl_path(
        problem.X,
        problem.y,
        problem.tasks,
        penalty=Deviation(L21(1.0)),
        loss="logistic",
        alphas=4,
        eps=0.1,
        tol=1e-8,
    )
    assert np.ptp(coefs[..., 0], axis=0).max() < 1e-6
    for k, alpha in enumerate(alphas):
        model = problem.fit(Deviation(L21(alpha)), tol=1e-8)
        np.testing.assert_allclose(coefs[..., k], model.coef_, atol=2e-3)
    assert gaps.max() < 1e-6


def test_around_the_mean_is_a_deviation():
    problem = make_problem()
    data = problem.X, problem.y, problem.tasks
    for estimator, inner in (
        (L21Regressor, L21),
        (TraceNormRegressor, TraceNorm),
        (TaskRelationshipRegressor, TaskRelationship),
    ):
        options = {"alpha_mean": 0.01, "intercept_weight": 1.5}
        model = estimator(0.1, around="mean", tol=1e-8, **options).fit(*data)
        penalty = Deviation(inner(0.1), **options)
        other = MultiTaskRegressor(penalty, tol=1e-8).fit(*data)
        np.testing.assert_array_equal(model.coef_, other.coef_)
        np.testing.assert_array_equal(model.coef_mean_, other.coef_mean_)
    model.set_params(around="zero", alpha_mean=0.0, intercept_weight=0.0).fit(*data)
    assert not hasattr(model, "coef_mean_")


@pytest.mark.slow
def test_cross_validation_chooses_what_to_draw_to():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 15)
    X = rng.normal(size=(120, 6))
    W = np.array([3.0, -2.0, 1.0, 2.0, -1.0, 2.0]) + 0.1 * rng.normal(size=(8, 6))
    y = np.sum(X * W[tasks], axis=1) + rng.normal(size=120)
    model = L21RegressorCV(around=["zero", "mean"], alphas=10).fit(X, y, tasks)
    assert model.best_params_["around"] == "mean"
    assert model.mse_path_.shape[:2] == model.alphas_.shape
    assert model.mse_path_[1].mean(axis=1).min() < model.mse_path_[0].mean(axis=1).min()


@pytest.mark.slow
def test_coefficients_are_in_the_units_of_the_features():
    problem = make_problem()
    scale = np.array([1.0, 1e3, 1.0, 1e-3, 1.0])
    model = L21RegressorCV(around="mean", alphas=[0.1], scale_features=True)
    coef = model.fit(problem.X, problem.y, problem.tasks).coef_mean_
    scaled = model.fit(problem.X * scale, problem.y, problem.tasks).coef_mean_
    np.testing.assert_allclose(scaled * scale, coef, rtol=1e-2)


def test_adaptive_robust_has_a_strength_for_each_task():
    problem = make_problem(**LAYOUTS["ragged-weights"])
    options = {"task_weight": problem.task_weight, "tol": 1e-8}
    data = problem.X, problem.y, problem.tasks, problem.sample_weight
    model = AdaptiveRobustRegressor(0.7, 0.01, **options).fit(*data)
    mass = [problem.sample_weight[problem.tasks == t].sum() for t in model.tasks_]
    weight = np.array(problem.task_weight) * np.sqrt(5 / np.array(mass))
    by_label = dict(zip(model.tasks_.tolist(), weight, strict=True))
    for task_weight in (weight, by_label):
        penalty = Deviation(TaskL21(0.7, task_weight=task_weight), 0.01)
        other = MultiTaskRegressor(penalty, **options).fit(*data)
        np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-12)


@pytest.mark.slow
def test_a_task_that_differs_keeps_its_own_model_and_harms_no_other():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(10), 30)
    X, w = rng.normal(size=(300, 4)), np.array([1.0, -1.0, 2.0, 0.5])
    W = np.tile(w, (10, 1))
    W[3] = -5 * w
    y = np.sum(X * W[tasks], axis=1) + 0.5 * rng.normal(size=300)
    model = AdaptiveRobustRegressorCV(alphas=20).fit(X, y, tasks)
    model = AdaptiveRobustRegressor(**model.best_params_).fit(X, y, tasks)
    alike = np.arange(10) != 3
    assert np.abs(model.coef_ - W)[alike].max() < 0.3
    assert np.abs(model.coef_ - W)[3].max() < 0.5
    assert np.abs(model.coef_mean_ - w).max() < 0.15


def test_starts_and_warm_starts():
    problem = make_problem()
    data = problem.X, problem.y, problem.tasks
    model = L21Regressor(
        0.1, around="mean", intercept_weight=1.0, warm_start=True, tol=1e-6
    ).fit(*data)
    first = model.n_iter_
    assert model.fit(*data).n_iter_ < first
    again = L21Regressor(0.1, around="mean", intercept_weight=1.0, tol=1e-6)
    again.fit(*data, coef_init=model.coef_)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-2)


def test_classifiers_and_single_precision():
    problem = make_problem("logistic")
    model = TraceNormClassifier(0.05, around="mean", intercept_weight=0.5)
    model.fit(problem.X.astype(np.float32), problem.y, problem.tasks)
    assert model.coef_.dtype == np.float32
    assert model.converged_
    assert model.predict_proba(problem.X, problem.tasks).shape[1] == 2


@pytest.mark.parametrize(
    ("penalty", "error", "message"),
    [
        (Deviation(Ridge(0.1)), ValueError, "use MeanRegularized"),
        (Deviation("L21"), TypeError, "penalty must be a penalty"),
        (Deviation(L21(0.0)), ValueError, "deviation part is zero"),
        (Deviation(L21(feature_weight=[0, 1, 1, 1, 1])), ValueError, "some features"),
        (Deviation(L21(positive=True)), ValueError, "for coefficients"),
        (Deviation(Dirty()), ValueError, "one convex penalty"),
        (Deviation(L1() + L21()), ValueError, "one convex penalty"),
        (Deviation(NetworkLasso()), ValueError, "shifts of all tasks"),
        (Deviation(L21(), -1.0), ValueError, "alpha_mean must be a finite"),
        (Deviation(L21(), 1.0, alpha_mean_l1=1.0), ValueError, "both positive"),
        (Deviation(L21(), intercept_weight=np.inf), ValueError, "must be finite"),
        (Deviation(L21(), intercept_weight=1.0) + Ridge(), ValueError, "intercept_we"),
        (TaskL21(task_weight=[1.0]), ValueError, "task_weight has shape"),
        (TaskL21(task_weight=[1.0, 0.0, 1.0, 1.0]), ValueError, "finite number > 0"),
    ],
)
def test_what_is_not_allowed_is_said_in_words(penalty, error, message):
    problem = make_problem()
    with pytest.raises(error, match=message):
        MultiTaskRegressor(penalty).fit(problem.X, problem.y, problem.tasks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"around": "median"}, "around must be"),
        ({"intercept_weight": 1.0}, "go with around='mean'"),
        ({"around": "mean", "refit": True}, "drop one of the two"),
    ],
)
def test_what_does_not_go_with_around_is_said_in_words(options, message):
    problem = make_problem()
    with pytest.raises(ValueError, match=message):
        L21Regressor(0.1, **options).fit(problem.X, problem.y, problem.tasks)


@pytest.mark.parametrize("inner", [L21(0.7), TraceNorm(0.7)])
def test_second_derivatives_are_those_of_differences(inner):
    """Along directions that leave shared rows shared, and the rank as it is."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(4, 1)) + rng.normal(size=(4, 1)) * rng.normal(size=3)
    W[2] = 0.3
    penalty = Deviation(inner).about_mean()
    basis, bend = penalty.tangent(W)
    E = basis.transpose(1, 0, 2).reshape(W.size, -1)
    np.testing.assert_allclose(E.T @ E, np.eye(E.shape[1]), atol=1e-12)
    mean = W.mean(axis=1, keepdims=True)
    some, step = (W - mean).ravel() @ E, 1e-4  # a direction along which W grows
    others = np.linalg.eigh(bend)[1].T
    for a in (some / np.linalg.norm(some), np.eye(E.shape[1])[0], others[0]):
        move = step * (E @ a).reshape(W.shape)
        around = penalty.value(W + move) - 2 * penalty.value(W)
        second = (around + penalty.value(W - move)) / step**2
        np.testing.assert_allclose(a @ bend @ a, second, atol=1e-5)
