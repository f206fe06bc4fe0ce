"""Every penalty, loss and layout: optimal by a general solver, and truly certified.

The theorems are functions of a penalty, a loss and a layout. A plain run meets every
pair of the four once, so that each penalty has each layout, and each theorem every
loss; `-m full` proves every theorem of every problem.
"""

from __future__ import annotations

import tracemalloc
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.exceptions import ConvergenceWarning

from cases import PENALTIES, Case, task_labels
from helpers.certificates import ROUNDING, points, solution
from helpers.losses import FORMULAS, make_loss
from helpers.problems import (
    FORMS,
    LAYOUTS,
    SEPARABLE,
    Problem,
    has_optimum,
    make_problem,
)
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.path import alpha_max
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TraceNorm,
    _quadratic_form,
    compose,
)
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers import SOLVERS, _quadratic_system, minimise, null_model
from linmtl.solvers._quadratic_system import Block, system_solver

LOSSES = list(FORMULAS)
UNBOUNDED = {"poisson", "gamma", "tweedie"}  # curvatures
QUICK = {"squared", "logistic"}  # all theorems in the quick loop; else one
SLOW = ("Deviation", "Graph", "MeanRegularized", "NetworkLasso", "TaskQuadratic")


def forms(loss: str) -> list[str]:
    return list(FORMS) if loss == "squared" else ["residual"]


@cache
def problem_of(loss: str, layout: str) -> Problem:
    return make_problem(loss, **LAYOUTS[layout])


@cache
def reference(case: Case, loss: str, layout: str):
    problem = problem_of(loss, layout)
    return solution(problem.objective(problem.penalty(case)))


# --- the optimum --------------------------------------------------------------------


def optimum_is_that_of_a_general_solver(case, loss, layout):
    problem = problem_of(loss, layout)
    optimum, coef, intercept = problem.cvxpy_optimum(case)
    _, _, scale = reference(case, loss, layout)
    model = problem.fit(problem.penalty(case))
    written_out = problem.value_at(case, model.coef_, model.intercept_)
    # where the formula is minimised by the general solver, it is as exact as that
    rtol = 1e-5 if case.minimised else 1e-10
    np.testing.assert_allclose(
        model.objective_, written_out, rtol=rtol, atol=ROUNDING * scale
    )
    if case.positive:
        assert model.coef_.min() >= 0
    assert abs(model.objective_ - optimum) <= 1e-6 * optimum + 1e-8 * scale
    # theirs is feasible up to its tolerance, hence at most that much better
    theirs = problem.value_at(case, coef, intercept)
    assert model.objective_ - theirs <= model.dual_gap_ + 1e-7 * scale
    assert model.converged_
    assert model.dual_gap_ <= model.tol_


# --- the certificate ----------------------------------------------------------------


def interpolating(data, shape):
    """Return a point with no residuals: all that is left to scale up is rounding."""
    W = np.zeros(shape)  # of a decomposition, all in the first part
    d = data.design.n_features
    for t in range(shape[1]):
        rows = slice(data.task_ptr[t], data.task_ptr[t + 1])
        A = data.design.centred_block(np.array([t]), data.weight, data.fit_intercept)
        W[:d, t] = np.linalg.pinv(A) @ (np.sqrt(data.weight[rows]) * data.y[rows])
    return W


def every_certificate_is_a_lower_bound(case, loss, layout):
    problem = problem_of(loss, layout)
    W_best, best, scale = reference(case, loss, layout)
    for form in forms(loss):
        objective = problem.objective(problem.penalty(case), form)
        data = problem.posed(problem.penalty(case)).data
        tried = list(points(objective, W_best, np.random.default_rng(0)))
        if not objective.penalty.positive:
            tried.append(interpolating(data, W_best.shape))
        for W in tried:
            certificate = objective.certificate(W)
            size = scale + certificate.primal  # far away it is sums of large terms
            size *= 10.0 if loss == "huber" else 1.0  # conjugates of what is rounding
            assert certificate.dual <= best + ROUNDING * size
            assert certificate.primal >= best - 1e-10 * scale
            np.testing.assert_allclose(
                certificate.primal, objective.value(W), rtol=1e-12, atol=1e-15 * scale
            )


