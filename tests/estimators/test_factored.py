"""Products of two factors: their objective, stationarity, and what is known of optima.

The problems are not convex. What can be proved is tested: the objective as written in
the documentation, its derivatives at the solution, the cases with a known optimum
(the trace norm, reduced-rank regression, one coefficient), and invariances.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize_scalar
from scipy.special import logsumexp
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

import linmtl
from cases import Case, trace
from helpers.classes import several_classes
from helpers.data import generated
from helpers.loops import looped
from helpers.problems import LAYOUTS, make_problem
from linmtl import (
    FactoredClassifier,
    FactoredRegressor,
    GOMTLClassifier,
    GOMTLRegressor,
    MultiTaskRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.datafits._residual import ResidualFit
from linmtl.datasets import make_multitask_regression
from linmtl.penalties import TraceNorm
from linmtl.solvers._factors import (
    FactoredObjective,
    FactoredPenalty,
    Factors,
    halves_of_svd,
    rotated_to_few,
)

MODELS = {
    ("factored", "squared"): FactoredRegressor(alpha=0.1),
    ("factored", "logistic"): FactoredClassifier(alpha=0.02),
    ("go-mtl", "squared"): GOMTLRegressor(2, alpha_basis=0.05, alpha_sparse=0.05),
    ("go-mtl", "logistic"): GOMTLClassifier(2, alpha_basis=0.02, alpha_sparse=0.01),
}
TRACE_NORM = Case("TraceNorm", lambda s, d, T: TraceNorm(s), lambda W, s: s * trace(W))
kinds = pytest.mark.parametrize("kind", ["factored", "go-mtl"])
losses = pytest.mark.parametrize("loss", ["squared", "logistic"])
every = pytest.mark.parametrize("model", MODELS.values(), ids=lambda m: repr(m)[:12])


def model_of(problem, kind, **options):
    model = clone(MODELS[kind, problem.loss])
    return model.set_params(tol=1e-6, **problem.options, **options)


def fitted(problem, kind, **options):
    model = model_of(problem, kind, **options)
    return model.fit(problem.X, problem.y, problem.tasks, problem.sample_weight)


def penalty_at(model, components, codes):
    if hasattr(model, "alpha"):
        return model.alpha / 2 * (np.sum(components**2) + np.sum(codes**2))
    basis = model.alpha_basis / 2 * np.sum(components**2)
    return basis + model.alpha_sparse * np.abs(codes).sum()


def data_for(model, **options):
    options = {"n_tasks": 6, "n_features": 5, "n_samples": 40, **options}
    options |= {"structure": "low_rank", "random_state": 0}
    return generated(is_classifier(model), **options)


# --- the objective


@kinds
@losses
@pytest.mark.parametrize("layout", LAYOUTS)
def test_objective_written_out(kind, loss, layout):
    problem = make_problem(loss, **LAYOUTS[layout])
    model = fitted(problem, kind)
    components, codes = model.components_, model.task_codes_
    k = min(2, problem.n_features, problem.n_tasks)
    assert model.n_components_ == k
    assert components.shape == (k, problem.n_features)
    assert codes.shape == (problem.n_tasks, k)
    coef = np.atleast_2d(model.coef_)
    np.testing.assert_allclose(coef, codes @ components, atol=1e-12)
    intercept = np.atleast_1d(model.intercept_)
    value = problem.loss_at(coef, intercept) + penalty_at(model, components, codes)
    assert model.objective_ == pytest.approx(value, rel=1e-10)
    for step in (-1e-4, 1e-4):  # intercepts are at their optimum
        moved = problem.loss_at(coef, intercept + step)
        if problem.fit_intercept:
            assert moved >= problem.loss_at(coef, intercept) - 1e-12
        else:
            np.testing.assert_array_equal(intercept, 0.0)
    history = model.objective_history_
    assert len(history) == model.n_iter_ + 1 or len(history) == 1
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(history))
    assert history[-1] == pytest.approx(model.objective_, rel=1e-14)
    assert model.converged_
    assert model.residual_ <= model.tol_
    assert model.solver_ == "lbfgs"
    assert not hasattr(model, "dual_gap_")


@kinds
@losses
@pytest.mark.parametrize("layout", ["ragged-weights", "shared-missing", "d-above-n"])
def test_stationary_by_finite_differences(kind, loss, layout):
    """No entry of either factor can move and lower the objective, to first order."""
    problem = make_problem(loss, **LAYOUTS[layout])
    model = fitted(problem, kind)
    parts = [model.components_, model.task_codes_]

    def value_at(parts):
        # the derivative of the minimum over b is that at the minimum
        loss = problem.loss_at(parts[1] @ parts[0], model.intercept_)
        return loss + penalty_at(model, *parts)

    start, step = value_at(parts), 1e-5
    null = model.tol_ / model.tol
    for which in (0, 1):
        for index in np.ndindex(parts[which].shape):
            slopes = []
            for sign in (-1, 1):
                moved = [part.copy() for part in parts]
                moved[which][index] += sign * step
                slopes.append((value_at(moved) - start) / step)
            # a kink opens upwards; elsewhere the mean is the derivative
            if parts[which][index] == 0:
                assert min(slopes) >= -1e-3 * null
            else:
                assert abs(slopes[1] - slopes[0]) / 2 <= 1e-3 * null


@losses
def test_both_factors_cost_the_same(loss):
    """At a stationary point U'U = V'V; of all rotations the SVD's is reported."""
    model = fitted(make_problem(loss), "factored", n_components=3)
    left = model.components_ @ model.components_.T
    right = model.task_codes_.T @ model.task_codes_
    np.testing.assert_allclose(left, right, atol=1e-10)
    np.testing.assert_allclose(left, np.diag(np.diag(left)), atol=1e-10)
    assert np.all(np.diff(np.diag(left)) <= 0)


