"""Squares of spectral norms: clusters, shared subspaces, task covariances.

The table of `cases.py` has them as well; here is what only they have.
"""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from cases import Case, cluster_norm, ridge, trace
from helpers.convex import least
from helpers.malsar import Run, runs_of
from helpers.matrices import normal, prox
from helpers.problems import make_problem
from linmtl import MultiTaskRegressor, MultiTaskRegressorCV
from linmtl.datasets import make_multitask_regression
from linmtl.path import alpha_grid, alpha_max, mtl_path
from linmtl.penalties import (
    Clustered,
    Ridge,
    SharedStructure,
    TaskRelationship,
    TraceNorm,
    _spectral,
    compose,
)
from linmtl.penalties._cluster_norm import _eigenvalues
from linmtl.solvers import minimise

SHAPES = [(5, 4), (3, 6), (9, 2), (6, 1), (1, 5)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
PENALTIES = [
    Clustered(1, 0.7, 0.2),
    Clustered(2, 0.7, 0.2),
    Clustered(3, 0.7, 2.0),
    SharedStructure(2, 1.3, 1e-3),
    TaskRelationship(0.4),
]
every_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=str)


def with_singular_values(s, shape, seed=0):
    U, _ = np.linalg.qr(normal((shape[0], len(s)), seed))
    Q, _ = np.linalg.qr(normal((shape[1], len(s)), seed + 1))
    return (U * s) @ Q.T


# --- the formulas -------------------------------------------------------------------


def minimised_over_relation(W, penalty):
    """The definition: the value, and the matrix it is minimised over."""
    if isinstance(penalty, TaskRelationship):
        M = cp.Variable((W.shape[1],) * 2, PSD=True)
        constraints, centre, A = [cp.trace(M) == 1], M, W.T
    else:
        over_tasks = isinstance(penalty, Clustered)
        A = W.T if over_tasks else W
        k = penalty.n_clusters if over_tasks else penalty.n_components
        identity = np.eye(A.shape[0])
        M = cp.Variable(identity.shape, PSD=True)
        constraints = [identity - M >> 0, cp.trace(M) == min(k, *W.shape)]
        centre = penalty.eta * identity + M
    expression = penalty.alpha / 2 * cp.matrix_frac(A, centre)
    return expression, constraints, M


@every_penalty
@every_shape
def test_value_is_the_minimum_over_a_matrix(penalty, shape):
    W = normal(shape)
    expression, constraints, _ = minimised_over_relation(cp.Constant(W), penalty)
    expected = least(expression, constraints)
    np.testing.assert_allclose(penalty.value(W), expected, rtol=1e-6)


@every_penalty
@every_shape
@pytest.mark.parametrize("step", [0.1, 2.0])
def test_prox_is_that_of_a_general_solver(penalty, shape, step):
    V = normal(shape)
    W = cp.Variable(shape)
    expression, constraints, _ = minimised_over_relation(W, penalty)
    objective = cp.sum_squares(W - V) / 2 + step * expression
    optimum = least(objective, constraints)
    out, value = prox(penalty, V, step)
    np.testing.assert_allclose(
        np.sum((out - V) ** 2) / 2 + step * value, optimum, rtol=1e-6
    )
    np.testing.assert_allclose(out, W.value, atol=1e-3)


@every_shape
def test_both_readings_of_the_cluster_norm(shape):
    W = normal(shape)
    for k in (1, 2, 3):
        first, second = Clustered(k, 0.7, 0.3), SharedStructure(k, 0.7, 0.3)
        assert first.value(W) == second.value(W)
        np.testing.assert_allclose(second.value(W.T.copy()), first.value(W))
        assert first.dual_terms(W) == second.dual_terms(W)
        np.testing.assert_array_equal(prox(first, W, 2.0)[0], prox(second, W, 2.0)[0])


