"""Certificates where the dual constraints cannot be met exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from helpers.problems import make_problem
from helpers.quick import first
from linmtl import (
    GraphRegularizedClassifier,
    IndependentClassifier,
    L21Classifier,
    MeanRegularizedClassifier,
    PooledClassifier,
)
from linmtl.penalties import GraphLaplacian, MeanRegularized
from linmtl.solvers import _objective
from linmtl.solvers._minimise import minimise

MODELS = [
    IndependentClassifier(alpha=0.0),
    PooledClassifier(alpha=0.0),
    L21Classifier(0.1, feature_weight=np.zeros(3)),
    MeanRegularizedClassifier(0.1, alpha_mean=0.0),
    GraphRegularizedClassifier(np.zeros((1, 1)), alpha_ridge=0.0),
]


def designs(x, rng):
    """The same covariate twice, a sum of others, all levels beside the intercept."""
    z = rng.normal(size=x.size)
    level = rng.integers(0, 3, size=x.size)
    yield "twice", np.column_stack([x, x, z])
    yield "sum", np.column_stack([x, z, x + z])
    yield "scales", np.column_stack([x, 10.0 * x, 0.1 * z])
    yield "levels", np.eye(3)[level] + 0.0 * x[:, None]


@pytest.mark.parametrize("tol", [1e-4, 1e-8])
@pytest.mark.parametrize("seed", first(range(4), 2))
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_collinear_features_that_nothing_penalises(model, seed, tol):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=24)
    y = np.where(x + 2 * rng.normal(size=24) > 0, 1, -1)
    for name, X in designs(x, rng):
        scale = np.abs(X).max(axis=0)
        A = np.column_stack([X / scale, np.ones(24)])

        def loss(p, A=A):
            return np.logaddexp(0, -y * (A @ p)).mean()

        best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-11}).fun
        model.set_params(tol=tol).fit(X, y, np.zeros(24))
        eta = X @ model.coef_[0] + model.intercept_[0]
        value = np.logaddexp(0, -y * eta).mean()
        assert value - best <= model.dual_gap_ + 1e-12, name
        assert model.converged_ == (model.dual_gap_ <= model.tol_), name


def test_a_graph_costs_differences_of_any_size():
    """What the tasks share is 1e9 times as large."""
    rng = np.random.default_rng(0)
    W = 1e6 + 1e-3 * rng.normal(size=(3, 4))
    adjacency = np.array([[0, 1, 0, 2], [1, 0, 3, 0], [0, 3, 0, 0], [2, 0, 0, 0.0]])
    form = GraphLaplacian(adjacency, alpha=0.5).quadratic(np.arange(4))
    differences = W[:, :, None] - W[:, None, :]
    exact = 0.25 * np.sum(np.triu(adjacency) * differences**2)
    assert form.value(W) == pytest.approx(exact, rel=1e-12)
    gradient = 0.5 * np.einsum("kl,jkl->jk", adjacency, differences)
    assert_allclose(form.gradient(W), gradient, rtol=1e-9)


def test_what_a_projection_leaves_costs_the_bound(monkeypatch):
    problem = make_problem(d=3)
    objective = problem.objective(MeanRegularized(0.1))
    W = minimise(objective, tol=1e-12, max_iter=100).W
    best = objective.value(W)
    monkeypatch.setattr(type(objective.fit), "project", lambda self, parts, G: None)
    monkeypatch.setattr(_objective, "_INFEASIBLE", 1.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        near = W + 0.01 * rng.normal(size=W.shape)
        assert objective.certificate(near).dual <= best * (1 + 1e-12)