@losses
def test_basis_and_codes_balance(loss):
    """The derivative along the scale of each component is zero."""
    model = fitted(make_problem(loss), "go-mtl")
    basis = model.alpha_basis * np.sum(model.components_**2, axis=1)
    codes = model.alpha_sparse * np.abs(model.task_codes_).sum(axis=0)
    assert np.all(codes > 0)
    np.testing.assert_allclose(basis, codes, rtol=1e-3)
    # the largest component first, its largest code positive
    size = basis * codes
    assert np.all(np.diff(size) <= 0)
    assert np.all(model.task_codes_.max(axis=0) == np.abs(model.task_codes_).max(0))


@losses
def test_the_split_of_the_strengths_does_not_matter(loss):
    problem = make_problem(loss)
    one = fitted(problem, "go-mtl")
    c = 30.0
    other = fitted(
        problem,
        "go-mtl",
        alpha_basis=one.alpha_basis * c**2,
        alpha_sparse=one.alpha_sparse / c,
    )
    np.testing.assert_allclose(other.coef_, one.coef_, atol=1e-4)
    np.testing.assert_allclose(other.components_ * c, one.components_, atol=1e-3)
    assert other.objective_ == pytest.approx(one.objective_, rel=1e-8)


# --- known optima


@losses
@pytest.mark.parametrize("layout", LAYOUTS)
def test_trace_norm_where_the_rank_is_free(loss, layout):
    """With as many components as can be, the optimum is that of the convex problem."""
    problem = make_problem(loss, **LAYOUTS[layout])
    model = fitted(problem, "factored", n_components=20)
    best, _, _ = problem.cvxpy_optimum(TRACE_NORM, model.alpha)
    convex = problem.fit(TraceNorm(model.alpha), tol=1e-8)
    assert convex.objective_ == pytest.approx(best, rel=1e-6)  # the same problem
    slack = 1e-7 * abs(best)
    assert abs(model.objective_ - convex.objective_) <= convex.dual_gap_ + slack
    assert model.objective_ - best <= model.trace_norm_gap_ + slack
    assert model.trace_norm_gap_ <= 1e-3 * best


@losses
def test_the_gap_bounds_what_the_rank_costs(loss):
    problem = make_problem(loss)
    convex = problem.fit(TraceNorm(0.01), tol=1e-9)
    costs = []
    for k in (1, 2, 4):
        model = fitted(problem, "factored", n_components=k, alpha=0.01)
        assert np.linalg.matrix_rank(model.coef_) <= k
        cost = model.objective_ - convex.objective_
        assert -convex.dual_gap_ - 1e-9 <= cost <= model.trace_norm_gap_ + 1e-9
        costs.append(cost)
    assert costs[0] > costs[1] > costs[2] + 1e-3