def test_value_where_it_is_known():
    W = with_singular_values([4.0, 2.0, 1.0], (5, 4))
    total = np.sum(W**2)
    # as many as singular values: a ridge; a large eta: the same nearly
    np.testing.assert_allclose(Clustered(3, 2.0, 0.5).value(W), total / 1.5)
    np.testing.assert_allclose(Clustered(1, 2e6, 1e6).value(W), total, rtol=1e-5)
    # m = (1, 0, 0) and (1, 1, 0); and where some lie between
    np.testing.assert_allclose(Clustered(1, 2.0, 1.5).value(W), 16 / 2.5 + 5 / 1.5)
    np.testing.assert_allclose(Clustered(2, 2.0, 1.5).value(W), 20 / 2.5 + 1 / 1.5)
    np.testing.assert_allclose(Clustered(1, 2.0, 0.1).value(W), 49 / 1.3)
    np.testing.assert_allclose(Clustered(2, 2.0, 0.1).value(W), 16 / 1.1 + 9 / 1.2)
    np.testing.assert_allclose(TaskRelationship(2.0).value(W), 49.0)


@pytest.mark.parametrize("shift", [1e-8, 0.3, 1.0, 50.0, 1e4])
@pytest.mark.parametrize("k", [1, 2, 5, 19])
def test_eigenvalues_are_feasible_and_of_their_form(k, shift):
    rng = np.random.default_rng(k)
    for s in (
        rng.uniform(size=20),
        np.exp(5 * rng.normal(size=20)),
        np.ones(20),
        np.repeat([5.0, 1.0, 1.0, 0.2], 5),
        np.repeat([1e150, 1e-150], 10),
        np.r_[1e-3 * np.ones(7), np.zeros(13)],
    ):
        m = _eigenvalues(s, k, shift)
        assert np.all((m >= 0) & (m <= 1))
        positive = np.count_nonzero(s > 1e-100 * s.max())
        rounding = 1e-14 * (1 + shift)
        np.testing.assert_allclose(m.sum(), min(k, positive), rtol=rounding)
        order = np.argsort(s)
        assert np.all(np.diff(m[order]) >= 0)
        # equal ones share
        np.testing.assert_array_equal(m[order], _eigenvalues(s[order], k, shift))
        np.testing.assert_allclose(m, _eigenvalues(7.0 * s, k, shift), atol=1e-11)
        between = (m > 0) & (m < 1)
        ratio = (m[between] + shift) / s[between]
        if ratio.size:
            np.testing.assert_allclose(ratio, ratio[0], rtol=1e-10)
            ones = m == 1
            assert np.all((1 + shift) / s[ones] <= ratio[0] * (1 + 1e-12))


# --- the digits of the prox ---------------------------------------------------------

SPECTRA = {
    "close": [1.3, 1.2, 1.1, 1.0],
    "ties": [2.0, 1.0, 1.0, 1.0],
    "one large": [1e8, 1.0, 0.9, 0.5],
    "gap after two": [1.0, 0.9, 1e-9, 1e-10],
    "geometric": [1.0, 1e-4, 1e-8, 1e-12],
    "low rank": [3.0, 1.0, 0.0, 0.0],
    "rank one": [2.0, 0.0, 0.0, 0.0],
    "zero": [0.0, 0.0, 0.0, 0.0],
    "tiny": [3e-120, 2e-120, 1e-120, 1e-121],
    "huge": [3e120, 2e120, 1e120, 1e119],
}


@pytest.mark.product(
    penalty=PENALTIES, step=[0.0, 1e-8, 0.01, 1.0, 1e4, 1e8], spectrum=SPECTRA
)
def test_prox_keeps_its_digits(penalty, step, spectrum):
    s = np.array(SPECTRA[spectrum])
    for shape in ((9, 4), (4, 9), (4, 4)):
        V = with_singular_values(s, shape)
        expected = penalty.prox_naive(V, step)
        out, value = prox(penalty, V, step)
        # rounding of V moves the prox by that much
        np.testing.assert_allclose(out, expected, rtol=1e-9, atol=2e-12 * s[0])
        with np.errstate(over="ignore", under="ignore"):
            at_result = penalty.value(out)
        if s[0] < 1e100:
            slack = 1e-290 + 1e-10 * s[0] ** 2 / max(step, 1.0)
            np.testing.assert_allclose(value, at_result, rtol=1e-9, atol=slack)


