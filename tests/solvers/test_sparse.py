"""Sparse X: no solver makes it dense, and all agree with the dense one."""

from __future__ import annotations

import tracemalloc
from functools import cache

import numpy as np
import pytest
from scipy import sparse

from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    GroupL21,
    MeanRegularized,
    Ridge,
    TraceNorm,
)
from linmtl.solvers._conjugate_gradients import ConjugateGradients

T = 3
GRAPH = np.ones((T, T)) - np.eye(T)


@cache
def text(n, d, density):
    rng = np.random.default_rng(0)
    X = sparse.random_array((n, d), density=density, rng=rng, format="csr")
    W = np.zeros((d, T))
    W[np.argsort(-X.sum(axis=0))[:20]] = rng.normal(size=(20, T))
    return X, X @ W + 0.1 * rng.normal(size=(n, T))


def penalties(d):
    weight = np.r_[np.zeros(2), np.ones(d - 2)]
    return {
        "ridge": Ridge(1e-3),
        "mean": MeanRegularized(1e-3, alpha_mean=1e-4),
        "graph": GraphLaplacian(GRAPH, alpha=1e-3) + Ridge(1e-4),
        "l1": L1(2e-4),
        "l21": L21(3e-4),
        "weak": L21(1e-4),
        "elastic": L21(3e-4) + Ridge(1e-4),
        "free": L21(3e-4, feature_weight=weight),
        "groups": GroupL21(np.arange(d) // 4, 2e-4),
        "trace": TraceNorm(1e-3),
    }


def peak_over_size(model, X, y, tasks=None) -> float:
    """Return the peak memory of a fit over the size of X and W."""
    model.fit(X, y, tasks)  # what is compiled and imported does not count
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes + 8 * model.coef_.size
    tracemalloc.start()
    model.fit(X, y, tasks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / size


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["shared", "long"])
@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("name", penalties(4))
def test_memory_is_that_of_X_and_W(name, classify, layout):
    model = MultiTaskClassifier if classify else MultiTaskRegressor
    X, Y = text(8000, 20_000, 0.002)
    if classify:
        Y = (np.median(Y, axis=0) < Y).astype(int)
    rows: tuple = (Y,) if layout == "shared" else (Y[:, 0], np.arange(len(Y)) % T)
    fitted = model(penalties(X.shape[1])[name], max_iter=500, tol=1e-2)
    assert peak_over_size(fitted, X, *rows) <= 3.0


@pytest.mark.slow
@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("name", ["mean", "l21", "trace"])
def test_copies_of_W_are_few(name, classify):
    """Where W is nearly as large as X, whose rows are sorted by task."""
    model = MultiTaskClassifier if classify else MultiTaskRegressor
    X, Y = text(8000, 20_000, 0.002)
    y = (np.median(Y[:, 0]) < Y[:, 0]).astype(int) if classify else Y[:, 0]
    tasks = np.arange(len(y)) * 15 // len(y)
    fitted = model(penalties(X.shape[1])[name], max_iter=500, tol=1e-2)
    assert peak_over_size(fitted, X, y, tasks) <= 3.3


@pytest.mark.product(
    loss=("squared", "logistic", "huber", "poisson"),
    name=("ridge", "mean", "graph"),
    intercept=(False, True),
    layout=("wide", "missing", "long"),
    slow=lambda loss, name, intercept, layout: loss == "huber" and name != "ridge",
)
def test_conjugate_gradients_find_the_optimum(loss, name, intercept, layout):
    rng = np.random.default_rng(1)
    X, Y = text(60, 80, 0.2)
    if loss == "logistic":
        Y = (np.median(Y, axis=0) < Y).astype(float)
    elif loss == "poisson":
        Y = np.round(np.exp(Y))
    arguments: dict = {"y": Y}
    if layout == "missing":
        Y = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
        arguments = {"y": Y}
    elif layout == "long":
        arguments = {"y": Y[:, 0], "tasks": np.arange(len(Y)) % T}
    options = {"fit_intercept": intercept, "tol": 1e-9}
    penalty = penalties(80)[name]
    if loss == "logistic":
        make = MultiTaskClassifier
    else:
        make, options["loss"] = MultiTaskRegressor, loss
    found = make(penalty, solver=ConjugateGradients, **options).fit(X, **arguments)
    exact = make(penalty, **options).fit(X.toarray(), **arguments)
    assert found.converged_
    assert abs(found.objective_ - exact.objective_) <= found.tol_ + exact.tol_


@pytest.mark.parametrize("features", [None, np.array([3, 1, 7])])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_hessians_are_those_of_the_dense_design(features, centre, shared):
    rng = np.random.default_rng(2)
    X = sparse.random_array((30, 9), density=0.3, rng=rng, format="csr")
    ptr = np.array([0, 10, 22, 30])
    weight = rng.random(90 if shared else 30)
    both = [
        SharedDesign(A, 3) if shared else StackedDesign(A, ptr)
        for A in (X, X.toarray())
    ]
    H = [design.hessians(weight, centre, features) for design in both]
    np.testing.assert_allclose(*H, atol=1e-12)


def test_conjugate_gradients_give_way_where_the_loss_is_flat():
    """Far from their targets quantiles have no curvature, and the mean no penalty."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(30, 3)), np.repeat([0, 1], 15)
    model = MultiTaskRegressor(
        MeanRegularized(0.1),
        loss="quantile",
        fit_intercept=False,
        solver="cg",
        max_iter=5000,
    ).fit(X, 100.0 + X.sum(axis=1), tasks)
    assert model.converged_