@losses
@pytest.mark.parametrize("start", ["zero", "random", "one component", "wrong"])
@pytest.mark.slow
def test_no_start_is_worse_where_the_rank_is_free(loss, start):
    """Zero is a saddle point, as is every optimum of a lower rank."""
    problem = make_problem(loss)
    alpha, rng = 0.03, np.random.default_rng(1)
    convex = problem.fit(TraceNorm(alpha), tol=1e-9)
    objective = FactoredObjective(
        problem.objective(TraceNorm(alpha)).fit, FactoredPenalty(alpha, alpha)
    )
    A, B = rng.normal(size=(problem.n_features, 4)), rng.normal(size=(4, 4))
    if start == "zero":
        A, B = np.zeros_like(A), np.zeros_like(B)
    elif start == "one component":
        A[:, 1:] = B[:, 1:] = 0.0
    elif start == "wrong":  # large components that must go, and none for the others
        A, B = 10.0 * A, 10.0 * B
        A[:, 2:] = B[:, 2:] = 0.0
    found = objective.minimise(Factors(A, B), 1e-7, 5000)
    assert found.residual <= 1e-7
    assert found.objective <= convex.objective_ + 1e-6
    assert all(b <= a + 1e-12 for a, b in pairwise(found.history))


def test_reduced_rank_regression():
    """Without a penalty and with a shared X the optimum is known in closed form."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6))
    Y = X @ rng.normal(size=(6, 2)) @ rng.normal(size=(2, 5))
    Y += rng.normal(size=Y.shape)
    Xc, Yc = X - X.mean(axis=0), Y - Y.mean(axis=0)
    free = np.linalg.lstsq(Xc, Yc, rcond=None)[0]
    Vt = np.linalg.svd(Xc @ free)[2][:2]
    model = FactoredRegressor(2, alpha=0.0, tol=1e-6).fit(X, Y)
    np.testing.assert_allclose(model.coef_.T, free @ Vt.T @ Vt, atol=1e-3)
    # the best without a bound on the rank, from which the gap is measured
    best = np.sum((Yc - Xc @ free) ** 2) / 120
    assert model.objective_ - best <= model.trace_norm_gap_ * (1 + 1e-9) + 1e-9
    assert model.trace_norm_gap_ <= 2 * (model.objective_ - best)


@pytest.mark.parametrize("alpha_sparse", [0.05, 0.3, 2.0])
def test_one_coefficient(alpha_sparse):
    """Over all scales of the factors the penalty is 3/2 (a b^2 w^2)^(1/3)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    model = GOMTLRegressor(1, alpha_sparse=alpha_sparse, tol=1e-6)
    model.fit(x[:, None], y)
    x, y = x - x.mean(), y - y.mean()

    def objective(w):
        penalty = 1.5 * np.cbrt(model.alpha_basis * alpha_sparse**2 * w**2)
        return np.mean((y - x * w) ** 2) / 2 + penalty

    inner = minimize_scalar(objective, bounds=(0.2, 2.0), method="bounded")
    best = min(objective(0.0), inner.fun)
    assert model.objective_ == pytest.approx(best, rel=1e-6)
    assert (model.coef_[0] == 0) == (objective(0.0) < inner.fun)


@every
def test_strong_penalties_leave_the_null_model(model):
    X, y, tasks = data_for(model)
    model = clone(model)
    for name in model.get_params():
        if name.startswith("alpha"):
            model.set_params(**{name: 10.0})
    model.fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, 0.0)
    assert model.residual_ == 0
    assert model.converged_
    assert model.objective_ == pytest.approx(model.tol_ / model.tol, rel=1e-6)


# --- planted structure


def test_planted_subspace():
    X, y, tasks, truth = make_multitask_regression(
        n_tasks=30,
        n_features=20,
        n_samples=40,
        structure="low_rank",
        rank=3,
        return_coef=True,
        random_state=0,
    )
    model = FactoredRegressor(3, alpha=0.1).fit(X, y, tasks)
    basis = np.linalg.qr(model.components_.T)[0]
    outside = truth.coef.T - basis @ (basis.T @ truth.coef.T)
    assert np.linalg.norm(outside) < 0.1 * np.linalg.norm(truth.coef)
    # better than the convex model, which shrinks the subspace to find it
    convex = TraceNormRegressor(alpha=0.1).fit(X, y, tasks)
    error = np.linalg.norm(model.coef_ - truth.coef)
    assert error < np.linalg.norm(convex.coef_ - truth.coef)