@every_penalty
@pytest.mark.parametrize("shape", [(170, 160), (160, 170)])
@pytest.mark.slow
def test_prox_of_a_large_matrix(penalty, shape):
    s = 0.95 ** np.arange(160)
    V = with_singular_values(s, shape)
    for step in (0.01, 0.5, 20.0):
        out, _ = prox(penalty, V, step)
        np.testing.assert_allclose(out, penalty.prox_naive(V, step), atol=1e-12)


@every_penalty
def test_prox_is_the_same_in_every_basis(penalty):
    V = normal((6, 4))
    rotation, _ = np.linalg.qr(normal((6, 6), 1))
    other, _ = np.linalg.qr(normal((4, 4), 2))
    out, value = prox(penalty, V, 0.7)
    rotated, same = prox(penalty, rotation @ V @ other, 0.7)
    np.testing.assert_allclose(rotated, rotation @ out @ other, atol=1e-13)
    np.testing.assert_allclose(same, value)


@every_penalty
def test_full_svd_is_rare(penalty, monkeypatch):
    # only where the digits would be lost
    def fail(*args, **options):
        raise AssertionError("a full SVD")

    monkeypatch.setattr(_spectral.linalg, "svd", fail)
    for step in (0.1, 1.0, 100.0):
        prox(penalty, normal((200, 5)), step)
        prox(penalty, normal((5, 200)), step)
    if isinstance(penalty, TaskRelationship):
        with pytest.raises(AssertionError, match="a full SVD"):
            prox(penalty, with_singular_values([1.0, 1e-7], (200, 5)), 1e-9)
    elif penalty._size((200, 5)) > 1:
        with pytest.raises(AssertionError, match="a full SVD"):
            prox(penalty, with_singular_values([1.0, 1e-7, 1e-8], (200, 5)), 1.0)


# --- fits ---------------------------------------------------------------------------

DATA = {
    "ragged": {},
    "ragged-weights": {"sample_weight": True, "task_weight": [1.0, 0.5, 2.0, 1.5]},
    "shared": {"layout": "wide", "sizes": (17,) * 4},
    "shared-missing": {"layout": "wide", "sizes": (21,) * 4, "missing": True},
    "d-above-n": {"sizes": (4, 5, 6), "d": 9},
    "tasks-above-d": {"sizes": (7, 9, 8, 7, 6, 9, 8, 7), "d": 3},
    "shared-tasks-above-d": {"layout": "wide", "sizes": (12,) * 8, "d": 3},
}
WITH_RIDGE = [
    Case(
        "Clustered+Ridge",
        lambda s, d, T: Clustered(2, 0.3 * s, 0.1) + Ridge(0.05 * s),
        lambda W, s: plus(cluster_norm(W, 0.3 * s, 2, 0.1), ridge(W, 0.05 * s)),
    ),
    Case(
        "SharedStructure+Ridge",
        lambda s, d, T: SharedStructure(1, 0.3 * s, 1.0) + Ridge(0.05 * s),
        lambda W, s: plus(
            cluster_norm(W, 0.3 * s, 1, 1.0, over_tasks=False), ridge(W, 0.05 * s)
        ),
    ),
    Case(
        "Clustered",
        lambda s, d, T: Clustered(2, 0.3 * s, 0.1),
        lambda W, s: cluster_norm(W, 0.3 * s, 2, 0.1),
    ),
    Case(
        "TaskRelationship",
        lambda s, d, T: TaskRelationship(0.05 * s),
        lambda W, s: 0.05 * s / 2 * cp.square(trace(W)),
    ),
]


def plus(formula, more):
    if isinstance(formula, tuple):
        return formula[0] + more, formula[1]
    return formula + more


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("case", WITH_RIDGE, ids=lambda case: case.name)
@pytest.mark.slow
def test_fits_are_those_of_a_general_solver(case, data, loss):
    problem = make_problem(loss, **DATA[data])
    optimum, coef, intercept = problem.cvxpy_optimum(case)
    theirs = problem.value_at(case, coef, intercept)
    objectives = []
    for solver in ["auto", "apg"] if loss == "squared" else ["auto"]:
        model = problem.fit(problem.penalty(case), tol=1e-9, solver=solver)
        chosen = {"squared": "admm", "logistic": "second_order"}[loss]
        assert model.solver_ == (chosen if solver == "auto" else solver)
        assert model.converged_
        written_out = problem.value_at(case, model.coef_, model.intercept_)
        np.testing.assert_allclose(model.objective_, written_out, rtol=1e-10)
        assert model.objective_ - theirs <= model.dual_gap_ + 1e-12
        assert abs(model.objective_ - optimum) <= 1e-7 * optimum
        objectives.append(model.objective_)
    assert np.ptp(objectives) <= 2e-9 * 10