def certificate_is_tight_at_the_optimum(case, loss, layout):
    W, _, scale = reference(case, loss, layout)
    problem = problem_of(loss, layout)
    for form in forms(loss):
        objective = problem.objective(problem.penalty(case), form)
        certificate = objective.certificate(W)
        # W is exact to the root of how exact its objective is, and where rows have no
        # curvature, or much, residuals moved into a dual constraint cost to first order
        limit = 1e-6 if loss in ("huber", "squared_hinge", *UNBOUNDED) else 1e-7
        assert certificate.gap <= limit * scale


def gap_is_not_below_the_suboptimality(case, loss, layout):
    problem = problem_of(loss, layout)
    _, best, scale = reference(case, loss, layout)
    # an intercept is exact to the root of rounding where its rows have no curvature
    rounding = 1e-11 if loss == "quantile" else ROUNDING
    slack = 1e-5 * scale if case.minimised else rounding * scale
    for tol in (1e-2, 1e-4):
        model = problem.fit(problem.penalty(case), tol=tol)
        written_out = problem.value_at(case, model.coef_, model.intercept_)
        assert written_out - best <= model.dual_gap_ + slack
        np.testing.assert_allclose(
            model.tol_, tol * scale, rtol=1e-5 if loss == "quantile" else 1e-6
        )
        assert model.dual_gap_ <= model.tol_


def gap_is_true_without_convergence(case, loss, layout):
    problem = problem_of(loss, layout)
    _, best, scale = reference(case, loss, layout)
    solver = "apg" if make_loss(loss).curvature else "backtracking"
    for max_iter in (1, 8):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = problem.fit(
                problem.penalty(case), tol=1e-13, max_iter=max_iter, solver=solver
            )
        assert model.n_iter_ <= max_iter
        assert model.objective_ - best <= model.dual_gap_ + ROUNDING * scale
        # a warning exactly where the gap is above the tolerance
        assert model.converged_ == (model.dual_gap_ <= model.tol_)
        expected = [] if model.converged_ else [ConvergenceWarning]
        assert [w.category for w in caught] == expected


def solvers_and_forms_agree(case, loss, layout):
    problem = problem_of(loss, layout)
    _, best, scale = reference(case, loss, layout)
    for form in forms(loss):
        objective = problem.objective(problem.penalty(case), form)
        for name, solver in SOLVERS.items():
            if solver.missing(objective) is not None:
                continue
            if name == "backtracking" and objective.fit.bounded:  # never the choice
                continue
            if (
                name == "admm"
                and case.name.startswith("Deviation")
                and "above" in layout
            ):
                continue  # it creeps where rows do not determine the common model
            if name == "cg" and loss == "quantile" and "above" in layout:
                continue  # it creeps where most rows have no curvature
            # exact methods end at rounding errors
            tol = {"direct": 1e-13, "newton": 1e-12}.get(name, 1e-9)
            result = minimise(objective, tol=tol, max_iter=50_000, solver=name)
            assert result.converged, (form, name, result.gap)
            assert result.solver == name
            assert result.objective - best <= result.gap + ROUNDING * scale


THEOREMS = [
    optimum_is_that_of_a_general_solver,
    every_certificate_is_a_lower_bound,
    certificate_is_tight_at_the_optimum,
    gap_is_not_below_the_suboptimality,
    gap_is_true_without_convergence,
    solvers_and_forms_agree,
]


@pytest.mark.product(
    theorem=THEOREMS,
    case=PENALTIES,
    loss=LOSSES,
    layout=LAYOUTS,
    where=lambda case, loss, layout, **_: has_optimum(case, loss, layout),
    slow=lambda theorem, case, loss, layout: (
        theorem is optimum_is_that_of_a_general_solver
        # a Huber loss that interpolates is flat near its optimum
        or (loss == "huber" and layout in SEPARABLE)
        or loss == "quantile"  # as a Huber loss of narrow bends
        or (loss == "poisson" and layout in SEPARABLE)  # steep, and flat near infinity
        or (loss not in QUICK and theorem is not certificate_is_tight_at_the_optimum)
        or (theorem is solvers_and_forms_agree and layout in SEPARABLE)  # many forms
        or case.name.startswith("Deviation")  # many steps
    ),
    # tens of thousands of steps: flat near the optimum, and slow to get there
    dear=lambda case, loss, layout, **_: (
        layout in SEPARABLE
        and loss in ("huber", "quantile", "gamma")
        and case.name.startswith(SLOW)
    ),
)
def test_every_problem(theorem, case, loss, layout):
    theorem(case, loss, layout)


