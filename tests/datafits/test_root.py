"""The square-root loss: optimal, certified, and equivariant in the scale of the noise.

sum_t lambda_t sqrt(sum_i s_i r_i^2 / S_t) + penalty(W)
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from cases import PENALTIES, Case
from helpers.certificates import ROUNDING, points, solution
from helpers.convex import least
from helpers.malsar import Run, runs_of
from helpers.problems import LAYOUTS, SEPARABLE, Problem, make_problem
from helpers.quick import first
from linmtl import (
    CalibratedRegressor,
    CalibratedRegressorCV,
    L21Regressor,
    L21RegressorCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    stack_tasks,
)
from linmtl.datafits import _root
from linmtl.datafits._gram import GramFit
from linmtl.datafits._residual import ResidualFit
from linmtl.datafits._root import RootFit
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_grid, alpha_max, mtl_path
from linmtl.penalties import L1, L21, MeanRegularized, Ridge, TraceNorm
from linmtl.solvers import minimise
from linmtl.solvers._concomitant import FixedPoint

NAMES = [
    "L1",
    "L1-zeros",
    "L1-positive",
    "L21",
    "L21-zeros",
    "L21-zeros-positive",
    "TraceNorm",
    "Ridge",
    "Ridge-array",
    "MeanRegularized",
    "Graph-array",
    "L21+Ridge",
    "L21-zeros+Graph",
    "L1-zeros-positive+MeanRegularized",
    "TaskL21",
    "Dirty",
]
CASES = [case for case in PENALTIES if case.name in NAMES]
# with more features than samples a solution may interpolate: there is no noise then
NOISY = [layout for layout in LAYOUTS if layout not in SEPARABLE]
exact_fits = pytest.mark.filterwarnings("ignore:.*are fitted exactly:UserWarning")


def test_every_case_is_in_the_table():
    assert [case.name for case in CASES] == sorted(
        NAMES, key=[case.name for case in PENALTIES].index
    )


@cache
def problem_of(layout: str) -> Problem:
    return make_problem("squared", **LAYOUTS[layout])


def fit(problem: Problem, penalty, **options):
    return problem.fit(penalty, loss="sqrt", **options)


def objective_of(problem: Problem, penalty):
    model = problem.estimator(penalty, loss="sqrt")
    return model._read_problem(
        problem.X, problem.y, problem.labels(penalty), problem.sample_weight
    ).objective


def noise_at(problem: Problem, coef, intercept):
    """Root mean squared residuals, written out."""
    W, b = np.atleast_2d(coef), np.atleast_1d(intercept)
    return np.array(
        [
            np.sqrt(weight @ (y - X @ w - c) ** 2 / weight.sum())
            for (X, y, weight), w, c in zip(problem.blocks, W, b, strict=True)
        ]
    )


def value_at(problem: Problem, case: Case, coef, intercept) -> float:
    size = np.array([weight.sum() for _, _, weight in problem.blocks])
    loss = size @ noise_at(problem, coef, intercept)
    return float(loss) + case.value(np.atleast_2d(coef).T)


def optimum(problem: Problem, case: Case, with_sigma: bool = False) -> float:
    """The optimum of the formula, or of that with the noise levels as variables."""
    W = cp.Variable((problem.n_features, problem.n_tasks))
    b, sigma = cp.Variable(problem.n_tasks), cp.Variable(problem.n_tasks)
    total, constraints = case.expression(W)
    for t, (X, y, weight) in enumerate(problem.blocks):
        size = weight.sum()
        r = cp.multiply(np.sqrt(weight / size), y - X @ W[:, t] - b[t])
        if with_sigma:
            total += size * (cp.quad_over_lin(r, sigma[t]) + sigma[t]) / 2
        else:
            total += size * cp.norm(r, 2)
    if not problem.fit_intercept:
        constraints = [*constraints, b == 0]
    return least(total, constraints)


@cache
def reference(case: Case, layout: str):
    problem = problem_of(layout)
    return solution(objective_of(problem, problem.penalty(case)))


# --- the optimum --------------------------------------------------------------------


def optimum_is_that_of_a_general_solver(case, layout):
    problem = problem_of(layout)
    model = fit(problem, problem.penalty(case))
    best, (_, _, scale) = optimum(problem, case), reference(case, layout)
    written_out = value_at(problem, case, model.coef_, model.intercept_)
    # the formula of a decomposition is itself minimised by that solver
    rtol = 1e-8 if case.minimised else 1e-10
    np.testing.assert_allclose(model.objective_, written_out, rtol=rtol)
    assert model.objective_ - best <= 1e-8 * scale  # theirs is feasible, ours is better
    assert best - model.objective_ <= 1e-6 * scale
    assert model.converged_
    assert model.solver_ == "concomitant"
    if case.positive:
        assert model.coef_.min() >= 0
    np.testing.assert_allclose(
        model.noise_, noise_at(problem, model.coef_, model.intercept_), rtol=1e-9
    )


@pytest.mark.parametrize("layout", ["ragged-weights", "shared-missing", "one-task"])
@pytest.mark.parametrize("name", ["L21", "TraceNorm", "L21+Ridge", "MeanRegularized"])
def test_noise_levels_may_be_variables(name, layout):
    # min over sigma of r^2 / (2 sigma) + sigma / 2 is r: uncertainty weights
    case = next(case for case in CASES if case.name == name)
    problem = problem_of(layout)
    together = optimum(problem, case, with_sigma=True)
    model = fit(problem, problem.penalty(case))
    assert abs(model.objective_ - together) <= 1e-6 * together


@pytest.mark.parametrize("case", first(CASES, 6), ids=lambda case: case.name)
def test_tasks_are_weighted_by_their_noise(case):
    # with task weights 1 / noise_ the squared loss has the same solution
    problem = problem_of("ragged-weights")
    model = fit(problem, problem.penalty(case), tol=1e-11)
    given = np.asarray(problem.task_weight) / model.noise_
    squared = replace(problem, task_weight=given)
    objective = squared.objective(squared.penalty(case))
    at_root = objective.value(
        np.vstack([p.T for p in model.coef_components_.values()])
        if objective.penalty.decomposition
        else np.ascontiguousarray(model.coef_.T)
    )
    best = minimise(objective, tol=1e-12, max_iter=100_000).objective
    assert at_root - best <= 1e-9 * best


def test_intercepts_are_not_penalised():
    problem = make_problem()
    shifted = replace(problem, y=problem.y + 100.0 * (problem.tasks == "a"))
    first, second = (fit(p, L21(0.1)) for p in (problem, shifted))
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-6)
    np.testing.assert_allclose(
        second.intercept_ - first.intercept_, [100.0, 0, 0, 0], atol=1e-5
    )


# --- the certificate ----------------------------------------------------------------


def every_certificate_is_a_lower_bound(case, layout):
    problem = problem_of(layout)
    if layout in SEPARABLE:  # few digits where nothing is left of the residuals
        best_W = np.zeros(objective_of(problem, problem.penalty(case)).shape)
        best, scale = optimum(problem, case), 1.0
        slack = 1e-6
    else:
        best_W, best, scale = reference(case, layout)
        slack = ROUNDING
    objective = objective_of(problem, problem.penalty(case))
    rng = np.random.default_rng(0)
    for W in points(objective, best_W, rng):
        for floor in (0.0, 0.5, 1e3):  # inside the domain whatever the noise level
            objective.base_fit.floor[:] = floor
            certificate = objective.certificate(W)
            size = scale + certificate.primal
            assert certificate.dual <= best + slack * size
            assert certificate.primal >= best - slack * size - 1e-10 * scale


def gap_is_not_below_the_suboptimality(case, layout):
    problem = problem_of(layout)
    if layout in SEPARABLE:
        best, slack = optimum(problem, case), 1e-6
    else:
        _, best, scale = reference(case, layout)
        slack = ROUNDING * scale
    for options in ({"tol": 1e-2}, {"tol": 1e-4}, {"max_iter": 5}):
        options = {"tol": 1e-6, "max_iter": 1000, **options}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = fit(problem, problem.penalty(case), **options)
        assert model.objective_ - best <= model.dual_gap_ + slack
        assert model.converged_ == (model.dual_gap_ <= model.tol_)
        expected = [] if model.converged_ else [ConvergenceWarning]
        assert [w.category for w in caught if w.category is not UserWarning] == expected


def interpolating_solutions_are_found_at_the_default_tolerance(case, layout):
    problem = problem_of(layout)
    model = fit(problem, problem.penalty(case), tol=1e-4)
    assert model.converged_
    assert model.objective_ - optimum(problem, case) <= model.dual_gap_ + 1e-6


THEOREMS = {
    optimum_is_that_of_a_general_solver: NOISY,
    every_certificate_is_a_lower_bound: LAYOUTS,
    gap_is_not_below_the_suboptimality: LAYOUTS,
    interpolating_solutions_are_found_at_the_default_tolerance: SEPARABLE,
}


@exact_fits
@pytest.mark.product(
    theorem=THEOREMS,
    case=CASES,
    layout=LAYOUTS,
    where=lambda theorem, layout, **_: layout in THEOREMS[theorem],
    # by a general solver
    slow=lambda theorem, case, layout: (
        theorem is optimum_is_that_of_a_general_solver
        or theorem is gap_is_not_below_the_suboptimality
        or layout in SEPARABLE
        or case.name.endswith(("+MeanRegularized", "+Graph"))  # many steps
    ),
)
def test_every_problem(theorem, case, layout):
    theorem(case, layout)


@pytest.mark.slow
@exact_fits
def test_a_tighter_tolerance_never_ends_higher():
    rng = np.random.default_rng(1)
    Xs = [rng.normal(size=(10, 30)) for _ in range(8)]
    W = np.zeros((30, 8))
    W[:5] = 3 * rng.normal(size=(5, 8))
    ys = [X @ w + rng.normal(size=10) for X, w in zip(Xs, W.T, strict=True)]
    last = np.inf
    for tol in (1e-2, 1e-4, 1e-6, 1e-9):  # most tasks are fitted exactly
        model = CalibratedRegressor(0.3, 0.1, fit_intercept=False, tol=tol)
        model.fit(*stack_tasks(Xs, ys))
        assert model.objective_ <= last
        last = model.objective_
    assert last == pytest.approx(17.800583498, abs=1e-7)  # cvxpy: 17.80058


@exact_fits
@pytest.mark.parametrize("noise", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("seed", first(range(3), 1))
@pytest.mark.parametrize("penalty", [L1, L21, Ridge, MeanRegularized])
@pytest.mark.slow
def test_solutions_that_interpolate_some_tasks(penalty, seed, noise):
    rng = np.random.default_rng(seed)
    Xs = [rng.normal(size=(n, 20)) for n in (8, 12, 30)]
    W = np.zeros((20, 3))
    W[:3] = 3 * rng.normal(size=(3, 3))
    ys = [X @ w + noise * rng.normal(size=len(X)) for X, w in zip(Xs, W.T, strict=True)]
    X, y, tasks = stack_tasks(Xs, ys)
    model = MultiTaskRegressor(penalty(0.1), loss="sqrt", tol=1e-7).fit(X, y, tasks)
    residual = y - model.predict(X, tasks)
    noises = [np.sqrt(np.mean(residual[tasks == t] ** 2)) for t in model.tasks_]
    value = sum(noises) + model.penalty.value(model.coef_.T)
    assert model.objective_ == pytest.approx(value, abs=model.tol_)


@pytest.mark.slow
@exact_fits
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_where_no_digit_is_left_the_gap_says_so():
    problem = problem_of("shared-d-above-n")
    penalty = L21(1e-3)
    model = fit(problem, penalty, tol=1e-14, max_iter=3000)
    assert model.converged_ == (model.dual_gap_ <= model.tol_)
    assert np.all(model.noise_ <= 1e-4)
    case = Case("L21", None, lambda W, s: 1e-3 * cp.sum(cp.norm(W, 2, axis=1)))
    assert model.objective_ - optimum(problem, case) <= model.dual_gap_ + 1e-7


# --- the scale of the noise ---------------------------------------------------------


@pytest.mark.parametrize("c", [1e-3, 7.0, 1e4])
@pytest.mark.parametrize(
    "penalty", [L21(0.1), L1(0.1), TraceNorm(0.2), L1(0.1) + L21(0.1)], ids=repr
)
def test_the_solution_grows_with_the_targets(penalty, c):
    problem = make_problem()
    first = fit(problem, penalty)
    second = fit(replace(problem, y=c * problem.y), penalty)
    np.testing.assert_allclose(second.coef_, c * first.coef_, atol=1e-5 * c)
    np.testing.assert_allclose(second.noise_, c * first.noise_, rtol=1e-5)
    np.testing.assert_allclose(second.objective_, c * first.objective_, rtol=1e-8)


@pytest.mark.parametrize("penalty", [L21(), TraceNorm(), L1() + L21()], ids=repr)
def test_the_largest_strength_does_not_depend_on_the_scale_of_the_targets(penalty):
    problem = make_problem()
    X, y, tasks = problem.X, problem.y, problem.tasks
    scale = np.array([1e-2, 1.0, 30.0, 4.0])[np.unique(tasks, return_inverse=True)[1]]
    top = alpha_max(X, y, tasks, penalty=penalty, loss="sqrt")
    for other in (3e3 * y, scale * y, scale * y + 5.0):  # task by task, too
        assert alpha_max(X, other, tasks, penalty=penalty, loss="sqrt") == (
            pytest.approx(top, rel=1e-9)
        )


@pytest.mark.parametrize("layout", ["ragged-weights", "shared", "one-task", "sparse"])
@pytest.mark.parametrize("name", ["L1", "L21", "L21-zeros", "TraceNorm", "L21+Ridge"])
def test_solution_is_zero_exactly_from_alpha_max_on(name, layout):
    case = next(case for case in CASES if case.name == name)
    problem = problem_of(layout)
    penalty = problem.penalty(case)
    top = alpha_max(
        problem.X,
        problem.y,
        problem.tasks,
        penalty=penalty,
        loss="sqrt",
        sample_weight=problem.sample_weight,
        **problem.options,
    )
    factor = top if name == "L21+Ridge" else top / penalty.alpha
    penalised = ~objective_of(problem, penalty).penalty.free
    above = fit(problem, problem.penalty(case, factor * (1 + 1e-12)))
    assert not np.atleast_2d(above.coef_)[:, penalised].any()
    below = fit(problem, problem.penalty(case, 0.99 * factor))
    assert np.atleast_2d(below.coef_)[:, penalised].any()


def test_quadratic_penalties_have_a_grid():
    problem = make_problem()
    X, y, tasks = problem.X, problem.y, problem.tasks
    grid = alpha_grid(X, y, tasks, penalty=Ridge(), loss="sqrt", n_alphas=3)
    larger = alpha_grid(X, 10 * y, tasks, penalty=Ridge(), loss="sqrt", n_alphas=3)
    np.testing.assert_allclose(10 * larger, grid)  # the curvature of a root


# --- MALSAR -------------------------------------------------------------------------


@pytest.mark.slow
@runs_of("MTFLC_ADMM", "MTFLCd_ADMM")
def test_optimum_of_malsar(path):
    run = Run(path)
    first, second = run.params["lambda1"], run.params["lambda2"]

    def objective(W):
        total = first * np.linalg.norm(W, axis=1).sum() + second / 2 * np.sum(W**2)
        for X, y, w in zip(run.X, run.y, W.T, strict=True):
            total += np.linalg.norm(X @ w - y)
        return total

    theirs = run.objective
    np.testing.assert_allclose(objective(run.W), theirs, rtol=1e-9)
    model = CalibratedRegressor(
        first,
        second,
        task_weight=[np.sqrt(len(y)) for y in run.y],
        fit_intercept=False,
        tol=1e-10,
    ).fit(*stack_tasks(run.X, run.y))
    ours = objective(model.coef_.T)
    np.testing.assert_allclose(model.objective_, ours, rtol=1e-10)
    assert model.converged_
    assert ours <= theirs * (1 + 1e-10)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


# --- the same problem in other forms ------------------------------------------------

SOME = [L21(0.1), TraceNorm(0.2), Ridge(0.1), L21(0.1) + MeanRegularized(0.1)]


@pytest.mark.slow
@pytest.mark.parametrize("penalty", SOME, ids=repr)
def test_order_of_rows_tasks_and_features(penalty):
    problem = make_problem()
    first = fit(problem, penalty)
    rng = np.random.default_rng(1)
    rows, features = rng.permutation(len(problem.y)), rng.permutation(5)
    names = dict(zip("abcd", "dbac", strict=True))
    tasks = np.array([names[t] for t in problem.tasks[rows]])
    X, y = problem.X[rows][:, features], problem.y[rows]
    second = fit(replace(problem, X=X, y=y, tasks=tasks), penalty)
    order = ["abcd".index(names[t]) for t in "abcd"]
    np.testing.assert_allclose(second.coef_[order], first.coef_[:, features], atol=1e-6)
    np.testing.assert_allclose(second.noise_[order], first.noise_, rtol=1e-6)


@pytest.mark.parametrize("penalty", SOME, ids=repr)
def test_shared_rows_are_ragged_rows(penalty):
    problem = problem_of("shared")
    first = fit(problem, penalty)
    Y = np.asarray(problem.y)
    X, y, tasks = stack_tasks([problem.X] * 4, list(Y.T), list("abcd"))
    second = fit(replace(problem, X=X, y=y, tasks=tasks), penalty)
    np.testing.assert_allclose(second.coef_, first.coef_, atol=1e-6)


@pytest.mark.parametrize("penalty", SOME, ids=repr)
def test_sparse_is_dense(penalty):
    problem = problem_of("sparse")
    first = fit(problem, penalty)
    second = fit(replace(problem, X=problem.X.toarray()), penalty)
    np.testing.assert_allclose(second.coef_, first.coef_, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["ragged", "shared", "shared-missing"])
@pytest.mark.parametrize("penalty", SOME, ids=repr)
def test_inner_problems_by_rows_or_gram_matrices(monkeypatch, penalty, layout):
    problem = problem_of(layout)
    by_grams = objective_of(problem, penalty)
    sigma = np.array([0.3, 1.0, 2.0, 0.7])
    assert isinstance(by_grams.base_fit.weighted(sigma), GramFit)
    data, loss = by_grams.base_fit.data, LOSSES["squared"]()
    by_rows = objective_of(problem, penalty)
    by_rows.base_fit._squares = ResidualFit(data, loss)
    assert isinstance(by_rows.base_fit.weighted(sigma), ResidualFit)
    grams, rows = RootFit(data, loss).weighted(sigma), by_rows.base_fit.weighted(sigma)
    W = np.random.default_rng(0).normal(size=by_rows.shape)
    G, H = np.empty_like(W), np.empty_like(W)
    np.testing.assert_allclose(grams.evaluate(W, G), rows.evaluate(W, H))
    np.testing.assert_allclose(G, H, atol=1e-10)
    first, second = (
        minimise(o, tol=1e-10, max_iter=10_000) for o in (by_grams, by_rows)
    )
    assert first.converged
    assert second.converged
    np.testing.assert_allclose(first.W, second.W, atol=1e-6)
    if layout == "shared":  # a Gram matrix for each task would be too much
        monkeypatch.setattr(_root, "LARGEST_SPREAD", 0)
        assert isinstance(by_grams.base_fit.weighted(sigma), ResidualFit)
        assert len(by_grams.base_fit.weighted(np.ones(4)).H) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_single_precision_is_rounding(shared):
    problem = problem_of("shared" if shared else "ragged")
    penalty = L21(0.1)
    rounded = replace(problem, X=problem.X.astype(np.float32))
    double = fit(replace(problem, X=rounded.X.astype(float)), penalty, tol=1e-8)
    single = fit(rounded, penalty, tol=1e-8)
    assert single.coef_.dtype == np.float32
    assert single.converged_
    np.testing.assert_allclose(single.coef_, double.coef_, atol=1e-5)
    np.testing.assert_allclose(
        single.noise_, noise_at(problem, single.coef_, single.intercept_), rtol=1e-5
    )


# --- paths and cross-validation -----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [L21(), L21() + Ridge(0.1), TraceNorm()], ids=repr)
def test_a_path_is_its_single_fits(penalty):
    problem = make_problem()
    X, y, tasks = problem.X, problem.y, problem.tasks
    alphas, coefs, gaps, intercepts = mtl_path(
        X,
        y,
        tasks,
        penalty=penalty,
        loss="sqrt",
        alphas=6,
        eps=0.05,
        tol=1e-9,
        return_intercepts=True,
    )
    assert not coefs[:, :, 0].any()
    scale = alpha_max(X, y, tasks, penalty=penalty, loss="sqrt")
    np.testing.assert_allclose(alphas[0], scale)
    for i in (2, 5):
        alpha = alphas[i]
        single = (
            L21(alpha) + Ridge(0.1 * alpha)
            if penalty == L21() + Ridge(0.1) or hasattr(penalty, "first")
            else type(penalty)(alpha)
        )
        model = fit(problem, single, tol=1e-9)
        np.testing.assert_allclose(coefs[:, :, i], model.coef_, atol=1e-4)
        np.testing.assert_allclose(intercepts[:, i], model.intercept_, atol=1e-3)
        assert gaps[i] <= model.tol_ * (1 + 1e-9)


def test_a_path_into_interpolation_converges():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(60, 40)), np.repeat(np.arange(3), 20)
    y = X[:, 0] + X[:, 1] * tasks + rng.normal(size=60)
    alphas, _, gaps = mtl_path(X, y, tasks, penalty=L21(), loss="sqrt", alphas=15)
    null = CalibratedRegressor(alphas[0] * 1.01).fit(X, y, tasks)
    assert gaps.max() <= 1e-4 * null.objective_ * (1 + 1e-6)


@pytest.mark.parametrize("tall", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.filterwarnings("ignore:.*chose the null model")
def test_cross_validation_by_hand(layout, missing, tall):
    rng = np.random.default_rng(0)
    n, d, T = 30, 4 if tall else 35, 3
    X = rng.normal(size=(n, d))
    Y = X[:, :1] + X[:, [1]] * rng.normal(size=T) + rng.normal(size=(n, T))
    Y = np.where(rng.uniform(size=Y.shape) < missing, np.nan, Y)
    if layout == "long":
        X = np.vstack([X] * T) + 0.1 * rng.normal(size=(n * T, d))
        tasks, Y = np.repeat(np.arange(T), n), Y.T.ravel()
        cv = list(TaskKFold(3).split(X, Y, tasks))
    else:
        tasks, cv = None, list(TaskKFold(3).split(X, Y))
    options = {"tol": 1e-9, "alpha_ridge": 0.01}
    alphas = np.array([0.6, 0.3] if tall else [1.2, 0.9])
    model = CalibratedRegressorCV(alphas=alphas, cv=cv, **options).fit(X, Y, tasks)
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(cv):
            part = CalibratedRegressor(alpha, **options)
            if layout == "long":
                part.fit(X[train], Y[train], tasks[train])
                r = Y[test] - part.predict(X[test], tasks[test])
                each = [r[tasks[test] == t] for t in range(T)]
            else:
                part.fit(X[train], Y[train])
                each = list((Y[test] - part.predict(X[test])).T)
            rmse = [np.sqrt(np.nanmean(r**2)) for r in each]
            np.testing.assert_allclose(model.task_rmse_path_[i, k], rmse, atol=1e-5)
    np.testing.assert_allclose(model.rmse_path_, model.task_rmse_path_.mean(axis=-1))
    assert model.alpha_ == alphas[model.rmse_path_.mean(axis=1).argmin()]
    again = CalibratedRegressor(model.alpha_, **options).fit(X, Y, tasks)
    np.testing.assert_allclose(model.coef_, again.coef_, atol=1e-5)


@pytest.mark.slow
def test_ridges_to_try_have_an_axis():
    problem = make_problem()
    model = CalibratedRegressorCV(alpha_ridge=[0.0, 0.3], alphas=4, cv=3)
    model.fit(problem.X, problem.y, problem.tasks)
    assert model.rmse_path_.shape == (2, 4, 3)
    assert set(model.best_params_) == {"alpha", "alpha_ridge"}
    np.testing.assert_allclose(model.alphas_[0], model.alphas_[1])


@pytest.mark.slow
def test_attributes_follow_the_loss():
    problem = make_problem()
    data = problem.X, problem.y, problem.tasks
    model = MultiTaskRegressor(L21(0.1), loss="sqrt").fit(*data)
    assert model.noise_.shape == (4,)
    assert not hasattr(model.set_params(loss="squared").fit(*data), "noise_")
    model = MultiTaskRegressorCV(alphas=3, loss="sqrt").fit(*data)
    assert model.rmse_path_.shape == (len(model.alphas_), 5)
    model.set_params(loss="squared").fit(*data)
    assert model.mse_path_.shape == (len(model.alphas_), 5)
    assert not hasattr(model, "rmse_path_")
    assert not hasattr(model, "task_rmse_path_")


def test_warm_starts_end_at_the_same_solution():
    problem = make_problem()
    cold = fit(problem, L21(0.05))
    model = fit(problem, L21(0.5), warm_start=True).set_params(penalty=L21(0.05))
    model.fit(problem.X, problem.y, problem.tasks)
    np.testing.assert_allclose(model.coef_, cold.coef_, atol=1e-6)
    before = model.n_iter_
    model.fit(problem.X, problem.y, problem.tasks)
    assert model.n_iter_ < before


# --- what can go wrong --------------------------------------------------------------

EVERY = [*SOME, L1(0.1, positive=True), L21(0.1, feature_weight=[0, 1, 1, 1, 0.0])]


@pytest.mark.parametrize("penalty", EVERY, ids=repr)
@pytest.mark.parametrize("constant", [0.0, 7.1])
def test_constant_targets(penalty, constant):
    problem = make_problem()
    with pytest.warns(UserWarning, match="'a', .* are fitted exactly"):
        model = fit(replace(problem, y=np.full(problem.y.shape, constant)), penalty)
    assert np.isnan(model.task_weight_).all()
    np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, constant)
    np.testing.assert_allclose(model.noise_, 0.0, atol=1e-13)
    assert model.converged_


@pytest.mark.filterwarnings("ignore:the tasks 'b' are fitted exactly:UserWarning")
@pytest.mark.parametrize("penalty", EVERY, ids=repr)
@pytest.mark.slow
def test_one_task_with_a_constant_target(penalty):
    problem = make_problem()
    y = np.where(problem.tasks == "b", 7.1, problem.y)
    first, second = (fit(replace(problem, y=y), penalty, tol=t) for t in (1e-3, 1e-4))
    assert first.converged_
    assert second.converged_
    assert first.objective_ - second.objective_ <= first.dual_gap_


@pytest.mark.filterwarnings("ignore:.*are fitted exactly:UserWarning")
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("penalty", EVERY, ids=repr)
def test_one_sample_per_task(penalty, fit_intercept):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, 5)), rng.normal(size=3)
    options = {"loss": "sqrt", "fit_intercept": fit_intercept, "tol": 1e-2}
    model = MultiTaskRegressor(penalty, **options).fit(X, y, ["a", "b", "c"])
    assert model.converged_
    if fit_intercept:
        np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
        np.testing.assert_allclose(model.intercept_, y)


def test_a_task_without_noise_is_named_and_the_others_have_weights():
    problem = make_problem()
    y = np.where(problem.tasks == "b", 7.1, problem.y)
    X, y = np.vstack([problem.X, np.ones(problem.X.shape[1])]), np.append(y, 2.0)
    tasks = np.append(problem.tasks, "z")
    for model in (L21Regressor(0.1, task_weight="uncertainty"), CalibratedRegressor()):
        with pytest.warns(UserWarning, match="the tasks 'b', 'z' are fitted exactly"):
            model.fit(X, y, tasks)
        exact = np.isin(model.tasks_, ["b", "z"])
        np.testing.assert_array_equal(np.isnan(model.task_weight_), exact)
        np.testing.assert_array_equal(model.noise_ == 0.0, exact)


def test_targets_without_noise_are_recovered():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 6)), np.repeat(np.arange(4), 30)
    W = rng.normal(size=(4, 6)) * [1, 1, 0, 0, 1, 0]
    y = (X * W[tasks]).sum(axis=1) + tasks
    model = CalibratedRegressor(1e-2, tol=1e-7).fit(X, y, tasks)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, W, atol=1e-5)
    assert model.noise_.max() <= 1e-5


def test_scales_of_tasks_far_apart():
    problem = make_problem()
    scale = np.array([1e-4, 1.0, 1e4, 10.0])
    size = scale[np.unique(problem.tasks, return_inverse=True)[1]]
    # lambda_t / scale_t for targets and coefficients of task t times scale_t
    first = fit(problem, Ridge(0.1), tol=1e-9)
    second = fit(
        replace(problem, y=size * problem.y, task_weight=1 / scale),
        Ridge({t: 0.1 / s**2 for t, s in zip("abcd", scale, strict=True)}),
        tol=1e-9,
    )
    np.testing.assert_allclose(
        second.coef_ / scale[:, None], first.coef_, atol=1e-5, rtol=1e-4
    )


def test_solvers_for_other_losses_are_refused():
    problem = make_problem()
    for name in (
        "apg",
        "working_set",
        "direct",
        "newton",
        "admm",
        "prox_newton",
        "backtracking",
    ):
        with pytest.raises(ValueError, match=f"solver='{name}' needs .*'auto'"):
            fit(problem, L21(0.1), solver=name)
    with pytest.raises(ValueError, match="needs the square-root loss"):
        problem.fit(L21(0.1), solver="concomitant")
    assert fit(problem, L21(0.1), solver="concomitant").converged_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1.0}, "alpha must be a finite number >= 0"),
        ({"alpha_ridge": -1.0}, "alpha_ridge must be a finite number >= 0"),
        ({"alpha_ridge": np.nan}, "alpha_ridge must be a finite number >= 0"),
    ],
)
def test_wrong_strengths(options, message):
    problem = make_problem()
    with pytest.raises(ValueError, match=message):
        CalibratedRegressor(**options).fit(problem.X, problem.y, problem.tasks)


@pytest.mark.slow
def test_noisy_tasks_do_not_drown_the_others():
    # what the model is for: one task of much noise, the same features in all
    rng = np.random.default_rng(0)
    T, n, d = 6, 40, 20
    X, tasks = rng.normal(size=(T * n, d)), np.repeat(np.arange(T), n)
    W = rng.normal(size=(T, d)) * (np.arange(d) < 4)
    noise = np.where(tasks == 0, 30.0, 0.3) * rng.normal(size=T * n)
    y = (X * W[tasks]).sum(axis=1) + noise
    quiet = slice(1, None)
    errors = {}
    for cls in (CalibratedRegressorCV, L21RegressorCV):
        model = cls(alphas=20, eps=0.01).fit(X, y, tasks)
        errors[cls] = np.sum((model.coef_ - W)[quiet] ** 2)
    assert errors[CalibratedRegressorCV] < 0.5 * errors[L21RegressorCV]


# --- the fixed-point iteration ------------------------------------------------------


def test_extrapolation_is_exact_for_a_linear_map():
    rng = np.random.default_rng(0)
    n = 4
    A = rng.normal(size=(n, n))
    A = 0.9 * A / np.linalg.norm(A, 2)
    root = rng.uniform(1.0, 2.0, size=n)
    x, iteration = root * 1.1, FixedPoint(np.ones(n))
    for _ in range(n + 2):
        x = iteration.next(x, root + A @ (x - root))
    np.testing.assert_allclose(x, root, rtol=1e-8)


def test_extrapolation_stays_positive():
    iteration = FixedPoint(np.ones(2))
    x = np.array([1.0, 1.0])
    for _ in range(20):  # the fixed point is zero
        x = iteration.next(x, 0.5 * x)
        assert np.all(x > 0)
    assert np.all(x < 1e-6)


def test_sparse_targets_of_one_column_of_noise():
    # a sparse X, more features than samples: no Gram matrices and nothing dense
    rng = np.random.default_rng(0)
    X = sparse.random_array((60, 80), density=0.1, rng=rng, format="csr")
    tasks = np.repeat(np.arange(3), 20)
    y = X @ rng.normal(size=80) + rng.normal(size=60)
    first = CalibratedRegressor(0.2, tol=1e-7).fit(X, y, tasks)
    second = CalibratedRegressor(0.2, tol=1e-7).fit(X.toarray(), y, tasks)
    assert first.converged_
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-4)