@every_penalty
def test_gap_bounds_the_suboptimality_of_a_poor_solution(penalty):
    problem = make_problem()
    objective = problem.objective(penalty)
    best = minimise(objective, tol=1e-12, max_iter=100_000)
    rng = np.random.default_rng(0)
    for size in (0.0, 1e-4, 1e-2, 1.0):
        W = best.W + size * rng.normal(size=best.W.shape)
        certificate = objective.certificate(W)
        assert certificate.dual <= best.objective + 1e-12
        assert certificate.gap <= 1e-7 + 100 * size


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_clusters_and_subspace_have_one_solution(loss):
    problem = make_problem(loss)
    models = [
        problem.fit(kind(2, 0.1, 0.3), tol=1e-12)
        for kind in (Clustered, SharedStructure)
    ]
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)
    assert models[0].objective_ == models[1].objective_


def test_task_relationship_is_a_trace_norm_of_another_strength():
    problem = make_problem(d=9)
    square = problem.fit(TaskRelationship(0.05), tol=1e-12)
    total = np.linalg.svd(square.coef_, compute_uv=False).sum()
    norm = problem.fit(TraceNorm(0.05 * total), tol=1e-12)
    np.testing.assert_allclose(norm.coef_, square.coef_, atol=1e-5)


def test_as_many_clusters_as_tasks_is_a_ridge():
    problem = make_problem()
    model = problem.fit(Clustered(4, 0.3, 0.5), tol=1e-12)
    expected = problem.fit(Ridge(0.2), tol=1e-12)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-5)


def test_one_task_is_one_cluster():
    problem = make_problem(layout="single", sizes=(26,))
    model = problem.fit(Clustered(2, 0.3, 0.5), tol=1e-12)
    expected = problem.fit(Ridge(0.2), tol=1e-12)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)
    np.testing.assert_array_equal(model.labels_, [0])
    np.testing.assert_allclose(model.task_relation_, [[1.0]])
    model = problem.fit(TaskRelationship(0.2), tol=1e-12)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(model.task_covariance_, [[1.0]])


@pytest.mark.parametrize("penalty", [Clustered, SharedStructure, TaskRelationship])
def test_strength_zero_is_no_penalty(penalty):
    composite = compose(penalty(alpha=0.0), 5, np.arange(4))
    assert composite.norm is None
    assert composite.free.all()
    V = normal((5, 4))
    np.testing.assert_allclose(prox(penalty(alpha=0.0), V, 3.0)[0], V, atol=1e-14)
    problem = make_problem()
    model = problem.fit(penalty(alpha=0.0) + Ridge(0.1), tol=1e-12)
    np.testing.assert_allclose(model.coef_, problem.fit(Ridge(0.1)).coef_, atol=1e-6)


# --- what a fitted model has --------------------------------------------------------


def check_relation(model, penalty):
    """The matrix of the model minimises the definition at its coefficients."""
    M, T = model.task_relation_, len(model.coef_)
    np.testing.assert_array_equal(M, M.T)
    eigenvalue = np.linalg.eigvalsh(M)
    assert eigenvalue[0] >= -1e-12
    assert eigenvalue[-1] <= 1 + 1e-12
    np.testing.assert_allclose(np.trace(M), min(penalty.n_clusters, T))
    centre = penalty.eta * np.eye(T) + M
    at_M = np.sum(model.coef_ * np.linalg.solve(centre, model.coef_))
    np.testing.assert_allclose(
        penalty.alpha / 2 * at_M, penalty.value(model.coef_.T), rtol=1e-10
    )


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("eta", [0.05, 3.0])
def test_task_relation(k, eta):
    for data in DATA.values():
        problem = make_problem(**data)
        penalty = Clustered(min(k, problem.n_tasks), 0.2, eta)
        model = problem.fit(penalty, tol=1e-6)
        check_relation(model, penalty)
        assert model.labels_.shape == (problem.n_tasks,)
        assert model.labels_.max() < k