# --- single problems ----------------------------------------------------------------


def test_intercepts_are_not_penalised():
    # shifting the targets of a task moves its intercept and nothing else
    problem = make_problem()
    y = problem.y + 100.0 * (problem.tasks == "a")
    first = MultiTaskRegressor(L21(0.1), tol=1e-12).fit(
        problem.X, problem.y, problem.tasks
    )
    second = MultiTaskRegressor(L21(0.1), tol=1e-12).fit(problem.X, y, problem.tasks)
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-6)
    np.testing.assert_allclose(
        second.intercept_ - first.intercept_, [100.0, 0, 0, 0], atol=1e-5
    )


def test_solvers_say_what_they_lack():
    problem, logistic = make_problem(), make_problem("logistic")
    with pytest.raises(
        ValueError, match="solver='direct' needs a penalty that is quad"
    ):
        problem.fit(L21(0.1), solver="direct")
    with pytest.raises(
        ValueError, match="solver='newton' needs a penalty that is quad"
    ):
        logistic.fit(TraceNorm(0.1), solver="newton")
    with pytest.raises(ValueError, match="solver='direct' needs the squared loss"):
        logistic.fit(Ridge(0.1), solver="direct")


def test_too_few_iterations_warn_with_gap_and_tolerance():
    problem = make_problem("logistic")
    with pytest.warns(
        ConvergenceWarning, match="duality gap of .* tolerance of .*"
    ) as w:
        model = problem.fit(L21(0.01), max_iter=2, tol=1e-12, solver="apg")
    assert f"{model.dual_gap_:.3e}" in str(w[0].message)
    assert f"{model.tol_:.3e}" in str(w[0].message)
    assert not model.converged_
    assert model.n_iter_ == 2


@pytest.mark.parametrize("case", PENALTIES, ids=lambda case: case.name)
@pytest.mark.slow
def test_warm_start_far_above_the_optimum_is_certified_as_well(case):
    # From weak to strong: the first point interpolates, its residuals are rounding.
    problem = make_problem(d=9, sizes=(4, 5, 6), seed=2)
    free = problem.fit(problem.penalty(case, 1e-9), solver="apg", tol=1e-6)
    objective = problem.objective(problem.penalty(case))
    _, W0 = free._solution
    best = minimise(objective, tol=1e-11, max_iter=100_000).objective
    result = minimise(objective, tol=1e-3, max_iter=100_000, W0=W0)
    _, scale = null_model(objective)
    assert result.objective - best <= result.gap + ROUNDING * scale
    assert result.converged


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6])
def test_a_sign_that_is_slightly_wrong_costs_what_it_costs(form, size):
    # Orthogonal features, both free but for their sign, at w = (1, size). At (1, 0)
    # the second derivative points up by very little: it is not to be taken for zero.
    X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    problem = make_problem(layout="single", sizes=(4,), d=2)
    problem = replace(problem, X=X, y=X @ [1.0, size] + X[:, 0] * X[:, 1])
    penalty = L1(1.0, feature_weight=[0.0, 0.0], positive=True)
    objective = problem.objective(penalty, form)
    certificate = objective.certificate(np.array([[1.0], [0.0]]))
    np.testing.assert_allclose(certificate.primal - 0.5, size**2 / 2, atol=1e-14)
    assert certificate.dual <= 0.5 + 1e-14