@pytest.mark.parametrize("classify", [False, True])
def test_planted_groups(classify):
    """Every task uses the component of its group alone."""
    rng = np.random.default_rng(0)
    n_tasks, d, n = 15, 10, 200
    basis = rng.normal(size=(3, d))
    group = rng.permutation(np.arange(n_tasks) % 3)
    sign = rng.choice([-1.0, 1.0], size=n_tasks)
    coef = sign[:, None] * basis[group]
    X = rng.normal(size=(n_tasks * n, d))
    tasks = np.repeat(np.arange(n_tasks), n)
    y = np.sum(X * coef[tasks], axis=1) + rng.normal(size=len(X))
    if classify:
        model = GOMTLClassifier(3, alpha_basis=0.2, alpha_sparse=0.2)
        model.fit(X, y > 0, tasks)
    else:
        model = GOMTLRegressor(3, alpha_basis=0.8, alpha_sparse=0.8).fit(X, y, tasks)
    used = model.task_codes_ != 0
    np.testing.assert_array_equal(used.sum(axis=1), 1)
    component = used.argmax(axis=1)
    for g in range(3):
        assert len(set(component[group == g])) == 1
    assert len(set(component)) == 3
    of_task = model.task_codes_[np.arange(n_tasks), component]
    for g in range(3):  # signs are those of the tasks, up to one per group
        assert abs(np.sum(np.sign(of_task) * sign, where=group == g)) == sum(group == g)