@pytest.mark.parametrize(
    "shape",
    [
        {"n_tasks": 15, "n_clusters": 3, "n_samples": (20, 40)},
        {"n_tasks": 30, "n_clusters": 5, "n_features": 40, "n_samples": 30},
        {"n_tasks": 12, "n_clusters": 2, "n_features": 30, "n_samples": 25},
        {"n_tasks": 12, "n_clusters": 4, "n_features": 3, "n_samples": 60, "noise": 0.1}
        | {"deviation": 0.05},
    ],
    ids=lambda shape: f"{shape['n_clusters']} of {shape['n_tasks']}",
)
@pytest.mark.parametrize("seed", range(3))
def test_planted_clusters_are_found(shape, seed):
    X, y, tasks, truth = make_multitask_regression(
        **shape, structure="clustered", return_coef=True, random_state=seed
    )
    k = shape["n_clusters"]
    model = MultiTaskRegressor(Clustered(k, alpha=0.1, eta=0.2)).fit(X, y, tasks)
    assert adjusted_rand_score(truth.labels, model.labels_) == 1.0
    # in order of first appearance
    np.testing.assert_array_equal(np.unique(model.labels_), np.arange(k))
    _, first = np.unique(model.labels_, return_index=True)
    assert np.all(np.diff(first) > 0)
    again = MultiTaskRegressor(Clustered(k, alpha=0.1, eta=0.2)).fit(X, y, tasks)
    np.testing.assert_array_equal(again.labels_, model.labels_)


def attributes(penalty, W):
    return penalty.fitted_attributes(W, {}, np.arange(W.shape[1]))


def test_equal_tasks_are_in_one_cluster():
    rng = np.random.default_rng(0)
    for trial in range(6):
        T, different = 9, 1 + trial
        which = np.r_[np.arange(different), rng.integers(different, size=T - different)]
        W = rng.normal(size=(4, different))[:, which]
        for k in (1, 2, 3, 6, 9):
            labels = attributes(Clustered(k), W)["labels_"]
            for t in range(different):  # whatever k-means does, without a warning
                assert np.ptp(labels[which == t]) == 0
            if k >= different:
                np.testing.assert_array_equal(labels, which)
            assert labels.max() < k


@pytest.mark.parametrize("distance", [0.0, 1e-300, 1e-15, 1e-9, 1e-7, 1e-5])
def test_clusters_of_tasks_that_hardly_differ(distance):
    W = np.zeros((4, 6))
    W[:, :3], W[:, 3:] = normal((4, 1)), normal((4, 1), 1)
    W += distance * normal((4, 6), 2)
    for k in range(1, 7):
        labels = attributes(Clustered(k), W)["labels_"]
        assert labels[0] == 0
        if k > 1:
            assert not set(labels[:3]) & set(labels[3:])
    assert len(set(labels)) == (6 if distance > 1e-6 else 2)


def test_attributes_where_all_coefficients_are_zero():
    W = np.zeros((3, 4))
    found = attributes(Clustered(2), W)
    np.testing.assert_allclose(found["task_relation_"], np.eye(4) / 2)
    np.testing.assert_array_equal(found["labels_"], 0)
    found = attributes(TaskRelationship(), W)
    np.testing.assert_allclose(found["task_covariance_"], np.eye(4) / 4)
    np.testing.assert_allclose(found["task_correlation_"], np.eye(4))
    components = attributes(SharedStructure(2), W)["components_"]
    np.testing.assert_allclose(components @ components.T, np.eye(2), atol=1e-14)