def test_targets_far_from_zero_keep_their_digits():
    # the intercept takes the mean out before anything is squared
    problem = make_problem()
    for penalty in (L21(0.1), Ridge(0.1), TraceNorm(0.1)):
        near = problem.fit(penalty, tol=1e-9)
        model = MultiTaskRegressor(penalty, tol=1e-9)
        far = model.fit(problem.X, problem.y + 1e6, problem.tasks)
        np.testing.assert_allclose(far.coef_, near.coef_, atol=1e-4)
        assert far.objective_ - near.objective_ <= far.dual_gap_ + 1e-8
        np.testing.assert_allclose(far.intercept_ - near.intercept_, 1e6, atol=1e-3)


def test_constant_target_has_the_solution_zero():
    problem = make_problem()
    y = np.full(problem.y.shape, 7.1)
    for penalty in (L21(0.1), Ridge(0.1), MeanRegularized(0.1), TraceNorm(0.1)):
        model = MultiTaskRegressor(penalty).fit(problem.X, y, problem.tasks)
        np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
        np.testing.assert_allclose(model.intercept_, 7.1)
        assert model.converged_


# --- where the solution becomes zero ------------------------------------------------

G_ONES = np.ones((5, 4))
LABELS = np.array(task_labels(4))
NORMS = [
    case
    for case in PENALTIES
    if np.isfinite(case.make(1.0, 5, 4).bind(LABELS).alpha_max(G_ONES))
]
SQUARES = [case for case in PENALTIES if case not in NORMS]
# those without a squared norm among them
QUADRATICS = [
    case for case in SQUARES if compose(case.make(1.0, 5, 4), 5, LABELS).norm is None
]


def largest(problem, penalty):
    return alpha_max(
        problem.X,
        problem.y,
        problem.labels(penalty),
        penalty=penalty,
        loss=problem.loss,
        **make_loss(problem.loss).settings(),
        sample_weight=problem.sample_weight,
        **problem.options,
    )


@pytest.mark.product(
    case=NORMS,
    loss=LOSSES,
    layout=["ragged", "ragged-weights", "shared", "one-task"],
    slow=lambda loss, **_: loss not in QUICK,
)
def test_solution_is_zero_exactly_from_alpha_max_on(case, loss, layout):
    problem = problem_of(loss, layout)
    penalty = problem.penalty(case)
    top = largest(problem, penalty)
    single = hasattr(penalty, "alpha")
    factor = top / penalty.alpha if single else top
    objective = problem.objective(penalty)
    penalised = ~objective.penalty.free[: problem.n_features]

    def drawn(model):
        """What is drawn to zero: about a free common model, the deviations."""
        coef = np.atleast_2d(model.coef_)
        if objective.free_means.any():
            coef = model.coef_components_["deviation"]
        return coef[:, penalised]

    # where the null model has a solver of its own, the strength is as exact as that
    near = 1e-12 if loss in QUICK else 1e-3 if loss == "quantile" else 1e-6
    above = problem.fit(problem.penalty(case, factor * (1 + near)))
    assert not drawn(above).any()
    below = problem.fit(problem.penalty(case, 0.99 * factor))
    # a single task is the common model
    alone = problem.n_tasks == 1 and (
        objective.free_means.any() or penalised.sum() == 0
    )
    assert drawn(below).any() != alone
    if not single:
        assert largest(problem, problem.penalty(case, 5.0)) == pytest.approx(factor / 5)
    else:  # the strength of a single penalty does not matter, and is not changed
        assert largest(problem, problem.penalty(case, 7.0)) == pytest.approx(top)
        nothing = problem.penalty(case, 0.0)
        assert largest(problem, nothing) == pytest.approx(top)
        assert nothing.alpha == 0.0


@pytest.mark.product(
    case=SQUARES, loss=LOSSES, slow=lambda loss, **_: loss not in QUICK
)
def test_no_strength_of_a_quadratic_penalty_gives_zero(case, loss):
    problem = problem_of(loss, "ragged")
    assert largest(problem, problem.penalty(case)) == np.inf
    assert np.all(problem.fit(problem.penalty(case, 1e3)).coef_ != 0)


@pytest.mark.parametrize("penalty", [L1(0.0), L21(0.0), TraceNorm(0.0)], ids=repr)
def test_no_factor_on_a_sum_without_a_norm_gives_zero(penalty):
    problem = problem_of("squared", "ragged")
    assert largest(problem, penalty + Ridge(1.0)) == np.inf