def test_planted_overlap():
    """Two groups and tasks that belong to both."""
    rng = np.random.default_rng(3)
    codes = np.array([[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 5 + [[0.7, 0.7]] * 3)
    coef = codes @ rng.normal(size=(2, 12))
    X = rng.normal(size=(13 * 60, 12))
    tasks = np.repeat(np.arange(13), 60)
    y = np.sum(X * coef[tasks], axis=1) + 0.5 * rng.normal(size=len(X))
    model = GOMTLRegressor(2, alpha_basis=0.6, alpha_sparse=0.6).fit(X, y, tasks)
    used = model.task_codes_ != 0
    used = used[:, ::-1] if used[0, 1] else used
    np.testing.assert_array_equal(used, codes != 0)


def test_rotation_to_few():
    """Orthogonal, and back to codes that were turned away from the axes."""
    rng = np.random.default_rng(0)
    A = np.linalg.qr(rng.normal(size=(8, 3)))[0] * [3.0, 2.0, 1.0]
    few = np.zeros((12, 3))
    few[np.arange(12), np.arange(12) % 3] = rng.normal(size=12)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    point = Factors(A, few @ turn / [3.0, 2.0, 1.0])
    found = rotated_to_few(point)
    np.testing.assert_allclose(found.W, point.W, atol=1e-12)
    np.testing.assert_allclose(found.A.T @ found.A, np.eye(3), atol=1e-12)
    size = np.sort(np.abs(found.B), axis=1)
    np.testing.assert_allclose(size[:, :2], 0.0, atol=1e-5)
    zero = rotated_to_few(Factors(np.zeros((8, 3)), np.zeros((12, 3))))
    np.testing.assert_array_equal(zero.W, 0.0)


def test_halves_of_svd():
    W = np.random.default_rng(0).normal(size=(6, 4))
    whole = halves_of_svd(W, 4)
    np.testing.assert_allclose(whole.W, W, atol=1e-12)
    P, s, Qt = np.linalg.svd(W, full_matrices=False)
    np.testing.assert_allclose(halves_of_svd(W, 2).W, (P[:, :2] * s[:2]) @ Qt[:2])

    rng = np.random.default_rng(1)
    for zero in (0, 1, 3):  # components that are not used
        point = Factors(rng.normal(size=(7, 3)), rng.normal(size=(5, 3)))
        point.B[:, :zero] = 0.0
        found, other = point.in_halves(), halves_of_svd(point.W, 3)
        np.testing.assert_allclose(found.W, point.W, atol=1e-12)
        np.testing.assert_allclose(found.A.T @ found.A, other.A.T @ other.A, atol=1e-12)
        np.testing.assert_allclose(found.B.T @ found.B, other.B.T @ other.B, atol=1e-12)


def test_curvatures_of_tasks_are_for_components_that_are_faint(monkeypatch):
    """They take longer than many steps."""
    X, y, tasks = make_multitask_regression(n_features=60, n_tasks=5, random_state=0)
    asked = []
    monkeypatch.setattr(ResidualFit, "curvature", lambda *_, **__: asked.append(1))
    FactoredRegressor(2, 0.1).fit(X, y, tasks)
    assert not asked


# --- invariances


@every
def test_order_of_tasks(model):
    X, y, tasks = data_for(model)
    model = clone(model).set_params(tol=1e-6)
    one = clone(model).fit(X, y, tasks)
    other = clone(model).fit(X, y, (tasks + 2) % 6)
    order = (np.arange(6) + 2) % 6
    np.testing.assert_allclose(other.coef_[order], one.coef_, atol=1e-3)
    assert other.objective_ == pytest.approx(one.objective_, rel=1e-9)
    np.testing.assert_allclose(
        np.abs(other.task_codes_[order]), np.abs(one.task_codes_), atol=2e-3
    )


@every
def test_weights_are_repetitions(model):
    X, y, tasks = data_for(model)
    weight = np.random.default_rng(0).integers(0, 3, size=len(y))
    model = clone(model).set_params(tol=1e-6)
    weighted = clone(model).fit(X, y, tasks, sample_weight=weight)
    rows = np.repeat(np.arange(len(y)), weight)
    repeated = clone(model).fit(X[rows], y[rows], tasks[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-3)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-9)


@every
def test_missing_labels_are_rows_left_out(model):
    X, y, tasks = data_for(model, n_tasks=3)
    rng = np.random.default_rng(0)
    Y = np.full((len(y), 3), np.nan)
    Y[np.arange(len(y)), tasks] = y
    Y[rng.uniform(size=len(y)) < 0.1] = np.nan
    kept = ~np.isnan(Y).all(axis=1)
    model = clone(model).set_params(tol=1e-6)
    wide = clone(model).fit(X, Y)
    long = clone(model).fit(X[kept], y[kept], tasks[kept])
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-3)
    assert wide.objective_ == pytest.approx(long.objective_, rel=1e-9)
    assert wide.predict(X).shape == Y.shape


@every
def test_predictions(model):
    X, y, tasks = data_for(model)
    model = clone(model).fit(X, y, tasks)
    eta = np.sum(X * model.coef_[tasks], axis=1) + model.intercept_[tasks]
    if is_classifier(model):
        np.testing.assert_allclose(model.decision_function(X, tasks), eta)
        assert model.score(X, y, tasks) > 0.7
    else:
        np.testing.assert_allclose(model.predict(X, tasks), eta)
        assert model.score(X, y, tasks) > 0.5


@every
def test_single_precision(model):
    X, y, tasks = data_for(model)
    X = X.astype(np.float32)
    single = clone(model).fit(X, y, tasks)
    double = clone(model).fit(X.astype(float), y, tasks)
    for name in ("coef_", "components_", "task_codes_"):
        assert getattr(single, name).dtype == np.float32
        np.testing.assert_allclose(
            getattr(single, name), getattr(double, name), rtol=1e-5, atol=1e-6
        )
    np.testing.assert_allclose(single.objective_, double.objective_, rtol=1e-12)


def test_units_of_the_target():
    """The stopping rule has no unit: scaled targets, scaled solution."""
    X, y, tasks = data_for(FactoredRegressor())
    for c in (1e-9, 1e9):
        for one, other in [
            (FactoredRegressor(2, 0.1), FactoredRegressor(2, 0.1 * c)),
            # the loss in y^2, the basis in the unit of y, the codes in none
            (GOMTLRegressor(2), GOMTLRegressor(2, alpha_sparse=0.1 * c**2)),
        ]:
            one.set_params(tol=1e-6).fit(X, y, tasks)
            other.set_params(tol=1e-6).fit(X, c * y, tasks)
            np.testing.assert_allclose(other.coef_ / c, one.coef_, atol=1e-3)
            assert other.objective_ / c**2 == pytest.approx(one.objective_, rel=1e-8)
            assert other.converged_


# --- starts


@every
@pytest.mark.slow
def test_restarts_are_reproducible_and_never_worse(model):
    X, y, tasks = data_for(model, n_samples=12)
    one = clone(model).fit(X, y, tasks)
    fits = [
        clone(model).set_params(n_init=6, random_state=seed).fit(X, y, tasks)
        for seed in (0, 0, np.random.RandomState(0))
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(other.coef_, fits[0].coef_)
        np.testing.assert_array_equal(other.task_codes_, fits[0].task_codes_)
    assert fits[0].objective_ <= one.objective_


@pytest.mark.slow
def test_restarts_find_what_one_descent_does_not():
    X, y, tasks = make_multitask_regression(
        n_tasks=30, n_samples=15, n_features=12, structure="row_sparse", random_state=0
    )
    values = [
        GOMTLRegressor(4, n_init=n_init, random_state=0).fit(X, y, tasks).objective_
        for n_init in (1, 10)
    ]
    assert values[1] < values[0] - 0.1


@every
def test_warm_start(model):
    X, y, tasks = data_for(model)
    model = clone(model).set_params(warm_start=True, tol=1e-5).fit(X, y, tasks)
    first = model.objective_
    assert model.n_iter_ > 1
    model.fit(X, y, tasks)
    assert model.n_iter_ == 1
    assert model.objective_ <= first * (1 + 1e-12)
    # tasks that are new, gone and in another order are matched by label
    some = tasks != 2
    cold = clone(model).set_params(warm_start=False)
    model.fit(X[some], y[some], tasks[some]).fit(X, y, tasks)
    cold.fit(X, y, tasks)
    assert model.objective_ == pytest.approx(cold.objective_, rel=1e-6)
    # other numbers of features or components: a cold start
    model.fit(X[:, :4], y, tasks)
    cold.fit(X[:, :4], y, tasks)
    np.testing.assert_array_equal(model.coef_, cold.coef_)
    model.set_params(n_components=1).fit(X, y, tasks)
    assert model.components_.shape == (1, 5)


@every
def test_warm_start_from_the_null_model(model):
    """Components that are zero would stay zero."""
    X, y, tasks = data_for(model)
    model = clone(model).set_params(warm_start=True)
    strengths = {n: v for n, v in model.get_params().items() if n.startswith("alpha")}
    model.set_params(**dict.fromkeys(strengths, 10.0)).fit(X, y, tasks)
    assert not model.coef_.any()
    model.set_params(**strengths).fit(X, y, tasks)
    cold = clone(model).set_params(warm_start=False).fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, cold.coef_)


# --- hostile input


@every
@pytest.mark.parametrize("name", ["n_components", "n_init"])
@looped("value", [0, -1, 1.5, "2", None, True])
def test_counts(model, name, value):
    X, y, tasks = data_for(model)
    with pytest.raises(ValueError, match=f"{name} must be an integer >= 1, got"):
        clone(model).set_params(**{name: value}).fit(X, y, tasks)


@every
@looped("value", [-1.0, np.nan, np.inf, "1", None, True, [0.1, 0.2]])
def test_strengths(model, value):
    X, y, tasks = data_for(model)
    for name in model.get_params():
        if name.startswith("alpha"):
            match = f"{type(model).__name__}: {name} must be a"
            with pytest.raises((ValueError, TypeError), match=match):
                clone(model).set_params(**{name: value}).fit(X, y, tasks)


@pytest.mark.parametrize("name", ["alpha_basis", "alpha_sparse"])
def test_a_product_needs_both_penalties(name):
    X, y, tasks = data_for(GOMTLRegressor())
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        GOMTLRegressor(**{name: 0}).fit(X, y, tasks)


@every
def test_random_state_is_checked(model):
    X, y, tasks = data_for(model)
    with pytest.raises(ValueError, match="seed"):
        clone(model).set_params(random_state="wrong").fit(X, y, tasks)


@every
def test_too_few_iterations(model):
    X, y, tasks = data_for(model)
    model = clone(model).set_params(max_iter=2, tol=1e-6)
    with pytest.warns(ConvergenceWarning, match="increase max_iter") as caught:
        model.fit(X, y, tasks)
    text = str(caught[0].message)
    assert "after 2 iterations" in text
    assert f"residual of {model.residual_:.3e}" in text
    assert f"tolerance of {model.tol_:.3e}" in text
    assert not model.converged_
    assert model.residual_ > model.tol_
    assert len(model.objective_history_) == 3


@every
@pytest.mark.parametrize("tol", [0.0, 1e-9])
def test_a_descent_that_ends_at_rounding_has_converged(model, tol):
    """More iterations would not help: there is no warning that asks for them."""
    X, y, tasks = data_for(model)
    near = clone(model).set_params(tol=1e-6).fit(X, y, tasks)
    model = clone(model).set_params(tol=tol).fit(X, y, tasks)
    assert model.converged_
    assert model.n_iter_ < 5000
    assert model.residual_ <= 1e-6 * model.objective_
    assert model.objective_ <= near.objective_ * (1 + 1e-14)
    more = clone(model).set_params(max_iter=50_000).fit(X, y, tasks)
    assert more.n_iter_ == model.n_iter_


@pytest.mark.parametrize("spread", [1, 100])
def test_the_end_at_rounding_is_a_minimum(spread):
    """Known of the trace norm; features of very different scales end no earlier."""
    X, y, tasks = make_multitask_regression(n_tasks=5, n_features=8, random_state=0)
    X = X * np.logspace(0, np.log10(spread), 8)
    model = FactoredRegressor(5, alpha=0.1, tol=0.0).fit(X, y, tasks)
    convex = TraceNormRegressor(0.1, tol=1e-12).fit(X, y, tasks)
    assert model.converged_
    assert model.objective_ == pytest.approx(convex.objective_, rel=1e-11)


@pytest.mark.parametrize("cls", [FactoredRegressor, GOMTLRegressor])
def test_constant_target(cls):
    X, _, tasks = data_for(cls())
    model = cls().fit(X, np.full(len(X), 7.0), tasks)
    np.testing.assert_array_equal(model.coef_, 0.0)
    np.testing.assert_allclose(model.intercept_, 7.0)
    assert model.converged_


@pytest.mark.parametrize("cls", [FactoredRegressor, GOMTLRegressor])
def test_targets_beyond_all_numbers(cls):
    X, y, tasks = data_for(cls())
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="scale them"):
        cls().fit(X, 1e200 * y, tasks)