@pytest.mark.parametrize("shape", [(6, 4), (3, 6), (5, 1)], ids=str)
def test_components_span_the_leading_directions(shape):
    s = np.array([3.0, 2.0, 1.0])[: min(shape)]
    W = with_singular_values(s, shape)
    for n in (1, 2, 3, 7):
        components = attributes(SharedStructure(n), W)["components_"]
        k = min(n, *shape)
        assert components.shape == (k, shape[0])
        np.testing.assert_allclose(components @ components.T, np.eye(k), atol=1e-12)
        left = components @ W
        expected = np.append(s, 0.0)[:k]
        np.testing.assert_allclose(np.linalg.norm(left, axis=1), expected, atol=1e-12)
        if k > s.size:  # no direction is left
            continue
        # the sign does not depend on that of W
        largest = np.abs(components).argmax(axis=1)
        assert np.all(components[np.arange(k), largest] > 0)
        flipped = attributes(SharedStructure(n), -W)["components_"]
        np.testing.assert_allclose(flipped, components, atol=1e-12)


def test_task_covariance_is_the_minimiser():
    problem = make_problem(sizes=(13, 19, 16, 11, 15))
    penalty = TaskRelationship(0.1)
    model = problem.fit(penalty, tol=1e-12)
    W = model.coef_.T
    expression, constraints, Omega = minimised_over_relation(cp.Constant(W), penalty)
    least(expression, constraints)
    covariance = model.task_covariance_
    np.testing.assert_allclose(covariance, Omega.value, atol=1e-4)
    np.testing.assert_allclose(np.trace(covariance), 1.0)
    np.testing.assert_array_equal(covariance, covariance.T)
    np.testing.assert_allclose(
        covariance @ covariance * np.linalg.svd(W)[1].sum() ** 2, W.T @ W, atol=1e-12
    )
    deviation = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(
        model.task_correlation_, covariance / np.outer(deviation, deviation)
    )


def test_correlation_of_opposite_and_of_empty_tasks():
    w = normal((5, 1))
    W = np.hstack([w, -2.0 * w, np.zeros((5, 1)), w])
    found = attributes(TaskRelationship(), W)
    covariance, correlation = found["task_covariance_"], found["task_correlation_"]
    expected = np.outer([1, -1, 0, 1], [1, -1, 0, 1.0])
    expected[2, 2] = 1.0
    np.testing.assert_allclose(correlation, expected)
    np.testing.assert_array_equal(np.diag(correlation), 1.0)
    np.testing.assert_array_equal(covariance[2], 0.0)
    np.testing.assert_allclose(np.diag(covariance), np.array([1, 4, 0, 1]) / 6)


# --- paths and cross-validation -----------------------------------------------------


@pytest.mark.parametrize(
    "penalty", [Clustered(3), SharedStructure(2), TaskRelationship()], ids=str
)
@pytest.mark.parametrize("sum_with_ridge", [False, True])
def test_path(penalty, sum_with_ridge):
    X, y, tasks = make_multitask_regression(
        n_tasks=6, structure="clustered", random_state=0
    )
    if sum_with_ridge:
        penalty = penalty + Ridge(0.01)
    assert alpha_max(X, y, tasks, penalty=penalty) == np.inf
    grid = alpha_grid(X, y, tasks, penalty=penalty, n_alphas=5)
    alphas, coefs, gaps = mtl_path(X, y, tasks, penalty=penalty, alphas=5, tol=1e-8)
    np.testing.assert_array_equal(alphas, grid)
    # the sizes go from almost nothing to that of the least squares
    sizes = np.linalg.norm(coefs, axis=(0, 1))
    assert np.all(np.diff(sizes) > 0)
    for i in (0, 2, 4):
        if not sum_with_ridge:
            single = replace_alpha(penalty, alphas[i])
        else:
            single = replace_alpha(penalty.first, alphas[i] * penalty.first.alpha)
            single = single + Ridge(0.01 * alphas[i])
        model = MultiTaskRegressor(single, tol=1e-8).fit(X, y, tasks)
        np.testing.assert_allclose(coefs[:, :, i], model.coef_, atol=1e-2 * sizes[i])
        assert gaps[i] <= model.tol_ * (1 + 1e-9)


def replace_alpha(penalty, alpha):
    return type(penalty)(**{**penalty.get_params(deep=False), "alpha": alpha})