# --- linear systems -----------------------------------------------------------------

T, D = 5, 4
CHAIN = sparse.csr_array(
    np.diag([1.0, 0.5, 2.0, 1.0], 1) + np.diag([1.0, 0.5, 2, 1], -1)
)
FORMS_OVER_TASKS = {
    "zero": QuadraticForm(T),
    "ridge": QuadraticForm(T, ridge=0.3),
    "ridge-per-task": QuadraticForm(T, ridge=np.array([0.3, 0.0, 0.1, 1.0, 0.2])),
    "centred": QuadraticForm(T, centred=0.7),
    "centred+mean": QuadraticForm(T, centred=0.7, mean=0.01),
    "ridge+centred": QuadraticForm(T, ridge=0.3, centred=0.7),
    "graph": QuadraticForm(T, adjacency=CHAIN),
    "ridge+graph": QuadraticForm(T, ridge=0.3, adjacency=CHAIN),
    "everything": QuadraticForm(T, ridge=0.3, centred=0.2, mean=0.1, adjacency=CHAIN),
    "ridge-per-task+centred": QuadraticForm(T, ridge=np.arange(T) / 5, centred=0.7),
    "ridge-per-task+graph": QuadraticForm(T, ridge=np.arange(T) / 5, adjacency=CHAIN),
}
BRANCHES = [
    # name, one Hessian for all, largest system that is factored at once
    ("_separate", False, 2500, ["zero", "ridge", "ridge-per-task"]),
    ("_separate", True, 2500, ["zero", "ridge", "ridge-per-task"]),
    ("_common_eigenbasis", True, 2500, list(FORMS_OVER_TASKS)[3:]),
    ("_dense", False, 2500, list(FORMS_OVER_TASKS)[6:]),
    ("_consensus", False, T, ["centred", "centred+mean", "ridge+centred"]),
    ("_conjugate_gradients", False, T, list(FORMS_OVER_TASKS)[6:]),
    ("_conjugate_gradients", False, 0, list(FORMS_OVER_TASKS)[6:]),
]


@pytest.mark.parametrize("rows", [2, 9], ids=["d-above-n", "tall"])
@pytest.mark.parametrize(
    ("branch", "shared", "threshold", "form"),
    [(b, shared, n, form) for b, shared, n, fs in BRANCHES for form in fs],
)
def test_branches_solve_the_system(monkeypatch, branch, shared, threshold, form, rows):
    monkeypatch.setattr(_quadratic_system, "_SMALL_SYSTEM", threshold)
    taken = []
    original = getattr(_quadratic_system, branch)
    monkeypatch.setattr(
        _quadratic_system, branch, lambda *a: taken.append(branch) or original(*a)
    )
    rng = np.random.default_rng(0)
    quadratic = FORMS_OVER_TASKS[form]
    sizes = [rows] if shared else rows + np.arange(T) % 2
    A = [rng.normal(size=(n, D)) for n in sizes]
    blocks = [Block(A=a) if t % 2 else Block(H=a.T @ a) for t, a in enumerate(A)]
    H = [a.T @ a for a in (A * T if shared else A)]
    system = np.kron(quadratic.dense(), np.eye(D))
    for t in range(T):
        system[t * D : (t + 1) * D, t * D : (t + 1) * D] += H[t]
    # a right hand side for which there is a solution, though the system be singular
    C = (system @ rng.normal(size=D * T)).reshape(T, D).T
    W = system_solver(blocks, quadratic, D)(C)
    assert taken[0] == branch
    residual = (system @ W.T.ravel()).reshape(T, D).T - C
    assert np.abs(residual).max() <= 1e-10 * np.abs(C).max()
    if np.linalg.matrix_rank(system, tol=1e-8) == D * T:
        expected = np.linalg.solve(system, C.T.ravel()).reshape(T, D).T
        np.testing.assert_allclose(W, expected, atol=1e-8)
    np.testing.assert_allclose(
        _quadratic_system.residual(blocks, quadratic, C, W), -residual, atol=1e-12
    )


