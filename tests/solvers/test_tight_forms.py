"""Norms beside a quadratic form over the tasks, much stronger than the loss bends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from helpers.problems import make_problem
from linmtl import MultiTaskRegressor
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    GroupL21,
    Linf1,
    MeanRegularized,
    Ridge,
    TaskL21,
    TraceNorm,
)
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers import minimise
from linmtl.solvers._choice import choose_method
from linmtl.solvers._quadratic_system import Block, residual, system_solver

NORMS = [
    L1(0.02),
    L1(0.01) + L21(0.02),
    L21(0.02, positive=True),
    Linf1(0.03),
    GroupL21([0, 0, 1, 1], 0.03),
    TaskL21(0.03),
    TraceNorm(0.03),
]


def tight(name, strength):
    if name == "mean":
        return MeanRegularized(strength) + Ridge(0.01)
    return GraphLaplacian(np.eye(4, k=1) + np.eye(4, k=-1), strength)


@pytest.mark.parametrize("norm", NORMS, ids=repr)
@pytest.mark.parametrize(
    ("loss", "form", "method"),
    [
        ("squared", "mean", "admm"),
        ("squared", "graph", "admm"),
        ("poisson", "graph", "second_order"),
        ("logistic", "mean", "second_order"),
    ],
)
@pytest.mark.slow
def test_alternating_directions_find_the_optimum(loss, method, form, norm):
    problem = make_problem(loss, d=4)
    objective = problem.objective(norm + tight(form, 3e3))
    chosen = choose_method(objective)
    by_rows = loss == "logistic" and norm in NORMS[:3]
    assert by_rows or chosen.name == method
    first = "backtracking" if loss == "poisson" else "apg"
    result = minimise(objective, tol=1e-6, max_iter=5000)
    other = problem.objective(norm + tight(form, 3e3))
    rough = minimise(other, tol=1e-3, max_iter=300, solver=first)
    assert result.gap <= 1e-5
    assert result.objective <= rough.objective + 1e-9
    assert rough.objective - rough.gap <= result.objective + 1e-9


def test_loose_forms_leave_it_to_accelerated_steps():
    penalty = TraceNorm(0.03) + tight("mean", 1.0)
    objective = make_problem("squared", d=4).objective(penalty)
    assert choose_method(objective).name == "apg"


@pytest.mark.parametrize("graph", ["chain", "ring", "apart", "full"])
def test_systems_of_tasks_in_narrow_graphs(graph):
    rng, T, d = np.random.default_rng(0), 12, 3
    order = rng.permutation(T)
    A = np.zeros((T, T))
    ends = {"chain": order[1:], "ring": np.roll(order, -1), "apart": order[1:2]}
    other = ends.get(graph, order)
    A[order[: len(other)], other] = rng.random(len(other)) + 0.5
    if graph == "full":
        A = rng.random((T, T)) * (1 - np.eye(T))
    form = QuadraticForm(T, ridge=0.1, adjacency=sparse.csr_array(100 * (A + A.T)))
    scale = np.array([1.0, 1e-6, 1e6])
    blocks = [Block(A=scale * rng.standard_normal((5, d))) for _ in range(T)]
    C = scale[:, None] * rng.standard_normal((d, T))
    W = system_solver(blocks, form, d, most_dense=1000)(C)
    left = residual(blocks, form, C, W)
    assert np.all(np.abs(left) <= 1e-8 * scale[:, None])


@pytest.mark.slow
def test_features_far_from_zero_without_intercepts():
    """Where coordinate descent creeps steps of first order do so, too."""
    rng = np.random.default_rng(0)
    tasks, X = np.repeat(np.arange(4), 15), rng.normal(size=(60, 5))
    y = X[:, 0] + 0.3 * rng.normal(size=60)
    X += 4e3 * np.sign(rng.normal(size=5))
    chain = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    penalty = L1(1e-4) + GraphLaplacian(chain, 1.0)
    model = MultiTaskRegressor(penalty, fit_intercept=False, max_iter=1000)
    assert model.fit(X, y, tasks).converged_