@pytest.mark.parametrize("cls", [FactoredClassifier, GOMTLClassifier])
def test_a_task_with_a_single_class(cls):
    X, y, tasks = data_for(cls())
    y = np.where(tasks == 1, 1, y)
    with pytest.warns(UserWarning, match="a single class"):
        model = cls().fit(X, y, tasks)
    others = np.delete(model.task_codes_, 1, axis=0).mean(axis=0)
    np.testing.assert_allclose(model.task_codes_[1], others, atol=1e-12)
    assert np.any(others != 0)
    np.testing.assert_allclose(model.coef_, model.task_codes_ @ model.components_)
    assert model.predict(X[tasks == 1].mean(axis=0)[None], [1]) == 1


@every
def test_more_components_than_there_can_be(model):
    X, y, tasks = data_for(model)
    model = clone(model).set_params(n_components=100).fit(X, y, tasks)
    assert model.n_components_ == 5
    assert model.task_codes_.shape == (6, 5)
    assert model.n_components == 100


@every
def test_features_of_different_scale(model):
    X, y, tasks = data_for(model)
    X = X * [0.03, 0.3, 1.0, 3.0, 30.0]
    model = clone(model).fit(X, y, tasks)
    assert model.converged_
    assert np.all(np.isfinite(model.coef_))