@pytest.mark.product(
    case=QUADRATICS,
    layout=["ragged", "ragged-weights", "shared", "d-above-n"],
    small_system=[0, 4, 2500],
    dense_tasks=[0, 2000],
)
def test_direct_solver_is_exact_in_every_branch(
    monkeypatch, case, layout, small_system, dense_tasks
):
    _, best, scale = reference(case, "squared", layout)
    monkeypatch.setattr(_quadratic_system, "_SMALL_SYSTEM", small_system)
    monkeypatch.setattr(_quadratic_form, "_DENSE_TASKS", dense_tasks)
    problem = problem_of("squared", layout)
    for form in FORMS:
        objective = problem.objective(problem.penalty(case), form)
        result = minimise(objective, tol=1e-12, max_iter=1, solver="direct")
        assert result.converged
        assert abs(result.objective - best) <= 1e-10 * scale


@pytest.mark.parametrize("alpha_mean", [0.0, 0.3])
def test_mean_and_deviations_are_two_ridges(alpha_mean):
    # where tasks share X; memory is far from that of a T x T matrix, 32 MB
    n, d, n_tasks = 30, 5, 2000
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(n, n_tasks))
    penalty = MeanRegularized(0.5, alpha_mean=alpha_mean)
    tracemalloc.start()
    model = MultiTaskRegressor(penalty).fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert model.solver_ == "direct"
    assert model.converged_
    assert peak < 16 * (Y.nbytes + model.coef_.nbytes)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    H, C = X.T @ X / n, X.T @ Y / n
    mean = np.linalg.solve(H + alpha_mean * np.eye(d), C.mean(axis=1, keepdims=True))
    rest = C - C.mean(axis=1, keepdims=True)
    deviation = np.linalg.solve(H + 0.5 * np.eye(d), rest)
    np.testing.assert_allclose(model.coef_, (mean + deviation).T, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ring", "random"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_graphs_of_thousands_of_tasks_on_shared_samples(kind, ridge):
    n, d, n_tasks = 30, 3, 2500
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(n, n_tasks))
    i = np.arange(n_tasks) if kind == "ring" else rng.integers(0, n_tasks, 2 * n_tasks)
    j = np.roll(i, 1)
    A = sparse.coo_array((np.ones(i.size), (i, j)), shape=(n_tasks, n_tasks)).tocsr()
    penalty = Ridge(ridge) + GraphLaplacian(A + A.T, 0.5)
    tracemalloc.start()
    model = MultiTaskRegressor(penalty, tol=1e-10).fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert model.solver_ == "direct"
    assert model.converged_
    assert peak < 24 * Y.nbytes  # a T x T matrix is 80 times as large
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    laplacian = csgraph.laplacian(A + A.T)
    W = model.coef_.T
    slope = X.T @ (X @ W - Y) / n + ridge * W + 0.5 * (W @ laplacian)
    np.testing.assert_allclose(slope, 0.0, atol=1e-10)


@pytest.mark.slow
def test_thousands_of_tasks():
    # beyond all thresholds as they are; no n_tasks x n_tasks matrix is formed
    n_tasks, d = 2600, 2
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(n_tasks), 3)
    X = rng.normal(size=(tasks.size, d))
    y = X @ [1.0, -1.0] + rng.normal(size=tasks.size)
    ring = np.arange(n_tasks)
    graph = sparse.coo_array(
        (np.ones(n_tasks), (ring, np.roll(ring, 1))), shape=(n_tasks, n_tasks)
    )
    penalty = GraphLaplacian(graph + graph.T, 0.5)
    model = MultiTaskRegressor(penalty, tol=1e-10).fit(X, y, tasks)
    assert model.solver_ == "direct"
    assert model.converged_


def test_classifier_of_thousands_of_unknowns_by_newton(monkeypatch):
    # Newton's systems take the same branches
    problem = make_problem("logistic")
    for penalty in (Ridge(0.1) + GraphLaplacian(None, 0.3), MeanRegularized(0.3)):
        expected = problem.fit(penalty)
        with monkeypatch.context() as patch:
            patch.setattr(_quadratic_system, "_SMALL_SYSTEM", 4)
            model = problem.fit(penalty, solver="newton")
        assert isinstance(model, MultiTaskClassifier)
        np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-7)