@pytest.mark.parametrize(
    "penalty", [Clustered(3), SharedStructure(3), TaskRelationship()], ids=str
)
def test_cross_validation(penalty):
    X, y, tasks, truth = make_multitask_regression(
        n_tasks=9,
        n_samples=25,
        structure="clustered",
        return_coef=True,
        random_state=0,
    )
    model = MultiTaskRegressorCV(penalty, alphas=10, cv=3).fit(X, y, tasks)
    assert 0 < model.alpha_ < np.inf
    assert model.converged_
    # neither end of the grid is the best, and the model is better than without it
    assert model.alphas_[-1] < model.alpha_ < model.alphas_[0]
    plain = MultiTaskRegressor(Ridge(1e-6)).fit(X, y, tasks)
    error, without = (np.sum((m.coef_ - truth.coef) ** 2) for m in (model, plain))
    assert error < 0.7 * without
    if isinstance(penalty, Clustered):
        assert adjusted_rand_score(truth.labels, model.labels_) == 1.0


# --- bad data -----------------------------------------------------------------------


@every_penalty
def test_extreme_data(penalty):
    problem = make_problem(d=4)
    scales = [1e-100, 1e-8, 1e-3, 1e3, 1e8]
    for size in scales:
        data = replace(problem, X=problem.X * size)
        model = data.fit(penalty, tol=1e-4)
        assert np.all(np.isfinite(model.coef_))
        assert model.converged_
    constant = MultiTaskRegressor(penalty).fit(
        problem.X, np.full(problem.y.shape, 7.1), problem.tasks
    )
    np.testing.assert_allclose(constant.coef_, 0.0, atol=1e-12)
    nothing = MultiTaskRegressor(penalty).fit(
        np.ones_like(problem.X), problem.y, problem.tasks
    )
    assert np.all(np.isfinite(nothing.coef_))
    assert nothing.converged_


def test_more_clusters_than_tasks_is_an_error_at_fit():
    problem = make_problem()
    with pytest.raises(ValueError, match="n_clusters=5 but there are 4 tasks"):
        problem.fit(Clustered(5, 0.1))
    problem.fit(Clustered(np.int64(4), np.float32(0.1), 1))
    # a subspace has no such limit
    assert problem.fit(SharedStructure(50, 0.1)).components_.shape == (4, 5)


# --- MALSAR -------------------------------------------------------------------------


@runs_of("CMTL", "CASO")
def test_optimum_of_malsar(path):
    """``c tr(W (eta I + M)^-1 W')``, eta = rho2 / rho1, c = rho2 (1 + eta)."""
    run = Run(path)
    rho1, rho2, k = (run.params[name] for name in ("rho1", "rho2", "k"))
    over_tasks = run.kind == "CMTL"
    eta = rho2 / rho1
    c = rho2 * (1 + eta)

    def objective_at(W, b, M):
        A = W if over_tasks else W.T
        penalty = c * np.sum(A.T * np.linalg.solve(eta * np.eye(len(M)) + M, A.T))
        return run.loss_at(W, b) + penalty

    theirs, M = run.objective, run.extra["M"][0, 0]
    np.testing.assert_allclose(objective_at(run.W, run.C, M), theirs, rtol=1e-9)
    kind = Clustered if over_tasks else SharedStructure
    model = run.fit(kind(int(k), 2 * c / run.size, eta))
    assert model.converged_
    ours = run.size * model.objective_
    assert ours <= theirs * (1 + 1e-8)
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)
    if over_tasks:
        W, b = model.coef_.T, model.intercept_
        np.testing.assert_allclose(
            objective_at(W, b, model.task_relation_), ours, rtol=1e-9
        )
        np.testing.assert_allclose(model.task_relation_, M, atol=1e-3)
    else:
        values, vectors = np.linalg.eigh(M)
        leading = vectors[:, np.argsort(values)[-int(k) :]]
        if values[-int(k)] - values[-int(k) - 1] > 0.1:
            overlap = np.linalg.svd(model.components_ @ leading, compute_uv=False)
            np.testing.assert_allclose(overlap, 1.0, atol=1e-3)