@every
@pytest.mark.parametrize("shape", [(40, 5), (5, 12)])
def test_metrics_of_the_descent(model, shape, monkeypatch):
    """With many features only the diagonal of the curvature is used."""
    X, y, tasks = data_for(model, n_samples=shape[0], n_features=shape[1])
    model = clone(model).set_params(tol=1e-6)
    full = clone(model).fit(X, y, tasks)
    monkeypatch.setattr(linmtl.solvers._factors, "_MOST_EIGENVECTORS", 2)
    diagonal = clone(model).fit(X, y, tasks)
    np.testing.assert_allclose(diagonal.coef_, full.coef_, atol=2e-3)
    assert diagonal.objective_ == pytest.approx(full.objective_, rel=1e-8)
    assert not np.array_equal(diagonal.coef_, full.coef_)


@every
@pytest.mark.slow
def test_features_without_variance(model):
    X, y, tasks = data_for(model)
    fit = (
        clone(model).set_params(tol=1e-6).fit(np.c_[X, np.full(len(X), 3.0)], y, tasks)
    )
    np.testing.assert_allclose(fit.coef_[:, -1], 0.0, atol=1e-6)
    fit = clone(model).fit(np.full_like(X, 3.0), y, tasks)
    np.testing.assert_array_equal(fit.coef_, 0.0)


@every
def test_verbose(model, capsys):
    X, y, tasks = data_for(model)
    model = clone(model).set_params(verbose=1).fit(X, y, tasks)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= len(model.objective_history_)
    assert lines[0].split()[:2] == ["iteration", "0"]


def test_the_generic_engine_agrees_with_the_certificate():
    """The bound in the gap is that of the convex estimator."""
    X, y, tasks = data_for(FactoredRegressor())
    model = FactoredRegressor(5, alpha=0.1, tol=1e-6).fit(X, y, tasks)
    convex = MultiTaskRegressor(TraceNorm(0.1), tol=1e-9).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, convex.coef_, atol=1e-3)
    assert model.trace_norm_gap_ >= model.objective_ - convex.objective_ - 1e-9


@pytest.mark.parametrize(
    "model", [FactoredClassifier(2, alpha=0.02), GOMTLClassifier(2)]
)
def test_several_classes(model):
    """The objective as it is written, and no slope along the basis."""
    X, y, tasks = several_classes()
    model = clone(model).set_params(tol=1e-8, n_init=2).fit(X, y, tasks)
    codes = model.task_codes_
    assert codes.shape == (3, 4, 2)
    np.testing.assert_array_equal(np.isnan(codes[..., 0]), np.isnan(model.intercept_))
    np.testing.assert_allclose(codes @ model.components_, model.coef_, atol=1e-12)
    t = np.searchsorted(model.tasks_, tasks)
    own = np.searchsorted(model.classes_, y)

    def objective(basis):
        basis = basis.reshape(model.components_.shape)
        eta = np.einsum("nd,kd,nck->nc", X, basis, codes[t]) + model.intercept_[t]
        eta = np.where(np.isnan(eta), -np.inf, eta)
        loss = logsumexp(eta, axis=1) - eta[np.arange(len(y)), own]
        if isinstance(model, FactoredClassifier):
            penalty = model.alpha / 2 * (np.nansum(codes**2) + np.sum(basis**2))
        else:
            penalty = model.alpha_basis / 2 * np.sum(basis**2)
            penalty += model.alpha_sparse * np.nansum(np.abs(codes))
        return np.bincount(t, loss / np.bincount(t)[t]).sum() + penalty

    basis = model.components_.ravel()
    assert objective(basis) == pytest.approx(model.objective_)
    np.testing.assert_allclose(approx_fprime(basis, objective), 0, atol=1e-4)
    again = clone(model).set_params(n_init=1).fit(X, y, tasks, coef_init=model.coef_)
    assert again.objective_ <= model.objective_ + 1e-8
    warm = model.set_params(warm_start=True).fit(X, y, tasks)
    assert warm.objective_ <= again.objective_ + 1e-8


def test_several_classes_have_the_trace_norm_where_the_rank_is_free():
    X, y, tasks = several_classes()
    model = FactoredClassifier(4, alpha=0.02, tol=1e-8).fit(X, y, tasks)
    convex = TraceNormClassifier(0.02, tol=1e-8).fit(X, y, tasks)
    assert model.objective_ == pytest.approx(convex.objective_, abs=1e-6)
    assert model.trace_norm_gap_ <= 1e-5
    single = FactoredClassifier(4, alpha=0.02).fit(X, y)
    assert single.predict_proba(X).shape == (90, 4)
